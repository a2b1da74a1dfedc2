"""A cone program and the point that was found for it -> the same if it is a solution, a failure if there is none there.

Points that settle and are regular (`escape.py`) are not asked, since a solution is sure to be near.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from declarative.backends.cone.methods.directions import curved_direction
from declarative.backends.cone.methods.escape import escapes, regular
from declarative.backends.cone.methods.recession import recedes
from declarative.backends.cone.program.item import Items
from declarative.backends.cone.program.scaling import equilibrate
from declarative.backends.cone.program.solved import Solved, without_numbers
from declarative.backends.status import Status

ROUNDING = 1e-14


@dataclass(frozen=True)
class Attainment:
    """Of a batch of one."""

    item: Items

    @cached_property
    def direction(self) -> np.ndarray | None:
        """In which the infimum may be no minimum, in the units of the equilibrated item; None where there is none."""
        if self.item.cones.linear:
            return None
        return curved_direction(equilibrate(self.item).apply(self.item))

    def checked(self, found: Solved) -> Solved:
        """A point that is only on its way to infinity is none.

        One that is regular has the last word only where the direction is one by approximation: along one that is exact
        every solution could move, and none is regular.
        """
        if not found.usable or self.direction is None:
            return found
        even = equilibrate(self.item)
        scaled, at = even.apply(self.item), even.some(0).scaled_point(found.point)
        if regular(found) and not recedes(scaled, self.direction, ROUNDING):
            return found
        if not escapes(scaled, at, self.direction):
            return found
        return replace(without_numbers(self.item, Status.FAILED, found.iterations), escapes=True)

    def explained(self, found: Solved) -> Solved:
        """Where nothing was found, such a direction may be why."""
        if found.status is not Status.FAILED or found.escapes:
            return found
        return replace(found, recedes=self.direction is not None)
