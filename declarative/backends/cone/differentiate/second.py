"""Second derivatives of the solution of a cone program, for one solved item, by two more solves with the same matrix.

Along a move of the data, let dx, dz and dv = ds - dz follow. The gradient that `pull_back` forms of the adjoint state
(y, w) of (gx, gz) is the slope of gx'dx + gz'dz in the move. As the data move further, the state follows its own
equations, whose matrix changes with P, A and with the derivative D of the projection: D''(v)[dv, gz - Ay - w], see
`bend`. All this is in the units of the scaled program, in which data, solution and gradients differ by factors only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from declarative.backends.cone.differentiate.adjoint import Gradients, determined
from declarative.backends.cone.program.solved import Solved
from declarative.backends.cone.sets.bend import bend


@dataclass(frozen=True)
class Places:
    """Rows and columns of the entries of P and A (2, k) that are data."""

    P: np.ndarray
    A: np.ndarray

    def add_P(self, values: np.ndarray, x: np.ndarray, to: np.ndarray) -> None:
        """The symmetric part of P, times x."""
        i, j = self.P
        np.add.at(to, i, values * x[j] / 2)
        np.add.at(to, j, values * x[i] / 2)

    def add_A(self, values: np.ndarray, x: np.ndarray, to: np.ndarray) -> None:
        np.add.at(to, self.A[0], values * x[self.A[1]])

    def add_transposed_A(self, values: np.ndarray, z: np.ndarray, to: np.ndarray) -> None:
        np.add.at(to, self.A[1], values * z[self.A[0]])


@dataclass(frozen=True)
class Move:
    """The data of the scaled program moves by `data`, and the solution by dx (n,), dz (m,) and dv (m,) = ds - dz."""

    data: Gradients
    dx: np.ndarray
    dz: np.ndarray
    dv: np.ndarray


def pull_twice(solved: Solved, gx: np.ndarray, gz: np.ndarray, moves: Gradients, at: Places) -> Gradients:
    """How `pull_back(gx, gz)` changes as the data move; also the gradient of gx'dx + gz'dz, where dx and dz follow."""
    assert solved.system is not None
    system, frame = solved.system, solved.system.spectrum
    factors, (x, z, v) = _factors(solved, at), _point(solved)
    along = _move(solved, _times(moves, factors), x, z, at)
    gx, gz = solved.scaling.E * gx, solved.scaling.multipliers * determined(solved, gz)
    h = frame.to_frame(gz)
    y, w = system.solve(gx, h)
    turned = bend(solved.cones, v, along.dv, frame.from_frame(system.moved(y, w, h)))
    w = _least(solved, frame.from_frame(w))
    top, right = np.zeros_like(x), np.zeros_like(z)
    at.add_P(-along.data.P, y, top)
    at.add_transposed_A(-along.data.A, w, top)
    at.add_A(-along.data.A, y, right)
    y2, w2 = system.solve(top, frame.to_frame(_consistent(solved, right)), frame.to_frame(turned))
    w2 = _least(solved, frame.from_frame(w2))
    (i, j), (r, c) = at.P, at.A
    P = y2[i] * x[j] + y2[j] * x[i] + y[i] * along.dx[j] + y[j] * along.dx[i]
    A = z[r] * y2[c] + w2[r] * x[c] + along.dz[r] * y[c] + w[r] * along.dx[c]
    return _times(Gradients(-P / 2, -y2, -A, w2), factors)


def _move(solved: Solved, data: Gradients, x: np.ndarray, z: np.ndarray, at: Places) -> Move:
    assert solved.system is not None
    system, frame = solved.system, solved.system.spectrum
    top, right = -data.q, data.b.copy()
    at.add_P(-data.P, x, top)
    at.add_transposed_A(-data.A, z, top)
    at.add_A(-data.A, x, right)
    h = frame.to_frame(_consistent(solved, right))
    dx, dz = system.solve(top, h)
    return Move(data, dx, _least(solved, frame.from_frame(dz)), frame.from_frame(system.moved(dx, dz, h)))


def _consistent(solved: Solved, right: np.ndarray) -> np.ndarray:
    """The nearest right sides (m,) of the scaled program that dependent equalities can have."""
    return solved.scaling.D * determined(solved, right / solved.scaling.D)


def _least(solved: Solved, w: np.ndarray) -> np.ndarray:
    """Multipliers (m,) of the scaled program, of least norm."""
    return determined(solved, solved.scaling.D * w) / solved.scaling.D


def _factors(solved: Solved, at: Places) -> Gradients:
    """What the data are multiplied by in the scaled program."""
    s = solved.scaling
    (i, j), (r, c) = at.P, at.A
    return Gradients(s.columns[i] * s.E[j], s.columns, s.D[r] * s.E[c], s.D)


def _times(a: Gradients, b: Gradients) -> Gradients:
    return Gradients(a.P * b.P, a.q * b.q, a.A * b.A, a.b * b.b)


def _point(solved: Solved) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, z and v = s - z of the scaled program."""
    at = solved.scaling.scaled_point(solved.point)
    return at.x, at.z, at.s - at.z
