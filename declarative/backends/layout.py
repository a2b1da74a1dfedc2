"""The unknowns of a problem as one vector: which entry of each variable is which unknown.

A symmetric matrix has n(n+1)/2 unknowns. Entries of auxiliary variables that no instruction reads are no unknowns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
import torch
from torch import Tensor

from declarative.backends.numbers import numbers_only
from declarative.backends.tape.tape import Gather, Input, Slot, Tape, operands
from declarative.ir.expr import Variable


def entries(variables: Iterable[Variable], sizes: Mapping[str, int]) -> int:
    """How many entries variables have: their unknowns, and those that symmetry repeats."""
    return sum(prod(size.evaluate(sizes) for size in variable.shape) for variable in variables)


@dataclass(frozen=True)
class Layout:
    """`places[name]` has the variable's shape and holds unknowns; -1 stands for an entry that is no unknown (0)."""

    size: int
    places: Mapping[str, np.ndarray]

    def __post_init__(self):
        with numbers_only():  # a tensor made inside a transform of torch.func does not outlive it
            _ = self._parts, self._ends, self._times

    def split(self, x: Tensor) -> dict[str, Tensor]:
        """The variables (batch, *shape) of a vector of unknowns (batch, size)."""
        padded = torch.cat([x, x.new_zeros(x.shape[0], 1)], dim=1) if self._padded else x
        return {name: part(padded) for name, part in self._parts.items()}

    @cached_property
    def _padded(self) -> bool:
        return any((places < 0).any() for places in self.places.values())

    @cached_property
    def _parts(self) -> dict[str, Callable[[Tensor], Tensor]]:
        return {name: _reader(places, self.size) for name, places in self.places.items()}

    def join(self, parts: Mapping[str, Tensor], batch: int) -> Tensor:
        """The vector of unknowns of some variables; symmetric matrices by their mean with the transpose."""
        like = next(iter(parts.values()))
        total = torch.zeros(batch, self.size, dtype=like.dtype, device=like.device)
        for name, (index, kept) in self._ends.items():
            values = parts[name].reshape(parts[name].shape[0], -1)
            values = values if kept is None else values[:, kept.to(like.device)]
            total = total.index_add(1, index.to(like.device), values.expand(batch, -1))
        return total / self._times.to(like)

    @cached_property
    def _ends(self) -> dict[str, tuple[Tensor, Tensor | None]]:
        """For each variable, the unknowns that its entries are, and which of them are, if not all."""
        found = {}
        for name, places in self.places.items():
            kept = places.reshape(-1) >= 0
            index = torch.as_tensor(places.reshape(-1)[kept])
            found[name] = index, None if kept.all() else torch.as_tensor(kept)
        return found

    @cached_property
    def _times(self) -> Tensor:
        """How many entries each unknown is, at least 1."""
        times = np.zeros(self.size)
        for index, _ in self._ends.values():
            times += np.bincount(index, minlength=self.size)
        return torch.as_tensor(times).clamp(min=1)

    def without(self, fixed: np.ndarray) -> Layout:
        """The same without some unknowns (bool, size), which are 0."""
        return self._renumbered(np.where(fixed, -1, np.cumsum(~fixed) - 1), int((~fixed).sum()))

    def last(self, some: np.ndarray) -> Layout:
        """The same unknowns, some of them (bool, size) after all others."""
        count = int((~some).sum())
        return self._renumbered(np.where(some, count + np.cumsum(some) - 1, np.cumsum(~some) - 1), self.size)

    def _renumbered(self, numbers: np.ndarray, size: int) -> Layout:
        """Unknown k becomes numbers[k]."""
        padded = np.append(numbers, -1)
        return Layout(size, {name: padded[places] for name, places in self.places.items()})

    def blocks(self) -> Tensor:
        """The number of the variable that each unknown belongs to, among those that have any."""
        numbers = np.zeros(self.size, dtype=np.int64)
        for number, places in enumerate(places for places in self.places.values() if (places >= 0).any()):
            numbers[places[places >= 0]] = number
        return torch.as_tensor(numbers)

    def of(self, names: Iterable[str]) -> np.ndarray:
        """Bool (size,): the unknowns of these variables."""
        found = np.zeros(self.size, dtype=bool)
        for places in (self.places[name] for name in names):
            found[places[places >= 0]] = True
        return found


def _reader(places: np.ndarray, size: int) -> Callable[[Tensor], Tensor]:
    """Reads one variable: a range of the vector where it is one, else entry by entry (an entry past the end is 0)."""
    flat, shape = places.reshape(-1), places.shape
    if flat.size and (np.diff(flat) == 1).all() and flat[0] >= 0:
        first, last = int(flat[0]), int(flat[-1]) + 1
        return lambda x: x[:, first:last].reshape(x.shape[0], *shape)
    index = torch.as_tensor(np.where(flat < 0, size, flat))
    return lambda x: x.index_select(1, index.to(x.device)).reshape(x.shape[0], *shape)


def lay_out(
    symbols: tuple[Variable, ...], shapes: Mapping[str, tuple[int, ...]], tape: Tape, added: set[str]
) -> Layout:
    """Number the unknowns, variables in order, entries row by row; of those `added` by rewrites only what is read."""
    read = entries_read(tape, range(len(tape.instructions)))
    places: dict[str, np.ndarray] = {}
    size = 0
    for symbol in symbols:
        shape = shapes[symbol.name]
        kept = np.ones(shape, dtype=bool)
        if symbol.name in added and symbol.name in read:
            kept = read[symbol.name].reshape(shape)
        if symbol.symmetric:
            kept = kept & np.triu(np.ones(shape[-2:], dtype=bool))
        numbers = np.full(shape, -1, dtype=np.int64)
        numbers[kept] = size + np.arange(int(kept.sum()))
        size += int(kept.sum())
        if symbol.symmetric:
            numbers = np.maximum(numbers, np.swapaxes(numbers, -1, -2))
        places[symbol.name] = numbers
    return Layout(size, places)


def entries_read(tape: Tape, slots: Iterable[Slot]) -> dict[str, np.ndarray]:
    """For each input that these instructions read, which of its entries (bool, flat)."""
    inputs = {slot: i for slot, i in enumerate(tape.instructions) if isinstance(i, Input)}
    found: dict[str, np.ndarray] = {}
    for instruction in (tape.instructions[slot] for slot in slots):
        for slot in operands(instruction):
            if slot in inputs:
                name, sizes = inputs[slot].name, inputs[slot].sizes
                known = found.setdefault(name, np.zeros(prod(sizes), dtype=bool))
                known[instruction.places.reshape(-1) if isinstance(instruction, Gather) else ...] = True
    return found
