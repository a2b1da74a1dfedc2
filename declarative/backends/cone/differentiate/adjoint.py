"""The implicit function theorem on the optimality conditions of a cone program, for one solved item.

F = (Px + q + A'z, Ax + s - b) = 0 with s and z the two parts of v = s - z. Backward, one solve with F's transposed
Jacobian gives the state (y, w) whose products with dF are the gradients; forward, one solve with dF.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from declarative.backends.cone.program.equalities import on_span
from declarative.backends.cone.program.solved import Solved
from declarative.backends.cone.sets.cones import Kind


@dataclass(frozen=True)
class Gradients:
    """Of some loss: with respect to q (n,) and b (m,), and to entries of P and A at given places."""

    P: np.ndarray
    q: np.ndarray
    A: np.ndarray
    b: np.ndarray

    @property
    def parts(self) -> tuple[np.ndarray, ...]:
        """All four."""
        return self.P, self.q, self.A, self.b


def pull_back(solved: Solved, gx: np.ndarray, gz: np.ndarray, P_at: np.ndarray, A_at: np.ndarray) -> Gradients:
    """From gradients for x (n,) and z (m,); P_at and A_at (2, k) hold rows and columns of the entries wanted."""
    assert solved.system is not None
    scaling = solved.scaling
    gx, gz = scaling.E * gx, scaling.multipliers * determined(solved, gz)
    frame = solved.system.spectrum
    y, w = solved.system.solve(gx, frame.to_frame(gz))
    y, w = scaling.columns * y, scaling.D * frame.from_frame(w)
    x, z = solved.point.x, solved.point.z
    (i, j), (r, c) = P_at, A_at
    return Gradients(-(y[i] * x[j] + y[j] * x[i]) / 2, -y, -(z[r] * y[c] + w[r] * x[c]), w)


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
    first, second = scaling.columns * first, scaling.D * second
    dx, dz = solved.system.solve(-first, -frame.to_frame(second))
    dz = scaling.multipliers * frame.from_frame(dz)
    return scaling.E * dx, determined(solved, dz)


def determined(solved: Solved, z: np.ndarray) -> np.ndarray:
    """Multipliers of dependent equalities: only their least-norm part moves."""
    return on_span(z, solved.span, solved.cones.of_kind(Kind.ZERO))
