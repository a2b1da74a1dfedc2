"""The active rows of one quadratic program, dependent or not, among the variables that no bound holds -> factors.

In units in which all is near one, the active rows C (m, k) of the k free variables are turned by Householder's
reflections, those of the largest remainder first, C' = Q [R; 0]. Rows whose remainder is nothing depend on the others.
In the coordinates Q'x the first entries are what the rows fix, and the rest is free to minimise: a Cholesky factor of
what Q'PQ leaves there says whether it has one minimum. A remainder between nothing and something is left to others.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.along import copy, dot, fill, subtract
from declarative.backends.kkt.compiled.jit import inner
from declarative.backends.kkt.compiled.portions import reflect, reflect_matrix
from declarative.backends.kkt.compiled.systems import largest_product, root

ROUNDS = 4  # of equilibration
NOTHING, SOMETHING = 1e-12, 1e-6  # of a row's remainder, in units in which its largest entry is one
RECENT = 1e-3  # of the square of a row's remainder that is worked out afresh, before rounding hides it
CURVED = 1e-9  # a pivot of the reduced Hessian, squared, beside its entry of the diagonal
FREE, ROWS, RANK, FLAT = range(4)  # places in `counts`


class Turned(NamedTuple):
    """`counts`: free variables, rows, independent rows, and whether P is 0 there. The free variables (n,), the rows
    (m,) in their order; and for each variable (n,) the number of the row that is its bound and holds it, or -1.

    K (m, n) has in row i the vector of a reflection from place i on, and before that a column of R, whose diagonal is
    `diagonal` (m,). `E` (m,) by place, D (n,) by variable scale rows and variables. P (n, n) is Q'PQ, H the factor of
    its last rows. `x`, `u` (n,) and `y` (m,) are memory.
    """

    counts: np.ndarray
    free: np.ndarray
    rows: np.ndarray
    held: np.ndarray
    K: np.ndarray
    diagonal: np.ndarray
    E: np.ndarray
    D: np.ndarray
    P: np.ndarray
    H: np.ndarray
    left: np.ndarray
    x: np.ndarray
    u: np.ndarray
    y: np.ndarray


def turned_for(n: int, m: int) -> Turned:
    """Memory for one item with n variables and m rows that are no bounds."""
    whole = np.int64
    return Turned(
        np.zeros(4, whole), np.empty(n, whole), np.empty(m, whole), np.empty(n, whole), np.empty((m, n)), np.empty(m),
        np.empty(m), np.empty(n), np.empty((n, n)), np.empty((n, n)), np.empty(m), np.empty(n), np.empty(n),
        np.empty(m),
    )  # fmt: skip


@inner()
def collect(item, state, t):
    """Which variables are free, which rows of A and G are active."""
    n, p, m, free, rows = len(item.q), len(item.b), len(item.h), 0, 0
    for j in range(n):
        t.held[j] = -1
    for k in range(len(item.bounded)):
        if state[p + m + k] != 0:
            t.held[item.bounded[k]] = p + m + k
    for j in range(n):
        if t.held[j] < 0:
            t.free[free] = j
            free += 1
    for r in range(p + m):
        if r < p or state[r] != 0:
            t.rows[rows] = r
            rows += 1
    t.counts[FREE], t.counts[ROWS] = free, rows


@inner()
def equilibrate(item, t):
    """D and E: whole rows, and variables, are near one."""
    n, p = len(item.q), len(item.b)
    fill(t.D, n, 1.0)
    for round in range(ROUNDS):
        fill(t.x, n, 0.0)
        for i in range(t.counts[ROWS]):
            r = t.rows[i]
            row = item.A[r] if r < p else item.G[r - p]
            size = largest_product(row, t.D)
            t.E[i] = 1 / size if size > 0 else 1.0
            for j in range(n):
                t.x[j] = max(t.x[j], abs(row[j]) * t.E[i])
        if round + 1 < ROUNDS:
            for j in range(n):
                size = max(t.x[j] * t.D[j], 0.0)
                t.D[j] *= root(size)
    for j in range(n):
        if t.x[j] == 0:
            t.D[j] = root(item.P[j, j])


@inner()
def gather(item, t):
    """The active rows among the free variables, in these units, and the sizes of the rows."""
    k, p = t.counts[FREE], len(item.b)
    for i in range(t.counts[ROWS]):
        r, row = t.rows[i], t.K[i]
        source = item.A[r] if r < p else item.G[r - p]
        for a in range(k):
            j = t.free[a]
            row[a] = t.E[i] * source[j] * t.D[j]
        t.left[i] = dot(row[:k], row[:k])


@inner()
def swap(t, i, l):
    """Rows i and l change their places."""
    if i == l:
        return
    for a in range(t.counts[FREE]):
        t.K[i, a], t.K[l, a] = t.K[l, a], t.K[i, a]
    t.rows[i], t.rows[l] = t.rows[l], t.rows[i]
    t.E[i], t.E[l] = t.E[l], t.E[i]
    t.left[i], t.left[l] = t.left[l], t.left[i]


@inner()
def largest_remainder(t, rank):
    """The row with the largest part that those before `rank` do not span, and the size of that."""
    k, best, most = t.counts[FREE], rank, -1.0
    for i in range(rank, t.counts[ROWS]):
        if t.left[i] < RECENT:
            t.left[i] = dot(t.K[i, rank:k], t.K[i, rank:k])
        if t.left[i] > most:
            best, most = i, t.left[i]
    return best, np.sqrt(max(most, 0.0))


@inner()
def turn_rows(t):
    """K, R and the rank; false where that is not clear."""
    k, rows, rank = t.counts[FREE], t.counts[ROWS], 0
    clear = True
    while rank < min(k, rows):
        best, size = largest_remainder(t, rank)
        if not size > SOMETHING:
            clear = size < NOTHING
            break
        swap(t, rank, best)
        v = t.K[rank, :k]
        t.diagonal[rank] = -size if v[rank] >= 0 else size
        v[rank] -= t.diagonal[rank]
        length = 1 / np.sqrt(dot(v[rank:], v[rank:]))
        for a in range(rank, k):
            v[a] *= length
        for i in range(rank + 1, rows):
            row = t.K[i, :k]
            reflect(v, rank, row)
            t.left[i] -= row[rank] ** 2
        rank += 1
    t.counts[RANK] = rank
    return clear


@inner()
def turn_hessian(item, t):
    """P becomes Q'PQ, and H the factor of its last rows; false where the minimum there is not clear."""
    k, rank, flat = t.counts[FREE], t.counts[RANK], True
    for a in range(k):
        i = t.free[a]
        for c in range(k):
            j = t.free[c]
            t.P[a, c] = t.D[i] * item.P[i, j] * t.D[j]
            flat = flat and t.P[a, c] == 0
    t.counts[FLAT] = flat
    if flat:
        return rank == k
    for i in range(rank):
        reflect_matrix(t.K[i, :k], i, t.P, t.u)
    return factor_rest(t, k, rank)


