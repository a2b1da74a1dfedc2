"""A point -> how well it satisfies the optimality conditions, in the user's units, whatever solver it came from.

Every residual is measured beside the terms that are summed in its row: an entry of a Jacobian or Hessian times an entry
of x, a multiplier times its row's entries, a constant. No `1 + |b|`, which would hide a badly scaled row, and no entry
of x that the row does not read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from declarative.backends.kkt.compiled.pattern import Pattern
from declarative.backends.kkt.linear.scaling import equilibrate, times
from declarative.backends.kkt.program.items import Items

ROUNDING = 1e-8  # of an item's largest term, in equilibrated units: what is smaller is not told from rounding error
VANISHED = 1e-2  # curvature below this part of that at NEAR of the way back to the start vanishes at the solution
NEAR = 1e-3
STEEPER = 10.0  # times the curvature on the way
CANCELLED = 1e-12  # a constant below this, relative to the row's terms, is what rounding leaves of 0
UNTOLD = 1e-8  # of what ROUNDING of x makes: what is left of a row that is 0 at x = 0


class Model(Protocol):
    """Values and derivatives at a point: `Derivatives` by torch.func, `Quadratic` from its data."""

    def pattern(self, x: Tensor) -> Pattern | None: ...
    def f(self, x: Tensor) -> Tensor: ...
    def c(self, x: Tensor) -> Tensor: ...
    def g(self, x: Tensor) -> Tensor: ...
    def at_zero(self, x: Tensor) -> tuple[Tensor, Tensor]: ...
    def rounding(self, x: Tensor, y: Tensor, z: Tensor, values: tuple[Tensor, ...]) -> Sequence[Tensor]: ...
    def bounds(self, x: Tensor) -> tuple[Tensor, Tensor]: ...
    def gradient(self, x: Tensor) -> Tensor: ...
    def jacobian_c(self, x: Tensor) -> Tensor: ...
    def jacobian_g(self, x: Tensor) -> Tensor: ...
    def lagrangian_gradient(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor: ...
    def lagrangian_hessian(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor: ...
    def local(self, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, ...]: ...


@dataclass(frozen=True)
class Primal(Items):
    """A point with its multipliers: x (B, n), y (B, p), z (B, q), z_lower and z_upper (B, n)."""

    x: Tensor
    y: Tensor
    z: Tensor
    z_lower: Tensor
    z_upper: Tensor


@dataclass(frozen=True)
class Local(Items):
    """A model evaluated at a point, once: what the certificate, the active set and the polishing step all need; and its
    rows at x = 0, (B, p) and (B, q); and bounds on what rounding makes of them and of the Lagrangian's gradient (B, n).
    """

    f: Tensor
    gradient: Tensor
    c: Tensor
    g: Tensor
    lower: Tensor
    upper: Tensor
    H: Tensor
    Jc: Tensor
    Jg: Tensor
    c_at_zero: Tensor
    g_at_zero: Tensor
    c_rounding: Tensor
    g_rounding: Tensor
    slope_rounding: Tensor

    @staticmethod
    def first(parts: Sequence[Tensor]) -> "tuple[Local, Sequence[Tensor]]":
        """The one whose tensors come first, and the other tensors."""
        count = len(Local.__match_args__)
        return Local(*parts[:count]), parts[count:]

    def terms_of_c(self, x: Tensor, X: Tensor, noise: Tensor) -> Tensor:
        """`row_terms` of the equations, (B, p)."""
        return row_terms(self.Jc, self.c, x, X, noise, self.c_at_zero, self.c_rounding)

    def terms_of_g(self, x: Tensor, X: Tensor, noise: Tensor) -> Tensor:
        """`row_terms` of the inequalities, (B, q)."""
        return row_terms(self.Jg, self.g, x, X, noise, self.g_at_zero, self.g_rounding)


@dataclass(frozen=True)
class Shares(Items):
    """Residuals of each row relative to its terms, and the share of each inequality's slack and multiplier.

    `slack` and `force` are (B, q + 2n), in the order g, lower, upper: the slack beside its row's terms, the multiplier
    beside the terms of the stationarity rows that it enters. `primal`, `dual`, `gap` (B,) are the worst of each kind.
    """

    primal: Tensor
    dual: Tensor
    gap: Tensor
    slack: Tensor
    force: Tensor

    @cached_property
    def error(self) -> Tensor:
        """The worst of all, (B,); infinite where something is not a number."""
        return torch.stack([self.primal, self.dual, self.gap]).nan_to_num(nan=torch.inf).amax(0)


@dataclass(frozen=True)
class Way(Items):
    """Where a method began, and of the Hessian a little way back from where it came to, the units D that equilibrate it
    and the largest entries of the rows of H and of H D, all (B, n).
    """

    start: Tensor
    D: Tensor
    curvature: Tensor
    curvature_in_units: Tensor


@dataclass(frozen=True)
class Appraisal:
    """A model evaluated at a point, the units D (B, n) there, the certificate's numbers, and the way to the point."""

    local: Local
    D: Tensor
    shares: Shares
    way: Way | None

    def parts(self) -> list[Tensor]:
        """The tensors."""
        return [*self.local.parts(), self.D, *self.shares.parts(), *(self.way.parts() if self.way else [])]

    @staticmethod
    def of(parts: Sequence[Tensor]) -> "Appraisal":
        """The same, from its tensors."""
        (local, rest), size = Local.first(parts), len(Shares.__match_args__)
        D, shares, way = rest[0], Shares(*rest[1 : 1 + size]), rest[1 + size :]
        return Appraisal(local, D, shares, Way(*way) if way else None)


