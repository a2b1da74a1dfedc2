"""What a symmetric array needs before and after it is factored, compiled: entries are read once instead of copied."""

import numpy as np
from numba import njit

compiled = njit(cache=True, nogil=True, error_model="numpy")


@compiled
def balancing(K, sweeps):
    """Powers of the rows' largest entries that bring them all near one (Ruiz), for rows that are not 0."""
    n = len(K)
    scale, size = np.ones(n), np.empty(n)
    for _ in range(sweeps):
        for i in range(n):
            largest = 0.0
            for j in range(n):
                largest = max(largest, abs(K[i, j]) * scale[j])
            size[i] = scale[i] * largest
        scale /= np.sqrt(size)
    return scale


@compiled
def balanced(K, scale):
    """diag(scale) K diag(scale), and the largest sum of a column's absolute entries."""
    n, norm = len(K), 0.0
    B = np.empty_like(K)
    for i in range(n):
        total = 0.0
        for j in range(n):
            B[i, j] = scale[i] * K[i, j] * scale[j]
            total += abs(B[i, j])
        norm = max(norm, total)
    return B, norm


@compiled
def distance(K, L, scale):
    """That sum for diag(scale) (K - L) diag(scale)."""
    n, norm = len(K), 0.0
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += abs(K[i, j] - L[i, j]) * scale[j]
        norm = max(norm, scale[i] * total)
    return norm
