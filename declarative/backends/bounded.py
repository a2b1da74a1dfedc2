"""A backend for a problem whose objective has a bound that its sign tells -> no value beyond it, never `unbounded`.

Of |Qx - h|^2 a matrix Q'Q is what a backend sees, and a curvature of 1e-14 in that is none beside rounding errors. Not
for geometric programs, whose `unbounded` says that the objective falls towards 0 as variables do, or grow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from declarative.analysis.facts import facts_of
from declarative.backends.outcome import Backend, Outcome, Plan
from declarative.backends.status import Status
from declarative.ir.problem import Problem, Sense

TOLD = "the objective seemed to decrease without end, which its sign excludes: its curvature is lost in rounding errors"


def has_bound(problem: Problem) -> bool:
    """Is what is minimised never below zero, or what is maximised never above, by the rules of signs?"""
    body = problem.objective.body
    if body is None:
        return False
    sign = facts_of(body).sign
    return sign.nonpos if problem.objective.sense is Sense.MAXIMIZE else sign.nonneg


@dataclass(frozen=True)
class BoundedBackend:
    """`above`: the bound 0 is one from above."""

    inner: Backend
    above: bool

    def plan(self, sizes: Mapping[str, int], constants: Mapping[str, np.ndarray], device: torch.device) -> BoundedPlan:
        return BoundedPlan(self.inner.plan(sizes, constants, device), self.above)

    def remarks(self) -> list[str]:
        """What was rewritten, for `explain`."""
        return self.inner.remarks()


@dataclass(frozen=True)
class BoundedPlan:
    inner: Plan
    above: bool

    def run(self, inputs: Mapping[str, Tensor], batch: int, start: Mapping[str, Tensor] | None) -> Outcome:
        """The inner one's outcome, `failed` where it is `unbounded`, and 0 where rounding errors make a value less."""
        found = self.inner.run(inputs, batch, start)
        if bool((beyond := found.value > 0 if self.above else found.value < 0).any()):
            found = replace(found, value=found.value - torch.where(beyond, found.value, 0).detach())
        wrong = found.status == Status.UNBOUNDED
        if not bool(wrong.any()):
            return found
        status = torch.where(wrong, int(Status.FAILED), found.status).to(found.status.dtype)
        return replace(found, status=status, messages=found.messages | {int(k): TOLD for k in wrong.nonzero()[:, 0]})

    def describe(self) -> list[str]:
        return self.inner.describe()