def way_to(model: Model, at: Primal, start: Tensor) -> Way:
    """The way from a start (B, n) to a point."""
    back = at.x + NEAR * (start - at.x)
    H = model.lagrangian_hessian(back, at.y, at.z).abs()
    D = equilibrate(H, H[:, :0])[0]
    return Way(start, D, worst(H), worst(H * D[:, None]))


def vanished(local: Local, way: Way) -> Tensor:
    """(B, n): rows of the Hessian that vanish at the point, as that of x^4 at 0; in the units of x and of the way."""
    H = local.H.abs()
    return nothing(worst(H), way.curvature) & nothing(worst(H * way.D[:, None]), way.curvature_in_units)


def nothing(here: Tensor, back: Tensor) -> Tensor:
    """(B, n): of the curvature on the way, nothing is left."""
    back = back.nan_to_num(nan=0, posinf=0)
    return (back > 0) & (here <= VANISHED * back)


def evenly_curved(local: Local, way: Way) -> Tensor:
    """(B,): the Hessian is about what it was on the way: not much larger, as that of log(x) near 0, nor vanished."""
    here, back = way.D * worst(local.H.abs() * way.D[:, None]), way.D * way.curvature_in_units
    steep = here > STEEPER * torch.maximum(back, ROUNDING * worst(back)[:, None])
    return ~(steep | vanished(local, way)).any(-1)


def lost_scale(local: Local, way: Way) -> Tensor:
    """(B, n): rows that vanish, and those that such an entry moves: of x^4 + x^2 y + y^2, y is -x^2/2 on the way."""
    gone = vanished(local, way)
    return gone | (worst(torch.where(gone[:, None], local.H, 0).abs()) > 0)


def appraise(model: Model, at: Primal, blocks: Tensor | None, began: Tensor | None) -> "Appraisal":
    """All that is asked at a point that a method has reached; `began` (B, n): from where, if it has a way behind it."""
    local, way = evaluate(model, at), None if began is None else way_to(model, at, began)
    D = units(local, at)
    return Appraisal(local, D, measure(local, at, blocks, D, way), way)


