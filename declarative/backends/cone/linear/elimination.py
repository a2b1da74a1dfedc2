"""The upper triangle of a symmetric pattern, column by column -> how long the columns of its factor L are.

Row k of L has the nodes of the elimination tree on the ways up to k from the entries of column k (Liu, "The role of
elimination trees in sparse factorization", 1990). Each entry of L costs one step.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def column_lengths(starts, rows):
    """Of L with its diagonal, (n,)."""
    n = len(starts) - 1
    parent, seen, length = np.full(n, n), np.full(n, -1), np.ones(n, np.int64)
    for k in range(n):
        seen[k] = k
        for at in range(starts[k], starts[k + 1]):
            node = rows[at]
            while seen[node] != k:
                if parent[node] == n:
                    parent[node] = k
                length[node] += 1
                seen[node] = k
                node = parent[node]
    return length
