"""The linear system that refines a solution of a cone program and differentiates it: one matrix for both.

With v = s - z, s = proj_K(v), z = proj_K(v) - v the optimality conditions are F(x, v) = 0. In the eigenbasis of the
projection's derivative (eigenvalues d) Newton's step, its transpose and the forward derivatives are all of the form

    P y + A' w = g,    (d - 1) A y + d w = (d - 1) h + t.

(t is 0 but for second derivatives.) Rows whose d is not small give w = (1 - d)/d (A y - h) + t/d, the curvature of the
boundary; the others stay, and with theta = d/(1 - d) the matrix is the symmetric
K = [[P + A_I' diag((1 - d)/d) A_I, A_A'], [A_A, -diag(theta)]]: the KKT matrix of the active constraints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from declarative.backends.cone.item import Item
from declarative.backends.cone.projections import Spectrum
from declarative.backends.cone.symmetric import SymmetricMatrix, factorise

KEPT = 1e-3  # rows with smaller eigenvalues stay in K; the others' curvature is at most 1e3


@dataclass(frozen=True)
class System:
    """`A` (m, n) is in the frame of `spectrum`; `active` (m,) marks the rows that K keeps."""

    spectrum: Spectrum
    A: np.ndarray
    active: np.ndarray
    curvature: np.ndarray  # (1 - d)/d of the rows that are not active
    matrix: SymmetricMatrix

    def solve(self, g: np.ndarray, h: np.ndarray, t: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """y (n,) and w (m,) for g (n,), h and t (m,); h, t and w in the frame."""
        inactive, n = ~self.active, len(g)
        pushed = np.zeros(int(inactive.sum()))
        if t is not None:
            pushed = t[inactive] / self.spectrum.values[inactive]
            h = h - np.where(inactive, 0.0, t / (1 - np.where(inactive, 0.0, self.spectrum.values)))
        top = g + self.A[inactive].T @ (self.curvature * h[inactive] - pushed)
        found = self.matrix.solve(np.concatenate([top, h[self.active]]))
        y, w = found[:n], np.empty_like(h)
        w[self.active] = found[n:]
        w[inactive] = self.curvature * (self.A[inactive] @ y - h[inactive]) + pushed
        return y, w

    def moved(self, y: np.ndarray, w: np.ndarray, h: np.ndarray) -> np.ndarray:
        """h - A y - w (m,), in the frame, for a solution with t = 0: by the division that loses no digits."""
        d, found = self.spectrum.values, np.empty_like(h)
        found[self.active] = -w[self.active] / (1 - d[self.active])
        found[~self.active] = (h[~self.active] - self.A[~self.active] @ y) / d[~self.active]
        return found


def conic_system(item: Item, spectrum: Spectrum) -> System:
    """K at a point where the projection has this derivative."""
    A = spectrum.to_frame(item.A)
    active = spectrum.values < KEPT
    free, held = spectrum.values[~active], spectrum.values[active]
    curvature, theta = (1 - free) / free, held / (1 - held)
    bent = curvature > 0
    A_bent = A[~active][bent]
    H = item.P + A_bent.T @ (curvature[bent][:, None] * A_bent)
    K = np.block([[H, A[active].T], [A[active], -np.diag(theta)]])
    return System(spectrum, A, active, curvature, factorise(K, len(H)))