def evaluate(model: Model, at: Primal) -> Local:
    """All that is known of the model at a point."""
    values = f, gradient, c, g, H, Jc, Jg = model.local(at.x, at.y, at.z)
    rounding = model.rounding(at.x, at.y, at.z, values)
    return Local(f, gradient, c, g, *model.bounds(at.x), H, Jc, Jg, *model.at_zero(at.x), *rounding)


def units(local: Local, at: Primal) -> Tensor:
    """D (B, n): a size for each entry of x in which the system at a point is equilibrated.

    An inequality without a multiplier is no part of it: however steep, it moves nothing.
    """
    return equilibrate(local.H, torch.cat([local.Jc, torch.where((at.z != 0)[:, :, None], local.Jg, 0)], 1))[0]


def measure(local: Local, at: Primal, blocks: Tensor | None, D: Tensor, way: Way | None = None) -> Shares:
    """The certificate's numbers, with D from `units`; an answer is right where `error` is at most the tolerance.

    Where a row of the Hessian vanishes at the solution, all its terms may (x^4 at 0), and those of what moves with it:
    there x is measured from where the method began, as (x - a)^4 is from 0, so that the Newton step is small beside the
    way. Where curvature stays what it was, a rounding error of the way is one of x.
    """
    noise = rounding(local, at, D)
    if way is not None:
        noise = torch.where(evenly_curved(local, way)[:, None], rounding(local, at, D, way.start), noise)
    X, T = block_size(at.x, blocks), stationarity_terms(local, at, noise, D)
    if way is not None:
        moved = worst(local.H.abs() * block_size(at.x - way.start, blocks)[:, None])
        T = torch.where(lost_scale(local, way), torch.maximum(T, moved), T)
    stationary = stationarity_residual(local, at)
    rows_g = local.terms_of_g(at.x, X, noise)
    low, high = at.x - local.lower, local.upper - at.x
    slack = torch.cat([
        beside(-local.g, rows_g), beside(low, bound_terms(local.lower, X, noise)),
        beside(high, bound_terms(local.upper, X, noise)),
    ], -1)  # fmt: skip
    force_g = worst(beside(local.Jg * at.z[:, :, None], T[:, None]).abs()) * at.z.sign()
    force = torch.cat([force_g, beside(at.z_lower, T), beside(at.z_upper, T)], -1)
    primal = violation(local, at.x, noise)
    dual = torch.maximum(worst(beside(stationary, T).abs()), worst(-force))
    return Shares(primal, dual, worst(torch.minimum(slack, force)), slack, force)


def violation(local: Local, x: Tensor, noise: Tensor) -> Tensor:
    """(B,): the worst violation of a row beside its own terms, in which entries that are small count as what they are.

    How far a row is from holding is for the whole block to say; whether it holds, for the entries that it reads.
    """
    own = x.abs()
    c = beside(local.c, local.terms_of_c(x, own, noise)).abs()
    g = beside(local.g.clamp(min=0), local.terms_of_g(x, own, noise))
    low = beside((local.lower - x).clamp(min=0), bound_terms(local.lower, own, noise))
    high = beside((x - local.upper).clamp(min=0), bound_terms(local.upper, own, noise))
    return worst(torch.cat([c, g, low, high], -1))


def stationarity_residual(local: Local, at: Primal) -> Tensor:
    """grad_x L, (B, n), with the multipliers of the bounds."""
    return local.gradient + times(local.Jc.mT, at.y) + times(local.Jg.mT, at.z) - at.z_lower + at.z_upper


def stationarity_terms(local: Local, at: Primal, noise: Tensor, D: Tensor, share: float = 1) -> Tensor:
    """(B, n): the largest term summed in each row of grad_x L; D (B, n) equilibrates the system.

    Of Hx, and of what the gradient is beside it, only a `share` counts.
    """
    Hx = worst(local.H.abs() * torch.maximum(share * at.x.abs(), noise)[:, None])
    constant = share * (local.gradient - times(local.H, at.x)).abs()
    forces = torch.cat([local.Jc * at.y[:, :, None], local.Jg * at.z[:, :, None]], 1).abs()
    parts = [Hx, constant, local.gradient.abs(), at.z_lower.abs(), at.z_upper.abs(), local.slope_rounding / ROUNDING]
    T = torch.cat([torch.stack(parts, 1), forces], 1).amax(1)
    return torch.maximum(T, ROUNDING * worst(D * T)[:, None] / D)


