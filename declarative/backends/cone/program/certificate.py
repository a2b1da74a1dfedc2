"""What a point of a cone program is worth: checks of our own, independent of the solver that found it.

A point in the cones and complementary (polishing gives no other) is optimal where Ax + s = b and Px + q + A'z = 0.
Each row may miss by TOLERANCE times the largest absolute term summed in it. Terms that should be zero are judged beside
a data entry times its block's norm, where SHARE says how exactly; in cones that can be stretched, beside what the
cone's own diagonal allows. Multipliers of exponential cones have no such excuse,
since of (x, y, z) with y exp(x/y) <= z the third may decide at 1e-18 of the others, nor have rows of arguments of
logarithms alone: 1e-60 is no rounding error of 0 there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from declarative.backends.cone.program.components import components
from declarative.backends.cone.program.item import Items, Point
from declarative.backends.cone.program.lost import lost
from declarative.backends.cone.program.read_off import rows_of_tops
from declarative.backends.cone.program.scaling import Scaling
from declarative.backends.cone.program.tails import tails
from declarative.backends.cone.sets.cones import Kind
from declarative.backends.cone.sets.stretches import natural_sizes
from declarative.backends.status import Status

TOLERANCE = 1e-6
ADRIFT = 1e-5  # of the norm of a variable: so far may rounding move it
SHARE = 1e-5  # times TOLERANCE: rounding, beside the largest entries of the blocks that a row combines
LOOSE = 1e-3  # beyond it an answer has no value
ROUNDING = 1e-8  # terms below this, where the largest are one, are rounding errors of others
FAR = 1e9  # terms so many times larger than what they add up to


@dataclass(frozen=True)
class Residuals:
    """Largest relative residuals of Ax + s = b and of Px + q + A'z = 0, and the relative gap of the objectives.

    `loss` is how large rounding errors of s and z may be beside the terms of the rows and columns where they are, and
    `known` the same beside those terms only that are no rounding errors of a program whose size is one. `adrift` is how
    far entries of x may be off for it.
    """

    primal: float
    dual: float
    gap: float
    loss: float = 0.0
    known: float = 0.0
    adrift: float = 0.0

    @property
    def worst(self) -> float:
        return max(self.primal, self.dual, self.gap)

    @property
    def status(self) -> Status:
        if self.worst <= TOLERANCE:
            sure = self.known <= TOLERANCE and self.adrift <= ADRIFT
            return Status.SOLVED if sure else Status.INACCURATE
        return Status.INACCURATE if self.worst <= LOOSE else Status.FAILED


@dataclass(frozen=True)
class Blocks:
    """The numbers of the variable that each column, and of the constraint that each row, belongs to.

    `shown` (n,) marks the columns of the user's variables.
    """

    columns: np.ndarray
    rows: np.ndarray
    shown: np.ndarray


def residuals(items: Items, points: Point, blocks: Blocks, scaling: Scaling) -> list[Residuals]:
    """In the units of `items`; `scaling` says what size counts as rounding, in a row whose data say nothing."""
    x, z, P, A, q, b = points.x, points.z, items.P, items.A, items.q, items.b
    wide = np.maximum(np.abs(x), SHARE * block_norm(x, blocks.columns))
    high = SHARE * block_norm(z, blocks.rows)
    for kind in (Kind.EXP, Kind.ROTATED, Kind.PSD):
        high[:, items.cones.of_kind(kind)] = 0.0
    high = np.maximum.reduce([np.abs(z), high, SHARE * natural_sizes(items.cones, z)])
    near = np.maximum(np.abs(points.s), SHARE * natural_sizes(items.cones, points.s))
    tops, terms = rows_of_tops(items), A.largest_by_row(wide)
    if tops.any():
        terms = np.where(tops, A.largest_by_row(np.abs(x)), terms)
    primal = np.maximum.reduce([terms, np.abs(b), near])
    dual = np.maximum.reduce([P.largest_by_row(wide), A.largest_by_column(high), np.abs(q)])
    primal = np.maximum(primal, np.where((b == 0) & ~tops, ROUNDING / scaling.D, 0))
    dual = np.maximum(dual, np.where(q == 0, ROUNDING / scaling.columns, 0))
    Px = P.times(x)
    slope, own = Px + q + A.transposed_times(z), tails(items, z, scaling.scaled_point(points).z)
    worst = _beside(A.times(x) + points.s - b, primal), np.maximum(_beside(slope, dual), _unbalanced(slope, own))
    found = *map(_largest, (*worst, _gaps(items, points, Px, scaling))), *lost(items, points, scaling)
    return [Residuals(*map(float, own)) for own in zip(*found, strict=True)]


def _gaps(items: Items, points: Point, Px: np.ndarray, scaling: Scaling) -> np.ndarray:
    """Of the objectives, relative, for each component, (B, count)."""
    parts, linear, support = components(items), items.q * points.x, items.b * points.z
    quadratic = parts.of_columns(np.add, points.x * Px)
    gap = quadratic + parts.of_columns(np.add, linear) + parts.of_rows(np.add, support)
    terms = parts.of_columns(np.maximum, np.abs(linear)), parts.of_rows(np.maximum, np.abs(support))
    kappa = np.maximum(parts.of_columns(np.maximum, scaling.by_column), parts.of_rows(np.maximum, scaling.by_row))
    rounding = ROUNDING / np.where(kappa > 0, kappa, 1.0)  # 0 where an item has fewer components than others
    return _beside(gap, np.maximum.reduce([*terms, np.abs(quadratic), rounding]))


def _beside(off: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """|off| / terms; infinite where either is no number, as where terms overflow."""
    from declarative.backends.cone.linear.conditions import beside

    found = np.empty(off.shape)
    beside(np.ascontiguousarray(off), np.ascontiguousarray(terms), found)
    return found


def _unbalanced(slope: np.ndarray, own: np.ndarray) -> np.ndarray:
    """What is off beside the terms of exponential cones alone, where these are all, is inaccurate, and no worse:

    x may be wrong there, but the objective is as good as it looks.
    """
    return np.where(own > 0, np.minimum(_beside(slope, own), LOOSE), 0.0) if own.any() else np.zeros(slope.shape)


def far_fetched(items: Items, points: Point) -> np.ndarray:
    """(B,): terms that cancel drown the right side of an active row, or the slope: then rounding may have made them.

    So it is where A'z = 0 and b'z < 0 but for rounding, and a point at 1e16 satisfies Ax <= b within a relative 1e-16.
    """
    x, active = np.abs(points.x), points.z != 0
    rows = active & (items.b != 0) & (items.A.largest_by_row(x) > FAR * np.abs(items.b))
    columns = (items.q != 0) & (items.P.largest_by_row(x) > FAR * np.abs(items.q))
    return rows.any(1) | columns.any(1)


def _largest(entries: np.ndarray) -> np.ndarray:
    """(B,)"""
    return np.abs(entries).max(1, initial=0.0)


def block_norm(entries: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """(B, k): for each entry the norm of its block."""
    total = np.zeros((blocks.max(initial=-1) + 1, len(entries)))
    np.add.at(total, blocks, entries.T**2)
    return np.sqrt(total).T[:, blocks]
