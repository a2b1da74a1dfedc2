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
    if not len(items.cones.of_kind(Kind.EXP)):
        return np.zeros(items.q.shape)
    columns = _curved(items) & (items.q == 0)
    active = _rows(items) & (items.cones.by_cone(np.maximum, np.abs(sized)) > ROUNDING)
    return np.where(columns, items.A.largest_by_column(np.where(active, np.abs(z), 0.0)), 0.0)


def tails(items: Items, z: np.ndarray, sized: np.ndarray) -> np.ndarray:
    """(B, n): what exponential cones push with, in columns where nothing else does but what they push against.

    Those are bounds, whose multipliers are in one column alone, and rows of several such columns, which hand on to the
    others what pushes one of them. A row that is also in a column of P or q has the rounding errors of the terms there,
    and where it has a multiplier its columns are not looked at so closely.
    """
    own = terms(items, z, sized)
    if not own.any():
        return own
    plain = _plain(items)
    joining = _joining(items, plain)
    others = np.where(_rows(items) | _bounds(items) | joining, 0.0, np.abs(z))
    alone = items.A.largest_by_column(others) == 0
    return _handed_on(items, np.where(alone, own, 0.0), alone & plain, joining & (z != 0))


def exponential_columns(items: Items) -> np.ndarray:
    """(B, n): columns with entries of exponential cones alone, or with none."""
    others = np.broadcast_to(~_rows(items), items.b.shape)
    return (items.A.largest_by_column(others) == 0) & _flat(items)


def _handed_on(items: Items, own: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """`own` (B, n), and in further `columns` (B, n) what comes there by `rows` (B, m) that balance a column before."""
    if not rows.any():
        return own
    pattern, sizes = items.A.pattern, np.abs(items.A.values)
    linked = (sizes > 0) & rows[:, pattern.rows]
    known = np.where(sizes > 0, sizes, 1.0)
    while own.any() and linked.any():
        push = pattern.by_row.reduce(np.maximum, np.where(linked, own[:, pattern.columns] / known, 0.0))
        there = pattern.by_column.reduce(np.maximum, np.where(linked, sizes * push[:, pattern.rows], 0.0))
        new = columns & (own == 0) & (there > 0)
        if not new.any():
            break
        own = np.where(new, there, own)
    return own


def _joining(items: Items, plain: np.ndarray) -> np.ndarray:
    """(B, m): rows of cones of one row with entries in `plain` columns (B, n) alone."""
    return _separable(items) & (items.A.largest_by_row(~plain) == 0)


def _plain(items: Items) -> np.ndarray:
    """(B, n): columns that P and q leave alone."""
    return (items.q == 0) & _flat(items)


def _flat(items: Items) -> np.ndarray:
    """(B, n): columns without entries of P."""
    return items.P.largest_by_row(np.ones(items.q.shape)) == 0


def _rows(items: Items) -> np.ndarray:
    """(m,): those of exponential cones."""
    found = np.zeros(items.cones.rows, dtype=bool)
    found[items.cones.of_kind(Kind.EXP)] = True
    return found


def _bounds(items: Items) -> np.ndarray:
    """(B, m): rows of one entry in cones of one row."""
    return _separable(items) & (items.A.pattern.by_row.reduce(np.add, items.A.values != 0) == 1)


def _separable(items: Items) -> np.ndarray:
    """(m,): cones of one row."""
    found = np.zeros(items.cones.rows, dtype=bool)
    for kind in (Kind.ZERO, Kind.NONNEG):
        found[items.cones.of_kind(kind)] = True
    return found


def _curved(items: Items) -> np.ndarray:
    """(B, n): columns with entries of exponential cones and none of P."""
    return (items.A.largest_by_column(np.broadcast_to(_rows(items), items.b.shape)) > 0) & _flat(items)
