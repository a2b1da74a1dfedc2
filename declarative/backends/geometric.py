"""A backend for geometric programs around one that takes the convex problem in the logarithms of the variables.

It brings back what the inner backend finds (the way is derived in `rewrite/geometric`): x = exp(u), duals times F/s,
the value exp; all in torch, so that gradients follow. The residual of each row is measured again in the user's units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from declarative.analysis.classify import Kind, classify
from declarative.analysis.words import text
from declarative.backends.outcome import Backend, Duals, Outcome, Plan
from declarative.backends.report import Report
from declarative.backends.status import Status
from declarative.backends.tape.evaluate import Runner
from declarative.backends.tape.tape import Slot
from declarative.backends.tape.vectorise import Vectoriser
from declarative.backends.unanswered import without_unanswered
from declarative.ir.expr import Expr
from declarative.ir.problem import Problem, Sense
from declarative.rewrite.geometric import LogProblem, Pair, to_log_problem
from declarative.source.diagnostic import Diagnostic, error

TOLERANCE = 1e-6
USABLE = 1e-3  # worse answers are none
EDGE = 1e-6
VANISHES = "the objective falls towards 0, which no point with positive variables reaches"


Accept = Callable[[Problem], "Backend | list[Diagnostic]"]


REACH = 350.0  # of logarithms: beyond, products of two such numbers are no numbers
BEYOND = "the best values lie beyond 1e-152 and 1e152: there is no best point, or one where a variable is 0"


def to_kkt(problem: Problem, inner: Accept) -> Backend | list[Diagnostic]:
    """For a method that takes smooth programs, convex or not: where the logarithms do not do, the problem as it is.

    Where sums are, a method of Newton's kind goes astray unless the logarithms are bounded.
    """
    found = to_log_problem(problem) if classify(problem).kind is Kind.GP else None
    if found is None:
        return inner(problem)
    if classify(found.problem).kind is not Kind.LP:
        found = to_log_problem(problem, REACH)
        assert found is not None
    convex = inner(found.problem)
    return GeometricBackend(convex, found) if not isinstance(convex, list) else inner(problem)


def to_cone(problem: Problem, inner: Accept) -> Backend | list[Diagnostic]:
    """For a method that takes convex programs: the logarithm of data that may be 0 is no number for it."""
    found = to_log_problem(problem) if classify(problem).kind is Kind.GP else None
    if found is None:
        return inner(problem)
    convex = inner(found.problem) if not found.zeros else [_zero(data) for data in found.zeros]
    return GeometricBackend(convex, found) if not isinstance(convex, list) else convex


def _zero(data: Expr) -> Diagnostic:
    message = f"`{text(data)}` may be 0, and the cone backend needs its logarithm"
    return error("E302", data.origin, message, hints=("the kkt backend takes it", "declare it `pos`, if it is"))


@dataclass(frozen=True)
class GeometricBackend:
    """`inner` takes the problem in logarithms."""

    inner: Backend
    logarithms: LogProblem

    def plan(self, sizes: Mapping[str, int], constants: Mapping[str, np.ndarray], device: torch.device) -> Plan:
        return GeometricPlan(
            self.inner.plan(sizes, constants, device),
            self.logarithms,
            Measures(self.logarithms, sizes, constants, device),
        )

    def remarks(self) -> list[str]:
        return [*self.logarithms.log, *self.inner.remarks()]


class Measures:
    """The positive objective, its constant and both sides of every row at concrete sizes, as functions of x."""

    def __init__(
        self,
        logarithms: LogProblem,
        sizes: Mapping[str, int],
        constants: Mapping[str, np.ndarray],
        device: torch.device,
    ):
        self.vectoriser = Vectoriser(sizes, constants)
        source, self.pairs = logarithms.source, logarithms.pairs
        groups: dict[str, tuple[Slot, ...]] = {"core": (self.vectoriser.value(source.core).slot,)}
        groups["offset"] = (self.vectoriser.value(source.offset).slot,) if source.offset is not None else ()
        self.places = [self._family(pair, k, groups) for k, pair in enumerate(self.pairs)]
        tape = self.vectoriser.tape(slot for slots in groups.values() for slot in slots)
        self.runner = Runner(tape, [d.symbol.name for d in logarithms.problem.variables], groups, device=device)

    def _family(self, pair: Pair, k: int, groups: dict[str, tuple[Slot, ...]]) -> tuple[tuple[int, ...], np.ndarray]:
        """The shape of the dual and the places of the family's entries in it."""
        selection = self.vectoriser.select(pair.binders, pair.condition)
        shape = self.vectoriser.shape(pair.shape)
        sides = [side for side in (pair.less, pair.more) if side is not None and pair.less is not None]
        values = [self.vectoriser.value(side, selection.environment) for side in sides]
        groups[str(k)] = tuple(self.vectoriser.flat(value, selection.axes, shape) for value in values)
        size = int(np.prod(shape, dtype=np.int64))
        places = (selection.places[:, None] * size + np.arange(size)).reshape(-1)
        return tuple(b.length.evaluate(self.vectoriser.sizes) for b in pair.binders) + shape, places

    def read(self, inputs: Mapping[str, Tensor], x: Mapping[str, Tensor]) -> Read:
        prepared = self.runner.prepare(inputs)
        (core,) = self.runner.finish(prepared, x, "core")
        offset = self.runner.finish(prepared, x, "offset")
        sides = [self.runner.finish(prepared, x, str(k)) for k in range(len(self.pairs))]
        return Read(core, offset[0] if offset else core.new_zeros(1), sides)


