"""Cholesky factors within the envelope of a matrix: of each row what lies between its first entry and the diagonal.

Nothing fills in outside of it (George and Liu, Computer Solution of Large Sparse Positive Definite Systems, 1981).
Matrices (p p,) are row after row in one vector; `first` (p,) says where each row starts, and nothing before is read.
"""

import numpy as np

from declarative.backends.kkt.compiled.along import dot, subtract
from declarative.backends.kkt.compiled.jit import inner


@inner()
def factor_envelope(first, K, p):
    """K becomes its Cholesky factor within the envelope; false where it is not positive definite."""
    for i in range(p):
        row = K[i * p : (i + 1) * p]
        for j in range(first[i], i):
            low = max(first[i], first[j])
            row[j] = (row[j] - dot(row[low:j], K[j * p + low : j * p + j])) / K[j * p + j]
        pivot = row[i] - dot(row[first[i] : i], row[first[i] : i])
        if not pivot > 0:
            return False
        row[i] = np.sqrt(pivot)
    return True


@inner()
def solve_lower(first, K, y):
    """y (p,) becomes K^-1 y."""
    p = len(y)
    for i in range(p):
        low = first[i]
        y[i] = (y[i] - dot(K[i * p + low : i * p + i], y[low:i])) / K[i * p + i]


@inner()
def solve_upper(first, K, y):
    """y (p,) becomes K'^-1 y."""
    p = len(y)
    for i in range(p - 1, -1, -1):
        y[i] /= K[i * p + i]
        subtract(K[i * p + first[i] : i * p + i], y[i], y[first[i] : i])


@inner()
def solve_envelope(first, K, y):
    """y (p,) becomes (K K')^-1 y."""
    solve_lower(first, K, y)
    solve_upper(first, K, y)
