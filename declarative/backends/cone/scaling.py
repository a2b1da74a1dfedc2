"""A cone program to one whose entries are near one, and points back and forth.

With x = sigma E x', rows times D (alike within a cone) and the objective times kappa, the multipliers are
z = D z' / (kappa sigma). Rows and columns are divided in turn by the geometric means of their entries (Fourer, "Solving
staircase linear programs by the simplex method", 1982), so that data at 1e-9 or 1e9 come out alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from declarative.backends.cone.cones import Kind
from declarative.backends.cone.item import Item, Point


@dataclass(frozen=True)
class Scaling:
    """E (n,), D (m,), sigma and kappa of the formulas above."""

    E: np.ndarray
    D: np.ndarray
    sigma: float
    kappa: float

    def apply(self, item: Item) -> Item:
        P = self.kappa * self.sigma**2 * self.E[:, None] * item.P * self.E
        A = self.D[:, None] * item.A * self.E
        return Item(P, self.kappa * self.sigma * self.E * item.q, A, self.D * item.b / self.sigma, item.cones)

    def point(self, scaled: Point) -> Point:
        """A point of the scaled program in the units of the original."""
        x = self.sigma * self.E * scaled.x
        return Point(x, self.sigma * scaled.s / self.D, self.D * scaled.z / (self.kappa * self.sigma))

    def dual_gradient(self, x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The transpose of `point` for x and z."""
        return self.sigma * self.E * x, self.D * z / (self.kappa * self.sigma)

    def adjoint(self, x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """An adjoint state of the scaled program in the units of the original."""
        return self.kappa * self.sigma * self.E * x, self.D * z / self.sigma


def equilibrate(item: Item, sweeps: int = 4) -> Scaling:
    """A scaling under which the entries of A spread evenly around one, and b and the objective are of size one.

    Bounds on single variables have no say in the columns, since their rows can be scaled to suit; a variable that
    only has bounds is scaled by P.
    """
    E, A = np.ones(len(item.q)), np.abs(item.A)
    D = np.ones(len(item.b))
    coupling = (np.count_nonzero(A, axis=1) > 1) | ~np.isin(np.arange(len(D)), _separable(item))
    held = A[coupling].any(0)
    for _ in range(sweeps):
        E[held] = 1 / _mean(D[coupling, None] * A[np.ix_(coupling, held)], 0)
        D = 1 / _mean_by_cone(item, A * E)
    curved = ~held & (np.diag(item.P) > 0)
    E[curved] = 1 / np.sqrt(np.diag(item.P)[curved])
    largest = (A * E).max(1, initial=0.0)
    D = 1 / _or_one(shared_by_cone(item, largest))
    P, q = np.abs(E[:, None] * item.P * E).max(initial=0.0), np.abs(E * item.q).max(initial=0.0)
    sigma = np.abs(D * item.b).max(initial=0.0)
    if not sigma and P and q:
        sigma = q / P  # where right sides give no size, that at which both terms of the objective weigh the same
    sigma = _or_one(sigma)
    return Scaling(E, D, float(sigma), 1 / float(_or_one(max(sigma * P, q) * sigma)))


def _separable(item: Item) -> np.ndarray:
    return np.concatenate([item.cones.of_kind(Kind.ZERO), item.cones.of_kind(Kind.NONNEG)])


def _mean_by_cone(item: Item, entries: np.ndarray) -> np.ndarray:
    """The geometric mean of the entries of each cone's rows that are not zero, in all of its rows."""
    found, cone = entries > 0, item.cones.atomic
    logs = np.log(np.where(found, entries, 1.0)).sum(1)
    total, count = (np.bincount(cone, weights=rows, minlength=1) for rows in (logs, found.sum(1)))
    return np.exp(total / np.maximum(count, 1))[cone]


def _mean(entries: np.ndarray, axis: int) -> np.ndarray:
    """The geometric mean of the entries that are not zero; 1 where there are none."""
    found = entries > 0
    logs = np.log(np.where(found, entries, 1.0)).sum(axis)
    return np.exp(logs / np.maximum(found.sum(axis), 1))


def _or_one(size: np.ndarray | float) -> np.ndarray:
    return np.where(np.asarray(size) > 0, size, 1.0)


def rebalance(scaling: Scaling, scaled: Point, item: Item) -> Scaling:
    """Rows scaled such that slack and multiplier of a cone are of one size: then v = s - z loses digits of neither.

    `scaled` is the point under `scaling`. Half-lines need no balance, since one of the two is zero.
    """
    s = np.sqrt(_sum_by_cone(item, scaled.s**2))
    z = np.sqrt(_sum_by_cone(item, scaled.z**2))
    factor = np.ones(len(s))
    usable = (s > 1e-8) & (z > 1e-8)
    factor[usable] = np.sqrt(z[usable] / s[usable])
    for kind in (Kind.ZERO, Kind.NONNEG):
        factor[item.cones.of_kind(kind)] = 1.0
    return replace(scaling, D=scaling.D * factor)


def shared_by_cone(item: Item, rows: np.ndarray) -> np.ndarray:
    """The largest entry within each cone, in all of its rows."""
    most = np.zeros(len(rows))
    np.maximum.at(most, item.cones.atomic, rows)
    return most[item.cones.atomic]


def _sum_by_cone(item: Item, rows: np.ndarray) -> np.ndarray:
    total = np.zeros(len(rows))
    np.add.at(total, item.cones.atomic, rows)
    return total[item.cones.atomic]
