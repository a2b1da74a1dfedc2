"""Scalings of cone programs under which a solution is of size one, as far as an interior-point method's points know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from declarative.backends.cone.methods.interior import ROUGH, Answer, Claim, interior_points
from declarative.backends.cone.program.components import components
from declarative.backends.cone.program.item import Items
from declarative.backends.cone.program.scaling import Scaling, equilibrate, sized

FINE = 1e-11  # the interior-point method's tolerance, where x may be that small beside slacks
ROUNDS = 4
NEAR = 10.0  # times one is of size one


def resized(item: Items) -> Scaling:
    """For a batch of one, by a rough point; all slacks count."""
    even = equilibrate(item)
    (answer,) = interior_points(even.apply(item), ROUGH)
    known = _sizes(item, answer, np.zeros(item.b.shape, dtype=bool))
    return even if known is None else sized(even, components(item), *known)


def fitted(item: Items) -> Scaling:
    """For a batch of one, in several rounds; slacks count where a cone pushes.

    Cones that do not push are scaled by themselves, lest a far bound hide a small x.
    """
    scaling, own = equilibrate(item), components(item)
    for _ in range(ROUNDS):
        (answer,) = interior_points(scaling.apply(item), FINE)
        slack, push = (item.cones.by_cone(np.maximum, np.abs(v)[None]) for v in (answer.point.s, answer.point.z))
        idle = (slack > push) & (slack < np.inf)
        known = _sizes(item, answer, idle)
        if known is None:
            break
        scaling = sized(scaling, own, *known)
        beside = np.where(idle, slack / own.to_rows(known[0]), 1.0)
        scaling = replace(scaling, D=scaling.D / np.maximum(beside, 1.0))
        if all(((size < NEAR) & (size > 1 / NEAR)).all() for size in known):
            break
    return scaling


def _sizes(item: Items, answer: Answer, idle: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """(B, count) and (B, count), of x and slacks, and of multipliers, in each component; `idle` rows (B, m) do not
    count. One where nothing is known, and None where nothing is.
    """
    own, (x, s, z) = components(item), (np.abs(v)[None] for v in (answer.point.x, answer.point.s, answer.point.z))
    size = np.maximum(own.of_columns(np.maximum, x), own.of_rows(np.maximum, np.where(idle, 0.0, s)))
    price = own.of_rows(np.maximum, np.where(idle, 0.0, z))
    known = (size * price > 0) & (size * price < np.inf)
    if answer.claim is not Claim.POINT or not known.any():
        return None
    return np.where(known, size, 1.0), np.where(known, price, 1.0)
