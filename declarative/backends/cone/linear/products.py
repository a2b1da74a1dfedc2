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


@compiled
def largest_by_rows(starts, columns, values, x):
    """The largest |M_ij x_j| of each row, (B, n) to (B, m), for x >= 0; no number where one of them is none."""
    found = np.zeros((len(values), len(starts) - 1))
    for k in range(len(values)):
        for i in range(len(starts) - 1):
            for e in range(starts[i], starts[i + 1]):
                term = abs(values[k, e]) * x[k, columns[e]]
                if term > found[k, i] or term != term:
                    found[k, i] = term
    return found


@compiled
def largest_by_columns(starts, columns, values, z, n):
    """The same of each column, (B, m) to (B, n)."""
    found = np.zeros((len(values), n))
    for k in range(len(values)):
        for i in range(len(starts) - 1):
            for e in range(starts[i], starts[i + 1]):
                term = abs(values[k, e]) * z[k, i]
                if term > found[k, columns[e]] or term != term:
                    found[k, columns[e]] = term
    return found
