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

from declarative.backends.cone.item import Item, Point
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


def residuals(item: Item, point: Point, blocks: Blocks, scaling: Scaling) -> Residuals:
    """In the units of `item`; `scaling` says what size counts as rounding, in a row whose data say nothing."""
    x = np.maximum(np.abs(point.x), SHARE * _block_norm(point.x, blocks.columns))
    z = np.maximum(np.abs(point.z), SHARE * _block_norm(point.z, blocks.rows))
    A, P = np.abs(item.A), np.abs(item.P)
    primal = np.maximum.reduce([(A * x).max(1, initial=0.0), np.abs(item.b), np.abs(point.s)])
    dual = np.maximum.reduce([(P * x).max(1, initial=0.0), (A.T * z).max(1, initial=0.0), np.abs(item.q)])
    primal = np.maximum(primal, np.where(item.b == 0, ROUNDING * scaling.sigma / scaling.D, 0))
    dual = np.maximum(dual, np.where(item.q == 0, ROUNDING / (scaling.kappa * scaling.sigma * scaling.E), 0))
    quadratic, linear, support = point.x @ item.P @ point.x, item.q @ point.x, item.b @ point.z
    terms = np.abs(item.q * point.x).max(initial=0.0), np.abs(item.b * point.z).max(initial=0.0), abs(quadratic)
    return Residuals(
        _largest(np.abs(item.feasibility(point.x, point.s)) / primal),
        _largest(np.abs(item.stationarity(point.x, point.z)) / dual),
        float(abs(quadratic + linear + support) / max(*terms, ROUNDING / scaling.kappa)),
    )


def _largest(ratios: np.ndarray) -> float:
    """NaN counts as infinite."""
    return float(np.nan_to_num(ratios, nan=np.inf).max(initial=0.0))


def _block_norm(entries: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    total = np.zeros(blocks.max(initial=-1) + 1)
    np.add.at(total, blocks, entries**2)
    return np.sqrt(total)[blocks]


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