def rounding(local: Local, at: Primal, D: Tensor, start: Tensor | None = None) -> Tensor:
    """(B, n): a change of x that is not told from rounding error.

    Where H determines x, in equilibrated units x is as large as the gradient's terms, or smaller by cancellation, and
    f does not tell changes much smaller than its root. Where a method came to x from a start (B, n), x is a sum of
    steps, not told from what is nothing beside them: at a minimum at 0, all other terms vanish.
    """
    size = at.x.abs() if start is None else torch.maximum(at.x.abs(), (at.x - start).abs())
    pull = torch.maximum(D * local.gradient.abs(), local.f.abs().sqrt()[:, None])
    pull = torch.where(local.H.flatten(1).any(-1)[:, None], pull, 0)
    return ROUNDING * D * worst(torch.maximum(size / D, pull))[:, None]


def block_size(x: Tensor, blocks: Tensor | None) -> Tensor:
    """(B, n): the largest absolute entry of each entry's block; all of x is one block by default."""
    if blocks is None or x.shape[-1] == 0:
        return x.abs().amax(-1, keepdim=True).expand(x.shape) if x.shape[-1] else x
    of = blocks.expand(x.shape)
    most = torch.zeros_like(x).scatter_reduce(1, of, x.abs(), "amax")
    return most.gather(1, of)


def row_terms(
    J: Tensor,
    value: Tensor,
    x: Tensor,
    X: Tensor,
    noise: Tensor,
    at_zero: Tensor | None = None,
    rounding: Tensor | None = None,
) -> Tensor:
    """(B, m): the largest term of each row: an entry of its gradient times its variable's size, or the constant.

    Rounding error in x is a term only of rows without a constant of their own, which have no other measure. What the
    linear part leaves of v sin(t) near 0 is no constant, though it is as large as t: the row is 0 `at_zero` (B, m).
    Of terms that cancel inside a row, which neither shows, only their `rounding` (B, m) is left.
    """
    constant = (value - times(J, x)).abs()
    if not J.shape[-1]:
        return constant
    terms = torch.maximum((J.abs() * X[:, None]).amax(-1), constant)
    if rounding is not None:
        terms = torch.maximum(terms, rounding / ROUNDING)
    untold = (J.abs() * noise[:, None]).amax(-1)
    homogeneous = constant <= CANCELLED * (J.abs() * x.abs()[:, None]).amax(-1)
    if at_zero is not None:
        homogeneous = homogeneous | ((at_zero == 0) & (constant <= UNTOLD * untold))
    return torch.where(homogeneous, torch.maximum(terms, untold), terms)


def bound_terms(bound: Tensor, X: Tensor, noise: Tensor) -> Tensor:
    """(B, n): the largest term of each bound, by the same rule."""
    constant = finite(bound).abs()
    return torch.where(constant > 0, torch.maximum(X, constant), torch.maximum(X, noise))


def beside(value: Tensor, terms: Tensor) -> Tensor:
    """value / terms, with 0/0 = 0, and an infinite slack infinite."""
    return torch.where(value == 0, 0, torch.where(value.isinf(), value, value / terms))


def finite(value: Tensor) -> Tensor:
    """Infinities replaced by 0."""
    return torch.where(value.isinf(), 0, value)


def worst(values: Tensor) -> Tensor:
    """The largest of the last axis, at least 0."""
    return values.amax(-1).clamp(min=0) if values.shape[-1] else values.new_zeros(values.shape[:-1])
