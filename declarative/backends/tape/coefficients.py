"""Affine and quadratic values on a tape -> the slots of their coefficients: a constant, a gradient, a matrix.

A scalar's products L_k R_k with weights w_k give the matrix L' diag(w) R + R' diag(w) L. Blocks of L and R that list
the same rows are multiplied as matrices, selections place data without arithmetic, and the rest is joined row by row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from declarative.backends.tape.polynomial import Moving, NotPolynomial
from declarative.backends.tape.tape import Slot
from declarative.backends.tape.terms import Inner, Linear, Maps, Product, Term, X

MANY = 4  # products for each entry of a matrix, beyond which it is a product of dense matrices


@dataclass(frozen=True)
class Entries:
    """A sparse matrix or vector: vectors of values at slots, to be added at flat places of an array of `shape`."""

    slots: tuple[Slot, ...]
    places: tuple[np.ndarray, ...]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Weights:
    """`number` times a vector, or times one number, at a slot; None stands for ones."""

    number: float
    slot: Slot | None


@dataclass(frozen=True)
class Squares:
    """The sum of `weights` (count,), at a slot, times the squares of `rows` (count, n) times the unknowns."""

    source: Product
    rows: Entries
    weights: Slot


class Coefficients:
    """Emits coefficients in n unknowns on the maps' tape."""

    def __init__(self, maps: Maps, n: int):
        self.maps, self.arrays, self.n = maps, maps.arrays, n

    # --- what callers use -------------------------------------------------------------------------

    def dense(self, entries: Entries) -> Slot:
        """The array itself; the data's own where one slot has all of it in order."""
        count = prod(entries.shape)
        whole, some = [], []
        for slot, places in zip(entries.slots, entries.places, strict=True):
            in_order = places.size == count and np.array_equal(places, np.arange(count))
            (whole if in_order else some).append((slot, places))
        parts = [slot for slot, _ in whole]
        if some or not whole:
            slots, places = tuple(slot for slot, _ in some), tuple(places for _, places in some)
            parts.append(self.arrays.scatter(*self.joined(Entries(slots, places, entries.shape)), count))
        return self.arrays.reshape(parts[0] if len(parts) == 1 else self.arrays.apply("add", *parts), entries.shape)

    def joined(self, entries: Entries) -> tuple[Slot, np.ndarray]:
        """All values as one vector, and their flat places."""
        if not entries.slots:
            return self.arrays.literal(np.zeros(0)), np.zeros(0, dtype=np.int64)
        return self.arrays.join(list(entries.slots)), np.concatenate(entries.places)

    def constants(self, values: list[Moving]) -> Slot:
        """The constants of arrays, end to end."""
        return self.arrays.join([self._constant(value) for value in values] or [self.arrays.literal(np.zeros(0))])

    def rows(self, values: list[Moving]) -> Entries:
        """The matrix of affine rows: all entries of the arrays, one after another."""
        terms, first = [], 0
        for value in values:
            if not value.affine:
                raise NotPolynomial
            terms += [replace(term, rows=first + term.rows) for term in value.terms]
            first += prod(value.sizes)
        return self._entries(tuple(terms), (first, self.n))

    def gradient(self, value: Moving) -> Entries:
        """The coefficients (n,) of the unknowns in a scalar."""
        terms = [term for term in value.terms if term.source is X]
        for source in _sources(value.terms, Inner):
            terms += self._pulled(source.of, self._weights(value.terms, source))
        return self._entries(tuple(replace(t, rows=0 * t.rows) for t in terms), (self.n,))

    def squares(self, value: Moving) -> list[Squares]:
        """The sums of weighted squares of linear maps in a scalar."""
        found = []
        for source in _sources(value.terms, Product):
            if source.left is source.right:
                own = [term for term in value.terms if term.source is source]
                count = 1 + max(int(part.max()) for part in [*(t.cols for t in own), *(t.rows for t in source.left)])
                weights = self.dense(self._entries(tuple(replace(t, rows=0 * t.rows) for t in own), (count,)))
                found.append(Squares(source, self._entries(source.left, (count, self.n)), weights))
        return found

    def hessian(self, value: Moving, without: frozenset[Product] = frozenset()) -> Entries:
        """The symmetric matrix (n, n) of a scalar's second derivatives, some products left out."""
        terms = []
        for source in _sources(value.terms, Product):
            if source in without:
                continue
            weights = self._weights(value.terms, source)
            pieces = [self._pair(left, right, weights) for left in source.left for right in source.right]
            if source.symmetric:
                terms += [replace(piece, number=2 * piece.number) for piece in pieces]
            else:
                terms += pieces + [self.maps.flipped(piece) for piece in pieces]
        return self._entries(tuple(terms), (self.n, self.n))

    # --- terms as arrays ----------------------------------------------------------------------------

    def _constant(self, value: Moving) -> Slot:
        size = (prod(value.sizes),)
        return (
            self.arrays.literal(np.zeros(size)) if value.constant is None else self.arrays.reshape(value.constant, size)
        )

    def _entries(self, terms: Linear, shape: tuple[int, ...]) -> Entries:
        """All coefficients end to end, each at its place in an array of `shape`."""
        terms = tuple(term for term in terms if term.rows.size and term.cols.size)
        places = [(term.rows[:, :, None] * shape[-1] + term.cols[:, None, :]).reshape(-1) for term in terms]
        slots = [self.arrays.reshape(self.maps.values(term), (prod(term.sizes),)) for term in terms]
        return Entries(tuple(slots), tuple(places), shape)

    def _weights(self, terms: Linear, source: Inner | Product) -> Weights:
        """The coefficients of a scalar's terms at the entries of a source."""
        own = [term for term in terms if term.source is source]
        read = (source.of,) if isinstance(source, Inner) else (source.left, source.right)
        count = 1 + max(int(part.max()) for part in [*(t.cols for t in own), *(t.rows for of in read for t in of)])
        if len(own) == 1 and np.array_equal(np.sort(own[0].cols, axis=None), np.arange(count)):
            (term,) = own
            if term.slot is None or prod(self.arrays.sizes(term.slot)) == 1:
                return Weights(term.number, None if term.slot is None else self.arrays.reshape(term.slot, (1,)))
        return Weights(1.0, self.dense(self._entries(tuple(replace(t, rows=0 * t.rows) for t in own), (count,))))

    # --- weighted maps ------------------------------------------------------------------------------

    def _weighted(self, term: Term, weights: Weights) -> Term:
        """Each row times its weight."""
        term = replace(term, number=term.number * weights.number)
        if weights.slot is None:
            return term
        factor = self._at(weights.slot, term.rows)
        return replace(term, slot=factor if term.slot is None else self.arrays.product(term.slot, factor))

    def _at(self, weights: Slot, rows: np.ndarray) -> Slot:
        """A vector of weights, or one number, at rows (K, r), as (K, r, 1)."""
        one = self.arrays.sizes(weights) == (1,)
        return self.arrays.reshape(weights, (1, 1, 1)) if one else self.arrays.gather(weights, rows[:, :, None])

    def _pulled(self, linear: Linear, weights: Weights) -> list[Term]:
        """w' L as terms of one row."""
        found = []
        for term in map(self.maps.compact, linear):
            if term.sizes[1] > 1 and weights.slot is not None and self.arrays.sizes(weights.slot) != (1,):
                factors = self.arrays.gather(weights.slot, term.rows[:, None, :])
                slot = self.arrays.matmul(factors, self.maps.full(term))
                number = term.number * weights.number
                found.append(Term(term.source, 0 * term.rows[:, :1], term.cols, number, slot))
            else:
                weighted = self._weighted(term, weights)
                found.append(self.maps.folded(replace(weighted, rows=0 * term.rows), np.zeros(1, dtype=np.int64)))
        return found

    # --- products of maps -----------------------------------------------------------------------------

    def _pair(self, left: Term, right: Term, weights: Weights) -> Term:
        """left' diag(w) right, a term whose rows and columns are both unknowns."""
        left, right = self.maps.compact(left), self.maps.compact(right)
        if left.sizes[2] == 1 and right.sizes[2] > 1:
            return self.maps.flipped(self._pair(right, left, weights))
        if left.sizes[1] > 1 and right.sizes[1:] == (1, 1) and (order := _order_of(right, left.rows)) is not None:
            return self._placed(left, self.maps.taken(right, order), weights)
        same = left.rows.shape == right.rows.shape and np.array_equal(left.rows, right.rows)
        if same and np.unique(left.rows).size == left.rows.size and (left.sizes[1] > 1 or left.sizes[2] == 1):
            return self._multiplied(left, right, weights)
        singles = left.sizes[1] == right.sizes[1] == 1
        return self._joined(left, right, weights) if singles else self._dense(left, right, weights)

    def _multiplied(self, left: Term, right: Term, weights: Weights) -> Term:
        """Block by block, L' diag(w) R."""
        number = left.number * right.number * weights.number
        if left.sizes[1:] == (1, 1) and right.sizes[2] == 1:
            return Term(X, left.cols, right.cols, number, self._product(left, right, weights))
        if left.sizes[1] == 1:  # of rows the products come first, which may be known before the weights
            slot = self.arrays.matmul(self.arrays.transpose(self.maps.full(left)), self.maps.full(right))
            if weights.slot is not None:
                slot = self.arrays.product(slot, self._at(weights.slot, left.rows))
            return Term(X, left.cols, right.cols, number, slot)
        left = replace(left, number=1.0)
        weighted = self._weighted(left, replace(weights, number=1.0))
        slot = self.arrays.matmul(
            self.arrays.transpose(self.maps.full(weighted)), self.maps.full(replace(right, number=1.0))
        )
        return Term(X, left.cols, right.cols, number, slot)

    def _placed(self, block: Term, singles: Term, weights: Weights) -> Term:
        """L' diag(w) S for a block and a selection that takes each of its rows, in order, from one unknown."""
        K, r, _ = block.sizes
        weighted = self._weighted(replace(singles, rows=block.rows.reshape(-1, 1)), weights)
        slot = self.arrays.transpose(self.maps.full(block))
        if weighted.slot is not None:
            own = prod(self.arrays.sizes(weighted.slot))
            factor = self.arrays.reshape(weighted.slot, (1, 1, 1) if own == 1 else (K, 1, r))
            slot = self.arrays.product(slot, factor)
        return Term(X, block.cols, singles.cols.reshape(K, r), block.number * weighted.number, slot)

    def _product(self, left: Term, right: Term, weights: Weights) -> Slot | None:
        """The coefficients of single rows multiplied, left's as a column."""
        weighted = self._weighted(replace(left, number=1.0), replace(weights, number=1.0))
        slot = None if weighted.slot is None else self.arrays.transpose(weighted.slot)
        if slot is None or right.slot is None:
            return right.slot if slot is None else slot
        return self.arrays.product(slot, right.slot)

    def _joined(self, left: Term, right: Term, weights: Weights) -> Term:
        """Single rows: every block on the left with every block on the right that has its row."""
        order = np.argsort(right.rows[:, 0], kind="stable")
        first, last = (np.searchsorted(right.rows[order, 0], left.rows[:, 0], side) for side in ("left", "right"))
        times = last - first
        of_left = np.repeat(np.arange(len(times)), times)
        within = np.arange(len(of_left)) - np.repeat(np.cumsum(times) - times, times)
        of_right = order[first[of_left] + within]
        if (
            len(of_left) * left.sizes[2] * right.sizes[2]
            > MANY * np.unique(left.cols).size * np.unique(right.cols).size
        ):
            return self._dense(left, right, weights)
        left, right = self.maps.taken(left, of_left), self.maps.taken(right, of_right)
        slot = self._product(left, right, weights)
        return Term(X, left.cols, right.cols, left.number * right.number * weights.number, slot)

    def _dense(self, left: Term, right: Term, weights: Weights) -> Term:
        """Both maps as one matrix each over all rows."""
        rows = np.unique(np.concatenate([left.rows.reshape(-1), right.rows.reshape(-1)]))
        blocks = [self._block(term, rows) for term in (left, right)]
        if weights.slot is not None and self.arrays.sizes(weights.slot) != (1,):
            weights = replace(weights, slot=self.arrays.gather(weights.slot, rows))
        return self._multiplied(blocks[0], blocks[1], weights)

    def _block(self, term: Term, rows: np.ndarray) -> Term:
        """One block over all these rows, numbered from 0."""
        cols = np.unique(term.cols)
        places = np.searchsorted(rows, term.rows)[:, :, None] * len(cols) + np.searchsorted(cols, term.cols)[:, None, :]
        values = self.arrays.reshape(self.maps.values(term), (places.size,))
        slot = self.arrays.scatter(values, places.reshape(-1), len(rows) * len(cols))
        slot = self.arrays.reshape(slot, (1, len(rows), len(cols)))
        return Term(term.source, np.arange(len(rows))[None, :], cols[None, :], 1.0, slot)


def _sources(terms: Linear, kind) -> list:
    return list(dict.fromkeys(term.source for term in terms if isinstance(term.source, kind)))


def _order_of(singles: Term, rows: np.ndarray) -> np.ndarray | None:
    """The order in which single entries have these rows, each once; None where they do not."""
    order, wanted = np.argsort(singles.rows[:, 0], kind="stable"), np.argsort(rows.reshape(-1), kind="stable")
    if order.size != wanted.size or not np.array_equal(singles.rows[order, 0], rows.reshape(-1)[wanted]):
        return None
    if (np.diff(singles.rows[order, 0]) == 0).any():
        return None
    found = np.empty_like(order)
    found[wanted] = order
    return found
