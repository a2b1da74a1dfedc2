"""Cone programs to ones whose entries are near one, and points back and forth.

With x = E x', rows times D (alike within a cone) and the objective times kappa, the multipliers are z = D z' / kappa.
Rows and columns are divided in turn by the geometric means of their entries (Fourer, "Solving staircase linear programs
by the simplex method", 1982), so that data at 1e-9 or 1e9 come out alike. Each component of the program has a kappa of
its own, since its solution depends on no other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from declarative.backends.cone.linear.matrices import Matrices
from declarative.backends.cone.program.components import Components, components
from declarative.backends.cone.program.item import Items, Point
from declarative.backends.cone.sets.cones import Kind
from declarative.backends.cone.sets.stretches import Stretches, stretches

SHORT, LONG = 4, 50  # sweeps; where cones are stretched, sizes travel along chains of rows
LEAST = 1e-9  # of rows without entries, the weight with which they stay as they are
ACUTE = 1e-4  # the cosine of the angle between s and z: below it both are on the boundary


@dataclass(frozen=True)
class Scaling:
    """E (n,), D (m,) of the formulas above and kappa, by columns (n,) and by rows (m,); all (B, ...) for a batch."""

    E: np.ndarray
    D: np.ndarray
    by_column: np.ndarray
    by_row: np.ndarray

    def apply(self, items: Items) -> Items:
        P, A = items.P.scaled(self.columns, self.E), items.A.scaled(self.D, self.E)
        return replace(items, P=P, q=self.columns * items.q, A=A, b=self.D * items.b)

    @property
    def columns(self) -> np.ndarray:
        """What the rows of Px + q + A'z = 0 are multiplied by."""
        return self.by_column * self.E

    @property
    def multipliers(self) -> np.ndarray:
        """What z' is multiplied by."""
        return self.D / self.by_row

    def point(self, scaled: Point) -> Point:
        """A point of the scaled program in the units of the original."""
        return Point(self.E * scaled.x, scaled.s / self.D, self.multipliers * scaled.z)

    def scaled_point(self, point: Point) -> Point:
        """The way back from `point`."""
        return Point(point.x / self.E, self.D * point.s, point.z / self.multipliers)

    def some(self, chosen: np.ndarray | int) -> Scaling:
        """Of a batch."""
        return Scaling(self.E[chosen], self.D[chosen], self.by_column[chosen], self.by_row[chosen])


def equilibrate(items: Items, stretched: bool = False) -> Scaling:
    """A scaling under which the entries of A spread evenly around one, and b and the objective are of size one.

    `stretched`: cones may be stretched, and b and q have a say in how, as one more column and row of A.

    Bounds on single variables have no say in the columns, since their rows can be scaled to suit; a variable that
    only has bounds is scaled by P.
    """
    several = stretches(items.cones) if stretched else ()
    E, D = _even(items, several) if several else (_even_columns(items), np.ones_like(items.b))
    pattern = items.P.pattern
    at = pattern.rows[pattern.diagonal]
    diagonal = np.zeros(E.shape)
    diagonal[:, at] = items.P.values[:, pattern.diagonal]
    curved = (E == 0) & (diagonal > 0)
    E = np.where(curved, 1 / np.sqrt(np.where(curved, diagonal, 1.0)), np.where(E == 0, 1.0, E))
    D = D / _or_one(shared_by_cone(items, D * items.A.largest_by_row(E)))
    parts = components(items)
    P, q = (parts.of_columns(np.maximum, E * size) for size in (items.P.largest_by_row(E), np.abs(items.q)))
    sigma = parts.of_rows(np.maximum, np.abs(D * items.b))
    balanced = (
        (sigma == 0) & (P > 0) & (q > 0)
    )  # where right sides give no size, both terms of the objective weigh alike
    sigma = _or_one(np.where(balanced, q / np.where(balanced, P, 1.0), sigma))
    return sized(Scaling(E, D, np.ones_like(E), np.ones_like(D)), parts, sigma, _or_one(np.maximum(sigma * P, q)))


def sized(scaling: Scaling, parts: Components, x: np.ndarray, z: np.ndarray) -> Scaling:
    """Under which what is of these sizes now, x and s, and multipliers, is of size one in each component (B, count)."""
    kappa = 1 / (x * z)
    return Scaling(
        scaling.E * parts.to_columns(x),
        scaling.D / parts.to_rows(x),
        scaling.by_column * parts.to_columns(kappa),
        scaling.by_row * parts.to_rows(kappa),
    )


def _even_columns(items: Items) -> np.ndarray:
    """E (B, n) as below, where no cone may be stretched."""
    from declarative.backends.cone.linear.even import even, even_whole, sums_of_whole

    (B, n), m, cones = items.q.shape, items.b.shape[1], items.cones
    coupled = np.ones(m, dtype=bool)
    for kind in (Kind.ZERO, Kind.NONNEG):
        coupled[cones.of_kind(kind)] = False
    starts, columns, values = items.A.by_row
    if values.all():
        by_row, by_column, e, joined = np.empty((m, B)), np.empty((n, B)), np.empty((n, B)), np.empty(n)
        sums_of_whole(starts, columns, np.log(np.abs(values)), coupled, by_row, by_column)
        work = np.empty((n + 3 * m, B))
        even_whole(starts, columns, by_row, by_column, cones.atomic, coupled, SHORT, e, joined, work)
        return np.ascontiguousarray(np.where(joined[:, None] > 0, np.exp(e), 0.0).T)
    logs, e, held = np.log(np.abs(np.where(values != 0, values, 1.0))), np.empty((B, n)), np.empty((B, n), dtype=bool)
    work = np.empty(3 * n + 4 * m)
    even(starts, columns, values, logs, cones.atomic, coupled, SHORT, e, held, work)
    return np.where(held, np.exp(e), 0.0)


