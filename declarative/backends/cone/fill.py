"""The pattern of a cone program -> about how many operations a sparse factorisation of its KKT matrix takes."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import reverse_cuthill_mckee

from declarative.backends.cone.function import Structure

DENSE_ROW = 2  # times the root of the size: a row with more entries is eliminated last, as the orderings do


def factorisation_work(structure: Structure) -> float:
    """The sum of squares of the envelope's widths, in the order of Cuthill and McKee; rows that are dense come last.

    An upper bound, up to a small constant, of what a better ordering needs (George and Liu, Computer Solution of Large
    Sparse Positive Definite Systems, 1981, chapter 4).
    """
    K, size = kkt_pattern(structure), structure.columns + structure.cones.rows
    dense = np.bincount(K.nonzero()[0], minlength=size) > DENSE_ROW * np.sqrt(size)
    count = int(dense.sum())
    if count == size:
        return size**3 / 3
    inner = K[~dense][:, ~dense]
    order = reverse_cuthill_mckee(inner, symmetric_mode=True)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    rows, columns = inner.nonzero()
    width = np.zeros(len(order))
    np.maximum.at(width, place[rows], place[rows] - place[columns])
    return float(np.square(width + 1 + count).sum() + count**3 / 3)


def kkt_pattern(structure: Structure) -> sp.csr_array:
    """[[P, A'], [A, I]] with a one for each entry that may not be zero."""
    n, m = structure.columns, structure.cones.rows
    (i, j), (r, c) = structure.P_at, structure.A_at + np.array([[n], [0]])
    diagonal = np.arange(n + m)
    rows, columns = np.concatenate([i, r, c, diagonal]), np.concatenate([j, c, r, diagonal])
    return sp.coo_array((np.ones(len(rows)), (rows, columns)), shape=(n + m, n + m)).tocsr()
