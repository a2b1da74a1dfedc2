"""Where the projection onto a cone has a kink: no strict complementarity, and a derivative that is a choice.

Inside K all eigenvalues of the derivative are 1, inside the polar all are 0, and on every other piece on which the
projection is smooth the numbers of ones and of zeros are others. A direction from the polar into K crosses all kinks.
"""

from __future__ import annotations

import numpy as np

from declarative.backends.cone.cones import Cones, interior
from declarative.backends.cone.projections import project

WIDTH = 1e-7  # where the program's size is one: kinks nearer than this count


def is_degenerate(cones: Cones, v: np.ndarray) -> bool:
    """v = s - z, of a scaled program."""
    ends = [_pieces(cones, v + side * WIDTH * interior(cones)) for side in (1, -1)]
    return not all(np.array_equal(*pair) for pair in zip(*ends, strict=True))


def _pieces(cones: Cones, v: np.ndarray) -> list[np.ndarray]:
    """For each group of cones the numbers of eigenvalues that are one and that are zero."""
    d = project(cones, v)[1].values
    return [np.stack([(d[group.places] == value).sum(-1) for value in (1, 0)]) for group in cones.groups]
