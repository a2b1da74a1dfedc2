"""The KKT systems of items whose equations may depend on each other, factored, and solved with least norm.

P x + C'w = r_x,    C x = r_rows,    C = the rows that `dependent.py` has left.
"""

import numpy as np

from declarative.backends.kkt.compiled.along import dot, fill, subtract
from declarative.backends.kkt.compiled.item import item_of
from declarative.backends.kkt.compiled.jit import inner, large
from declarative.backends.kkt.compiled.turned import ROWS, Turned, solve_turned, turn

SOLVES = 2  # the second one is a refinement


@inner()
def turned_of(slabs, b, x, u, y):
    """The factors of one item, as views, with vectors that nobody else works on."""
    return Turned(
        slabs.counts[b], slabs.free[b], slabs.rows[b], slabs.held[b], slabs.K[b], slabs.diagonal[b], slabs.E[b],
        slabs.D[b], slabs.P[b], slabs.H[b], slabs.left[b], x, u, y,
    )  # fmt: skip


@large("linear and degenerate programs")
def factor_pieces(data, held, items, slabs, sound):
    """The factors of the `items` (K,), and which of them are `sound`."""
    for place in range(len(items)):
        b = items[place]
        sound[place] = turn(item_of(data, b), held[b], turned_of(slabs, place, slabs.x[0], slabs.u[0], slabs.y[0]))


@inner()
def project(left, b, r):
    """r (rows,) without what combines equations to 0."""
    for l in range(left.count[b]):
        way = left.ways[b, l]
        subtract(way, dot(way, r), r)


@inner()
def read_right(item, held, rows, bounds, out):
    """The sides of the rows that are held, by row's number."""
    side = len(item.b) + len(item.h)
    for r in range(len(held)):
        if held[r] == 0:
            out[r] = 0.0
        else:
            out[r] = rows[r] if r < side else bounds[item.bounded[r - side]]


@inner()
def residual(item, t, right, sides, x, w, rx, ry):
    """rx = right - Px - C'w without the bounds, and ry = sides - Cx without them."""
    p = len(item.b)
    for i in range(len(x)):
        rx[i] = right[i] - dot(item.P[i], x)
    for i in range(t.counts[ROWS]):
        r = t.rows[i]
        row = item.A[r] if r < p else item.G[r - p]
        subtract(row, w[r], rx)
        ry[r] = sides[r] - dot(row, x)


@inner()
def solve_piece(item, t, right, sides, x, w, rx, ry):
    """x (n,) and w, by row's number, for one item."""
    n = len(x)
    fill(x, n, 0.0)
    fill(w, len(w), 0.0)
    for j in range(n):
        if t.held[j] >= 0:
            x[j] = sides[t.held[j]]
    for _ in range(SOLVES):
        residual(item, t, right, sides, x, w, rx, ry)
        solve_turned(t, rx, ry)
        for j in range(n):
            x[j] += rx[j] if t.held[j] < 0 else 0.0
        for i in range(t.counts[ROWS]):
            w[t.rows[i]] += ry[t.rows[i]]
    residual(item, t, right, sides, x, w, rx, ry)
    for j in range(n):
        if t.held[j] >= 0:
            w[t.held[j]] = rx[j]


@large("linear and degenerate programs")
def solve_pieces(data, left, slabs, items, places, right, found, memory):
    """`found` becomes the solution for `right`, for the `items` (K,), whose factors are at `places` (K,)."""
    side = data.b.shape[1] + data.h.shape[1]
    sides, w, ry, rx, own_x, u, y = memory
    for k in range(len(items)):
        b = items[k]
        item, t, x = item_of(data, b), turned_of(slabs, places[k], own_x, u, y), found.x[k]
        read_right(item, left.held[b], right.rows[k], right.bounds[k], sides)
        project(left, b, sides)
        solve_piece(item, t, right.x[k], sides, x, w, rx, ry)
        project(left, b, w)
        fill(found.bounds[k], len(x), 0.0)
        for r in range(side):
            found.rows[k, r] = w[r]
        for j in range(len(x)):
            if t.held[j] >= 0:
                found.bounds[k, j] = w[t.held[j]]


def slabs_for(items: int, n: int, m: int) -> Turned:
    """Memory for the factors of so many items with n variables and m rows that are no bounds."""
    whole = np.int64
    return Turned(
        np.zeros((items, 4), whole), np.empty((items, n), whole), np.empty((items, m), whole),
        np.empty((items, n), whole), np.empty((items, m, n)), np.empty((items, m)), np.empty((items, m)),
        np.empty((items, n)), np.empty((items, n, n)), np.empty((items, n, n)), np.empty((items, m)),
        np.empty((1, n)), np.empty((1, n)), np.empty((1, m)),
    )  # fmt: skip
