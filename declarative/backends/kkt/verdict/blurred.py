"""Solutions of a quadratic program whose objective is a sum of squares |Qx - h|^2 -> are rounding errors their measure?

The method sees P = Q'Q, in which Q's curvatures below 1e-8 of the largest are rounding errors. Where directions seem
flat, Q itself is asked, by the squared parts at two points. Where P is curved, but so little that its rounding errors
move x, inverse iteration with the factors at hand tells: for a right-hand side in the units of P, x is as large as one
over the least curvature, or less where the right-hand side has hardly a part along it.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.linear.system import Right, System
from declarative.backends.kkt.program.certify import worst
from declarative.backends.kkt.program.program import Result
from declarative.backends.status import Status

HIDDEN = 1e-10  # |Qw| beside its terms: less is 0, as far as the direction w is known
MOVES = 1e-6  # of a unit, in those in which P has the diagonal 1
BENT = 1e7  # one over the least curvature, in units in which P has the diagonal 1: methods lose its square
SURELY = 1e2  # of what a first step tells, a second one makes no more than this times as much

LOST = "curvature of the sum of squares is lost in rounding errors of its matrix; scale the rows alike, or say `cone`"


def blurred(result: Result, P: Tensor, squared: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """(B,): solutions that rounding errors of P (B or 1, n, n) may have moved by more than the tolerance.

    `squared` gives what is squared (K, m) at points x (K, n) of some items (long, K).
    """
    answered, system = result.status <= Status.INACCURATE, result.system
    if system is None or not answered.any():
        return torch.zeros_like(answered)
    root = P.diagonal(dim1=-2, dim2=-1).clamp(min=0).sqrt().expand(result.x.shape)
    found = answered & bent(system, root, result)
    items = (answered & ~found & result.nonunique).nonzero()[:, 0]
    return found.index_put((items,), hides(system, root[items], items, squared)) if len(items) else found


def bent(system: System, root: Tensor, result: Result) -> Tensor:
    """(B,): one over the least curvature along the active constraints is larger than `BENT`."""
    rows = torch.zeros_like(torch.cat([result.y, result.z], -1))

    def step(v: Tensor) -> Tensor:
        return root * system.solve(Right(root * v, rows, torch.zeros_like(v))).x

    first = step(wave(root))
    size = worst(first.abs())
    if not (size * SURELY > BENT).any():
        return size > BENT
    way = first / size.clamp(min=torch.finfo(size.dtype).tiny)[:, None]
    return torch.maximum(size, worst(step(way).abs())) > BENT


def hides(system: System, root: Tensor, items: Tensor, squared: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """(K,): some direction that is flat for P is none for what is squared."""
    way = times(system.flat(items), wave(root))
    here = squared(torch.zeros_like(way), items)
    terms = worst(root * way.abs())
    moves = terms > MOVES  # else only variables that nothing squares
    size = torch.where(moves, (1 + worst(here.abs())) / torch.where(moves, terms, 1), 0)
    change = worst((squared(size[:, None] * way, items) - here).abs())  # with terms no smaller than the constants
    return change > HIDDEN * size * terms


def wave(like: Tensor) -> Tensor:
    """Numbers of either sign about as large as one, always the same."""
    return torch.sin(1.0 + 2.0 * torch.arange(like.shape[1], dtype=like.dtype, device=like.device)).expand(like.shape)
