"""A cone program -> directions of recession, as an interior-point method finds them, without its errors."""

from __future__ import annotations

import numpy as np

from declarative.backends.cone.methods.interior import Claim, interior_points
from declarative.backends.cone.methods.polish import polish
from declarative.backends.cone.methods.rays import unboundedness_ray
from declarative.backends.cone.methods.recession import cleaned, curved_recession, falling
from declarative.backends.cone.program.item import Items, Point
from declarative.backends.cone.program.scaling import equilibrate

FINE = 1e-11


def curved_direction(scaled: Items) -> np.ndarray | None:
    """d (n,) that moves the slack of a curved cone, for a scaled batch of one; None where there is none."""
    for steepest in (False, True):
        directions = points_of(curved_recession(scaled, steepest))
        found = next((d for d in (cleaned(scaled, x) for x in directions) if d is not None), None)
        if found is not None or not directions:
            return found
    return None


def falling_direction(scaled: Items) -> np.ndarray | None:
    """d (n,) along which the objective of a scaled batch of one falls for ever, or None."""
    rays = (unboundedness_ray(scaled.dense(0), x) for x in points_of(falling(scaled)))
    return next((ray for ray in rays if ray is not None), None)


def points_of(program: Items) -> list[np.ndarray]:
    """Its solution x (n,), refined and as the interior-point method has it; none where it has none."""
    even = equilibrate(program)
    (answer,) = interior_points(even.apply(program), FINE)
    at = answer.point
    if answer.claim is not Claim.POINT or not np.isfinite(at.x).all():
        return []
    with np.errstate(all="ignore"):  # on the way to infinity
        refined = polish(even.apply(program), Point(at.x[None], at.s[None], at.z[None]))[0].x[0]
    return [even.some(0).E * x for x in (refined, at.x)]
