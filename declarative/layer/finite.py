"""A plan, run -> its outcome, in which no item whose objective is no finite number has an answer.

A solution may be right where a constant of the objective, or terms that would cancel, are too large for a number; its
value is then infinite or NaN, and so is the gradient of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from declarative.backends.outcome import Outcome, Plan
from declarative.backends.status import Status
from declarative.backends.unanswered import without_unanswered

TOLD = "the objective is no finite number at the solution: a term of it is too large"


def run_finite(plan: Plan, inputs: Mapping[str, Tensor], batch: int, start: Mapping[str, Tensor] | None) -> Outcome:
    """Such items are run again with the data of others, so that 0 times infinity spoils no gradient."""
    found = plan.run(inputs, batch, start)
    endless = (found.status <= Status.INACCURATE) & ~found.value.isfinite()
    if not bool(endless.any()):
        return found
    again = plan.run(without_unanswered(inputs, ~endless), batch, start)
    status = torch.where(endless, int(Status.FAILED), found.status).to(found.status.dtype)
    messages = found.messages | {int(k): TOLD for k in endless.nonzero()[:, 0]}
    numbers = {"variables": again.variables, "duals": again.duals, "value": again.value}
    return replace(found, status=status, messages=messages, **numbers)
