"""A cone program and the point that was found for it -> the same if it is a solution, a failure if there is none there.

Only points that are not regular are asked, since a solution is sure to be near one that is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from declarative.backends.cone.methods.escape import escapes, regular
from declarative.backends.cone.methods.interior import Claim, interior_points
from declarative.backends.cone.methods.polish import polish
from declarative.backends.cone.methods.recession import cleaned, curved_recession
from declarative.backends.cone.program.item import Items, Point
from declarative.backends.cone.program.scaling import equilibrate
from declarative.backends.cone.program.solved import Solved, without_numbers
from declarative.backends.status import Status

FINE = 1e-11


@dataclass(frozen=True)
class Attainment:
    """Of a batch of one."""

    item: Items

    @cached_property
    def direction(self) -> np.ndarray | None:
        """In which the infimum may be no minimum, in the units of the equilibrated item; None where there is none."""
        if self.item.cones.linear:
            return None
        scaled = equilibrate(self.item).apply(self.item)
        program = curved_recession(scaled)
        even = equilibrate(program)
        (answer,) = interior_points(even.apply(program), FINE)
        if answer.claim is not Claim.POINT or not np.isfinite(answer.point.x).all():
            return None
        at = answer.point
        with np.errstate(all="ignore"):  # on the way to infinity
            refined = polish(even.apply(program), Point(at.x[None], at.s[None], at.z[None]))[0].x[0]
        found = (cleaned(scaled, even.one(0).E * x) for x in (refined, at.x))
        return next((d for d in found if d is not None), None)

    def checked(self, found: Solved) -> Solved:
        """A point that is only on its way to infinity is none."""
        if not found.usable or regular(found) or self.direction is None:
            return found
        even = equilibrate(self.item)
        own, point = even.one(0), found.point
        size = own.kappa * own.sigma
        at = Point(point.x / (own.sigma * own.E), point.s * own.D / own.sigma, point.z * size / own.D)
        if not escapes(even.apply(self.item), at, self.direction):
            return found
        return replace(without_numbers(self.item, Status.FAILED, found.iterations), escapes=True)

    def explained(self, found: Solved) -> Solved:
        """Where nothing was found, such a direction may be why."""
        if found.status is not Status.FAILED or found.escapes:
            return found
        return replace(found, recedes=self.direction is not None)
