"""Equalities that depend on each other: what values their rows can take, and the least multipliers that they have.

Flow conservation and the marginals of a transport plan are such: the rows of one side add up to those of the other.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from declarative.backends.cone.cones import Cones, Kind
from declarative.backends.cone.item import Items, Point

RANK = 1e-10  # singular values below this, relative to the largest, are zero
ROUNDING = 1e-6  # a contradiction this small, relative to the largest right side, is data rounded to single precision


def span_of_equalities(items: Items, k: int) -> np.ndarray | None:
    """An orthonormal basis (equalities, rank) of what the rows of item k can be, where that is not everything."""
    rows = items.cones.of_kind(Kind.ZERO)
    if not rows.size:
        return None
    A = items.one(k).A[rows]
    A = A if isinstance(A, np.ndarray) else A.toarray()
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


def least_norm(points: Point, spans: list[np.ndarray | None], cones: Cones) -> Point:
    """Dependent equalities have many multipliers: the least ones, for each point of a batch."""
    if all(span is None for span in spans):
        return points
    rows = cones.of_kind(Kind.ZERO)
    return replace(points, z=np.array([on_span(z, span, rows) for z, span in zip(points.z, spans, strict=True)]))


def without_contradiction(items: Items) -> Items | None:
    """Right sides (of a batch of one) that contradict each other by no more than rounding, replaced by the nearest
    that do not; or None."""
    span = span_of_equalities(items, 0)
    if span is None:
        return None
    b = on_span(items.b[0], span, items.cones.of_kind(Kind.ZERO))
    moved = np.abs(b - items.b).max(initial=0.0)
    if not 0 < moved <= ROUNDING * np.abs(items.b).max(initial=0.0):
        return None
    return replace(items, b=b[None])
