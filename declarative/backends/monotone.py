"""A backend for the inner problem of a monotone objective -> one for the whole: values and duals go back.

See `rewrite/monotone.py` for why: value = g(f*), duals = |g'(f*)| times the inner ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from declarative.backends.outcome import Backend, Outcome, Plan
from declarative.backends.status import Status
from declarative.backends.tape.evaluate import Runner
from declarative.backends.tape.vectorise import Vectoriser
from declarative.backends.unanswered import without_unanswered
from declarative.ir.problem import Sense
from declarative.rewrite.monotone import HOLE, Outer


@dataclass(frozen=True)
class MonotoneBackend:
    """The inner problem with the monotone function around its objective."""

    inner: Backend
    outer: Outer

    def plan(self, sizes: Mapping[str, int], constants: Mapping[str, np.ndarray], device: torch.device) -> MonotonePlan:
        vectoriser = Vectoriser(sizes, constants)
        runner = Runner(vectoriser.tape((vectoriser.value(self.outer.body).slot,)), device=device)
        return MonotonePlan(self.inner.plan(sizes, constants, device), runner, self.outer)

    def remarks(self) -> list[str]:
        """What was rewritten, for `explain`."""
        return self.inner.remarks()


@dataclass(frozen=True)
class MonotonePlan:
    """The problem at concrete sizes, on one device."""

    inner: Plan
    runner: Runner
    outer: Outer

    def run(self, inputs: Mapping[str, Tensor], batch: int, start: Mapping[str, Tensor] | None) -> Outcome:
        """Where g' is infinite (a root at 0) the duals are 0, the value has no gradient, and the item is flagged."""
        found = self._at_the_end(self.inner.run(inputs, batch, start), inputs)
        f = self._inside(found.value)
        with torch.no_grad():
            value, slope = self._value(inputs, f), self._slope(inputs, f)
        answered = found.status <= Status.INACCURATE
        endless = answered & ~value.isfinite()  # the logarithm of 0, or 1/0
        kink = answered & ~endless & ~slope.isfinite()
        smooth = answered & ~endless & ~kink
        safe = without_unanswered({**inputs, HOLE.name: f}, smooth) if not smooth.all() else {**inputs, HOLE.name: f}
        f = safe.pop(HOLE.name)
        scale = torch.where(kink, 0.0, self._slope(safe, f).abs())
        return replace(
            found,
            value=torch.where(kink, value, self._value(safe, f)),
            duals={path: dual * _beside(scale, dual) for path, dual in found.duals.items()},
            status=torch.where(endless, int(Status.UNBOUNDED), found.status).to(found.status.dtype),
            degenerate=found.degenerate | kink,
            dual_nonunique=found.dual_nonunique | kink,
            messages=found.messages | {int(k): ENDLESS for k in endless.nonzero()[:, 0]},
        )

    def _at_the_end(self, found: Outcome, inputs: Mapping[str, Tensor]) -> Outcome:
        """Where the inner objective has no end but the outer one has a limit, that is approached and not reached."""
        end = -torch.inf if self.outer.sense is Sense.MINIMIZE else torch.inf
        with torch.no_grad():
            limit = self._value(inputs, torch.full_like(found.value, end))
        short = (found.status == Status.UNBOUNDED) & limit.isfinite()
        status = torch.where(short, int(Status.FAILED), found.status).to(found.status.dtype)
        told = {int(k): f"{UNREACHED} {float(limit[k]):.6g}" for k in short.nonzero()[:, 0]}
        return replace(found, status=status, messages=found.messages | told)

    def describe(self) -> list[str]:
        return self.inner.describe()

    def _inside(self, f: Tensor) -> Tensor:
        """Rounding may leave a value that cannot be negative just below 0."""
        return f + (f.clamp(min=0) - f).detach() if self.outer.nonneg else f

    def _value(self, inputs: Mapping[str, Tensor], f: Tensor) -> Tensor:
        (value,) = self.runner({**inputs, HOLE.name: f})
        return value.expand(f.shape)

    def _slope(self, inputs: Mapping[str, Tensor], f: Tensor) -> Tensor:
        """g'(f) (B,), differentiable in turn."""
        return torch.func.grad(lambda at: self._value(inputs, at).sum())(f)


UNREACHED = "no best point: along a direction that the constraints allow the objective comes ever closer to"
ENDLESS = "the objective is infinite at the best point"


def _beside(scale: Tensor, dual: Tensor) -> Tensor:
    return scale.reshape(-1, *(1,) * (dual.dim() - 1))