def _even(items: Items, several: tuple[Stretches, ...]) -> tuple[np.ndarray, np.ndarray]:
    """E (B, n) and D (B, m) with geometric means of one, in logarithms: log|A| + log D + log E has means of zero.

    Of D only how it stretches the cones of `several` is kept. E is 0 for columns that no row couples with others.
    """
    A, pattern, by_cone = items.A, items.A.pattern, partial(items.cones.by_cone, np.add)
    right = items.b != 0
    here = Matrices(pattern, (A.values != 0).astype(float))
    count = pattern.by_row.reduce(np.add, here.values) + right
    coupling = count > 1
    for kind in (Kind.SOC, Kind.ROTATED, Kind.PSD, Kind.EXP, Kind.POWER):
        coupling[:, items.cones.of_kind(kind)] = True
    right &= coupling
    parts = components(items)
    joint = Matrices(pattern, here.values * coupling[:, pattern.rows])
    joined = pattern.by_column.reduce(np.add, joint.values)
    logs = np.log(np.abs(np.where(A.values != 0, A.values, 1.0)))
    right_logs = np.log(np.abs(np.where(right, items.b, 1.0)))
    by_row = pattern.by_row.reduce(np.add, logs) + right_logs
    by_column = pattern.by_column.reduce(np.add, logs * joint.values)
    means = [_Means(own, count) for own in several]
    held = joined > 0
    priced = held & (items.q != 0)
    price_logs = np.log(np.abs(np.where(priced, items.q, 1.0)))
    by_column += price_logs
    joined = np.maximum(joined + priced, 1)
    alike, by_right = np.maximum(by_cone(count), 1), np.maximum(parts.of_rows(np.add, right), 1)
    by_price = np.maximum(parts.of_columns(np.add, priced), 1)
    e, d, price = np.zeros_like(joined), np.zeros_like(count), np.zeros_like(by_price)
    for _ in range(LONG):
        e = np.where(held, -(by_column + joint.transposed_times(d) + parts.to_columns(price) * priced) / joined, 0.0)
        price = -parts.of_columns(np.add, price_logs + e * priced) / by_price
        size = -parts.of_rows(np.add, right_logs + d * right) / by_right
        off = by_row + here.times(e) + parts.to_rows(size) * right
        d = -by_cone(off) / alike
        for own in means:
            d[:, own.places] = -own(off[:, own.places])
    stretched = np.zeros(d.shape)
    for own in means:
        stretched[:, own.places] = d[:, own.places]
    return np.where(held, np.exp(e), 0.0), np.exp(stretched - by_cone(stretched) / by_cone(np.ones_like(stretched)))


class _Means:
    """The stretches (B, count, d) that come closest to numbers whose sums by row are given; `counts` (B, m) of them."""

    def __init__(self, own: Stretches, counts: np.ndarray):
        self.places, self.logs = own.places, own.logs
        flat = counts[:, own.places].reshape(-1, own.places.shape[1])
        kinds, which = np.unique(flat, axis=0, return_inverse=True)
        self.kind = which.reshape(-1)
        grams = np.array([(own.logs.T @ own.logs.multiply(kind[:, None])).toarray() for kind in kinds])
        self.inverses = np.linalg.inv(grams + LEAST * np.eye(grams.shape[-1]))

    def __call__(self, sums: np.ndarray) -> np.ndarray:
        flat = (self.logs.T @ sums.reshape(-1, sums.shape[-1]).T).T
        free = np.einsum("ckl,cl->ck", self.inverses[self.kind], flat)
        return (self.logs @ free.T).T.reshape(sums.shape)


def _or_one(size: np.ndarray) -> np.ndarray:
    return np.where(size > 0, size, 1.0)


def unscaled(items: Items) -> Scaling:
    columns, rows = np.ones_like(items.q), np.ones_like(items.b)
    return Scaling(columns, rows, columns, rows)


def rebalance(scaling: Scaling, scaled: Point, items: Items) -> Scaling:
    """Rows scaled such that slack and multiplier of a cone are of one size: then v = s - z loses digits of neither.

    `scaled` is the point under `scaling`. Half-lines need no balance, since one of the two is zero. Nor do cones whose
    constraint is not active: there z has not yet vanished, and along the central path s'z is not small beside |s| |z|.
    """
    total = partial(items.cones.by_cone, np.add)
    s, z = (np.sqrt(total(part**2)) for part in (scaled.s, scaled.z))
    usable = (s > 0) & (z > 0) & (np.abs(total(scaled.s * scaled.z)) < ACUTE * _beside(items, scaled, s * z))
    for kind in (Kind.ZERO, Kind.NONNEG):
        usable[:, items.cones.of_kind(kind)] = False
    factor = np.ones_like(s)
    factor[usable] = np.sqrt(z[usable] / s[usable])
    return replace(scaling, D=scaling.D * factor)


def _beside(items: Items, scaled: Point, sizes: np.ndarray) -> np.ndarray:
    """What s'z is measured beside: |s| |z|, and in exponential cones |s_1 z_1| + |s_2 z_2| + |s_3 z_3|.

    Of (x, y, z) with y exp(x/y) <= z, y may be tiny beside the others, well inside and with all of the multiplier.
    """
    rows, sizes = items.cones.of_kind(Kind.EXP), sizes.copy()
    sizes[:, rows] = items.cones.by_cone(np.add, np.abs(scaled.s * scaled.z))[:, rows]
    return sizes


def shared_by_cone(items: Items, rows: np.ndarray) -> np.ndarray:
    """The largest entry within each cone, in all of its rows; (B, m)."""
    return items.cones.by_cone(np.maximum, rows)
