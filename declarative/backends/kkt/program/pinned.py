"""Unknowns that equations hold, one after the other -> the bounds and inequalities of these alone, which say no more.

A car at rest, v == v0 with v >= 0 and v0 = 0, has no point inside its bounds: multipliers of the equation and of the
bound are only told from each other in their sum, and may be as large as one likes. The equation alone says as much, so
that it has the whole multiplier and the bound 0. What the held values violate stays, to be blamed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from declarative.backends.kkt.program.rows import Block
from declarative.backends.layout import Layout
from declarative.backends.tape.evaluate import Runner, known_values
from declarative.backends.tape.incidence import Incidence, pairs
from declarative.backends.tape.nodes import Smooth
from declarative.backends.tape.polynomial import NotPolynomial
from declarative.backends.tape.polynomial_rules import RULES
from declarative.backends.tape.tape import Input, Slot, operands, reading
from declarative.backends.tape.terms import X
from declarative.backends.tape.vectorise import Vectoriser

ROUNDING = 1e-12  # of the largest value that equations hold in the same variable: by which a bound may be missed,
LEAST = 1e-15  # or by this, where all of them are tiny; by which a row may be missed
MOST = 1e-9  # but no more than this, or ROUNDING of the bound: a variable may have the entries 1e9 and -1e-4
TINY = 1e-150  # coefficients below hold nothing: what is divided by them may be infinite
SIDES = {"lower": 1, "upper": -1}
ROUNDS = 3  # of equations that hold one more unknown beside those that the last ones hold


@dataclass(frozen=True)
class Pinned:
    """Of the lower and of the upper bounds those whose unknowns `at` are held, in order, and how many each variable has
    of them; the `rows` of g that read held unknowns alone. `slots` are the values and the bounds of the lower ones, of
    the upper ones, each (batch, count), and the values of the rows; the `runner` evaluates them.
    """

    at: tuple[Tensor, Tensor]
    counts: tuple[list[int], list[int]]
    rows: Tensor
    slots: tuple[Slot, ...]
    runner: Runner

    def relaxed(self, lower: Tensor, upper: Tensor, known: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """The bounds (batch, n), infinite where the values at the slots, `known`, keep them."""
        low, high = zip(self.at, self.counts, known[0:4:2], known[1:4:2], SIDES.values(), strict=True)
        return _relaxed(lower, *low), _relaxed(upper, *high)

    def kept(self, g: Tensor, known: Sequence[Tensor]) -> Tensor:
        """The rows (batch, q), or -h of Gx - h, without those that the values keep: -inf, as of no row."""
        if len(self.rows) == 0:
            return g
        batch = max(len(g), len(known[4]))
        g, own = g.expand(batch, -1), torch.where(known[4].detach() <= LEAST, -torch.inf, g[:, self.rows])
        return g.index_copy(1, self.rows, own)

    def touched(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """(batch or 1,): no room is left to a bound or row that went, so that other multipliers serve as well."""
        known = self.runner({name: t.detach() for name, t in inputs.items()})
        sides = zip(known[0:4:2], known[1:4:2], self.counts, SIDES.values(), strict=True)
        low, high = ((sign * (v - b) <= _leeway(v, b, counts)).any(-1) for v, b, counts, sign in sides)
        return low | high | (-known[4] <= LEAST).any(-1)


def _relaxed(side: Tensor, at: Tensor, counts: list[int], value: Tensor, bound: Tensor, sign: int) -> Tensor:
    if len(at) == 0:
        return side
    own = torch.where(sign * (bound - value) <= _leeway(value, bound, counts), -sign * torch.inf, bound)
    batch = max(len(side), len(own))
    return side.expand(batch, -1).index_copy(1, at, own.expand(batch, -1))


def _leeway(value: Tensor, bound: Tensor, counts: list[int]) -> Tensor:
    """By how much values may miss their bounds, or be apart from them, but for rounding, (batch, count)."""
    if not counts:
        return torch.zeros_like(bound)
    size = torch.cat([v.abs().amax(-1, keepdim=True).expand(v.shape) for v in value.split(counts, 1)], 1)
    own = torch.where(bound.isfinite(), ROUNDING * bound.abs(), 0).clamp(min=MOST)
    return (ROUNDING * size).clamp(min=LEAST).minimum(own)


def pin(
    vectoriser: Vectoriser,
    layout: Layout,
    blocks: Sequence[Block],
    open_domain: np.ndarray,
    constants: Mapping[str, np.ndarray],
    device: torch.device | str,
) -> Pinned | None:
    """Those of a program with these rows, but for the edges of domains; None where there are none."""
    by_kind = {kind: [block for block in blocks if block.kind == kind] for kind in ("c", "g", *SIDES)}
    if not by_kind["c"] or len(by_kind["c"]) == len(blocks):
        return None
    reader = _Reader(vectoriser, layout, constants)
    if not len(reader.hold(by_kind["c"])):
        return None
    arrays, numbers, ends, counts, slots = reader.arrays, layout.blocks().numpy(), [], [], []
    for kind, walls in zip(SIDES, open_domain, strict=True):
        columns = np.concatenate([np.zeros(0, dtype=np.int64), *(block.unknowns(layout) for block in by_kind[kind])])
        places = np.flatnonzero(np.isin(columns, reader.held) & ~walls[columns])
        places = places[np.argsort(columns[places])]
        at = columns[places]
        ends.append(torch.as_tensor(at, device=device))
        counts.append(np.unique(numbers[at], return_counts=True)[1].tolist())
        if len(at) == 0:
            slots += [arrays.literal(np.zeros(0))] * 2
            continue
        bounds = arrays.join([block.slot for block in by_kind[kind]])
        slots += [arrays.gather(reader.values, reader.number[at]), arrays.gather(bounds, places)]
    own = reader.rows(by_kind["g"])
    rows = np.flatnonzero(np.bincount(own.row[own.reads(reader.free)], minlength=own.count) == 0)
    if not (len(rows) or any(map(len, ends))):
        return None
    known, low, high = (*slots, reader.at_held(by_kind["g"], rows)), *ends
    runner = Runner(vectoriser.tape(known), known=constants, device=device)
    return Pinned((low, high), (counts[0], counts[1]), torch.as_tensor(rows, device=device), known, runner)


@dataclass(frozen=True)
class _Rows:
    """The entries of the Jacobian of so many rows: where, and the numbers that are known (NaN: it may be any one)."""

    count: int
    row: np.ndarray
    col: np.ndarray
    number: np.ndarray

    def reads(self, unknowns: np.ndarray) -> np.ndarray:
        """Which entries are of some unknowns (bool, n)."""
        return unknowns[self.col] & (self.number != 0)


class _Reader:
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

    def rows(self, blocks: Sequence[Block]) -> _Rows:
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
        return _Rows(first, place // n, place % n, number)

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
