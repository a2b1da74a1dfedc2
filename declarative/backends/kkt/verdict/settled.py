"""A certified point with epigraph variables that nothing holds -> is it stationary where they have their values?

Of |x| |x - 1|, written as t s, s may be anything above |x - 1| where t is 0, and the slope in t is s: with s large,
x = 0 is stationary whatever else moves x. And of |x| sqrt(|2x|), written as t sqrt(s), the slope in s is t/(2 sqrt(s)),
which rounding errors make anything where both are 0. So the variables are given their values, a rounding error above 0
at least; where that makes other slopes, nonnegative multipliers of the rows that hold there have to exist for those too
(least squares).
"""

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor

from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import take
from declarative.backends.kkt.verdict.polish import Polished
from declarative.backends.kkt.verdict.unsteady import terms

LAST = 1e-16  # beside the size of x: a rounding error
HOLDS = 1e-9  # a row whose distance from its bound is less, beside the size of x
WITHIN = 1e-6  # of the terms of a row of the stationarity condition


def unfounded(d: Derivatives, found: Polished, usable: Tensor) -> Tensor:
    """(B,): of the `usable` items (bool, B), those without multipliers where hidden entries have their values."""
    program, x, none = d.program, found.at.x, torch.zeros_like(usable)
    if program.settled is None or program.hidden is None or not usable.any():
        return none
    size = x.abs().amax(-1, keepdim=True).clamp(min=1)
    there = program.settled(x, d.theta)
    there = torch.where(program.hidden & (there.abs() <= LAST * size), LAST * size, there)
    slope, before = d.gradient(there), found.local.gradient
    items = (usable & slope.isfinite().all(-1) & differs(slope, before).any(-1)).nonzero()[:, 0]
    if len(items) == 0:
        return none
    before, _ = terms(d, found.at, found.local)
    for k in items.tolist():
        here = Derivatives(program, take(d.theta, items.new_tensor([k])))
        none[k] = not has_multipliers(slope[k], rows_at(here, there[k : k + 1], float(HOLDS * size[k])), before[k])
    return none


def differs(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).abs() > WITHIN * torch.maximum(a.abs(), b.abs())


def rows_at(d: Derivatives, x: Tensor, room: float) -> Tensor:
    """(m, n): the gradients of what holds at x (1, n), each of which may push with a nonnegative multiplier."""
    eye, (lower, upper) = torch.eye(x.shape[1], dtype=x.dtype, device=x.device), d.bounds(x)
    of_c, of_g = d.jacobian_c(x)[0], d.jacobian_g(x)[0][d.g(x)[0] >= -room]
    return torch.cat([of_c, -of_c, of_g, -eye[(x - lower)[0] <= room], eye[(upper - x)[0] <= room]])


def has_multipliers(slope: Tensor, rows: Tensor, terms: Tensor) -> bool:
    """Is slope + rows' w = 0 for some w >= 0, but for rounding errors of its terms, here and where the point was?"""
    b, A, before = slope.cpu().numpy(), rows.cpu().numpy().T, terms.cpu().numpy()
    w = nnls(A, -b)[0] if A.size else np.zeros(A.shape[1])
    return bool((np.abs(b + A @ w) <= WITHIN * (np.abs(b) + np.abs(A) @ w + before)).all())
