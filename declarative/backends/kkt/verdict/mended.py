"""A certified point -> would a small move of x mend what its stationarity rows lack?

A certificate measures their residuals beside H x, as if x were off by the tolerance. That is no measure where no move
so small mends the rows: far away where H is singular (log(exp(x) + exp(y)) at -1e10 has a slope of 1/2 along x = y, and
no curvature), any slope is small beside H x. Nor where that move still changes f: at 1e9 along a, exp(b'x) may be 1e19
and its slope small beside H x, which one step divides by e.
"""

import torch
from torch import Tensor

from declarative.backends.kkt.linear.system import Right
from declarative.backends.kkt.program.certify import (
    ROUNDING,
    Local,
    Primal,
    beside,
    block_size,
    rounding,
    stationarity_residual,
    stationarity_terms,
    units,
    worst,
)
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import take
from declarative.backends.kkt.verdict.falls import SEVERAL, tremor
from declarative.backends.kkt.verdict.here import at_point
from declarative.backends.kkt.verdict.polish import EXACT, Polished

OWN = 1e-6  # of the terms that are no multiples of x
FALL, LAST = 1e-3, 1e-9  # of what f falls from the start, and of f itself
PART = 0.7  # of a residual, what a step to a solution leaves at most: 1/e where flat, 1/sqrt(3) at an infinite slope
SMALL = 1e-3  # of x, or of the way to it: the tolerance, with what flat minima need


def mended(d: Derivatives, found: Polished, start: Tensor | None = None) -> Tensor:
    """(B,): the rows hold but for rounding, or would after a Newton step that is small beside x or beside the way from
    the start (B, n).
    """
    local, at, holds = found.local, found.at, found.shares.error <= EXACT
    if holds.all():
        return holds
    r, T, X = at_point(d, terms, at, local, *([] if start is None else [start]))
    holds |= worst(beside(r, T).abs()) <= OWN
    items = (~holds).nonzero()[:, 0]
    if len(items) == 0:
        return holds
    r, T, X = r[items], T[items], X[items]
    system = found.system.take(items)
    step = system.solve(Right(-r, torch.zeros_like(system.rows, dtype=r.dtype), torch.zeros_like(r)))
    left = r + system.multiply(step).x
    if start is not None:
        X = torch.maximum(X, block_size(at.x - start, d.program.blocks)[items])
    here, point = Derivatives(d.program, take(d.theta, items)), at.take(items)
    small = (worst(beside(step.x, X).abs()) <= SMALL) & (worst(beside(left, T).abs()) <= OWN)
    there, before = (worst(beside(part, T).abs()) for part in (after(here, point, step), r))
    noise = tremor(lambda x: here.lagrangian_gradient(x, point.y, point.z), point.x)  # rounding errors of the slopes
    least = torch.clamp(SEVERAL * worst(beside(noise, T)), min=OWN)
    small &= ~(there > torch.maximum(PART * before, least))  # outside of a domain nothing is told
    if start is not None:
        small &= ~_falls(here, point.x, step.x, start[items])
    return holds.index_put((items,), small)


def after(d: Derivatives, at: Primal, step: Right) -> Tensor:
    """(B, n): the residuals of the stationarity rows where a step leads."""
    p, bounds = at.y.shape[1], at.z_upper - at.z_lower + step.bounds
    return d.lagrangian_gradient(at.x + step.x, at.y + step.rows[:, :p], at.z + step.rows[:, p:]) + bounds


def _falls(d: Derivatives, x: Tensor, step: Tensor, start: Tensor) -> Tensor:
    """(B,): does f fall on the step by what counts beside its fall from the start?"""
    here, there = d.f(x), d.f(x + step)
    return here - there > FALL * (d.f(start) - there).abs() + LAST * here.abs()


def terms(d: Derivatives, at: Primal, local: Local, *start: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The residuals of the stationarity rows at a point with its model, the terms that are no multiples of x, and the
    size of x, all (B, n); where there is a `start` (B, n), measured by the way from it.
    """
    D, X = units(local, at), block_size(at.x, d.program.blocks)
    T = stationarity_terms(local, at, rounding(local, at, D, *start), D, ROUNDING)
    T = torch.where(X > 0, torch.maximum(T, worst(X * T)[:, None] / X), T)  # what f does not tell over the size of x
    return stationarity_residual(local, at), T, X
