"""Cone programs with numbers: minimise 1/2 x'Px + q'x subject to Ax + s = b, s in K; and points of them.

Their optimality conditions, with z in the dual cone: Px + q + A'z = 0, Ax + s = b, s'z = 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from declarative.backends.cone.linear.matrices import Matrices, Rows, pattern_of
from declarative.backends.cone.linear.quasidefinite import KktPattern, kkt_pattern
from declarative.backends.cone.sets.cones import Cones, Kind, interior
from declarative.backends.cone.sets.framed import Framed, entries_in_frame, framed

LARGE, THIN = 200, 0.05  # unknowns and rows, and the share of the places that hold entries


def are_thin(shape: tuple[int, int], squares: int, linear: int) -> bool:
    """So many entries of P, and of A with this shape. A few full rows, or none, fill little beside a thin P."""
    m, n = shape
    return n + m >= LARGE and linear <= THIN * n * max(n, m) and squares < THIN * n * n


@dataclass(frozen=True)
class Item:
    """P (n, n) symmetric, q (n,), A (m, n), b (m,); the blocks of K cover the m rows. Large thin P and A are sparse.

    Where they are sparse and no cone is wide, `framed` is the pattern of U'A and `kkt` that of P and U'A together.
    """

    P: Rows
    q: np.ndarray
    A: Rows
    b: np.ndarray
    cones: Cones
    framed: Framed | None = None
    kkt: KktPattern | None = None


@dataclass(frozen=True)
class Items:
    """A batch of cone programs: P and A hold B matrices of one pattern, P symmetric; q is (B, n) and b (B, m).

    `implied` (B, m) marks equalities that hold wherever the other rows do; None where none is known to.
    """

    P: Matrices
    q: np.ndarray
    A: Matrices
    b: np.ndarray
    cones: Cones
    implied: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.q)

    @property
    def with_implied(self) -> set[int]:
        """The numbers of the items that have rows marked so."""
        return set() if self.implied is None else set(np.flatnonzero(self.implied.any(1)).tolist())

    def stationarity(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        return self.P.times(x) + self.q + self.A.transposed_times(z)

    def feasibility(self, x: np.ndarray, s: np.ndarray) -> np.ndarray:
        return self.A.times(x) + s - self.b

    def missed(self, x: np.ndarray, s: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both in one go."""
        from declarative.backends.cone.linear.conditions import missed

        found, points = (np.empty(self.q.shape), np.empty(self.b.shape)), map(np.ascontiguousarray, (x, s, z))
        q, b = np.ascontiguousarray(self.q), np.ascontiguousarray(self.b)
        missed(*self.P.by_row, q, *self.A.by_row, b, *points, *found)
        return found

    def some(self, chosen: np.ndarray) -> Items:
        """Those with the numbers `chosen`."""
        if len(chosen) == len(self):
            return self
        implied = None if self.implied is None else self.implied[chosen]
        return Items(self.P.some(chosen), self.q[chosen], self.A.some(chosen), self.b[chosen], self.cones, implied)

    def without_zeros(self) -> Items:
        """Without entries that are 0 in every item; the same where there are none."""
        P, A = self.P.without_zeros(), self.A.without_zeros()
        return self if P is self.P and A is self.A else replace(self, P=P, A=A)

    @property
    def sparse(self) -> bool:
        """Are single ones better kept sparse? Wide cones mix their rows, and fill the system that refines solutions."""
        shape, squares = (self.b.shape[1], self.q.shape[1]), len(self.P.pattern.rows)
        if not are_thin(shape, squares, len(self.A.pattern.rows)):
            return False
        return are_thin(shape, squares, entries_in_frame(self.A.pattern, self.cones))

    @property
    def framed(self) -> Framed | None:
        return framed(self.A.pattern, self.cones) if self.sparse else None

    @property
    def kkt(self) -> KktPattern | None:
        return kkt_pattern(self.P.pattern, self.framed.pattern) if self.framed else None

    def one(self, number: int) -> Item:
        P, A = self.P.one(number, self.sparse), self.A.one(number, self.sparse)
        return Item(P, self.q[number], A, self.b[number], self.cones, self.framed, self.kkt)

    def dense(self, number: int) -> Item:
        P, A = self.P.one(number, sparse=False), self.A.one(number, sparse=False)
        return Item(P, self.q[number], A, self.b[number], self.cones)

    @property
    def finite(self) -> np.ndarray:
        """(B,)"""
        parts = (self.P.values, self.q, self.A.values, self.b)
        return np.logical_and.reduce([np.isfinite(part).all(1) for part in parts])


def alone(item: Item) -> Items:
    """A batch of one."""
    m, n = len(item.b), len(item.q)
    (P, P_at), (A, A_at) = ((whole.data[None], np.stack(whole.coords)) for whole in map(sp.coo_array, (item.P, item.A)))
    P, A = pattern_of(P_at, (n, n)).matrices(P), pattern_of(A_at, (m, n)).matrices(A)
    return Items(P, item.q[None], A, item.b[None], item.cones)


@dataclass(frozen=True)
class Point:
    """x (n,), slacks s in K (m,) and multipliers z in its dual cone (m,); or those of a batch, with a leading axis."""

    x: np.ndarray
    s: np.ndarray
    z: np.ndarray

    def some(self, chosen: np.ndarray | int) -> Point:
        return Point(self.x[chosen], self.s[chosen], self.z[chosen])


UPPER = {  # rows that only bound the others above
    Kind.NONNEG: (0,),
    Kind.SOC: (0,),
    Kind.ROTATED: (0, 1),
    Kind.EXP: (2,),
    Kind.POWER: (0, 1),
}


def without_infinite_rows(items: Items) -> Items:
    """Cones that an infinite bound leaves no say, such as `a'x <= inf`, hold a point inside, which says as little."""
    if not np.isposinf(items.b).any():
        return items
    free = np.zeros(items.b.shape, dtype=bool)
    for group in items.cones.groups:
        upper = list(UPPER.get(group.kind, ()))
        free[:, group.places] = np.isposinf(items.b[:, group.places[:, upper]]).any(-1, keepdims=True)
    if not free.any():
        return items
    A = Matrices(items.A.pattern, np.where(free[:, items.A.pattern.rows], 0.0, items.A.values))
    return replace(items, A=A, b=np.where(free, interior(items.cones), items.b))
