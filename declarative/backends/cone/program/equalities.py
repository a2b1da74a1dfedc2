"""Equalities that depend on each other: which of them follow from others, and the least multipliers that they have.

Flow conservation and the marginals of a transport plan are such: the rows of one side add up to those of the other.
What follows from others, and holds where they do, needs no place in a linear system, which is regular without it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from declarative.backends.cone.program.item import Items, Point
from declarative.backends.cone.sets.cones import Kind
from declarative.backends.dependence import DENSE, Dependence, dependence

ROUNDING = 1e-6  # a contradiction this small, relative to the largest right side, is data rounded to single precision
KNOWN = 8  # sets of equal rows, at most, are remembered for the next call
BESIDE = "dependences of equalities"


def dependences(items: Items, wanted: Iterable[int]) -> dict[int, Dependence | None]:
    """Of the equalities of the items `wanted`; None where they are independent. Equal rows have one between them."""
    own = np.zeros(items.cones.rows, dtype=bool)
    own[items.cones.of_kind(Kind.ZERO)] = True
    values, beside = items.A.values[:, own[items.A.pattern.rows]], items.A.pattern.beside
    last, known = beside.get(BESIDE, {}), {}
    found: dict[int, Dependence | None] = {}
    for k in wanted:
        key = values[k].tobytes()
        if key not in known:
            known[key] = last[key] if key in last else dependence(items.one(k).A[items.cones.of_kind(Kind.ZERO)])
        found[k] = known[key]
    if 0 < len(known) <= KNOWN:
        beside[BESIDE] = known
    return found


def with_implied(items: Items) -> tuple[Items, Items]:
    """The same, where equalities that follow from others are known to; and with right sides that do not contradict
    each other, where these did by no more than rounding."""
    found = {} if _are_heavy(items) else dependences(items, np.flatnonzero(items.finite).tolist())
    items = _marked(items, found)
    return items, _consistent(items, found)


def without_contradictions(items: Items) -> Items:
    """Right sides that contradict each other by no more than rounding, replaced by the nearest that do not."""
    return _consistent(items, dependences(items, range(len(items))))


def _marked(items: Items, found: dict[int, Dependence | None]) -> Items:
    rows, implied = items.cones.of_kind(Kind.ZERO), np.zeros(items.b.shape, dtype=bool)
    for k, own in found.items():
        if own is not None and own.follow(items.b[k, rows]):
            implied[k, rows[own.left]] = True
    return replace(items, implied=implied) if implied.any() else items


def _consistent(items: Items, found: dict[int, Dependence | None]) -> Items:
    rows, b = items.cones.of_kind(Kind.ZERO), items.b.copy()
    for k in found.keys() - items.with_implied:
        nearest = on_span(b[k], found[k], rows)
        if np.abs(nearest - b[k]).max(initial=0.0) <= ROUNDING * np.abs(b[k]).max(initial=0.0):
            b[k] = nearest
    return items if (b == items.b).all() else _marked(replace(items, b=b), found)


def _are_heavy(items: Items) -> bool:
    """Are the products of many rows full? Factors of these take longer than those of the program then."""
    A = items.A.pattern
    equal = np.zeros(A.shape[0], dtype=bool)
    equal[items.cones.of_kind(Kind.ZERO)] = True
    return bool(np.bincount(A.columns[equal[A.rows]], minlength=1).max() > DENSE)


def least_norm(items: Items, points: Point, dependent: set[int]) -> tuple[Point, list[Dependence | None]]:
    """The points with the least multipliers where equalities depend on each other, and how they do.

    Only items that may be `dependent` are asked; None for others.
    """
    found, z, rows = dependences(items, sorted(dependent)), points.z, items.cones.of_kind(Kind.ZERO)
    if any(found.values()):
        z = np.array([on_span(own, found.get(k), rows) for k, own in enumerate(z)])
    return replace(points, z=z), [found.get(k) for k in range(len(items))]


def on_span(z: np.ndarray, span: Dependence | None, item_rows: np.ndarray) -> np.ndarray:
    """The rows `item_rows` of z (m,) projected onto the span: the least multipliers with the same A'z."""
    if span is None:
        return z
    z = z.copy()
    z[item_rows] = span.part(z[item_rows])
    return z
