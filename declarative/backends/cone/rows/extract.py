"""Chunks of cone rows on a tape -> the data of the cone program as a few instructions on the parameters.

A chunk's rows are a pattern of its expressions. With the coefficients of the expressions as vectors on the tape, those
of the rows are gathered from them, times the pattern's numbers and parameters. Nothing is differentiated, zeros have no
place, and what no parameter changes is computed once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor

from declarative.backends.cone.rows.chunks import Chunk
from declarative.backends.cone.rows.template import Entries
from declarative.backends.layout import Layout
from declarative.backends.tape.coefficients import Coefficients
from declarative.backends.tape.coefficients import Entries as Places
from declarative.backends.tape.evaluate import Runner, static_value
from declarative.backends.tape.polynomial import Moving, NotPolynomial, Polynomials
from declarative.backends.tape.polynomial_rules import RULES
from declarative.backends.tape.tape import Input, Slot, Tape, needs
from declarative.backends.tape.vectorise import Vectoriser

LARGE, MORE = 200, 4  # unknowns from which on squares are looked at; times as many entries as without their product


@dataclass(frozen=True)
class Extracted:
    """`read` gives P's values, q, A's values, b and the objective's constant; places (2, k) are rows and columns.

    The last `lifted` columns are what the last rows, equalities, make of the others.
    """

    runner: Runner
    P_at: np.ndarray
    A_at: np.ndarray
    lifted: int

    def read(self, inputs: Mapping[str, Tensor], x: Tensor | None = None) -> tuple[Tensor, ...]:
        return self.runner(inputs)


def extract(
    vectoriser: Vectoriser,
    layout: Layout,
    objective: Slot,
    chunks: list[Chunk],
    symmetric: frozenset[str],
    constants: Mapping[str, np.ndarray],
    device: torch.device | str,
) -> Extracted | None:
    """None where the structure is not understood. `symmetric` names the parameters that are symmetric matrices."""
    if any(chunk.form is not None for chunk in chunks):
        return None
    polynomials = Polynomials(vectoriser.instructions, layout.places, symmetric, RULES)
    reader = _Reader(polynomials, Coefficients(polynomials.maps, layout.size), layout.size, constants)
    try:
        auxiliaries = sum(chunk.count * chunk.pattern.auxiliaries for chunk in chunks)
        f, A, b, at = reader.objective(objective, auxiliaries), [], [], [np.zeros((2, 0), dtype=np.int64)]
        row, column = 0, layout.size
        for chunk in chunks:
            own = reader.chunk(chunk, row, column)
            A.append(own.A)
            b.append(own.b)
            at.append(own.places)
            row, column = row + chunk.rows, column + chunk.count * chunk.pattern.auxiliaries
    except NotPolynomial:
        return None
    A.append(f.A)
    b.append(reader.arrays.literal(np.zeros(f.lifted)))
    at.append(f.A_at + np.array([[row], [0]]))
    slots = (f.P, f.q, reader.joined(A), reader.joined(b), f.offset)
    runner = Runner(vectoriser.tape(slots), known=constants, device=device)
    return Extracted(runner, f.P_at, np.concatenate(at, 1), f.lifted)


@dataclass(frozen=True)
class _Objective:
    """Slots of P's values at `P_at`, of q and of the constant; of A's values at `A_at`, in rows for what is lifted."""

    P: Slot
    P_at: np.ndarray
    q: Slot
    offset: Slot
    A: Slot
    A_at: np.ndarray
    lifted: int


@dataclass(frozen=True)
class _Rows:
    """Of a chunk: slots of the values of A, at `places` (2, l), and of b."""

    A: Slot
    places: np.ndarray
    b: Slot


@dataclass(frozen=True)
class _Products:
    """`numbers[i]` times the pattern's parameter `params[i]` in repetition `times[i]`, and a vector's entry `of[i]`."""

    numbers: np.ndarray
    params: np.ndarray
    times: np.ndarray
    of: np.ndarray


class _Reader:
    def __init__(
        self, polynomials: Polynomials, coefficients: Coefficients, n: int, constants: Mapping[str, np.ndarray]
    ):
        self.polynomials, self.coefficients, self.n, self.constants = polynomials, coefficients, n, constants
        self.arrays = polynomials.arrays

    def joined(self, slots: list[Slot]) -> Slot:
        return self.arrays.join(slots or [self.arrays.literal(np.zeros(0))])

    def thinned(self, matrix: Places) -> tuple[Slot, np.ndarray]:
        """The values of a matrix and their flat places, without the zeros that are known now."""
        pairs = [self._thinned(slot, at) for slot, at in zip(matrix.slots, matrix.places, strict=True)]
        slots, places = tuple(slot for slot, _ in pairs), tuple(at for _, at in pairs)
        return self.coefficients.joined(Places(slots, places, matrix.shape))

    def _thinned(self, slot: Slot, places: np.ndarray) -> tuple[Slot, np.ndarray]:
        tape = Tape(tuple(self.arrays.instructions), (slot,))
        inputs = {i.name for k in needs(tape, (slot,)) if isinstance(i := tape.instructions[k], Input)}
        if not inputs <= self.constants.keys():
            return slot, places
        kept = np.flatnonzero(static_value(tape, self.constants)[0])
        return (slot, places) if len(kept) == len(places) else (self.arrays.gather(slot, kept), places[kept])

    def objective(self, slot: Slot, auxiliaries: int) -> _Objective:
        """Squares w (Lx)^2 whose matrix L' diag(w) L has many more entries than L are w y^2 with Lx - y = 0."""
        f, first = self.polynomials(slot), self.n + auxiliaries
        P, P_at, A, A_at, lifted, row = [], [], [], [], set(), 0
        for squares in self.coefficients.squares(f) if self.n >= LARGE else ():
            values, places = self.thinned(squares.rows)
            if not _fills(places, self.n):
                continue
            count = squares.rows.shape[0]
            y = np.arange(row, row + count)
            lifted.add(squares.source)
            P.append(self.arrays.times(squares.weights, 2.0))
            P_at.append(np.stack([first + y] * 2))
            A += [values, self.arrays.literal(-np.ones(count))]
            A_at += [np.stack(np.divmod(places, self.n)) + np.array([[row], [0]]), np.stack([y, first + y])]
            row += count
        values, places = self.thinned(self.coefficients.hessian(f, frozenset(lifted)))
        q, at = self.coefficients.joined(self.coefficients.gradient(f))
        return _Objective(
            P=self.joined([values, *P]),
            P_at=np.concatenate([np.stack(np.divmod(places, self.n)), *P_at], 1),
            q=self.arrays.scatter(q, at, first + row),
            offset=self.arrays.reshape(self.coefficients.constants([f]), ()),
            A=self.joined(A),
            A_at=np.concatenate([np.zeros((2, 0), dtype=np.int64), *A_at], 1),
            lifted=row,
        )

    def chunk(self, chunk: Chunk, row: int, column: int) -> _Rows:
        """With its first row and its first auxiliary's column."""
        values = [self.polynomials(slot) for slot in chunk.slots]
        J, places = self.thinned(self.coefficients.rows(values))
        entry, unknown = np.divmod(places, self.n)
        sizes = [prod(value.sizes) // chunk.count for value in values]
        rows, products = _matched(chunk, sizes, entry)
        extra_at, extra = _auxiliaries(chunk, column)
        A = [self._value(chunk, products, J), self._value(chunk, extra, None)]
        at = np.concatenate([np.stack([rows, unknown[products.of]]), extra_at], 1)
        return _Rows(self.joined(A), at + np.array([[row], [0]]), self._right(chunk, values, sizes))

    def _right(self, chunk: Chunk, values: list[Moving], sizes: list[int]) -> Slot:
        """b: the pattern's own, less the pattern times what the expressions are at 0."""
        starts = np.cumsum([0, *(prod(value.sizes) for value in values)])
        known = [
            np.arange(a, a + prod(v.sizes)) for a, v in zip(starts, values, strict=False) if v.constant is not None
        ]
        rows, products = _matched(chunk, sizes, np.concatenate([np.zeros(0, dtype=np.int64), *known]))
        constants = self.arrays.times(self.coefficients.constants([v for v in values if v.constant is not None]), -1.0)
        own_rows, own = _repeated(chunk, chunk.pattern.b)
        parts = [self._value(chunk, products, constants), self._value(chunk, own, None)]
        return self.arrays.scatter(self.joined(parts), np.concatenate([rows, own_rows]), chunk.rows)

    def _value(self, chunk: Chunk, products: _Products, vector: Slot | None) -> Slot:
        """The products; without a vector its entries count as ones."""
        value = self.arrays.literal(products.numbers)
        if vector is not None:
            value = self.arrays.product(self.arrays.gather(vector, products.of), value)
        parameters = sum(prod(self.arrays.sizes(slot)) for slot in chunk.data) // chunk.count
        if (products.params == parameters).all():
            return value
        return self.arrays.product(value, self.arrays.gather(self._parameters(chunk), self._place(chunk, products)))

    def _parameters(self, chunk: Chunk) -> Slot:
        """All repetitions of one parameter after another, and a one."""
        flat = [self.arrays.reshape(slot, (prod(self.arrays.sizes(slot)),)) for slot in chunk.data]
        return self.arrays.join([*flat, self.arrays.literal(np.ones(1))])

    def _place(self, chunk: Chunk, products: _Products) -> np.ndarray:
        """Where each product's parameter is among them."""
        totals = [prod(self.arrays.sizes(slot)) for slot in chunk.data]
        sizes = np.array([total // chunk.count for total in totals], dtype=np.int64)
        starts, firsts = np.cumsum([0, *totals]), np.cumsum([0, *sizes])
        which = np.searchsorted(firsts, products.params, side="right") - 1
        inside = np.minimum(which, len(sizes) - 1)
        place = starts[inside] + products.times * sizes[inside] + products.params - firsts[inside]
        return np.where(which == len(sizes), starts[-1], place)


def _fills(places: np.ndarray, n: int) -> bool:
    """Has L'L many more entries than L, at these flat places of (rows, n), and than what its rows cost?"""
    rows, columns = np.divmod(places, n)
    each = np.bincount(rows).astype(float)
    product = min(float(np.square(each).sum()), float(np.unique(columns).size) ** 2)
    return product > MORE * (len(places) + 2 * len(each))


def _matched(chunk: Chunk, sizes: list[int], entries: np.ndarray) -> tuple[np.ndarray, _Products]:
    """Entries of the expressions (slot by slot, each repetition by repetition) with the pattern's entries for them.

    Gives the chunk's row of each product, whose `of` counts along `entries`.
    """
    A, count = chunk.pattern.A, chunk.count
    ends = np.cumsum(np.array(sizes, dtype=np.int64) * count)
    slot = np.searchsorted(ends, entries, side="right")
    first, own = np.concatenate([[0], ends])[slot], np.array(sizes, dtype=np.int64)[slot]
    times, inside = np.divmod(entries - first, np.maximum(own, 1))
    column = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)[slot] + inside
    order = np.argsort(A.columns, kind="stable")
    low, high = (np.searchsorted(A.columns[order], column, side) for side in ("left", "right"))
    many = high - low
    of = np.repeat(np.arange(len(entries)), many)
    at = order[low[of] + np.arange(len(of)) - np.repeat(np.cumsum(many) - many, many)]
    return A.rows[at] + times[of] * chunk.pattern.rows, _Products(A.values[at], A.params[at], times[of], of)


def _repeated(chunk: Chunk, entries: Entries) -> tuple[np.ndarray, _Products]:
    """The pattern's entries in every repetition, with their rows."""
    k, count = len(entries.rows), chunk.count
    times = np.repeat(np.arange(count), k)
    rows = np.tile(entries.rows, count) + times * chunk.pattern.rows
    return rows, _Products(np.tile(entries.values, count), np.tile(entries.params, count), times, np.arange(k * count))


def _auxiliaries(chunk: Chunk, column: int) -> tuple[np.ndarray, _Products]:
    """The coefficients of the pattern's auxiliaries: places (2, k), and numbers."""
    A, width = chunk.pattern.A, sum(chunk.pattern.sizes)
    kept = A.columns >= width
    rows, products = _repeated(chunk, Entries(A.rows[kept], A.columns[kept], A.params[kept], A.values[kept]))
    columns = np.tile(A.columns[kept], chunk.count) - width + column + products.times * chunk.pattern.auxiliaries
    return np.stack([rows, columns]), products
