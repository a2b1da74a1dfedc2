"""An approximate solution of a cone program to one with all the digits that its conditioning allows.

Newton's method on F(x, v) = (Px + q + A'z, Ax + s - b) with s = proj_K(v) and z = s - v: every iterate is exactly in
the cones and exactly complementary, so these two residuals are the whole error. It restores what an interior-point
method loses at the boundary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from declarative.backends.cone.item import Item, Point
from declarative.backends.cone.projections import Spectrum, project
from declarative.backends.cone.system import System, conic_system

STEPS = 12


@dataclass(frozen=True)
class Iterate:
    x: np.ndarray
    v: np.ndarray
    s: np.ndarray
    spectrum: Spectrum
    stationarity: np.ndarray
    feasibility: np.ndarray

    @property
    def error(self) -> float:
        return max(np.abs(self.stationarity).max(initial=0.0), np.abs(self.feasibility).max(initial=0.0))

    @property
    def point(self) -> Point:
        return Point(self.x, self.s, self.s - self.v)


def iterate(item: Item, x: np.ndarray, v: np.ndarray) -> Iterate:
    s, spectrum = project(item.cones, v)
    return Iterate(x, v, s, spectrum, item.stationarity(x, s - v), item.feasibility(x, s))


def polish(item: Item, start: Point) -> tuple[Iterate, System]:
    """The best iterate reached from `start`, with the system at it; `item` should be scaled."""
    now = iterate(item, start.x, start.s - start.z)
    system = conic_system(item, now.spectrum)
    floor = 1e-15 * (1 + max(np.abs(now.x).max(initial=0.0), np.abs(now.v).max(initial=0.0)))
    for _ in range(STEPS):
        if now.error <= floor:
            break
        new = _step(item, now, system)
        if not new.error < 0.9 * now.error:
            break
        now, system = new, conic_system(item, new.spectrum)
    return now, system


def _step(item: Item, now: Iterate, system: System) -> Iterate:
    """Newton's step, halved until the error falls."""
    residual = now.spectrum.to_frame(now.feasibility)
    dx, dz = system.solve(-now.stationarity, -residual)
    dv = now.spectrum.from_frame(system.moved(dx, dz, -residual))
    length, best = 1.0, now
    for _ in range(6):
        best = iterate(item, now.x + length * dx, now.v + length * dv)
        if best.error < 0.9 * now.error:
            break
        length /= 2
    return best
