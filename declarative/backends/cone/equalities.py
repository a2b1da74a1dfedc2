"""Equalities that depend on each other: what values their rows can take, and the least multipliers that they have.

Flow conservation and the marginals of a transport plan are such: the rows of one side add up to those of the other.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from declarative.backends.cone.cones import Kind
from declarative.backends.cone.item import Item, Point

RANK = 1e-10  # singular values below this, relative to the largest, are zero
ROUNDING = 1e-6  # a contradiction this small, relative to the largest right side, is data rounded to single precision


def span_of_equalities(item: Item) -> np.ndarray | None:
    """An orthonormal basis (equalities, rank) of what their rows can take as values, where it is not everything."""
    A = item.A[item.cones.of_kind(Kind.ZERO)]
    if not A.size:
        return None
    size = np.abs(A).max(1)  # rows of very different size depend on each other all the same
    size = np.where(size > 0, size, 1.0)
    U, values, _ = np.linalg.svd(A / size[:, None], full_matrices=False)
    rank = int(np.count_nonzero(values > RANK * values.max(initial=0.0)))
    return None if rank == len(A) else np.linalg.qr(size[:, None] * U[:, :rank])[0]


def on_span(z: np.ndarray, span: np.ndarray | None, item_rows: np.ndarray) -> np.ndarray:
    """The rows `item_rows` of z (m,) projected onto the span: the least multipliers with the same A'z."""
    if span is None:
        return z
    z = z.copy()
    z[item_rows] = span @ (span.T @ z[item_rows])
    return z


def least_norm(point: Point, span: np.ndarray | None, item: Item) -> Point:
    """Dependent equalities have many multipliers: the least ones."""
    return replace(point, z=on_span(point.z, span, item.cones.of_kind(Kind.ZERO)))


def without_contradiction(item: Item) -> Item | None:
    """Right sides that contradict each other by no more than rounding, replaced by the nearest that do not; or None."""
    span = span_of_equalities(item)
    if span is None:
        return None
    b = on_span(item.b, span, item.cones.of_kind(Kind.ZERO))
    moved = np.abs(b - item.b).max(initial=0.0)
    if not 0 < moved <= ROUNDING * np.abs(item.b).max(initial=0.0):
        return None
    return replace(item, b=b)
