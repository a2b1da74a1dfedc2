"""Sparse matrices of one pattern times vectors, a batch of both, compiled: there is nothing to set up for a product.

`starts` (m + 1,) and `columns` (l,) are the places of the entries row by row, `values` (B, l) the entries.
"""

import numpy as np
from numba import njit

compiled = njit(cache=True, nogil=True, error_model="numpy")


@compiled
def by_rows(starts, columns, values, x):
    """M x: (B, n) to (B, m)."""
    found = np.empty((len(values), len(starts) - 1))
    for k in range(len(values)):
        for i in range(len(starts) - 1):
            total = 0.0
            for e in range(starts[i], starts[i + 1]):
                total += values[k, e] * x[k, columns[e]]
            found[k, i] = total
    return found


@compiled
def by_columns(starts, columns, values, z, n):
    """M'z: (B, m) to (B, n)."""
    found = np.zeros((len(values), n))
    for k in range(len(values)):
        for i in range(len(starts) - 1):
            for e in range(starts[i], starts[i + 1]):
                found[k, columns[e]] += values[k, e] * z[k, i]
    return found
