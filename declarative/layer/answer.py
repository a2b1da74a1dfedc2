"""What a backend found for the items that it was given -> the results of the whole batch, as far as asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
import torch
from torch import Tensor

from declarative.backends.inspection import LazyReport
from declarative.backends.outcome import Outcome
from declarative.backends.report import Report
from declarative.backends.status import AnsweredBy, Status
from declarative.backends.tape.vectorise import VALUE_INPUT, dual_input
from declarative.ir.problem import Problem
from declarative.layer.binding import Bound
from declarative.layer.outputs import OutputReader
from declarative.layer.sense import in_sense
from declarative.layer.solution import Named, Solution


@dataclass(frozen=True)
class Places:
    """Where the items that were run stand in the batch. `good`: which they are (None: all)."""

    good: Tensor | None
    batch_shape: tuple[int, ...]

    def spread(self, value: Tensor, default: float) -> Tensor:
        """Figures of the items that were run among those of the batch, whose other items have the default."""
        if self.good is not None:
            whole = value.new_full((prod(self.batch_shape), *value.shape[1:]), default)
            value = whole.index_copy(0, self.good, value)
        return value if len(self.batch_shape) == 1 else value.reshape((*self.batch_shape, *value.shape[1:]))

    def of_report(self, report: Report) -> Report:
        """The same for a report."""
        if self.good is not None:
            report = report.spread(torch.arange(len(self.good)), self.good, prod(self.batch_shape))
        return report.each(lambda figures: figures.reshape((*self.batch_shape, *figures.shape[1:])))


@dataclass(frozen=True)
class Answer:
    """One call, solved. `good`: the items that were run (None: all); `broken`: what is wrong with the others' data."""

    problem: Problem
    reader: OutputReader
    bound: Bound
    inputs: Mapping[str, Tensor]
    outcome: Outcome
    good: Tensor | None
    broken: Mapping[int, str]

    @cached_property
    def solved(self) -> bool:
        """Is every item of the batch solved?"""
        return self.good is None and bool((self.outcome.status == Status.SOLVED).all())

    @cached_property
    def _whole(self) -> bool:
        """Does every item of the batch have an answer?"""
        return self.solved or (self.good is None and len(self._answered) == self.bound.batch)

    @cached_property
    def _answered(self) -> Tensor:
        """Which of the items that were run have an answer."""
        return (self.outcome.status <= Status.INACCURATE).nonzero()[:, 0]

    def outputs(self) -> list[Tensor]:
        """The outputs (*batch, *shape), in order; NaN, and no gradient, for items without an answer."""
        known = {**self.outcome.variables, VALUE_INPUT: self.outcome.value, **self._duals}
        read = {name: self._kept(known[name]) for name in self.reader.reads if name in known}
        data = {name: self._of_answered(self.inputs[name]) for name in self.reader.reads if name not in known}
        return [self._placed(value) for value in self.reader.read({**data, **read})]

    def solution(self) -> Solution:
        """Everything about the solution."""
        outcome = self.outcome
        values = {name: self._placed(self._kept(value)) for name, value in outcome.variables.items()}
        names = tuple(o.name for o in self.problem.outputs)
        values |= zip(names, self.outputs(), strict=True)
        duals = {".".join(path): self._placed(self._kept(self._duals[dual_input(path)])) for path in outcome.duals}
        return Solution(
            values=Named("variable or output", values),
            output_names=names,
            duals=Named("dual", duals),
            value=self._placed(self._kept(outcome.value)),
            status=self._places.spread(outcome.status.to(torch.int8), int(Status.FAILED)),
            primal_residual=self._places.spread(outcome.primal, torch.nan),
            dual_residual=self._places.spread(outcome.dual, torch.nan),
            gap=self._places.spread(outcome.gap, torch.nan),
            iterations=self._places.spread(outcome.iterations, 0),
            degenerate=self._places.spread(outcome.degenerate, False),
            nonunique=self._places.spread(outcome.nonunique, False),
            dual_nonunique=self._places.spread(outcome.dual_nonunique, False),
            messages=self._messages(),
            answered_by=self._places.spread(outcome.answered_by, int(AnsweredBy.NONE)),
            inspection=outcome.inspection and LazyReport(outcome.inspection.then(self._places.of_report)),
            memory={name: self._places.spread(part, 0) for name, part in outcome.memory.items()},
        )

    @cached_property
    def _places(self) -> Places:
        return Places(self.good, self.bound.batch_shape)

    @cached_property
    def _duals(self) -> dict[str, Tensor]:
        """By the name under which expressions read them; one for each item that was run."""
        count = len(self.outcome.status)
        return {dual_input(path): d.expand(count, *d.shape[1:]) for path, d in self.outcome.duals.items()}

    @cached_property
    def _moving(self) -> list[Tensor]:
        """The arguments that gradients are wanted of."""
        return [t for t in self.bound.inputs.values() if t.requires_grad] if torch.is_grad_enabled() else []

    def _kept(self, value: Tensor) -> Tensor:
        return value if self._whole else value[self._answered]

    def _of_answered(self, data: Tensor) -> Tensor:
        return data if data.shape[0] == 1 else self._kept(data)

    def _placed(self, value: Tensor) -> Tensor:
        """(answered or 1, *shape) to (*batch, *shape), NaN elsewhere, in the dtype of the results.

        What does not depend on the arguments has the gradient 0, so that `backward` need not know which results do.
        """
        placed = self._spread(value)
        if placed.requires_grad or not self._moving:
            return placed
        nothing = torch.cat([t.flatten()[:0] for t in self._moving]).sum().to(placed)
        return placed + nothing.expand_as(placed).clone()  # forward mode writes to tangents, which must not overlap

    def _spread(self, value: Tensor) -> Tensor:
        shape, bound = value.shape[1:], self.bound
        value = value.to(bound.dtype)
        if self._whole:
            placed = (*bound.batch_shape, *shape)
            if value.shape == placed and not value.is_leaf:  # a leaf may be the caller's own
                return value
            return value.expand(bound.batch, *shape).reshape(placed)
        full = torch.full((bound.batch, *shape), torch.nan, dtype=value.dtype, device=value.device)
        items = self._answered if self.good is None else self.good[self._answered]
        full = full.index_copy(0, items, value.expand(len(items), *shape))
        return full.reshape((*bound.batch_shape, *shape))

    def _messages(self) -> dict[tuple[int, ...], str]:
        """By batch index."""
        items = range(self.bound.batch) if self.good is None else self.good.tolist()
        sense = self.problem.objective.sense
        found = dict(self.broken) | {items[k]: in_sense(text, sense) for k, text in self.outcome.messages.items()}
        shape = self.bound.batch_shape
        return {tuple(int(k) for k in np.unravel_index(item, shape)): text for item, text in sorted(found.items())}
