"""Arrays of the numbers of scalars, most of them 0 -> sums and products of the others."""

from collections import defaultdict
from itertools import pairwise

import numpy as np
from torch import Tensor

from declarative.backends.kkt.scalar import codes as op
from declarative.backends.kkt.scalar.listing import WIDEST, ZERO, Builder, NotScalar


def nonzero_rows(rows: Tensor) -> list[list[int]]:
    """Of each row (R, C) its numbers but 0, and one 0, if it has any."""
    places, columns = rows.numpy().nonzero()
    edges = np.searchsorted(places, np.arange(len(rows) + 1)).tolist()
    numbers = rows.numpy()[places, columns].tolist()
    parts = [numbers[first:last] for first, last in pairwise(edges)]
    return [part if len(part) == rows.shape[1] else [*part, ZERO] for part in parts]


def sparse_product(builder: Builder, A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """The product of matrices of numbers (m, k) and (k, n)."""
    if (A != ZERO).sum(0) @ (B != ZERO).sum(1) > WIDEST or A.shape[0] * B.shape[1] > WIDEST:
        raise NotScalar("too many operations")
    found = np.zeros((A.shape[0], B.shape[1]), np.int64)
    right = [list(zip(b.nonzero()[0].tolist(), b[b.nonzero()].tolist(), strict=True)) for b in B]
    for a, target in zip(A, found, strict=True):
        terms = defaultdict[int, list[int]](list)
        for k in a.nonzero()[0].tolist():
            for column, number in right[k]:
                terms[column].append(builder.emit(op.MUL, int(a[k]), number))
        for column, some in terms.items():
            target[column] = builder.total(some)
    return found
