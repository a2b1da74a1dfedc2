"""One cone program with numbers: minimise 1/2 x'Px + q'x subject to Ax + s = b, s in K; and points of it.

Its optimality conditions, with z in the dual cone: Px + q + A'z = 0, Ax + s = b, s'z = 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from declarative.backends.cone.cones import Cones, Kind


@dataclass(frozen=True)
class Item:
    """P (n, n) symmetric, q (n,), A (m, n), b (m,); the blocks of K cover the m rows."""

    P: np.ndarray
    q: np.ndarray
    A: np.ndarray
    b: np.ndarray
    cones: Cones

    def stationarity(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        return self.P @ x + self.q + self.A.T @ z

    def feasibility(self, x: np.ndarray, s: np.ndarray) -> np.ndarray:
        return self.A @ x + s - self.b


@dataclass(frozen=True)
class Point:
    """x (n,), slacks s in K (m,) and multipliers z in its dual cone (m,)."""

    x: np.ndarray
    s: np.ndarray
    z: np.ndarray


def without_infinite_rows(item: Item) -> Item:
    """Inequalities `a'x <= inf` become `0 <= 1`, which says as little."""
    rows = item.cones.of_kind(Kind.NONNEG)
    free = rows[np.isposinf(item.b[rows])]
    if not free.size:
        return item
    A, b = item.A.copy(), item.b.copy()
    A[free], b[free] = 0.0, 1.0
    return Item(item.P, item.q, A, b, item.cones)
