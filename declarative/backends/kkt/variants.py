"""A smooth program -> two others made from it: in better units, and the one that minimises the violation."""

from dataclasses import replace

import torch
from torch import Tensor

from declarative.backends.kkt.certify import Primal
from declarative.backends.kkt.derivatives import Derivatives
from declarative.backends.kkt.program import SmoothProgram, Theta, no_rows

LEAST, MOST = 1e-2, 1e2  # gradients of this size are left as they are
Factors = tuple[Tensor, Tensor, Tensor]  # of the objective (B, 1), the equalities (B, p), the inequalities (B, q)


def factors(program: SmoothProgram, theta: Theta, x: Tensor) -> Factors:
    """What brings the derivatives at x (B, n) to a size between LEAST and MOST."""
    d = Derivatives(program, theta)
    zero = x.new_zeros(len(x), program.p), x.new_zeros(len(x), program.q)
    H = d.lagrangian_hessian(x, *zero).abs().flatten(1)
    slope = torch.cat([d.gradient(x).abs(), H], -1).amax(-1, keepdim=True)
    rows = (J.abs().amax(-1) if J.shape[1] else J[:, :, 0] for J in (d.jacobian_c(x), d.jacobian_g(x)))
    f, c, g = (moderate(size) for size in (slope, *rows))
    return f, c, g


def moderate(size: Tensor) -> Tensor:
    """The factor that brings a size to the nearest of LEAST and MOST; 1 where it is 0 or not finite."""
    usable = (size > 0) & size.isfinite()
    size = torch.where(usable, size, 1)
    return size.clamp(LEAST, MOST) / size


def scaled(program: SmoothProgram) -> SmoothProgram:
    """The program whose parameters end in three more, the factors, and whose functions are multiplied by them."""
    return replace(
        program,
        objective=lambda x, t: t[-3][:, 0] * program.objective(x, t[:-3]),
        equalities=lambda x, t: t[-2] * program.equalities(x, t[:-3]),
        inequalities=lambda x, t: t[-1] * program.inequalities(x, t[:-3]),
        bounds=lambda t: program.bounds(t[:-3]),
    )


def unscaled(at: Primal, by: Factors) -> Primal:
    """A point of the scaled program, with the multipliers of the program itself."""
    f, c, g = by
    return Primal(at.x, at.y * c / f, at.z * g / f, at.z_lower / f, at.z_upper / f)


def least_violation(program: SmoothProgram) -> SmoothProgram:
    """min |c|^2/2 + |t|^2/2 over (x, t) with g - t <= 0 and x in its bounds; it has no rows that can contradict."""
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

    walls = program.open_domain.new_zeros(2, q)
    return SmoothProgram(
        n=n + q,
        p=0,
        q=q,
        objective=objective,
        equalities=no_rows,
        inequalities=lambda xt, theta: program.inequalities(xt[:, :n], theta) - xt[:, n:],
        bounds=bounds,
        open_domain=torch.cat([program.open_domain, walls], -1),
    )
