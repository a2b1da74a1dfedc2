"""A point that is a solution but for parts of the objective that rounding hides -> one where these are minimised too.

Where terms of very different size are linked, the multipliers of small ones vanish beside the others, and what is
judged in norms does not tell which of their rows push. So what the large terms decide is held: where the objective
curves, and the pieces of those cones whose multipliers are clear. The slope that is left, with its size taken as one,
is an objective over the other cones, and its multipliers, times that size, are the ones that were missing.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from declarative.backends.cone.linear.matrices import pattern_of
from declarative.backends.cone.methods.interior import Claim, interior_points
from declarative.backends.cone.methods.polish import Iterate, iterate, polish, polish_boldly, terms_of_columns
from declarative.backends.cone.program.item import Items, Point
from declarative.backends.cone.program.scaling import equilibrate
from declarative.backends.cone.program.system import System
from declarative.backends.cone.sets.cones import Block, Cones, Kind

FINE = 1e-11  # the tolerance of the interior-point method
ROUNDS = 4  # of ever smaller parts
MISSED = 1e-7  # of the largest term of a column: a slope beyond it is none that rounding made
SURE = 1e-8  # of the largest term of each row: no part is left
CLEAR = 1e3  # times the slope that is left: larger multipliers belong to larger terms


def minimise_remainders(items: Items, now: Iterate, system: System) -> tuple[Iterate, System]:
    """For a scaled batch of one: of `now` and what smaller and smaller parts lead to, what misses each row least."""
    found = [(iterate(items, now.x, now.v, now.s, by_row=True), system)]
    while len(found) <= ROUNDS and found[-1][0].error > SURE:
        point = remainder(items, found[-1][0])
        if point is None:
            break
        near, (system,) = polish(items, point, by_row=True)
        found.append(polish_boldly(items, near, system))
    best, system = min(found, key=lambda pair: float(pair[0].error[0]))
    return iterate(items, best.x, best.v, best.s), system


def remainder(items: Items, now: Iterate) -> Point | None:
    """Where the largest part that is left of the slope of a batch of one is minimised; None where none is found."""
    slope = np.abs(now.stationarity)
    missed = slope > MISSED * terms_of_columns(items, now.x, now.z)
    if not missed.any():
        return None
    size = float(slope[missed].max())
    pushes = items.cones.by_cone(np.maximum, np.abs(now.z) * items.A.largest_by_row(np.ones_like(now.x)))[0]
    strong = pushes > CLEAR * size
    strong[items.cones.of_kind(Kind.ZERO)] = True
    return _minimised(items, now, size, strong)


def _minimised(items: Items, now: Iterate, size: float, strong: np.ndarray) -> Point | None:
    """`size`: of the slope; `strong` (m,): the rows of cones whose multipliers are held."""
    P, A, frame = items.P.one(0, sparse=True), items.A.one(0, sparse=True), now.spectrum.some(0)
    held = np.flatnonzero(strong & (frame.values < 1))
    free, blocks = _others(items.cones, strong)
    curved = P[np.diff(P.indptr) > 0]
    whole = sp.coo_array(sp.vstack([curved, frame.rows_to_frame(A)[held], A[free]]))
    first, count = curved.shape[0], curved.shape[0] + len(held)
    z = np.where(strong, now.z, 0.0)
    flat = pattern_of(np.zeros((2, 0), dtype=np.int64), P.shape).matrices(np.zeros((1, 0)))
    rows = pattern_of(np.stack(whole.coords), (count + len(free), P.shape[0])).matrices(whole.data[None])
    b = np.concatenate([np.zeros(count), now.s[0, free]])[None]
    part = Items(flat, items.stationarity(now.x, z) / size, rows, b, Cones((Block(Kind.ZERO, count), *blocks)))
    at = _solved(part)
    if at is None:
        return None
    x, along = now.x + at.x, np.zeros(len(strong))
    s = items.b - items.A.times(x)
    along[held] = size * at.z[0, first:count]
    z += frame.from_frame(along)
    s[0, free], z[0, free] = at.s[0, count:], size * at.z[0, count:]
    s[0, items.cones.of_kind(Kind.ZERO)] = 0.0
    return Point(x, s, z)


def _others(cones: Cones, strong: np.ndarray) -> tuple[np.ndarray, list[Block]]:
    """The rows of cones that are not `strong` (m,), and these cones, in one order."""
    rows, blocks = [np.zeros(0, dtype=np.int64)], []
    for group in cones.groups:
        weak = ~strong[group.places[:, 0]]
        rows.append(group.places[weak].ravel())
        if group.kind.separable:
            blocks += [Block(group.kind, int(weak.sum()))] * bool(weak.any())
        else:
            blocks += [Block(group.kind, group.places.shape[1], float(power)) for power in group.powers[weak]]
    return np.concatenate(rows), blocks


@np.errstate(all="ignore")  # on the way to infinity
def _solved(part: Items) -> Point | None:
    even = equilibrate(part)
    scaled = even.apply(part)
    (answer,) = interior_points(scaled, FINE)
    at = answer.point
    if answer.claim is not Claim.POINT or not _finite(at):
        return None
    at = even.point(polish(scaled, Point(at.x[None], at.s[None], at.z[None]))[0].point)
    return at if _finite(at) else None


def _finite(at: Point) -> bool:
    return all(bool(np.isfinite(own).all()) for own in (at.x, at.s, at.z))
