"""Small symmetric matrices of a batch made, balanced, factored and solved with in one go each, compiled.

Matrices stand in the corners of arrays (B, size, size) that have room for the largest; `sizes` (B,) tells theirs.
"""

import numpy as np

from declarative.backends.cone.linear.dense import balance, largest, moved, solve
from declarative.backends.cone.linear.jit import compiled, summing


@compiled
def _curved(columns, curvature, root):
    """The first rows of `root` (m, n): those of A that curve, times the roots of this; how many they are."""
    count = 0
    for r in range(len(curvature)):
        if curvature[r] != 0:
            for j in range(len(columns)):
                root[count, j] = np.sqrt(curvature[r]) * columns[j, r]
            count += 1
    return count


@compiled
def _bordered(root, count, rows, others, values, columns, active, theta, K):
    """K = [[P + R'R, A'], [A, -diag(theta)]] for the first `count` rows R of `root` and the active rows A; its size."""
    n, at = len(columns), len(columns)
    for i in range(n):
        for j in range(n):
            K[i, j] = 0.0
    for c in range(count):
        for i in range(n):
            own, row = root[c, i], K[i]
            if own != 0:
                for j in range(i + 1):
                    row[j] += own * root[c, j]
    for i in range(n):
        for j in range(i):
            K[j, i] = K[i, j]
    for e in range(len(rows)):
        K[rows[e], others[e]] += values[e]
    for r in range(len(active)):
        if active[r]:
            for j in range(at + 1):
                K[at, j] = 0.0
            for j in range(n):
                K[at, j] = columns[j, r]
            K[at, at] = -theta[r]
            at += 1
    for i in range(n, at):
        for j in range(i):
            K[j, i] = K[i, j]
    return at


@compiled
def _without_zeros(K, size, most, places):
    """K without its rows of zeros, in its corner; `places` are those of the others, which are so many."""
    largest(K, most[:size])
    count = 0
    for i in range(size):
        if most[i] > 0:
            places[count] = i
            count += 1
    for i in range(count if count < size else 0):
        for j in range(count):
            K[i, j] = K[places[i], places[j]]
    return count


@summing
def _without_columns(B, column, n, end):
    """Solve with the first `end` columns of L for this column of U, and take them from what is below; four at once."""
    k = 0
    while k + 4 <= end:
        c, d, e, f = B[k], B[k + 1], B[k + 2], B[k + 3]
        own = column[k]
        second = column[k + 1] - own * c[k + 1]
        third = column[k + 2] - own * c[k + 2] - second * d[k + 2]
        fourth = column[k + 3] - own * c[k + 3] - second * d[k + 3] - third * e[k + 3]
        column[k + 1], column[k + 2], column[k + 3] = second, third, fourth
        for i in range(k + 4, n):
            column[i] -= own * c[i] + second * d[i] + third * e[i] + fourth * f[i]
        k += 4
    for j in range(k, end):
        own, c = column[j], B[j]
        for i in range(j + 1, n):
            column[i] -= own * c[i]


@compiled
def _factored(B, n, pivots):
    """P L U of the corner (n, n) of a symmetric B in its place, columns as rows (LAPACK's getrf); the least pivot."""
    least = np.inf
    for k in range(n):
        column, p = B[k], k
        for i in range(k):
            column[i], column[pivots[i]] = column[pivots[i]], column[i]
        _without_columns(B, column, n, k)
        for i in range(k + 1, n):
            if abs(column[i]) > abs(column[p]):
                p = i
        pivots[k] = p
        if p != k:
            for j in range(k + 1):
                B[j, k], B[j, p] = B[j, p], B[j, k]
        pivot = column[k]
        least = abs(pivot) if not abs(pivot) >= least else least
        if pivot != 0:
            share = 1 / pivot
            for i in range(k + 1, n):
                column[i] *= share
    return least


@compiled
def factored(columns, active, curvature, theta, rows, others, values, K, B, pivots, scale, places, sizes, found, work):
    """K (B, size, size) of each item without its rows of zeros, its balanced factors in B, and what belongs to them.

    P has `values` (B, l) at these places (l,). `found` (2, B) are the largest sum of a column's absolute entries of the
    balanced matrices, and the least pivots. `work` is (m + 1, size).
    """
    root, most = work[:-1], work[-1]
    for k in range(len(K)):
        count = _curved(columns[k], curvature[k], root)
        size = _bordered(root, count, rows, others, values[k], columns[k], active[k], theta[k], K[k])
        size = sizes[k] = _without_zeros(K[k], size, most, places[k])
        scale[k, :size] = 1.0
        found[0, k] = balance(K[k], scale[k, :size], B[k], most)
        found[1, k] = _factored(B[k], size, pivots[k])


@compiled
def solved(
    which, columns, active, curvature, d, rest, K, B, pivots, scale, places, sizes, rows, g, h, none, y, v, work
):
    """y and v = h - A y - w of `dense.solve` and `dense.moved` for those of the matrices that `which` (k,) tells.

    Rows (k,) of g and y (., n), h and v (., m) are theirs. `none` (m,) are zeros, `work` is (7 (n + m),).
    """
    m = h.shape[1]
    w, work = work[:m], work[m:]
    for i in range(len(which)):
        k, r = which[i], rows[i]
        size = sizes[k]
        own = (columns[k], active[k], curvature[k], d[k], rest[k])
        solve(
            *own,
            K[k],
            places[k, :size],
            B[k],
            pivots[k, :size],
            scale[k, :size],
            False,
            g[r],
            h[r],
            none,
            y[r],
            w,
            work,
        )
        moved(columns[k], d[k], rest[k], y[r], w, h[r], v[r])