@dataclass(frozen=True)
class Read:
    """The objective (B,) and its constant; for each pair (less, more), each (B, entries), or nothing."""

    core: Tensor
    offset: Tensor
    sides: list[tuple[Tensor, ...]]


@dataclass(frozen=True)
class GeometricPlan:
    """The problem at concrete sizes, on one device."""

    inner: Plan
    logarithms: LogProblem
    measures: Measures

    def run(self, inputs: Mapping[str, Tensor], batch: int, start: Mapping[str, Tensor] | None) -> Outcome:
        """Solve in logarithms; a start that is not positive begins at 1."""
        names = {d.symbol.name for d in self.logarithms.problem.variables}
        begin = start and {name: _logarithm(value) if name in names else value for name, value in start.items()}
        found = self.inner.run(inputs, batch, begin)
        answered = found.status <= Status.INACCURATE
        known = inputs if answered.all() else without_unanswered(inputs, answered)
        x = {name: _exponential(u, answered) for name, u in found.variables.items()}
        read = self.measures.read(known, x)
        primal = torch.maximum(found.primal, self._violation(read, batch).detach())
        beyond = answered & _beyond(found.variables)
        sign = self.logarithms.source.sign
        return replace(
            found,
            variables=x,
            duals=self._duals(found.duals, read, batch),
            value=sign * _exponential(found.value, answered) + read.offset,
            primal=primal,
            status=torch.where(beyond, int(Status.FAILED), _status(found.status, primal)).to(torch.int8),
            messages=self._messages(found) | {int(item): BEYOND for item in beyond.nonzero()[:, 0]},
            inspection=found.inspection and found.inspection.then(partial(self._report, primal.detach())),
        )

    def _report(self, primal: Tensor, found: Report) -> Report:
        """The same in logarithms: they change the Hessian along the active rows by a congruence only."""
        active = {}
        for pair, (shape, _) in zip(self.measures.pairs, self.measures.places, strict=True):
            idle = torch.zeros(len(found.rank), *shape, dtype=torch.bool, device=found.rank.device)
            active[".".join(pair.path)] = found.active.get(".".join(pair.path), idle)
        return replace(found, active=active, primal_residual=torch.where(found.known, primal, torch.nan))

    def _duals(self, duals: Duals, read: Read, batch: int) -> Duals:
        """lambda = mu F/s."""
        scaled: Duals = {}
        for pair, (shape, places), sides in zip(self.measures.pairs, self.measures.places, read.sides, strict=True):
            if not sides:
                scaled[pair.path] = read.core.new_zeros(batch, *shape)
                continue
            scale = read.core[:, None] / sides[1]
            whole = scale.new_ones(scale.shape[0], int(np.prod(shape, dtype=np.int64)))
            whole = whole.index_copy(1, torch.as_tensor(places, device=whole.device), scale)
            scaled[pair.path] = duals[pair.path] * whole.reshape(-1, *shape)
        return scaled

    def _violation(self, read: Read, batch: int) -> Tensor:
        """(B,): the worst row's residual beside the greater of its sides."""
        worst = torch.where((read.core > 0) & read.core.isfinite(), 0.0, torch.nan).expand(batch)
        for pair, sides in zip(self.measures.pairs, read.sides, strict=True):
            if sides and sides[0].shape[1]:
                less, more = sides
                gap = (less - more) / torch.maximum(less, more)
                worst = torch.maximum(worst, (gap.abs() if pair.equality else gap).amax(1))
        return worst

    def _messages(self, found: Outcome) -> dict[int, str]:
        """A minimum that tends to 0 is unbounded in logarithms only."""
        objective = self.logarithms.problem.objective
        vanishing = found.status == Status.UNBOUNDED if objective.sense is Sense.MINIMIZE else found.status < 0
        return {item: VANISHES if bool(vanishing[item]) else text for item, text in found.messages.items()}

    def describe(self) -> list[str]:
        return self.inner.describe()


def _exponential(u: Tensor, answered: Tensor) -> Tensor:
    """exp(u) where there is an answer, and 1 elsewhere."""
    kept = answered.reshape(-1, *[1] * (u.dim() - 1))
    return torch.where(kept, u, 0.0).exp()


def _beyond(logs: Mapping[str, Tensor]) -> Tensor:
    """(B,): some logarithm is at the end of its reach."""
    return torch.cat([u.abs().reshape(len(u), -1) for u in logs.values()], 1).amax(1) >= REACH * (1 - EDGE)


def _logarithm(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 1.0).log()


def _status(status: Tensor, primal: Tensor) -> Tensor:
    """An answer whose rows are not satisfied in the user's units is not called solved."""
    answered = status <= Status.INACCURATE
    found = torch.where(answered & ~(primal <= TOLERANCE), int(Status.INACCURATE), status)
    return torch.where(answered & ~(primal <= USABLE), int(Status.FAILED), found).to(torch.int8)
