"""A backend whose items without an answer are given to another one, if that takes the problem.

A method for smooth programs may stop short where a cone program has a solution, or a ray that proves that there is
none. What the second finds takes the place of the first one's failure; all other items are untouched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np
import torch
from torch import Tensor

from declarative.backends.inspection import Inspection
from declarative.backends.numbers import apart
from declarative.backends.outcome import Backend, Outcome, Plan
from declarative.backends.report import Report
from declarative.backends.status import GENERAL, Status
from declarative.ir.problem import Problem
from declarative.source.diagnostic import Diagnostic, DiagnosticError

UNSURE = (Status.FAILED, Status.INACCURATE)


@dataclass(frozen=True)
class SecondBackend:
    """`accept` is asked for the second backend when an item first fails; a function of a module, so that it pickles.

    Statuses of the first that are `doubted` give way to an answer of the second or to its ray; where `many`, so does
    one of many solutions that the first has found.
    """

    first: Backend
    problem: Problem
    accept: Callable[[Problem], Backend | list[Diagnostic]]
    doubted: tuple[Status, ...] = UNSURE
    many: bool = False

    def plan(self, sizes: Mapping[str, int], constants: Mapping[str, np.ndarray], device: torch.device) -> SecondPlan:
        def prepare() -> Plan | None:
            accepted = self.accept(self.problem)
            if isinstance(accepted, list):
                return None
            try:
                return accepted.plan(sizes, constants, device)
            except DiagnosticError:  # only with its sizes and data at hand does it see what it cannot take
                return None

        return SecondPlan(self.first.plan(sizes, constants, device), prepare, self.doubted, self.many)

    def remarks(self) -> list[str]:
        return self.first.remarks()


@dataclass
class SecondPlan:
    """The problem at concrete sizes, on one device. `prepare` gives the second plan, or None where there is none."""

    first: Plan
    prepare: Callable[[], Plan | None]
    doubted: tuple[Status, ...] = UNSURE
    many: bool = False
    _second: list[Plan | None] = field(default_factory=list)  # worked out once

    def run(self, inputs: Mapping[str, Tensor], batch: int, start: Mapping[str, Tensor] | None) -> Outcome:
        """The first one's outcome, with what the second finds of items that failed."""
        found = self.first.run(inputs, batch, start)
        if bool((found.status == Status.SOLVED).all()) and not (self.many and found.nonunique.any()):
            return found
        doubted = torch.isin(found.status.long(), torch.tensor(self.doubted, device=found.status.device))
        lost = (doubted | (self.many & found.nonunique)).nonzero()[:, 0]
        if len(lost) == 0 or (second := self._prepared()) is None:
            return found
        own = {name: t if t.shape[0] == 1 else t[lost] for name, t in inputs.items()}
        other = second.run(own, len(lost), None)
        sure = (other.status != Status.FAILED) & (other.status != Status.INACCURATE)
        better = (sure | ((other.status != Status.FAILED) & (found.status[lost] == Status.FAILED))).nonzero()[:, 0]
        found = better_told(found, other, lost)
        return merged(found, other, lost[better], better) if len(better) else found

    def _prepared(self) -> Plan | None:
        if not self._second:
            self._second.append(apart(self.prepare))
        return self._second[0]

    def describe(self) -> list[str]:
        lines = self.first.describe()
        for second in self._second:
            if second is not None:
                lines = [*lines, "what that leaves without an answer is given on:", *second.describe()]
        return lines


def better_told(found: Outcome, other: Outcome, items: Tensor) -> Outcome:
    """Of two failures the words that say more, for the `items` that `other` was asked for."""
    told = {
        item: other.messages[k]
        for k, item in enumerate(items.tolist())
        if found.messages.get(item) in GENERAL and other.status[k] == Status.FAILED and k in other.messages
    }
    told = {item: words for item, words in told.items() if words not in GENERAL}
    return replace(found, messages=found.messages | told)


def merged(found: Outcome, other: Outcome, items: Tensor, own: Tensor) -> Outcome:
    """`found`, with `own` items of `other` in the places `items`."""

    def put(old: Tensor, new: Tensor) -> Tensor:
        whole = old.expand(len(found.status), *old.shape[1:])
        chosen = new.expand(len(other.status), *new.shape[1:])[own]
        return whole.index_copy(0, items, chosen.to(old.dtype))

    def part(old: Tensor | dict, new: Tensor | dict) -> Tensor | dict:
        """What `found` has and `other` has not, or in another form, stays as it is."""
        if isinstance(old, dict) and isinstance(new, dict):
            fits = {name for name, value in old.items() if name in new and new[name].shape[1:] == value.shape[1:]}
            return {name: put(value, new[name]) if name in fits else value for name, value in old.items()}
        return put(old, new)  # pyright: ignore[reportArgumentType]

    parts = {f.name for f in fields(Outcome)} - {"messages", "inspection"}
    kept = {item: words for item, words in found.messages.items() if item not in set(items.tolist())}
    told = {int(item): other.messages[int(k)] for item, k in zip(items, own, strict=True) if int(k) in other.messages}
    return replace(
        found,
        messages=kept | told,
        inspection=both(found, other, items, own),
        **{name: part(getattr(found, name), getattr(other, name)) for name in parts},
    )


def both(found: Outcome, other: Outcome, items: Tensor, own: Tensor) -> Inspection | None:
    """The inspection of what `merged` gives, where one of the two has any."""
    batch, every = len(found.status), torch.arange(len(found.status), device=items.device)
    left = every[~torch.isin(every, items)]
    first, second = found.inspection, other.inspection
    if first is not None:
        first = first.then(lambda report: report.spread(left, left, batch))
    if second is not None:
        second = second.then(lambda report: report.spread(own, items, batch))
    if first is None or second is None:
        return first or second
    count = len(first.reads)

    def work(reads: tuple[Tensor, ...]) -> Report:
        return first.work(reads[:count]).or_else(second.work(reads[count:]))

    return Inspection(work, (*first.reads, *second.reads))
