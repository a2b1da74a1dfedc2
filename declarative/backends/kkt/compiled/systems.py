"""The systems of active sets (`kkt/system.py`) of small programs, item by item: built, factored, and solved.

The same matrices, with the rows and variables that are out as unit rows in their places.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.along import dot, subtract
from declarative.backends.kkt.compiled.constants import WEIGHT
from declarative.backends.kkt.compiled.jit import SUMS, inner, largest, outer

ROUNDS = 4  # of equilibration, as in `linear/scaling.py`
REFINEMENTS = 2


class Systems(NamedTuple):
    """H (B, n, n), A (B, m, n), which rows (B, m) and variables (B, n) are out; K (B, n + m, n + m), its factors and
    their order of rows, its scaling (B, n + m); the smallest pivot (B,) beside the largest, and which (B,) are curved.
    """

    H: np.ndarray
    A: np.ndarray
    out: np.ndarray
    fixed: np.ndarray
    K: np.ndarray
    LU: np.ndarray
    order: np.ndarray
    scale: np.ndarray
    pivot: np.ndarray
    curved: np.ndarray


@inner()
def root(size):
    """1/sqrt(size), and 1 where a row is zero."""
    return 1 / np.sqrt(size) if size > 0 else 1.0


@inner(fastmath=SUMS)
def largest_product(a, x):
    """The largest |a_i| x_i."""
    most = 0.0
    for i in range(len(a)):
        most = largest(most, abs(a[i]) * x[i])
    return most


@inner()
def equilibrate(K, n, D, before):
    """The scaling D (n + m) of the matrix [[H, .], [A, .]], as `kkt/scaling.py` finds it."""
    size = len(D)
    for i in range(size):
        D[i] = 1.0
    for _ in range(ROUNDS):
        for i in range(size):
            before[i] = D[i]
        for i in range(n):
            most = before[i] * largest_product(K[i, :n], before)
            for r in range(n, size):
                most = max(most, before[i] * (abs(K[r, i]) * before[r]))
            D[i] = before[i] * root(most)
        for r in range(n, size):
            D[r] = before[r] * root(before[r] * largest_product(K[r, :n], before))
    most = 0.0
    for i in range(n):
        most = max(most, D[i] * largest_product(K[i, :n], D))
    t = root(most)
    for i in range(size):
        D[i] = D[i] * t if i < n else D[i] / t


@inner()
def build(H, A, out, fixed, K, D, before):
    """K and its scaling D."""
    n, m = len(H), len(A)
    for i in range(n):
        for k in range(n):
            K[i, k] = 0.0 if fixed[i] or fixed[k] else H[i, k]
    for r in range(m):
        for i in range(n):
            K[n + r, i] = 0.0 if out[r] or fixed[i] else A[r, i]
    equilibrate(K, n, D, before)
    for i in range(n + m):
        for k in range(min(i + 1, n)):
            K[i, k] *= D[i] * D[k]
            K[k, i] = K[i, k]
        for k in range(n, i + 1):
            K[i, k] = K[k, i] = 0.0
        unit = fixed[i] if i < n else out[i - n]
        if unit:
            K[i, i] = 1.0


@inner()
def factor(LU, order):
    """Gauss's elimination with the largest pivots of columns, in place; gives the smallest pivot beside the largest."""
    size = len(order)
    least, most = np.inf, 0.0
    for k in range(size):
        order[k] = k
    for k in range(size):
        best = k
        for i in range(k + 1, size):
            if abs(LU[i, k]) > abs(LU[best, k]):
                best = i
        order[k] = best
        if best != k:
            for j in range(size):
                LU[k, j], LU[best, j] = LU[best, j], LU[k, j]
        pivot = LU[k, k]
        if not abs(pivot) > 0:  # not a number, too
            return 0.0
        least, most = min(least, abs(pivot)), max(most, abs(pivot))
        for i in range(k + 1, size):
            if LU[i, k] != 0:
                LU[i, k] /= pivot
                subtract(LU[k, k + 1 :], LU[i, k], LU[i, k + 1 :])
    return least / most if size > 0 else 1.0


