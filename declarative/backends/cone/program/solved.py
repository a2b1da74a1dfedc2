"""The outcome for one cone program, in the units of its data, with what a derivative needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from declarative.backends.cone.program.certificate import Residuals
from declarative.backends.cone.program.item import Item, Items, Point
from declarative.backends.cone.program.scaling import Scaling
from declarative.backends.cone.program.system import System
from declarative.backends.cone.sets.cones import Cones, Kind
from declarative.backends.dependence import Dependence
from declarative.backends.status import Status


@dataclass(frozen=True)
class Solved:
    """`ray` (m,) or (n,) proves `infeasible` or `unbounded`; `ray_shares` say how much each row or column is in it.

    `span` is given where the equalities depend on each other. `settled`: to the last digit, and
    regular or inside of the set of solutions.
    `escapes`: failed, since the points found go to infinity; `recedes`: failed, and a solution may not exist.
    `broken`: failed, since the data are not finite. `bends`: unbounded, along no straight line; then there is no `ray`.
    `blurred`: inaccurate, since rounding errors of the matrix of a sum of squares move x.
    """

    cones: Cones
    status: Status
    point: Point
    iterations: int
    residuals: Residuals
    scaling: Scaling
    system: System | None = None
    span: Dependence | None = None
    degenerate: bool = False
    settled: bool = False
    escapes: bool = False
    recedes: bool = False
    broken: bool = False
    bends: bool = False
    blurred: bool = False
    ray: np.ndarray | None = None
    ray_shares: np.ndarray | None = None

    @property
    def usable(self) -> bool:
        """Are there numbers?"""
        return self.status in (Status.SOLVED, Status.INACCURATE)

    def loose_parts(self, shown: np.ndarray) -> tuple[bool, bool, bool]:
        """Is there a direction that changes neither residual: in the columns `shown` of x, in the multipliers?

        The third: in those of rows that are no equalities? Data may move such rows apart, and only one stays active.
        """
        assert self.system is not None
        n = len(self.point.x)
        null = self.system.matrix.null_sample()
        if not null.size:
            return False, self.span is not None, False
        moving = np.abs(null) > 1e-6 * np.abs(null).max(0, initial=0.0)
        active = self.system.active
        rows = abs(self.system.A[active]).sum(1) > 0  # a row of zeros says nothing, whatever its multiplier
        apart = np.ones(self.cones.rows, dtype=bool)
        apart[self.cones.of_kind(Kind.ZERO)] = False
        loose = moving[n:][rows]
        many = self.span is not None or bool(loose.any())
        return bool(moving[:n][shown].any()), many, bool(loose[apart[active][rows]].any())


def without_numbers(
    program: Item | Items,
    status: Status,
    iterations: int,
    ray: np.ndarray | None = None,
    shares: np.ndarray | None = None,
) -> Solved:
    """An outcome that has no solution: zeros, which the layer replaces by NaN."""
    n, m = program.q.shape[-1], program.b.shape[-1]
    point, scaling = (
        Point(np.zeros(n), np.zeros(m), np.zeros(m)),
        Scaling(np.ones(n), np.ones(m), np.ones(n), np.ones(m)),
    )
    infinite = Residuals(np.inf, np.inf, np.inf)
    return Solved(program.cones, status, point, iterations, infinite, scaling, ray=ray, ray_shares=shares)
