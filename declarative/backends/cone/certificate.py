"""What a point or a ray of a cone program is worth: checks of our own, independent of the solver that found it.

A point in the cones and complementary (polishing gives no other) is optimal where Ax + s = b and Px + q + A'z = 0.
Each row may miss by TOLERANCE times the largest absolute term summed in it. Terms that should be zero are judged beside
a data entry times its block's norm, where SHARE says how exactly.
A ray z in the dual cone with A'z = 0 and b'z = -1 proves infeasibility (Farkas); a ray x with Px = 0, -Ax in K and
q'x = -1 proves that the objective falls without end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from declarative.backends.cone.item import Item, Items, Point
from declarative.backends.cone.projections import project
from declarative.backends.cone.scaling import Scaling
from declarative.backends.status import Status

TOLERANCE = 1e-6
SHARE = 1e-5  # times TOLERANCE: rounding, beside the largest entries of the blocks that a row combines
LOOSE = 1e-3  # beyond it an answer has no value
ROUNDING = 1e-8  # terms below this, where the largest are one, are rounding errors of others


@dataclass(frozen=True)
class Residuals:
    """Largest relative residuals of Ax + s = b and of Px + q + A'z = 0, and the relative gap of the objectives."""

    primal: float
    dual: float
    gap: float

    @property
    def status(self) -> Status:
        worst = max(self.primal, self.dual, self.gap)
        if worst <= TOLERANCE:
            return Status.SOLVED
        return Status.INACCURATE if worst <= LOOSE else Status.FAILED


@dataclass(frozen=True)
class Blocks:
    """The numbers of the variable that each column, and of the constraint that each row, belongs to."""

    columns: np.ndarray
    rows: np.ndarray


def residuals(items: Items, points: Point, blocks: Blocks, scaling: Scaling) -> list[Residuals]:
    """In the units of `items`; `scaling` says what size counts as rounding, in a row whose data say nothing."""
    x, z, P, A, q, b = points.x, points.z, items.P, items.A, items.q, items.b
    wide = np.maximum(np.abs(x), SHARE * _block_norm(x, blocks.columns))
    high = np.maximum(np.abs(z), SHARE * _block_norm(z, blocks.rows))
    primal = np.maximum.reduce([A.largest_by_row(wide), np.abs(b), np.abs(points.s)])
    dual = np.maximum.reduce([P.largest_by_row(wide), A.largest_by_column(high), np.abs(q)])
    primal = np.maximum(primal, np.where(b == 0, ROUNDING * scaling.sigma / scaling.D, 0))
    dual = np.maximum(dual, np.where(q == 0, ROUNDING / (scaling.kappa * scaling.sigma * scaling.E), 0))
    Px = P.times(x)
    quadratic, linear, support = (x * Px).sum(1), q * x, b * z
    terms = [_largest(linear), _largest(support), np.abs(quadratic), np.ravel(ROUNDING / scaling.kappa)]
    gap = np.abs(quadratic + linear.sum(1) + support.sum(1)) / np.maximum.reduce(terms)
    off = A.times(x) + points.s - b, Px + q + A.transposed_times(z)
    worst = [_largest(np.nan_to_num(np.abs(r) / size, nan=np.inf)) for r, size in zip(off, (primal, dual), strict=True)]
    return [Residuals(float(p), float(d), float(g)) for p, d, g in zip(*worst, gap, strict=True)]


def _largest(entries: np.ndarray) -> np.ndarray:
    """(B,); NaN counts as infinite, in the ratios that are judged."""
    return np.abs(entries).max(1, initial=0.0)


def _block_norm(entries: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """(B, k): for each entry the norm of its block."""
    total = np.zeros((blocks.max(initial=-1) + 1, len(entries)))
    np.add.at(total, blocks, entries.T**2)
    return np.sqrt(total).T[:, blocks]


def infeasibility_ray(item: Item, z: np.ndarray) -> np.ndarray | None:
    """z brought into the dual cone and to b'z = -1, if that proves (scaled) `item` infeasible within any 1e6."""
    z = z + project(item.cones, -z)[0]
    support = item.b @ z
    if not support < 0:
        return None
    z = z / -support
    return z if np.abs(item.A.T @ z).max(initial=0.0) <= TOLERANCE else None


def unboundedness_ray(item: Item, x: np.ndarray) -> np.ndarray | None:
    """x brought to q'x = -1, if (scaled) `item` has it as a direction in which the objective falls for 1e6 at least."""
    slope = item.q @ x
    if not slope < 0:
        return None
    x = x / -slope
    off = item.A @ x + project(item.cones, -(item.A @ x))[0]
    worst = max(np.abs(off).max(initial=0.0), np.abs(item.P @ x).max(initial=0.0))
    return x if worst <= TOLERANCE else None
