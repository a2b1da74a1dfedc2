"""A certified point with multipliers of least norm -> is it stationary beside the terms that these leave?

Where rows look in opposite directions, as the two inequalities that an equation may be written as, a method can raise
both multipliers together. Beside terms of 1e7 a slope of 1e-4 looks like a rounding error; the least multipliers, which
say the same of the point, show that it is what keeps it from being a minimum.
"""

from dataclasses import replace

import torch
from torch import Tensor

from declarative.backends.kkt.program.certify import (
    Local,
    Primal,
    beside,
    rounding,
    stationarity_residual,
    stationarity_terms,
    units,
    worst,
)
from declarative.backends.kkt.program.program import Result
from declarative.backends.kkt.verdict.answer import MESSAGES, USABLE, Reason
from declarative.backends.status import Status

SHRUNK = 1e-3  # what is left of the largest force, where multipliers have hidden something
LAST = 4e-15  # of the largest force: what rounding errors of the former multipliers leave in the least ones


def drowned(local: Local, at: Primal, former: Primal) -> Tensor:
    """(B,): the worst residual of stationarity beside its terms, at a point with multipliers of least norm, where they
    are far below the `former` ones, of entries where it is more than rounding errors of those.
    """
    D = units(local, at)
    left = stationarity_residual(local, at)
    terms = stationarity_terms(local, at, rounding(local, at, D), D)
    before = force(local, former, D)
    hides = (force(local, at, D) < SHRUNK * before)[:, None] & (D * left.abs() > LAST * before[:, None])
    return worst(torch.where(hides, beside(left, terms), 0).abs())


def force(local: Local, at: Primal, D: Tensor) -> Tensor:
    """(B,): the largest term of a multiplier in a stationarity row, in the units D (B, n)."""
    rows = torch.cat([local.Jc * at.y[:, :, None], local.Jg * at.z[:, :, None]], 1)
    return worst((D[:, None] * torch.cat([rows, at.z_lower[:, None], at.z_upper[:, None]], 1)).abs().flatten(1))


def surfaced(result: Result, items: Tensor, missed: Tensor, tolerance: float) -> Result:
    """The result, of whose `items` (long, K) those that are not stationary after all have failed, or are inaccurate."""
    found = (missed > tolerance) & (result.status[items] == Status.SOLVED)
    if not found.any():
        return result
    status = torch.where(missed > USABLE, int(Status.FAILED), int(Status.INACCURATE)).to(result.status.dtype)
    messages = {int(i): MESSAGES[Reason.STALLED] for i in items[found]}
    return replace(
        result,
        status=result.status.index_copy(0, items[found], status[found]),
        dual=result.dual.index_copy(0, items[found], missed[found].to(result.dual.dtype)),
        messages=result.messages | messages,
    )
