"""The implicit function theorem on the optimality conditions of cone programs, for solved items.

F = (Px + q + A'z, Ax + s - b) = 0 with s and z the two parts of v = s - z. Backward, one solve with F's transposed
Jacobian gives the state (y, w) whose products with dF are the gradients; forward, one solve with dF.

Where equalities depend on each other, moves of data that make them contradict each other count as the nearest ones that
do not: multipliers and states are those of least norm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from declarative.backends.cone.program.equalities import on_span
from declarative.backends.cone.program.scaling import Scaling
from declarative.backends.cone.program.solved import Solved
from declarative.backends.cone.program.system import System
from declarative.backends.cone.sets.cones import Kind
from declarative.backends.cone.sets.projections import together


@dataclass(frozen=True)
class Gradients:
    """Of some loss: with respect to q (n,) and b (m,), and to entries of P and A at given places; or of a batch."""

    P: np.ndarray
    q: np.ndarray
    A: np.ndarray
    b: np.ndarray

    @property
    def parts(self) -> tuple[np.ndarray, ...]:
        """All four."""
        return self.P, self.q, self.A, self.b


def pull_back(
    solved: Sequence[Solved], gx: np.ndarray, gz: np.ndarray, P_at: np.ndarray, A_at: np.ndarray
) -> Gradients:
    """Of several items, from gradients for x (B, n) and z (B, m); P_at and A_at (2, k) hold rows and columns of the
    entries wanted."""
    scaling, systems = _together([own.scaling for own in solved]), [_system(own) for own in solved]
    x, z = (np.array([getattr(own.point, part) for own in solved]) for part in "xz")
    gx, h = scaling.E * gx, np.array([determined(*own) for own in zip(solved, gz, strict=True)])
    h *= scaling.multipliers
    frames = together([system.spectrum for system in systems])
    frames.each_to_frame(h[:, None])
    y, w = np.empty_like(gx), np.empty_like(h)
    for k, system in enumerate(systems):
        y[k], w[k] = system.solve(gx[k], h[k])
    frames.each_from_frame(w[:, None])
    y, w = scaling.columns * y, np.array([determined(*own) for own in zip(solved, scaling.D * w, strict=True)])
    (i, j), (r, c) = P_at, A_at
    P, A = -(y[:, i] * x[:, j] + y[:, j] * x[:, i]) / 2, -(z[:, r] * y[:, c] + w[:, r] * x[:, c])
    return Gradients(P, -y, A, w)


def _together(scalings: list[Scaling]) -> Scaling:
    """Of single items that of a batch."""
    parts = zip(*((own.E, own.D, own.by_column, own.by_row) for own in scalings), strict=True)
    return Scaling(*map(np.array, parts))


def _system(solved: Solved) -> System:
    assert solved.system is not None
    return solved.system


def push_forward(solved: Solved, data: Gradients, P_at: np.ndarray, A_at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The moves of x and z when the data move by `data`."""
    assert solved.system is not None
    x, z, scaling = solved.point.x, solved.point.z, solved.scaling
    (i, j), (r, c) = P_at, A_at
    first, second = data.q.copy(), -data.b
    np.add.at(first, i, data.P * x[j] / 2)
    np.add.at(first, j, data.P * x[i] / 2)
    np.add.at(first, c, data.A * z[r])
    np.add.at(second, r, data.A * x[c])
    frame = solved.system.spectrum
    first, second = scaling.columns * first, scaling.D * determined(solved, second)
    dx, dz = solved.system.solve(-first, -frame.to_frame(second))
    dz = scaling.multipliers * frame.from_frame(dz)
    return scaling.E * dx, determined(solved, dz)


def determined(solved: Solved, z: np.ndarray) -> np.ndarray:
    """Of rows (m,), what dependent equalities can be: the part of multipliers that moves, and of moves that counts."""
    return on_span(z, solved.span, solved.cones.of_kind(Kind.ZERO))
