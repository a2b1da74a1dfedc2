"""A smooth program -> two others made from it: in better units, and the one that minimises the violation."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from declarative.backends.kkt.linear.scaling import equilibrate
from declarative.backends.kkt.methods.nlp import inside
from declarative.backends.kkt.program.certify import Primal
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.items import Items
from declarative.backends.kkt.program.program import SmoothProgram, Theta, no_rows
from declarative.backends.kkt.program.structures import ScaledStructure, ViolationStructure

LEAST, MOST = 1e-2, 1e2  # sizes between these are left as they are
FLAT = 1e-4  # a row that changes by less of its value has no slope


@dataclass(frozen=True)
class Factors(Items):
    """What multiplies the objective (B, 1), the equalities (B, p), the inequalities (B, q), and x (B, n)."""

    f: Tensor
    c: Tensor
    g: Tensor
    x: Tensor


def factors(program: SmoothProgram, theta: Theta, x0: Tensor) -> Factors:
    """Units in which the derivatives at x0 (B, n), moved within its bounds, have a size between LEAST and MOST.

    Variables are only made smaller: a large derivative shows that x moves little, a small one may be an accident.
    """
    return Factors(*Derivatives(program, theta).run(factors_at_once, x0))


def factors_at_once(d: Derivatives, x0: Tensor) -> tuple[Tensor, ...]:
    """The four factors."""
    program, x = d.program, inside(x0, *d.bounds(x0))
    zero = x.new_zeros(len(x), program.p), x.new_zeros(len(x), program.q)
    _, slope, c, g, H, *rows = d.local(x, *zero)
    Jc, Jg = (steep(J, values, x) for J, values in zip(rows, (c, g), strict=True))
    D = equilibrate(H.nan_to_num(0, 0, 0), torch.cat([Jc, Jg], 1).nan_to_num(0, 0, 0))[0]
    D = torch.where((D > 0) & D.isfinite(), D / D.clamp(min=LEAST), 1)
    H = (D[:, :, None] * H * D[:, None]).abs().flatten(1)
    steepest = torch.cat([(D * slope).abs(), H], -1).amax(-1, keepdim=True) if program.n else D.sum(-1, keepdim=True)
    c, g = ((J * D[:, None]).abs().amax(-1) if J.numel() else J.sum(-1) for J in (Jc, Jg))
    return moderate(steepest), moderate(c), moderate(g), D


def steep(J: Tensor, values: Tensor, x: Tensor) -> Tensor:
    """The slopes (B, r, n) of rows at x (B, n); 0 where a step as long as x would hardly change the values (B, r).

    A row may begin at its least or greatest value, where its slope is rounding error and tells no size.
    """
    if not J.numel():
        return J
    reach = J.abs().amax(-1) * x.abs().amax(-1, keepdim=True).clamp(min=1)
    return J * (reach > FLAT * values.abs())[:, :, None]  # where entries are 0 everywhere, a product costs nothing


def moderate(size: Tensor) -> Tensor:
    """The factor that brings a size to the nearest of LEAST and MOST; 1 where it is 0 or not finite."""
    usable = (size > 0) & size.isfinite()
    size = torch.where(usable, size, 1)
    return size.clamp(LEAST, MOST) / size


def scaled(program: SmoothProgram) -> SmoothProgram:
    """The program in other units of x and of its values; its parameters end in the four factors."""
    residuals = program.residuals
    return replace(
        program,
        objective=lambda x, t: t[-4][:, 0] * program.objective(t[-1] * x, t[:-4]),
        equalities=lambda x, t: t[-3] * program.equalities(t[-1] * x, t[:-4]),
        inequalities=lambda x, t: t[-2] * program.inequalities(t[-1] * x, t[:-4]),
        bounds=lambda t: tuple(side / t[-1] for side in program.bounds(t[:-4])),
        residuals=residuals and (lambda x, t: t[-4].sqrt() * residuals(t[-1] * x, t[:-4])),
        structure=program.structure and ScaledStructure(program.structure),
        listed=program.listed and program.listed.of(scaled),
    )


def gauss_newton(program: SmoothProgram) -> SmoothProgram:
    """The program with the Hessian of its linearised residuals."""
    return replace(program, linearised=True, listed=program.listed and program.listed.of(gauss_newton))


def unscaled(at: Primal, by: Factors) -> Primal:
    """A point of the scaled program as one of the program itself."""
    return Primal(
        by.x * at.x, at.y * by.c / by.f, at.z * by.g / by.f, *(z / (by.f * by.x) for z in (at.z_lower, at.z_upper))
    )


def feasibility(program: SmoothProgram, linearised: bool = False) -> SmoothProgram:
    """`least_violation`, for numbers where the program is for numbers."""
    change = least_linearised_violation if linearised else least_violation
    return change(program) if program.listed is None else program.listed.numeric(change)


def least_linearised_violation(program: SmoothProgram) -> SmoothProgram:
    """`least_violation` with the Hessian of linearised rows."""
    return least_violation(program, linearised=True)


def least_violation(program: SmoothProgram, linearised: bool = False) -> SmoothProgram:
    """min |c|^2/2 + |t|^2/2 over (x, t) with g - t <= 0 and x in its bounds; it has no rows that can contradict.

    `linearised`, where the derivatives are known: with the Hessian of linearised rows.

    Its objective is defined where that of `program` is not, so an open domain counts as closed: the least violation of
    `sum(p) <= -1` under `log(p)` is at p = 0.
    """
    n, q = program.n, program.q

    def objective(xt: Tensor, theta: Theta) -> Tensor:
        c = program.equalities(xt[:, :n], theta).expand(len(xt), program.p)
        return ((c**2).sum(-1) + (xt[:, n:] ** 2).sum(-1)) / 2

    def bounds(theta: Theta) -> tuple[Tensor, Tensor]:
        lower, upper = program.bounds(theta)
        infinite = lower.new_full((1, q), torch.inf)
        return (
            torch.cat([lower, -infinite.expand(len(lower), q)], -1),
            torch.cat([upper, infinite.expand(len(upper), q)], -1),
        )

    return SmoothProgram(
        n=n + q,
        p=0,
        q=q,
        objective=objective,
        equalities=no_rows,
        inequalities=lambda xt, theta: program.inequalities(xt[:, :n], theta) - xt[:, n:],
        bounds=bounds,
        open_domain=program.open_domain.new_zeros(2, n + q),
        vanishing=True,
        structure=program.structure and ViolationStructure(program, program.structure, linearised),
    )
