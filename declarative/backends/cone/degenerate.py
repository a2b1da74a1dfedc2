"""Where the projection onto a cone has a kink: no strict complementarity, and a derivative that is a choice.

Inside K all eigenvalues of the derivative are 1, inside the polar all are 0, and on every other piece on which the
projection is smooth the numbers of ones and of zeros are others. A direction from the polar into K crosses all kinks.
"""

from __future__ import annotations

import numpy as np

from declarative.backends.cone.cones import Cones, interior
from declarative.backends.cone.projections import project

WIDTH = 1e-7  # where the program's size is one: kinks nearer than this count


def are_degenerate(cones: Cones, v: np.ndarray, s: np.ndarray) -> np.ndarray:
    """v = s - z (B, rows), of scaled programs."""
    inward = WIDTH * interior(cones)
    ends = _pieces(cones, np.concatenate([v + inward, v - inward]), np.concatenate([s, s]))
    return np.any(ends[: len(v)] != ends[len(v) :], axis=1)


def _pieces(cones: Cones, v: np.ndarray, near: np.ndarray) -> np.ndarray:
    """(B, k): for each cone the numbers of eigenvalues that are one and that are zero."""
    d = project(cones, v, near)[1].values
    counts = [(d[:, group.places] == value).sum(-1) for group in cones.groups for value in (1, 0)]
    return np.concatenate([np.zeros((len(v), 0)), *counts], axis=1)
