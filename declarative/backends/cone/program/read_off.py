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
    """x (B, n) with the entries that rows a x_j + s_i = 0 tell, of scaled programs; y and z come before x."""
    rows, columns, entries = _slacks(items)
    if not len(rows):
        return x
    told = -s[:, rows] / items.A.values[:, entries]
    near = np.abs(told - x[:, columns]) <= ROUNDING * (1 + np.abs(x).max(1, initial=0.0))[:, None]
    found = x.copy()
    found[:, columns] = np.where(near & (items.b[:, rows] == 0), told, x[:, columns])
    return found


def _slacks(items: Items) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of exponential cones with one entry, the column of each and the place of the entry; no column twice."""
    known = items.A.pattern.beside.get("slacks of exponential cones")
    if known is None:
        pattern = items.A.pattern
        cones = items.cones.of_kind(Kind.EXP).reshape(-1, 3)
        order = np.concatenate([cones[:, 1], cones[:, 2], cones[:, 0]])
        starts = np.searchsorted(pattern.rows, order)
        single = np.bincount(pattern.rows, minlength=items.cones.rows)[order] == 1
        rows, entries = order[single], starts[single]
        columns, first = np.unique(pattern.columns[entries], return_index=True)
        known = items.A.pattern.beside["slacks of exponential cones"] = rows[first], columns, entries[first]
    return known


def rows_of_tops(items: Items) -> np.ndarray:
    """(B, m): equalities and inequalities of entries alone that are tops w of cones y exp(x/y) <= w with y fixed.

    These are never 0, as x is not in log(x), and known to the last digit, so that in a sum of them nothing is rounding.
    In log(1 + x), x may be 0.
    """
    pattern, (told, columns) = items.A.pattern, _tops(items)
    known, tops = np.zeros(items.b.shape, dtype=bool), np.zeros(items.q.shape, dtype=bool)
    item, place = np.nonzero(items.b[:, told] == 0)
    tops[item, columns[place]] = True
    if not tops.any():
        return known
    known[:, pattern.rows] = True
    item, entry = np.nonzero(~tops[:, pattern.columns])
    known[item, pattern.rows[entry]] = False
    for kind in (Kind.SOC, Kind.ROTATED, Kind.PSD, Kind.EXP, Kind.POWER):
        known[:, items.cones.of_kind(kind)] = False
    return known


def _tops(items: Items) -> tuple[np.ndarray, np.ndarray]:
    """The rows that say what such a w is, but for a constant, and which entry of x that is."""
    known = items.A.pattern.beside.get("tops")
    if known is None:
        pattern, cones = items.A.pattern, items.cones.of_kind(Kind.EXP).reshape(-1, 3)
        entries = np.bincount(pattern.rows, minlength=items.cones.rows)
        told = cones[(entries[cones[:, 1]] == 0) & (entries[cones[:, 2]] == 1), 2]
        known = told, pattern.columns[np.searchsorted(pattern.rows, told)]
        items.A.pattern.beside["tops"] = known
    return known