@inner()
def factor_rest(t, k, rank):
    """The Cholesky factor of the rows and columns of P from `rank` on; false where a pivot is not clearly positive."""
    for i in range(rank, k):
        for j in range(rank, i + 1):
            t.H[i, j] = t.P[i, j] - dot(t.H[i, rank:j], t.H[j, rank:j])
            if j < i:
                t.H[i, j] /= t.H[j, j]
        if not t.H[i, i] > CURVED * t.P[i, i]:
            return False
        t.H[i, i] = np.sqrt(t.H[i, i])
    return True


@inner()
def turn(item, state, t):
    """Factor what is active; false where the rank or the curvature is not clear."""
    collect(item, state, t)
    equilibrate(item, t)
    gather(item, t)
    return turn_rows(t) and turn_hessian(item, t)


@inner()
def forwards(t, a):
    """a (k,) becomes Q'a."""
    k = t.counts[FREE]
    for i in range(t.counts[RANK]):
        reflect(t.K[i, :k], i, a)


@inner()
def backwards(t, a):
    """a (k,) becomes Q a."""
    k = t.counts[FREE]
    for i in range(t.counts[RANK] - 1, -1, -1):
        reflect(t.K[i, :k], i, a)


@inner()
def solve_rest(t, a):
    """The last entries of a (k,) become those that H solves for."""
    k, rank = t.counts[FREE], t.counts[RANK]
    for i in range(rank, k):
        a[i] = (a[i] - dot(t.H[i, rank:i], a[rank:i])) / t.H[i, i]
    for i in range(k - 1, rank - 1, -1):
        a[i] /= t.H[i, i]
        subtract(t.H[i, rank:i], a[i], a[rank:i])


@inner()
def solve_triangle(t, y):
    """The first entries of y (m,) become R^-1 times them, those of dependent rows 0."""
    rank = t.counts[RANK]
    for i in range(rank - 1, -1, -1):
        y[i] /= t.diagonal[i]
        subtract(t.K[i, :i], y[i], y[:i])
    for i in range(rank, t.counts[ROWS]):
        y[i] = 0.0


@inner()
def solve_turned(t, rx, ry):
    """rx (n,), of which the free variables are read, and ry (rows,) become the solution of P x + C'y = rx, C x = ry.

    The sides of dependent rows are not read, and their multipliers are 0.
    """
    k, rank, flat, x, u = t.counts[FREE], t.counts[RANK], t.counts[FLAT], t.x[: t.counts[FREE]], t.u
    for a in range(k):
        x[a] = t.D[t.free[a]] * rx[t.free[a]]
    forwards(t, x)
    for i in range(rank):
        u[i] = (t.E[i] * ry[t.rows[i]] - dot(t.K[i, :i], u[:i])) / t.diagonal[i]
    if not flat:
        for i in range(rank, k):
            x[i] -= dot(t.P[i, :rank], u[:rank])
        solve_rest(t, x)
        for i in range(rank, k):
            u[i] = x[i]
        for i in range(rank):
            x[i] -= dot(t.P[i, :k], u[:k])
    copy(x[:rank], t.y)
    copy(u[:k], x)
    solve_triangle(t, t.y)
    backwards(t, x)
    for a in range(k):
        rx[t.free[a]] = t.D[t.free[a]] * x[a]
    for i in range(t.counts[ROWS]):
        ry[t.rows[i]] = t.E[i] * t.y[i]
