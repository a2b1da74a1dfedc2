"""One quadratic program -> the same in units in which its matrices and vectors are near one: see `methods/qp.py`."""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.along import fill
from declarative.backends.kkt.compiled.diagonal import Columns, columns_for, list_columns
from declarative.backends.kkt.compiled.item import copy_row
from declarative.backends.kkt.compiled.jit import SUMS, inner, largest
from declarative.backends.kkt.compiled.systems import largest_product, root

ROUNDS = 4  # of equilibration, as in `linear/scaling.py`
SPARSE = 4  # a row with so many times fewer entries than places is visited entry by entry


class Units(NamedTuple):
    """P (n, n), q (n,); R (p + g, n), the rows of A and G; b (p,); d and on (m,) of the rows of C = [G; -I; I], whose
    bounds are those of the variables `low` and `high`. Where `diagonal[0]`, P is its diagonal, `curve` (n,), alone, and
    the equations are listed `by_column`. `columns` lists the entries of each row of R, `count` of them,
    or none where the row is full. D (n,) and E (p + g,) are the scalings; `size` (n,) is memory.
    """

    P: np.ndarray
    curve: np.ndarray
    diagonal: np.ndarray
    q: np.ndarray
    R: np.ndarray
    b: np.ndarray
    d: np.ndarray
    on: np.ndarray
    low: np.ndarray
    high: np.ndarray
    columns: np.ndarray
    count: np.ndarray
    D: np.ndarray
    E: np.ndarray
    size: np.ndarray
    by_column: Columns


def units_for(n: int, p: int, g: int, low: np.ndarray, high: np.ndarray) -> Units:
    """Memory for one item."""
    rows, m = p + g, g + len(low) + len(high)
    return Units(
        np.empty((n, n)), np.empty(n), np.zeros(1, np.bool_), np.empty(n), np.empty((rows, n)), np.empty(p),
        np.empty(m), np.empty(m, np.bool_), low, high, np.empty((rows, n), np.int64), np.empty(rows, np.int64),
        np.empty(n), np.empty(rows), np.empty(n), columns_for(n, p),
    )  # fmt: skip


@inner()
def list_entries(u, r):
    """Where row r has its entries."""
    row, found = u.R[r], 0
    n = len(row)
    for j in range(n):
        if row[j] != 0:
            u.columns[r, found] = j
            found += 1
    u.count[r] = found if found * SPARSE <= n else n


@inner(fastmath=SUMS)
def raise_to(a, factor, most):
    """most = the larger of it and |a| times a factor, entry by entry."""
    for j in range(len(a)):
        most[j] = largest(most[j], abs(a[j]) * factor)


@inner()
def measure_rows(u, most):
    """E becomes that of the next round, and `most` (n,) the largest entries of the columns in this one's units."""
    n, D, E = len(u.q), u.D, u.E
    fill(most, n, 0.0)
    for r in range(len(E)):
        row, size = u.R[r], 0.0
        if u.count[r] < n:
            for k in range(u.count[r]):
                j = u.columns[r, k]
                most[j] = max(most[j], abs(row[j]) * E[r])
                size = max(size, abs(row[j]) * D[j])
        else:
            raise_to(row, E[r], most)
            size = largest_product(row, D)
        E[r] *= root(E[r] * size)


@inner()
def curve_of(item, u, i):
    """The largest entry of row i of P in units of D."""
    if u.diagonal[0]:
        return u.D[i] * abs(item.P[i, i]) * u.D[i]
    return u.D[i] * largest_product(item.P[i], u.D)


@inner()
def equilibrate(item, u, before):
    """D and E as `linear/scaling.py` finds them; `before` (n,) is memory."""
    n, D, E, most = len(u.q), u.D, u.E, u.size
    fill(D, n, 1.0)
    fill(E, len(E), 1.0)
    for _ in range(ROUNDS):
        measure_rows(u, most)
        for i in range(n):
            before[i] = curve_of(item, u, i)
        for i in range(n):
            D[i] *= root(max(before[i], D[i] * most[i]))
    heaviest = 0.0
    for i in range(n):
        heaviest = max(heaviest, curve_of(item, u, i))
    t = root(heaviest)
    for i in range(n):
        D[i] *= t
    for r in range(len(E)):
        E[r] /= t


@inner()
def positive(size):
    """The size, or 1 where it is 0."""
    return size if size > 0 else 1.0


@inner()
def largest_side(item, u):
    """The largest right-hand side or bound that is finite."""
    p, most = len(item.b), 0.0
    for r in range(p):
        most = max(most, abs(u.E[r] * item.b[r]))
    for r in range(len(item.h)):
        if np.isfinite(item.h[r]):
            most = max(most, abs(u.E[p + r] * item.h[r]))
    for j in range(len(item.q)):
        for side in (item.lower[j], item.upper[j]):
            if np.isfinite(side):
                most = max(most, abs(side) / u.D[j])
    return most


@inner()
def put_side(u, r, side):
    """The right-hand side of row r of C, which does not exist where that is infinite."""
    u.on[r] = np.isfinite(side)
    u.d[r] = side if u.on[r] else 0.0


@inner()
def put_sides(item, u, sigma):
    """b and d, in units of sigma."""
    p, g = len(item.b), len(item.h)
    for r in range(p):
        u.b[r] = u.E[r] * item.b[r] / sigma
    for r in range(g):
        put_side(u, r, u.E[p + r] * item.h[r] / sigma)
    for k in range(len(u.low)):
        j = u.low[k]
        put_side(u, g + k, -item.lower[j] / u.D[j] / sigma)
    for k in range(len(u.high)):
        j = u.high[k]
        put_side(u, g + len(u.low) + k, item.upper[j] / u.D[j] / sigma)


@inner()
def to_units(item, u, before):
    """Fill `u`; sigma and kappa. `before` (n,) is memory."""
    n, D, E = len(u.q), u.D, u.E
    for r in range(len(E)):
        copy_row(item, r, u.R[r])
        list_entries(u, r)
    equilibrate(item, u, before)
    sigma, pull, curve = largest_side(item, u), 0.0, 0.0
    for i in range(n):
        pull = max(pull, abs(D[i] * item.q[i]))
        curve = max(curve, curve_of(item, u, i))
    sigma = sigma if sigma > 0 else positive(pull)
    kappa = positive(max(pull / sigma, curve))
    for i in range(n):
        u.q[i] = D[i] * item.q[i] / (sigma * kappa)
        u.curve[i] = D[i] * item.P[i, i] * D[i] / kappa
        for j in range(0 if u.diagonal[0] else n):
            u.P[i, j] = D[i] * item.P[i, j] * D[j] / kappa
    for r in range(len(E)):
        for j in range(n):
            u.R[r, j] *= E[r] * D[j]
    put_sides(item, u, sigma)
    if u.diagonal[0]:
        list_columns(u)
    return sigma, kappa
