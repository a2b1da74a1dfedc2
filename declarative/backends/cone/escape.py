"""A point that Newton's method holds for a solution -> is it one, or somewhere on the way to infinity?

Where the objective falls towards a limit, as exp(x) or 1/x, residuals vanish before any point is a solution; but so has
the curvature that would hold a solution there. A solution that is flat by itself (ill-conditioned data, a face of
solutions) is as flat a way off; on the way to infinity it is not.
"""

from __future__ import annotations

import numpy as np

from declarative.backends.cone.cones import Kind
from declarative.backends.cone.item import Items
from declarative.backends.cone.projections import project
from declarative.backends.cone.scaling import Scaling
from declarative.backends.cone.solved import Solved
from declarative.backends.cone.system import System, conic_system

LOOSE = 1e10  # how far x follows data that change by one, where the program's size is one
FAR = 1.0  # x there: nearer, there is no way to infinity
STIFFER = 1e-4  # how much less it follows a way back


def escapes(item: Items, solved: Solved) -> bool:
    """Of a batch of one."""
    assert solved.system is not None
    s, point = solved.scaling, solved.point
    x = point.x / (s.sigma * s.E)
    size = np.abs(x).max(initial=0.0)
    if size < FAR:
        return False
    v = point.s * s.D / s.sigma - point.z * s.kappa * s.sigma / s.D
    dx, dv = _response(solved.system)
    loose = np.abs(dx).max()
    if not loose > LOOSE:
        return False
    for kind in (Kind.ZERO, Kind.NONNEG):  # which of these hold is no question of curvature
        dv[item.cones.of_kind(kind)] = 0.0
    own = Scaling(s.E[None], s.D[None], np.array([[s.sigma]]), np.array([[s.kappa]]))
    scaled = own.apply(item).one(0)
    for step in (size / loose, -size / loose):
        spectrum = project(item.cones, (v + step * dv)[None])[1].some(0)
        if np.abs(_response(conic_system(scaled, spectrum))[0]).max() < STIFFER * loose:
            return True
    return False


@np.errstate(all="ignore")
def _response(system: System) -> tuple[np.ndarray, np.ndarray]:
    """How x (n,) and v (m,) follow a change of the data in no particular direction."""
    generator = np.random.default_rng(0)
    m, n = system.A.shape
    g, h = generator.standard_normal(n), generator.standard_normal(m)
    dx, dz = system.solve(g, h)
    return dx, system.spectrum.from_frame(system.moved(dx, dz, h))
