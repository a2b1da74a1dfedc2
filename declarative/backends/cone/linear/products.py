"""Sparse matrices of one pattern times vectors, a batch of both, compiled: there is nothing to set up for a product.

`starts` (m + 1,) and `columns` (l,) are the places of the entries row by row, `values` (B, l) the entries.
"""

from functools import partial

import numpy as np

from declarative.backends.cone.linear.jit import kept

compiled = partial(kept, nogil=True, error_model="numpy")


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
    """The largest |M_ij x_j| of each row, (B, n) to (B, m), for x >= 0; no number where one of them is none.

    Two at a time, each for itself; a sum tells whether one of them is no number.
    """
    found = np.empty((len(values), len(starts) - 1))
    for k in range(len(values)):
        for i in range(len(starts) - 1):
            most, other, total, e, end = 0.0, 0.0, 0.0, starts[i], starts[i + 1]
            while e + 1 < end:
                first, second = abs(values[k, e]) * x[k, columns[e]], abs(values[k, e + 1]) * x[k, columns[e + 1]]
                most = first if first > most else most
                other = second if second > other else other
                total += first + second
                e += 2
            if e < end:
                first = abs(values[k, e]) * x[k, columns[e]]
                most = first if first > most else most
                total += first
            found[k, i] = total if total != total else max(most, other)
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


@compiled
def scaled(rows, columns, values, d, e):
    """The entries (B, l) of diag(d) M diag(e), for d (B, m) and e (B, n)."""
    found = np.empty(values.shape)
    for k in range(len(values)):
        for i in range(len(rows)):
            found[k, i] = d[k, rows[i]] * values[k, i] * e[k, columns[i]]
    return found
