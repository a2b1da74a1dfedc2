"""Linear maps as sums of small blocks whose places are known and whose values are data on a tape.

A value on the tape that depends on the unknowns x is an array of entries, each a sum of coefficients times entries of
a source: of x, or of products of linear maps of x. Selecting, repeating and summing entries changes the places only;
a product with data costs one instruction on the data, whatever the size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from declarative.backends.tape.arrays import Arrays, Sizes
from declarative.backends.tape.tape import Slot


@dataclass(frozen=True, eq=False)
class Unknowns:
    """The vector x."""


@dataclass(frozen=True, eq=False)
class Inner:
    """The entries of a linear map of x."""

    of: Linear


@dataclass(frozen=True, eq=False)
class Product:
    """Entry by entry, left times right. `symmetric`: right is left under a symmetric matrix, or left itself."""

    left: Linear
    right: Linear
    symmetric: bool


@dataclass(frozen=True, eq=False)
class Node:
    """Entry by entry, a smooth function of linear maps, with its first and second derivatives as vectors at slots.

    `seconds` has the pairs of arguments (i, j), i <= j, whose mixed derivative is not 0.
    """

    count: int
    args: tuple[Linear, ...]
    partials: tuple[Slot, ...]
    seconds: Mapping[tuple[int, int], Slot]


Source = Unknowns | Inner | Product | Node
X = Unknowns()


@dataclass(frozen=True, eq=False)
class Term:
    """Block k takes entries cols[k] (c of them) of the source to entries rows[k] (r of them), for K blocks.

    Its coefficients are `number` times the array at `slot`, whose sizes broadcast to (K, r, c); None stands for ones.
    """

    source: Source
    rows: np.ndarray
    cols: np.ndarray
    number: float = 1.0
    slot: Slot | None = None

    @property
    def sizes(self) -> tuple[int, int, int]:
        return (len(self.rows), self.rows.shape[1], self.cols.shape[1])


Linear = tuple[Term, ...]

MANY = 64  # terms of one source, beyond which they become one


def selection(source: Source, places: np.ndarray) -> Linear:
    """The map whose entry i is entry places[i] of the source; nothing where that is negative."""
    rows = np.nonzero(places >= 0)[0]
    return (Term(source, rows[:, None], places[rows][:, None]),) if len(rows) else ()


class Maps:
    """What can be done to terms, with the data emitted on `arrays`."""

    def __init__(self, arrays: Arrays):
        self.arrays = arrays

    def values(self, term: Term) -> Slot:
        """The coefficients as an array of the term's sizes."""
        slot = self.arrays.literal(np.ones((1, 1, 1))) if term.slot is None else term.slot
        return self.arrays.expand(self.arrays.times(slot, term.number), term.sizes)

    def full(self, term: Term) -> Slot:
        """The coefficients without the number, of sizes (K, r, c), or (1, r, c) where all blocks have the same."""
        slot = self.arrays.literal(np.ones((1, 1, 1))) if term.slot is None else term.slot
        return self.arrays.expand(slot, (self.arrays.sizes(slot)[0], *term.sizes[1:]))

    # --- places -------------------------------------------------------------------------------------

    def rearranged(self, term: Term, labels: np.ndarray) -> Term:
        """Entry i of the result is entry labels[i] of the map; nothing where that is negative."""
        order = np.argsort(labels, kind="stable")
        first, last = (np.searchsorted(labels[order], term.rows, side) for side in ("left", "right"))
        if (last - first == 1).all():
            return replace(term, rows=order[first])
        if term.sizes[1] > 1:
            return self.rearranged(self.by_rows(term), labels)
        first, times = first[:, 0], (last - first)[:, 0]
        picked = np.repeat(np.arange(len(times)), times)
        within = np.arange(len(picked)) - np.repeat(np.cumsum(times) - times, times)
        return replace(self.taken(term, picked), rows=order[first[picked] + within][:, None])

    def taken(self, term: Term, picked: np.ndarray) -> Term:
        """Some of the blocks."""
        slot = term.slot
        if slot is not None and self.arrays.sizes(slot)[0] > 1:
            _, r, c = self.arrays.sizes(slot)
            slot = self.arrays.gather(slot, picked[:, None, None] * (r * c) + np.arange(r * c).reshape(1, r, c))
        return replace(term, rows=term.rows[picked], cols=term.cols[picked], slot=slot)

    def by_rows(self, term: Term) -> Term:
        """The same with one row in each block."""
        K, r, _ = term.sizes
        slot = term.slot
        if slot is not None:
            own = self.arrays.sizes(slot)
            if own[:2] != (1, 1):
                slot = self.arrays.reshape(self.arrays.expand(slot, (K, r, own[2])), (K * r, 1, own[2]))
        return replace(term, rows=term.rows.reshape(-1, 1), cols=np.repeat(term.cols, r, axis=0), slot=slot)

    def folded(self, term: Term, groups: np.ndarray) -> Term:
        """Entry i is added to entry groups[i] of the result."""
        rows = groups[term.rows]
        if term.sizes[1] == 1:
            return replace(term, rows=rows)
        if (rows == rows[:, :1]).all():
            if term.slot is None or self.arrays.sizes(term.slot)[1] == 1:
                return replace(term, rows=rows[:, :1], number=term.number * term.sizes[1])
            return replace(term, rows=rows[:, :1], slot=self.arrays.sum(term.slot, 1))
        if (np.diff(np.sort(rows, axis=1), axis=1) > 0).all():
            return replace(term, rows=rows)
        return self.folded(self.by_rows(term), groups)

    def compact(self, term: Term) -> Term:
        """One block, where all blocks are single rows over the same columns."""
        K, r, c = term.sizes
        if r > 1 or c == 1 or K == 1 or not (term.cols == term.cols[:1]).all():
            return term
        slot = term.slot
        if slot is not None and self.arrays.sizes(slot)[0] > 1:
            slot = self.arrays.reshape(slot, (1, K, self.arrays.sizes(slot)[2]))
        return replace(term, rows=term.rows.reshape(1, -1), cols=term.cols[:1], slot=slot)

    def flipped(self, term: Term) -> Term:
        """The transpose; of a quadratic form's terms, whose rows and columns are both unknowns."""
        slot = None if term.slot is None else self.arrays.transpose(term.slot)
        return replace(term, rows=term.cols, cols=term.rows, slot=slot)

    # --- sums -----------------------------------------------------------------------------------------

    def merged(self, terms: Linear) -> Linear:
        """Like terms as one, and many of one source too, so that what is added to itself stays small."""
        alike: dict[tuple, list[Term]] = {}
        for term in terms:
            alike.setdefault((id(term.source), *_places(term)), []).append(term)
        if len(alike) < len(terms):
            terms = tuple(self._of_like(several) for several in alike.values())
        if len(terms) <= MANY:
            return terms
        of_source: dict[int, list[Term]] = {}
        for term in terms:
            of_source.setdefault(id(term.source), []).append(term)
        return tuple(t for some in of_source.values() for t in (some if len(some) <= MANY else [self._of_many(some)]))

    def _of_like(self, terms: Sequence[Term]) -> Term:
        """The sum of terms whose blocks stand at the same places."""
        numbers: dict[Slot | None, float] = {}
        for term in terms:
            numbers[term.slot] = numbers.get(term.slot, 0.0) + term.number
        if len(numbers) == 1:
            return replace(terms[0], number=numbers[terms[0].slot])
        one = self.arrays.literal(np.ones((1, 1, 1)))
        parts = [self.arrays.times(one if slot is None else slot, number) for slot, number in numbers.items()]
        return replace(terms[0], number=1.0, slot=self.arrays.apply("add", *parts))

    def _of_many(self, terms: Sequence[Term]) -> Term:
        """The sum of terms of one source: a block, or single entries where most of it would be zeros."""
        rows, cols = (np.unique(np.concatenate([p.reshape(-1) for p in places])) for places in _both(terms))
        cells = [_cells(term, rows, cols) for term in terms]
        values = self.arrays.join([self.arrays.reshape(self.values(t), (prod(t.sizes),)) for t in terms])
        places, r, c = np.concatenate(cells), len(rows), len(cols)
        if r * c <= places.size:
            slot = self.arrays.reshape(self.arrays.scatter(values, places, r * c), (1, r, c))
            return Term(terms[0].source, rows[None, :], cols[None, :], 1.0, slot)
        used, places = np.unique(places, return_inverse=True)
        slot = self.arrays.reshape(self.arrays.scatter(values, places, len(used)), (len(used), 1, 1))
        return Term(terms[0].source, rows[used // c][:, None], cols[used % c][:, None], 1.0, slot)

    # --- products with data -----------------------------------------------------------------------

    def scaled(self, term: Term, data: Slot, sizes: Sizes) -> Term:
        """Each entry of an array of these sizes times its entry of the data, which broadcast to them."""
        number = self.arrays.number(data)
        if number is not None:
            return replace(term, number=term.number * number)
        own = self.arrays.sizes(data)
        places = np.broadcast_to(np.arange(prod(own)).reshape(own), sizes).reshape(-1)[term.rows]
        factor = self.arrays.reshape(data, (1, 1, 1)) if prod(own) == 1 else self.arrays.gather(data, places[..., None])
        return replace(term, slot=factor if term.slot is None else self.arrays.product(term.slot, factor))

    def multiplied(self, term: Term, matrices: Slot, lead: Sizes) -> Term:
        """Under matrices (*axes, m, k), whose axes broadcast to `lead`, of an array of vectors (*lead, k)."""
        *axes, m, k = self.arrays.sizes(matrices)
        which = np.broadcast_to(np.arange(prod(axes)).reshape(axes), lead).reshape(-1)
        matrices = self.arrays.reshape(matrices, (prod(axes), m, k))
        if (diagonal := self._vectors_of_singles(term, k)) is not None:
            vectors, cols, factors = diagonal
            slot = self._of_family(matrices, which[vectors])
            slot = slot if factors is None else self.arrays.product(slot, factors)
        elif term.sizes[1:] == (1, 1):
            return self._columns(term, matrices, which)
        else:
            blocks = term if _whole_vectors(term.rows, k) else self.dense_blocks(term, k)
            vectors, cols = blocks.rows[:, 0] // k, blocks.cols
            slot = self.arrays.matmul(self._of_family(matrices, which[vectors]), self.full(blocks))
        return Term(term.source, vectors[:, None] * m + np.arange(m), cols, term.number, slot)

    def _vectors_of_singles(self, term: Term, k: int) -> tuple[np.ndarray, np.ndarray, Slot | None] | None:
        """(vectors, columns, coefficients) where every vector of k entries takes each of them from one column."""
        if term.sizes[1:] != (1, 1):
            return None
        order = np.argsort(term.rows[:, 0], kind="stable")
        rows = term.rows[order, 0]
        if len(rows) % k or not _whole_vectors(rows.reshape(-1, k), k):
            return None
        slot = self.taken(term, order).slot
        if slot is not None and self.arrays.sizes(slot)[0] > 1:
            slot = self.arrays.reshape(slot, (len(rows) // k, 1, k))
        return rows[::k] // k, term.cols[order, 0].reshape(-1, k), slot

    def _of_family(self, matrices: Slot, members: np.ndarray) -> Slot:
        """(len(members) or 1, m, k): the members of a family."""
        count, m, k = self.arrays.sizes(matrices)
        if count == 1:
            return matrices
        return self.arrays.gather(matrices, members[:, None, None] * (m * k) + np.arange(m * k).reshape(1, m, k))

    def _columns(self, term: Term, matrices: Slot, which: np.ndarray) -> Term:
        """Each single entry of a vector spreads over the rows of its matrix, along a column."""
        _, m, k = self.arrays.sizes(matrices)
        vectors, places = np.divmod(term.rows[:, 0], k)
        rows = np.arange(m)[None, :]
        starts = (which[vectors] * m)[:, None] + rows
        columns = self.arrays.gather(matrices, (starts * k + places[:, None])[..., None])
        slot = columns if term.slot is None else self.arrays.product(columns, term.slot)
        return replace(term, rows=vectors[:, None] * m + rows, slot=slot)

    def dense_blocks(self, term: Term, k: int) -> Term:
        """The same with one block for each vector of k entries, over all columns that are used."""
        vectors, cols = np.unique(term.rows // k), np.unique(term.cols)
        rows = np.searchsorted(vectors, term.rows // k) * k + term.rows % k
        places = rows[:, :, None] * len(cols) + np.searchsorted(cols, term.cols)[:, None, :]
        sizes = (len(vectors), k, len(cols))
        values = self.arrays.reshape(self.values(replace(term, number=1.0)), (places.size,))
        slot = self.arrays.reshape(self.arrays.scatter(values, places.reshape(-1), prod(sizes)), sizes)
        rows, cols = vectors[:, None] * k + np.arange(k), np.tile(cols, (len(vectors), 1))
        return Term(term.source, rows, cols, term.number, slot)


def _places(term: Term) -> tuple:
    """Equal for terms whose blocks stand at the same places."""
    return term.rows.shape, term.cols.shape, term.rows.tobytes(), term.cols.tobytes()


def _both(terms: Sequence[Term]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """All rows, and all columns."""
    return [term.rows for term in terms], [term.cols for term in terms]


def _cells(term: Term, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """Where the entries of a term stand in the matrix of these rows and columns, flat."""
    places = np.searchsorted(rows, term.rows)[:, :, None] * len(cols) + np.searchsorted(cols, term.cols)[:, None, :]
    return places.reshape(-1)


def _whole_vectors(rows: np.ndarray, k: int) -> bool:
    """Each row of the array lists the k entries of one vector in order."""
    return rows.shape[1] == k and bool((rows % k == np.arange(k)).all() and (rows // k == rows[:, :1] // k).all())
