"""Entries of x that are slacks of exponential cones, with all the digits that these have.

Of (x, y, z) on the boundary y exp(x/y) = z each entry has its own digits, however small it is: -entr(x) + 60 x is least
at e^-61. What Newton's method makes of x has errors beside the largest entries.
"""

from __future__ import annotations

import numpy as np

from declarative.backends.cone.program.item import Items
from declarative.backends.cone.sets.cones import Kind

ROUNDING = 1e-12  # of x, where the program's size is one: what differs by more is no rounding error


def read_off(items: Items, x: np.ndarray, s: np.ndarray) -> np.ndarray:
    """x (B, n) with the entries that rows a x_j + s_i = 0 tell, of scaled programs; y and w come before x."""
    cones = items.cones.of_kind(Kind.EXP).reshape(-1, 3)
    if not len(cones):
        return x
    from declarative.backends.cone.linear.slacks import told

    A, found, width = items.A, x.copy(), ROUNDING * (1 + np.abs(x).max(1, initial=0.0))
    rows = np.concatenate([cones[:, 1], cones[:, 2], cones[:, 0]])
    b, seen = np.ascontiguousarray(items.b), np.empty(x.shape[1], dtype=bool)
    told(*A.by_row, rows, b, np.ascontiguousarray(s), width, np.ascontiguousarray(x), found, seen)
    return found


def rows_of_tops(items: Items) -> np.ndarray:
    """(B, m): equalities and inequalities of entries alone that are tops w of cones y exp(x/y) <= w with y fixed.

    These are never 0, as x is not in log(x), and known to the last digit, so that in a sum of them nothing is rounding.
    In log(1 + x), x may be 0.
    """
    found, cones = np.zeros(items.b.shape, dtype=bool), items.cones.of_kind(Kind.EXP).reshape(-1, 3)
    if not len(cones):
        return found
    from declarative.backends.cone.linear.slacks import sums_of_tops

    A, rows = items.A, np.concatenate([items.cones.of_kind(kind) for kind in (Kind.ZERO, Kind.NONNEG)])
    top = np.empty(items.q.shape[1], dtype=bool)
    sums_of_tops(*A.by_row, cones, rows, np.ascontiguousarray(items.b), found, top)
    return found
