"""Which unknowns each entry of a value on a tape reads, by its maps: every place where its derivative may not be 0."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from declarative.backends.tape.terms import Inner, Linear, Node, Product, Term, Unknowns


class Incidence:
    """Of maps of n unknowns."""

    def __init__(self, n: int):
        self.n = n
        self._known: dict[int, tuple[sparse.csr_array, int]] = {}  # by source, which the terms keep alive

    def __call__(self, terms: Linear, count: int) -> sparse.csr_array:
        """(count, n): above 0 where an entry reads an unknown."""
        found = sparse.csr_array((count, self.n), dtype=np.float64)
        for term in terms:
            if isinstance(term.source, Unknowns):
                found = found + _marks(term, (count, self.n))
            else:
                inner, size = self._of(term)
                found = found + _marks(term, (count, size)) @ inner
        return found

    def _of(self, term: Term) -> tuple[sparse.csr_array, int]:
        """Of the entries of a source that is not the unknowns themselves, and how many these are."""
        key = id(source := term.source)
        if key not in self._known:
            match source:
                case Node(count, args):
                    maps, size = args, count
                case Product(left, right):
                    maps = left, right
                    size = 1 + max(int(t.rows.max(initial=-1)) for t in (*left, *right))
                case Inner(of):
                    maps, size = (of,), 1 + max(int(t.rows.max(initial=-1)) for t in of)
            self._known[key] = sum((self(arg, size) for arg in maps), sparse.csr_array((size, self.n))), size
        return self._known[key]


def pairs(term: Term) -> tuple[np.ndarray, np.ndarray]:
    """The rows and columns of a term's coefficients, flat, in their order."""
    rows = np.broadcast_to(term.rows[:, :, None], term.sizes)
    return rows.reshape(-1), np.broadcast_to(term.cols[:, None, :], term.sizes).reshape(-1)


def _marks(term: Term, shape: tuple[int, int]) -> sparse.csr_array:
    rows, cols = pairs(term)
    return sparse.csr_array((np.ones(len(rows)), (rows, cols)), shape)
