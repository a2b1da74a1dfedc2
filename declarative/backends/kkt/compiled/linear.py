"""The KKT system of an active set, solved for many right-hand sides with the factors that the solver has kept.

P x + C'w = r_x,    C x = r_rows,    C = the active rows.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.along import add, copy, fill
from declarative.backends.kkt.compiled.blas import symmetric_times
from declarative.backends.kkt.compiled.item import item_of
from declarative.backends.kkt.compiled.jit import inner, outer
from declarative.backends.kkt.compiled.kept import solve_system
from declarative.backends.kkt.compiled.rows import add_row, curvature, row_times

REFINEMENTS = 3
EXACT = 1e-9  # a correction smaller than this, beside the solution, is the last: its own error is about its square


class Vectors(NamedTuple):
    """x (K, n), rows (K, p + m), bounds (K, n)."""

    x: np.ndarray
    rows: np.ndarray
    bounds: np.ndarray


@inner()
def residual(routines, item, active, x, w, rx, rows):
    """rx -= P x + C'w, rows -= C x."""
    n, p, m = len(x), len(item.b), len(item.h)
    if item.outline.thin:
        for i in range(n):
            rx[i] -= curvature(item, i, x)[0]
    else:
        symmetric_times(routines, item.P, n, x, -1.0, rx, 1.0)
    for i in range(len(active)):
        r = active[i]
        if r < p + m:
            rows[i] -= row_times(item, r, x)
            add_row(item, r, -w[i], rx)
        else:
            j = item.bounded[r - p - m]
            rows[i] -= x[j]
            rx[j] -= w[i]


@inner()
def small(change, whole):
    """The change is small beside the whole."""
    most, size = 0.0, 0.0
    for j in range(len(change)):
        most, size = max(most, abs(change[j])), max(size, abs(whole[j]))
    return most <= EXACT * size


@outer
def solve_kept(routines, data, kept, items, right, found, memory):
    """`found` becomes the solution for `right`, item by item of `items` (K,)."""
    n, p, m = data.q.shape[1], data.b.shape[1], data.h.shape[1]
    rx, rows, x, w, spare = memory
    for place in range(len(items)):
        b = items[place]
        item, k, L = item_of(data, b), kept.count[b], kept.L[b % len(kept.L)]
        active = kept.rows[b, :k]
        fill(x, n, 0.0)
        fill(w, k, 0.0)
        for number in range(1 + REFINEMENTS):
            copy(right.x[place], rx)
            for i in range(k):
                r = active[i]
                if r < p + m:
                    rows[i] = right.rows[place, r]
                else:  # what pulls at a bound is the bound's, and moves nothing else, not even by rounding
                    j = data.bounded[r - p - m]
                    rows[i], rx[j] = right.bounds[place, j], 0.0
            if number > 0:
                residual(routines, item, active, x, w, rx, rows)
            solve_system(routines, item, L, kept, b, rx, rows, spare)
            add(rx, x)
            add(rows[:k], w)
            if number > 0 and small(rx, x) and small(rows[:k], w[:k]):
                break
        copy(x, found.x[place])
        fill(found.rows[place], p + m, 0.0)
        fill(found.bounds[place], n, 0.0)
        for i in range(k):
            r = active[i]
            if r < p + m:
                found.rows[place, r] = w[i]
            else:
                j = data.bounded[r - p - m]
                found.x[place, j], found.bounds[place, j] = right.bounds[place, j], right.x[place, j] + w[i]


def memory_for_solve(n: int, most: int) -> tuple[np.ndarray, ...]:
    """What `solve_kept` works in, for at most so many active rows."""
    return np.empty(n), np.empty(most), np.empty(n), np.empty(most), np.empty(n)
