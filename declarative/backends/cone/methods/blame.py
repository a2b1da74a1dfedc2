"""An infeasible cone program to the rows that contradict each other, and no others.

The ray of an interior-point method mixes all contradictions. Minimising the violation v in Ax + s = b + v e, with e
inside K and v >= 0, has multipliers z with A'z = 0, e'z = 1 and b'z = -v: a ray that proves the same, and that leaves
out the constraints without which the violation would be no smaller.
"""

from __future__ import annotations

import numpy as np

from declarative.backends.cone.methods.interior import Claim, interior_points
from declarative.backends.cone.methods.polish import polish
from declarative.backends.cone.program.item import Item, Point, alone
from declarative.backends.cone.sets.cones import Block, Cones, Kind, interior

TOLERANCE = 1e-11  # of the interior-point method


def least_violation_ray(item: Item) -> np.ndarray | None:
    """z (m,) for a (scaled) infeasible item, or None where the search fails."""
    equal, rest = item.cones.of_kind(Kind.ZERO), _others(item)
    A = np.concatenate([item.A[rest], item.A[equal], -item.A[equal]])
    b = np.concatenate([item.b[rest], item.b[equal], -item.b[equal]])
    inside = np.concatenate([interior(item.cones)[rest], np.ones(2 * len(equal))])
    blocks = tuple(block for block in item.cones.blocks if block.kind is not Kind.ZERO)
    cones = Cones((*blocks, Block(Kind.NONNEG, 2 * len(equal)), Block(Kind.NONNEG, 1)))
    n = item.A.shape[1]
    bound = np.zeros((1, n + 1))
    bound[0, n] = -1.0
    whole = np.concatenate([np.concatenate([A, -inside[:, None]], 1), bound])
    relaxed = alone(Item(np.zeros((n + 1, n + 1)), np.eye(n + 1)[n], whole, np.append(b, 0.0), cones))
    (answer,) = interior_points(relaxed, TOLERANCE)
    if answer.claim is not Claim.POINT or not np.isfinite(answer.point.z).all():
        return None
    x, s, z = (part[None] for part in (answer.point.x, answer.point.s, answer.point.z))
    (z,) = polish(relaxed, Point(x, s, z))[0].point.z
    ray = np.zeros(len(item.b))
    k = len(equal)
    ray[rest], ray[equal] = z[: len(rest)], z[len(rest) : len(rest) + k] - z[len(rest) + k : -1]
    return ray


def _others(item: Item) -> np.ndarray:
    """The rows that are no equalities, in order."""
    return np.setdiff1d(np.arange(len(item.b)), item.cones.of_kind(Kind.ZERO))