@inner()
def curved(K, n, M):
    """Is H positive definite along the null space of the rows? M (n, n) is memory; see `kkt/finsler.py`."""
    for i in range(n):
        for k in range(i + 1):
            M[i, k] = K[i, k]
    for r in range(n, len(K)):
        row = K[r, :n]
        share = WEIGHT * root(dot(row, row)) ** 2
        for i in range(n):
            if row[i] != 0:
                for k in range(i + 1):
                    M[i, k] += share * (row[i] * row[k])
    for i in range(n):
        for k in range(i):
            M[i, k] = (M[i, k] - dot(M[i, :k], M[k, :k])) / M[k, k]
        pivot = M[i, i] - dot(M[i, :i], M[i, :i])
        if not pivot > 0:
            return False
        M[i, i] = np.sqrt(pivot)
    return True


@outer
def factor_systems(s, M, before):
    """All of them; M (n, n) and `before` (n + m) are memory."""
    for b in range(len(s.H)):
        build(s.H[b], s.A[b], s.out[b], s.fixed[b], s.K[b], s.scale[b], before)
        for i in range(len(before)):
            for k in range(len(before)):
                s.LU[b, i, k] = s.K[b, i, k]
        s.pivot[b] = factor(s.LU[b], s.order[b])
        s.curved[b] = curved(s.K[b], len(M), M)


@inner()
def solve_factored(LU, order, w):
    """w becomes K^-1 w."""
    size = len(order)
    for k in range(size):
        w[k], w[order[k]] = w[order[k]], w[k]
    for i in range(size):
        w[i] -= dot(w, LU[i, :i])
    for i in range(size - 1, -1, -1):
        w[i] = (w[i] - dot(w[i + 1 :], LU[i, i + 1 :])) / LU[i, i]


@inner()
def residual(H, A, out, fixed, x, rows, bounds, right, w):
    """right - K w: x (n), rows (m), bounds (n); 0 where a row or a bound is not active."""
    n = len(x)
    for i in range(n):
        right[i] = x[i] - dot(w, H[i]) - w[n + len(A) + i]
    for r in range(len(A)):
        right[n + r] = 0.0 if out[r] else rows[r] - dot(w, A[r])
        subtract(A[r], w[n + r], right)
    for i in range(n):
        right[n + len(A) + i] = bounds[i] - w[i] if fixed[i] else 0.0


@inner()
def correct(H, A, out, fixed, D, LU, order, right, step, w):
    """w += the solution for a right-hand side; `step` (n + m) is memory."""
    n, m = len(H), len(A)
    known = right[n + m :]
    for i in range(n):
        step[i] = 0.0 if fixed[i] else D[i] * (right[i] - dot(known, H[i]))
    for r in range(m):
        step[n + r] = 0.0 if out[r] else D[n + r] * (right[n + r] - dot(known, A[r]))
    solve_factored(LU, order, step)
    for i in range(n):
        step[i] = known[i] if fixed[i] else D[i] * step[i]
    for r in range(m):
        step[n + r] = 0.0 if out[r] else D[n + r] * step[n + r]
        subtract(A[r], step[n + r], right)
    for i in range(n):
        if fixed[i]:
            w[n + m + i] += right[i] - dot(step, H[i])
    for i in range(n + m):
        w[i] += step[i]


@outer
def solve_systems(s, x, rows, bounds, w, right, step):
    """w (B, n + m + n) with K w = [x; rows; bounds], refined; `right` and `step` are memory for one item."""
    for b in range(len(x)):
        for _ in range(1 + REFINEMENTS):
            residual(s.H[b], s.A[b], s.out[b], s.fixed[b], x[b], rows[b], bounds[b], right, w[b])
            correct(
                s.H[b], s.A[b], s.out[b], s.fixed[b], s.scale[b], s.LU[b], s.order[b], right, step, w[b]
            )  # fmt: skip
