"""Rows on a tape -> the entries of their Jacobian, with those numbers that are known, and the rows at held values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from declarative.backends.kkt.program.rows import Block
from declarative.backends.layout import Layout
from declarative.backends.tape.evaluate import known_values
from declarative.backends.tape.incidence import Incidence, pairs
from declarative.backends.tape.nodes import Smooth
from declarative.backends.tape.polynomial import NotPolynomial
from declarative.backends.tape.polynomial_rules import RULES
from declarative.backends.tape.tape import Input, Slot, operands, reading
from declarative.backends.tape.terms import X
from declarative.backends.tape.vectorise import Vectoriser

TINY = 1e-150  # coefficients below hold nothing: what is divided by them may be infinite
ROUNDS = 3  # of equations that hold one more unknown beside those that the last ones hold


@dataclass(frozen=True)
class Entries:
    """The entries of the Jacobian of so many rows: where, and the numbers that are known (NaN: it may be any one)."""

    count: int
    row: np.ndarray
    col: np.ndarray
    number: np.ndarray

    def reads(self, unknowns: np.ndarray) -> np.ndarray:
        """Which entries are of some unknowns (bool, n)."""
        return unknowns[self.col] & (self.number != 0)


class Reader:
    """Equations one after the other: `held` (count,) are the unknowns that they hold, in the order of their `values`, a
    slot (batch, count + 1) that ends with a 0; `number` of an unknown is its place there, and `free` (bool, n) is not
    held.
    """

    def __init__(self, vectoriser: Vectoriser, layout: Layout, constants: Mapping[str, np.ndarray]):
        self.smooth = Smooth(vectoriser.instructions, layout.places, frozenset(), RULES)
        self.arrays, self.layout, self.constants = self.smooth.arrays, layout, constants
        self.incidence = Incidence(layout.size)
        self.held, self.free = np.zeros(0, dtype=np.int64), np.ones(layout.size, dtype=bool)
        self.number = np.zeros(layout.size + 1, dtype=np.int64)
        self.values = self.arrays.literal(np.zeros(1))
        self._known: dict[Slot, Slot] = {}

    def hold(self, blocks: Sequence[Block]) -> np.ndarray:
        """What equations hold that are linear in one more unknown, with a coefficient that is known."""
        rows = self.rows(blocks)
        for _ in range(ROUNDS):
            reads = rows.reads(self.free)
            alone = np.bincount(rows.row[reads], minlength=rows.count) == 1
            usable = np.isfinite(rows.number) & (np.abs(rows.number) > TINY)
            which = np.flatnonzero(reads & alone[rows.row] & usable)
            unknowns, first = np.unique(rows.col[which], return_index=True)
            if not len(unknowns):
                break
            which = which[first]
            rest, shares = self.at_held(blocks, rows.row[which]), -1 / rows.number[which]
            self._add(unknowns, self.arrays.product(rest, self.arrays.literal(shares)))
        return self.held

    def _add(self, unknowns: np.ndarray, values: Slot) -> None:
        last = [self.arrays.gather(self.values, np.arange(len(self.held)))] if len(self.held) else []
        self.values = self.arrays.join([*last, values, self.arrays.literal(np.zeros(1))])
        self.held = np.concatenate([self.held, unknowns])
        self.free[unknowns] = False
        self.number[:] = len(self.held)
        self.number[self.held] = np.arange(len(self.held))
        self._known = {}

    def rows(self, blocks: Sequence[Block]) -> Entries:
        """Those of some blocks, one after the other; a function without a rule may read every unknown."""
        n, first = self.layout.size, 0
        places, singles = [np.zeros(0, dtype=np.int64)], list[tuple[np.ndarray, Slot]]()
        for block in blocks:
            try:
                terms = self.smooth(block.slot).terms
            except NotPolynomial:
                places.append(first * n + np.arange(block.count * n))
            else:
                row, col = self.incidence(tuple(t for t in terms if t.source is not X), block.count).nonzero()
                places.append((first + row) * n + col)
                for term in (t for t in terms if t.source is X):
                    row, col = pairs(term)
                    singles.append(((first + row) * n + col, self.smooth.maps.values(term)))
            first += block.count
        known = known_values(self.arrays.instructions, (slot for _, slot in singles), self.constants)
        parts = [np.full(len(at), np.nan) for at in places]
        parts += [known[slot].reshape(-1) if slot in known else np.full(len(at), np.nan) for at, slot in singles]
        place, which = np.unique(np.concatenate([*places, *(at for at, _ in singles)]), return_inverse=True)
        number = np.bincount(which.reshape(-1), np.concatenate(parts), minlength=len(place))
        return Entries(first, place // n, place % n, number)

    def at_held(self, blocks: Sequence[Block], rows: np.ndarray) -> Slot:
        """Some of the rows, in order or not, at the held values and 0 for what is not held: (batch, rows)."""
        if not len(rows):
            return self.arrays.literal(np.zeros(0))
        ends, parts, order = np.cumsum([0, *(block.count for block in blocks)]), [], []
        for block, first, last in zip(blocks, ends[:-1], ends[1:], strict=True):
            own = np.flatnonzero((rows >= first) & (rows < last))
            if len(own):
                order.append(own)
                parts.append(self.arrays.gather(self._replaced(block.slot), rows[own] - first))
        return self.arrays.gather(self.arrays.join(parts), np.argsort(np.concatenate(order)))

    def _replaced(self, slot: Slot) -> Slot:
        """The slot, with the held values in the places of the variables."""
        pending = [slot]
        while pending:
            top = pending[-1]
            read = operands(self.arrays.instructions[top])
            if missing := [s for s in read if s not in self._known]:
                pending += missing
                continue
            pending.pop()
            instruction = self.arrays.instructions[top]
            if isinstance(instruction, Input) and instruction.name in self.layout.places:
                self._known[top] = self.arrays.gather(self.values, self.number[self.layout.places[instruction.name]])
            elif (own := [self._known[s] for s in read]) == list(read):
                self._known[top] = top
            else:
                self._known[top] = self.arrays.emit(reading(instruction, own))
        return self._known[slot]
