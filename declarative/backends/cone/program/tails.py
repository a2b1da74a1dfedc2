"""Columns in which exponential cones push, and maybe bounds, though perhaps at 1e-18 of what they push elsewhere.

With exp(x) <= t the multipliers are w (-exp(x), (x - 1) exp(x), 1): where x is far below 0, t feels w and x next to
nothing. Whether what x feels is balanced its own terms say, for they have all their digits.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from declarative.backends.cone.program.item import Items
from declarative.backends.cone.sets.cones import Cones, Kind

ROUNDING = 1e-8  # a cone's multipliers below this, where the program's size is one, may be rounding errors of none


def terms_and_tails(items: Items, z: np.ndarray, sized: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(B, n): the largest terms of exponential cones in columns that P and q leave alone, and 0 in others.

    (B, n): of these what such cones push with where nothing else does but what they push against. That are bounds,
    whose multipliers are in one column alone, and rows of several such columns, which hand on to the others what pushes
    one of them. A row that is also in a column of P or q has the rounding errors of the terms there, and where it has a
    multiplier its columns are not looked at so closely.

    `sized` (B, m) are the multipliers z where the program's size is one.
    """
    terms, found = np.zeros(items.q.shape), np.zeros(items.q.shape)
    if not len(items.cones.of_kind(Kind.EXP)):
        return terms, found
    from declarative.backends.cone.linear.pushed import pushes

    n, m, P = items.q.shape[1], items.cones.rows, items.P
    active = items.cones.by_cone(np.maximum, np.abs(sized)) > ROUNDING
    own = P.pattern.row_starts, np.ascontiguousarray(P.values), np.ascontiguousarray(items.q)
    work = np.empty((2, n), dtype=bool), np.empty(m, dtype=bool), np.empty(n)
    pushes(*items.A.by_row, *own, _kinds(items.cones), np.ascontiguousarray(z), active, terms, found, *work)
    return terms, found


def tails(items: Items, z: np.ndarray, sized: np.ndarray) -> np.ndarray:
    """The second of these."""
    return terms_and_tails(items, z, sized)[1]


def exponential_columns(items: Items) -> np.ndarray:
    """(B, n): columns with entries of exponential cones alone, or with none."""
    from declarative.backends.cone.linear.pushed import lonely

    found, P = np.empty(items.q.shape, dtype=bool), items.P
    lonely(*items.A.by_row, P.pattern.row_starts, np.ascontiguousarray(P.values), _kinds(items.cones) == 1, found)
    return found


@lru_cache(maxsize=64)
def _kinds(cones: Cones) -> np.ndarray:
    """(m,): 1 in rows of exponential cones, 2 in cones of one row. Not to be written to."""
    found = np.zeros(cones.rows, dtype=np.int8)
    found[cones.of_kind(Kind.EXP)] = 1
    found[cones.separable] = 2
    found.flags.writeable = False
    return found
