"""How much of a row of Ax + s = b, or of a column of Px + q + A'z = 0, the rounding errors of s and z may be.

They are beside the largest entry of a cone, while (1, t, x) with x^2 <= 1 t may be (1, 1e-18, 1e-9). Where the cone is
stretched such that its entries are of one size nothing is lost. A residual does not show it: s and z fit the rows, and
it is the cone that they may miss.
"""

from __future__ import annotations

import numpy as np

from declarative.backends.cone.program.components import Components, components
from declarative.backends.cone.program.item import Items, Point
from declarative.backends.cone.program.scaling import Scaling
from declarative.backends.cone.sets.cones import Kind
from declarative.backends.cone.sets.stretches import natural_sizes

EPS = np.finfo(float).eps
CLEAR = 10 * EPS  # of the largest entry of a cone: smaller ones may be rounding errors of zeros
SURE = 20 * EPS  # of the program's size, which is one
AMPLE = 10.0  # times the residuals of the scaled program


def lost(items: Items, points: Point, scaling: Scaling) -> tuple[np.ndarray, np.ndarray]:
    """(B,) and (B,): in cones that can be stretched, as `scaling` does it; the largest share of all terms that are
    clear within their cones, and of those that are sure within the program.
    """
    rows = np.concatenate([items.cones.of_kind(kind) for kind in (Kind.ROTATED, Kind.POWER, Kind.PSD)])
    if not len(rows):
        return np.zeros(len(items)), np.zeros(len(items))
    scaled, at, parts = scaling.apply(items), scaling.scaled_point(points), components(items)
    sizes = [np.abs(at.x), *(np.maximum(np.abs(v), natural_sizes(items.cones, v)) for v in (at.s, at.z))]
    norms = [np.sqrt(items.cones.by_cone(np.add, v**2)) for v in (at.s, at.z)]
    x, stationarity = (_by_column(parts, v) for v in (at.x, scaled.stationarity(at.x, at.z)))
    s, z, feasibility = (_by_row(parts, v) for v in (at.s, at.z, scaled.feasibility(at.x, at.s)))
    clear = [CLEAR * level for level in (parts.to_columns(x), *norms)]
    sure = [
        spread(np.maximum(SURE * np.maximum(size, 1.0), AMPLE * off))
        for size, off, spread in (
            (x, feasibility, parts.to_columns),
            (s, feasibility, parts.to_rows),
            (z, stationarity, parts.to_rows),
        )
    ]
    errors = np.zeros((2, *at.s.shape))
    errors[:, :, rows] = EPS * np.array(norms)[:, :, rows]
    both = [np.maximum(*levels) for levels in zip(clear, sure, strict=True)]
    loss = _share(scaled, sizes, clear, errors)
    errors[:, :, items.cones.of_kind(Kind.POWER)] = 0.0  # near their faces points are exact entry by entry
    return loss, _share(scaled, sizes, both, errors)


def _share(scaled: Items, sizes: list[np.ndarray], levels: list[np.ndarray], errors: np.ndarray) -> np.ndarray:
    """(B,): errors of s and z beside the largest terms of x, s and z above these levels."""
    from declarative.backends.cone.linear.shares import largest_shares

    above = (np.where(size > level, size, 0.0) for size, level in zip(sizes, levels, strict=True))
    found, work = np.empty(len(scaled)), np.empty((2, scaled.q.shape[1]))
    own = *scaled.A.by_row, *scaled.P.by_row, np.abs(scaled.b), np.abs(scaled.q)
    largest_shares(*own, *above, errors, *work, found)
    return found


def _by_column(parts: Components, v: np.ndarray) -> np.ndarray:
    """The largest entry of each component, (B, count)."""
    return parts.of_columns(np.maximum, np.abs(v))


def _by_row(parts: Components, v: np.ndarray) -> np.ndarray:
    return parts.of_rows(np.maximum, np.abs(v))
