"""Columns in which exponential cones push, and maybe bounds, though perhaps at 1e-18 of what they push elsewhere.

With exp(x) <= t the multipliers are w (-exp(x), (x - 1) exp(x), 1): where x is far below 0, t feels w and x next to
nothing. Whether what x feels is balanced its own terms say, for they have all their digits.
"""

from __future__ import annotations

import numpy as np

from declarative.backends.cone.program.item import Items
from declarative.backends.cone.sets.cones import Kind

ROUNDING = 1e-8  # a cone's multipliers below this, where the program's size is one, may be rounding errors of none


def terms(items: Items, z: np.ndarray, sized: np.ndarray) -> np.ndarray:
    """(B, n): the largest terms of exponential cones in columns that P and q leave alone, and 0 in others.

    `sized` (B, m) are the multipliers z where the program's size is one.
    """
    columns = _curved(items) & (items.q == 0)
    if not columns.any():
        return np.zeros(items.q.shape)
    active = _rows(items) & (items.cones.by_cone(np.maximum, np.abs(sized)) > ROUNDING)
    return np.where(columns, items.A.largest_by_column(np.where(active, np.abs(z), 0.0)), 0.0)


def tails(items: Items, z: np.ndarray, sized: np.ndarray) -> np.ndarray:
    """(B, n): the same where nothing else pushes but bounds, and 0 elsewhere.

    The multiplier of a bound is in one column alone, so that no other leaves its rounding error in it.
    """
    own = terms(items, z, sized)
    if not own.any():
        return own
    others = np.where(_rows(items) | _bounds(items), 0.0, np.abs(z))
    return np.where(items.A.largest_by_column(others) > 0, 0.0, own)


def _rows(items: Items) -> np.ndarray:
    """(m,): those of exponential cones."""
    known = items.A.pattern.beside.get("rows of exponential cones")
    if known is None:
        known = np.zeros(items.cones.rows, dtype=bool)
        known[items.cones.of_kind(Kind.EXP)] = True
        items.A.pattern.beside["rows of exponential cones"] = known
    return known


def _bounds(items: Items) -> np.ndarray:
    """(m,): rows of one entry in cones of one row."""
    known = items.A.pattern.beside.get("bounds")
    if known is None:
        known = np.bincount(items.A.pattern.rows, minlength=items.cones.rows) == 1
        for kind in (Kind.SOC, Kind.PSD, Kind.EXP, Kind.POWER):
            known[items.cones.of_kind(kind)] = False
        items.A.pattern.beside["bounds"] = known
    return known


def _curved(items: Items) -> np.ndarray:
    """(n,): columns with entries of exponential cones and none of P."""
    known = items.A.pattern.beside.get("columns of exponential cones")
    if known is None or known[0] is not items.P.pattern:
        found = np.zeros(items.q.shape[1], dtype=bool)
        found[items.A.pattern.columns[_rows(items)[items.A.pattern.rows]]] = True
        found[items.P.pattern.columns] = False
        known = items.A.pattern.beside["columns of exponential cones"] = items.P.pattern, found
    return known[1]
