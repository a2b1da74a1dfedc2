"""One cone program with numbers to its checked solution, ready to be differentiated.

Scale; solve by an interior-point method; balance the cones at what it found; polish by Newton's method; check.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from declarative.backends.cone.certificate import (
    Blocks,
    Residuals,
    infeasibility_ray,
    residuals,
    unboundedness_ray,
)
from declarative.backends.cone.cones import Cones, Kind
from declarative.backends.cone.interior import Answer, Claim, interior_point
from declarative.backends.cone.item import Item, Point, without_infinite_rows
from declarative.backends.cone.polish import polish
from declarative.backends.cone.scaling import Scaling, equilibrate, rebalance
from declarative.backends.cone.system import System
from declarative.backends.status import Status

WEAK = 1e-7  # slack and multiplier both below this, where the problem's size is one: a degenerate cone


@dataclass(frozen=True)
class Solved:
    """The outcome for one item, in the units of its data.

    `ray` (m,) or (n,) proves `infeasible` or `unbounded`. `span` (equalities, rank) is given where they depend on
    each other.
    """

    cones: Cones
    status: Status
    point: Point
    iterations: int
    residuals: Residuals
    scaling: Scaling
    system: System | None = None
    ray: np.ndarray | None = None
    ray_shares: np.ndarray | None = None  # (m,): each row's part in the contradiction that `ray` is
    span: np.ndarray | None = None
    degenerate: bool = False

    def loose_parts(self, shown: np.ndarray) -> tuple[bool, bool]:
        """Is there a direction that changes neither residual: in the columns `shown` of x, in the multipliers?"""
        assert self.system is not None
        n = len(self.point.x)
        null = self.system.matrix.null_sample()
        moving = np.abs(null) > 1e-6 * np.abs(null).max(0, initial=0.0)
        return bool(moving[:n][shown].any()), bool(moving[n:].any())


NOTHING = Residuals(np.inf, np.inf, np.inf)


def solve_item(item: Item, blocks: Blocks) -> Solved:
    """Never raises for an outcome: what fails is `failed`."""
    scaling = equilibrate(item)
    if not all(np.isfinite(part).all() for part in (item.P, item.q, item.A, without_infinite_rows(item).b)):
        return _nothing(item, Status.FAILED, 0, scaling)
    item = without_infinite_rows(item)
    scaling = equilibrate(item)
    scaled = scaling.apply(item)
    answer = interior_point(scaled)
    match answer.claim:
        case Claim.INFEASIBLE:
            ray = infeasibility_ray(scaled, answer.point.z)
            if ray is None:
                return _nothing(item, Status.FAILED, answer.iterations, scaling)
            found = _nothing(item, Status.INFEASIBLE, answer.iterations, scaling, scaling.D * ray)
            return replace(found, ray_shares=np.abs(ray) * np.abs(scaled.A).max(1, initial=0.0))
        case Claim.UNBOUNDED:
            ray = unboundedness_ray(scaled, answer.point.x)
            status = Status.FAILED if ray is None else Status.UNBOUNDED
            return _nothing(item, status, answer.iterations, scaling, None if ray is None else scaling.E * ray)
        case Claim.POINT:
            return _finish(item, blocks, scaling, answer)


def _nothing(item: Item, status: Status, iterations: int, scaling: Scaling, ray: np.ndarray | None = None) -> Solved:
    m, n = item.A.shape
    return Solved(
        item.cones, status, Point(np.zeros(n), np.zeros(m), np.zeros(m)), iterations, NOTHING, scaling, None, ray
    )


def _finish(item: Item, blocks: Blocks, scaling: Scaling, answer: Answer) -> Solved:
    """Balance, polish, check."""
    if not all(np.isfinite(part).all() for part in (answer.point.x, answer.point.s, answer.point.z)):
        return _nothing(item, Status.FAILED, answer.iterations, scaling)
    balanced = rebalance(scaling, answer.point, item)
    factor = balanced.D / scaling.D
    start = Point(answer.point.x, answer.point.s * factor, answer.point.z / factor)
    scaled = balanced.apply(item)
    best, system = polish(scaled, start)
    span = span_of_equalities(item) if system.matrix.singular else None
    point = least_norm_multipliers(balanced.point(best.point), span, item)
    checked = residuals(item, point, blocks, balanced)
    if checked.status is Status.FAILED:
        return _nothing(item, Status.FAILED, answer.iterations, scaling)
    return Solved(
        item.cones,
        checked.status,
        point,
        answer.iterations,
        checked,
        balanced,
        system,
        span=span,
        degenerate=is_degenerate(scaled, best.point),
    )


def least_norm_multipliers(point: Point, span: np.ndarray | None, item: Item) -> Point:
    """Dependent equalities have many multipliers: the least ones."""
    if span is None:
        return point
    z, equal = point.z.copy(), item.cones.of_kind(Kind.ZERO)
    z[equal] = span @ (span.T @ z[equal])
    return replace(point, z=z)


def span_of_equalities(item: Item) -> np.ndarray | None:
    """An orthonormal basis of what the equality rows can take as values, where it is not everything."""
    A = item.A[item.cones.of_kind(Kind.ZERO)]
    if not A.size:
        return None
    size = np.abs(A).max(1)  # rows of very different size depend on each other all the same
    U, values, _ = np.linalg.svd(A / np.where(size > 0, size, 1.0)[:, None], full_matrices=False)
    rank = int(np.count_nonzero(values > 1e-10 * values.max(initial=0.0)))
    return None if rank == len(A) else np.linalg.qr(np.where(size > 0, size, 1.0)[:, None] * U[:, :rank])[0]


def is_degenerate(item: Item, point: Point) -> bool:
    """Does some cone have slack and multiplier both at zero (no strict complementarity)? `item` is scaled."""
    v = point.s - point.z
    for group in item.cones.groups:
        part = v[group.places]
        match group.kind:
            case Kind.ZERO:
                continue
            case Kind.SOC:
                norm = np.linalg.norm(part[:, 1:], axis=-1)
                size = np.minimum(np.abs(part[:, 0] + norm), np.abs(part[:, 0] - norm))
            case _:
                size = np.abs(part).max(-1)
        if size.size and size.min() < WEAK:
            return True
    return False
