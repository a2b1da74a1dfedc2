"""The upper triangle of a symmetric pattern, column by column -> the elimination tree, and the columns of its factor L.

Row k of L has the nodes of the elimination tree on the ways up to k from the entries of column k (Liu, "The role of
elimination trees in sparse factorization", 1990). Each entry of L costs one step.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def elimination(starts, rows):
    """The parents of the elimination tree (n,), n at its roots, and where the columns of L begin (n + 1,)."""
    n = len(starts) - 1
    parent, seen, ends = np.full(n, n), np.full(n, -1), np.zeros(n + 1, np.int64)
    for k in range(n):
        seen[k] = k
        for at in range(starts[k], starts[k + 1]):
            node = rows[at]
            while seen[node] != k:
                if parent[node] == n:
                    parent[node] = k
                ends[node + 1] += 1
                seen[node] = k
                node = parent[node]
    return parent, np.cumsum(ends)


def column_lengths(starts: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Of L with its diagonal, (n,)."""
    return 1 + np.diff(elimination(starts, rows)[1])
