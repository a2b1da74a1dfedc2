"""The system of an interior-point step where P is diagonal and there are bounds and equations alone.

P + C'WC is a diagonal h then, and with it goes all that is large: A h^-1 A' has an entry where two equations share a
variable, and its Cholesky factor stays within the envelope of those, row by row from the first one on.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.along import fill
from declarative.backends.kkt.compiled.envelope import solve_envelope
from declarative.backends.kkt.compiled.jit import inner


class Columns(NamedTuple):
    """The equations by variables: those of variable j, with their entries, are from `start[j]` to before `start[j + 1]`
    in `rows` and `entries` (n p); `first` (p,) is where each row of A A' starts, h (n,) the diagonal.
    """

    start: np.ndarray
    rows: np.ndarray
    entries: np.ndarray
    first: np.ndarray
    h: np.ndarray


def columns_for(n: int, p: int) -> Columns:
    """Memory for one item."""
    whole = np.int64
    return Columns(
        np.zeros(n + 1, whole), np.empty(n * p, whole), np.empty(n * p), np.zeros(p, whole), np.empty(n)
    )  # fmt: skip


@inner()
def is_diagonal(P):
    """Has P nothing beside its diagonal?"""
    for i in range(len(P)):
        for j in range(i):
            if P[i, j] != 0 or P[j, i] != 0:
                return False
    return True


@inner()
def is_light(P, A, G):
    """Is this the faster way? Where P is diagonal, without inequalities, and with equations that are few or sparse."""
    if len(G) > 0 or not is_diagonal(P):
        return False
    p, n, entries = len(A), len(P), 0
    for r in range(p):
        for j in range(n):
            entries += A[r, j] != 0
    return 2 * p <= n or 2 * entries <= n * p


@inner()
def list_columns(u):
    """The entries of the equations by variables."""
    c, n, p, place = u.by_column, len(u.q), len(u.b), 0
    for r in range(p):
        c.first[r] = r
    for j in range(n):
        c.start[j] = place
        for r in range(p):
            if u.R[r, j] != 0:
                c.rows[place], c.entries[place] = r, u.R[r, j]
                c.first[r] = min(c.first[r], c.rows[c.start[j]])
                place += 1
    c.start[n] = place


@inner()
def multiply(u, K):
    """The envelope of A h^-1 A' in K (p p)."""
    c, n, p = u.by_column, len(u.q), len(u.b)
    for r in range(p):
        fill(K[r * p + c.first[r] :], r - c.first[r] + 1, 0.0)
    for j in range(n):
        weight = 1 / c.h[j]
        for a in range(c.start[j], c.start[j + 1]):
            row, share = c.rows[a] * p, weight * c.entries[a]
            for b in range(c.start[j], a + 1):
                K[row + c.rows[b]] += share * c.entries[b]


@inner()
def solve_diagonal(u, K, rx, ry):
    """(rx, ry) become the solution (x, y) of h x + A'y = rx, A x = ry."""
    c, n, p = u.by_column, len(rx), len(ry)
    for r in range(p):
        ry[r] = -ry[r]
    for j in range(n):
        rx[j] /= c.h[j]
        for a in range(c.start[j], c.start[j + 1]):
            ry[c.rows[a]] += c.entries[a] * rx[j]
    solve_envelope(c.first, K, ry)
    for j in range(n):
        pull = 0.0
        for a in range(c.start[j], c.start[j + 1]):
            pull += c.entries[a] * ry[c.rows[a]]
        rx[j] -= pull / c.h[j]
