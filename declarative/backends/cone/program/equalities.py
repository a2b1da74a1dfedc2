"""Equalities that depend on each other: what values their rows can take, and the least multipliers that they have.

Flow conservation and the marginals of a transport plan are such: the rows of one side add up to those of the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import qdldl
import scipy.sparse as sp

from declarative.backends.cone.linear.matrices import Rows
from declarative.backends.cone.program.item import Items, Point
from declarative.backends.cone.sets.cones import Cones, Kind

RANK = 1e-10  # singular values below this, relative to the largest, are zero
ROUNDING = 1e-6  # a contradiction this small, relative to the largest right side, is data rounded to single precision
SHIFT, MOST, FALLS = (
    1e-9,
    40,
    0.9,
)  # of a complement: in its matrix; how often it is applied, and while it falls so
NOTHING = 1e-8  # of a vector, is no part of it


class Span(Protocol):
    """What the rows of dependent equalities can be."""

    def part(self, z: np.ndarray) -> np.ndarray:
        """The part of z (equalities,) in it."""
        ...


@dataclass(frozen=True)
class Basis:
    """Orthonormal vectors (equalities, rank)."""

    vectors: np.ndarray

    def part(self, z: np.ndarray) -> np.ndarray:
        return self.vectors @ (self.vectors.T @ z)


@dataclass(frozen=True)
class Complement:
    """Without a basis, for a sparse A: with B = A / size by rows, of w with P = diag(size^-2) the map

    (P + B B' / eps)^-1 P, which leaves w alone where B'w = 0 and takes the rest away, bit by bit. It is the solution of
    [[P, B], [B', -eps]], sparse as A is.
    """

    size: np.ndarray
    K: Rows
    factors: qdldl.Solver

    def part(self, z: np.ndarray) -> np.ndarray:
        left, least = z, np.inf
        for _ in range(MOST):
            found = self._taken(left)
            size = float(np.linalg.norm(found))
            if not (size > NOTHING * np.linalg.norm(z) and size < least):
                left = found
                break
            left, least = found, size if size < FALLS * least else 0.0
        return z - left

    def _taken(self, z: np.ndarray) -> np.ndarray:
        right = np.zeros(self.K.shape[0])
        right[: len(z)] = z * self.size.min() ** 2 / self.size
        found = self.factors.solve(right)
        for _ in range(2):
            found = found + self.factors.solve(right - self.K @ found)
        return found[: len(z)] / self.size


def spans_of_equalities(items: Items, wanted: np.ndarray) -> list[Span | None]:
    """Those of the items that are `wanted` (B,), and None for others. Items with equal rows have one between them."""
    own = np.zeros(items.cones.rows, dtype=bool)
    own[items.cones.of_kind(Kind.ZERO)] = True
    values = items.A.values[:, own[items.A.pattern.rows]]
    known: dict[bytes, Span | None] = {}
    found: list[Span | None] = [None] * len(items)
    for k in np.flatnonzero(wanted).tolist():
        key = values[k].tobytes()
        if key not in known:
            known[key] = span_of_equalities(items, k)
        found[k] = known[key]
    return found


def span_of_equalities(items: Items, k: int) -> Span | None:
    """What the rows of item k's equalities can be, where that is not everything."""
    rows = items.cones.of_kind(Kind.ZERO)
    if not rows.size:
        return None
    A = items.one(k).A[rows]
    if not isinstance(A, np.ndarray):
        return _complement(A)
    size = _or_one(np.abs(A).max(1))  # rows of very different size depend on each other all the same
    U, values, _ = np.linalg.svd(A / size[:, None], full_matrices=False)
    rank = int(np.count_nonzero(values > RANK * values.max(initial=0.0)))
    return None if rank == len(A) else Basis(np.linalg.qr(size[:, None] * U[:, :rank])[0])


def _complement(A: Rows) -> Complement | None:
    size = _or_one(abs(A).max(axis=1).toarray().ravel())
    P, B = sp.diags_array((size.min() / size) ** 2), sp.diags_array(1 / size) @ A
    K = sp.csc_matrix(sp.block_array([[P, B], [B.T, -SHIFT * sp.eye_array(A.shape[1])]]))
    found = Complement(size, K, qdldl.Solver(sp.csc_matrix(sp.triu(K)), upper=True))
    sample = np.random.default_rng(0).standard_normal(len(size))
    left = sample - found.part(sample)
    return found if np.linalg.norm(left) > NOTHING * np.linalg.norm(sample) else None


def _or_one(size: np.ndarray) -> np.ndarray:
    return np.where(size > 0, size, 1.0)


def on_span(z: np.ndarray, span: Span | None, item_rows: np.ndarray) -> np.ndarray:
    """The rows `item_rows` of z (m,) projected onto the span: the least multipliers with the same A'z."""
    if span is None:
        return z
    z = z.copy()
    z[item_rows] = span.part(z[item_rows])
    return z


def least_norm(points: Point, spans: list[Span | None], cones: Cones) -> Point:
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
