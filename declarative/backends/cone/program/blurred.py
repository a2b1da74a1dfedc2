"""Solutions of programs whose P is the matrix Q'Q of a sum of squares -> do rounding errors of it move them?

P_ij has an error of EPS |Q_i| |Q_j| for the columns Q_i of Q, and |Q_i|^2 = P_ii. So P x has one of EPS |Q_i| times the
sum of |Q_j| |x_j|, which moves x as Newton's step has it, as does what the rows still miss. Where P is itself what is
given, nobody knows it better; rows for what is squared do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from declarative.backends.cone.program.adrift import moved_share
from declarative.backends.cone.program.certificate import ADRIFT, Blocks
from declarative.backends.cone.program.item import Items
from declarative.backends.cone.program.lost import EPS
from declarative.backends.cone.program.solved import Solved
from declarative.backends.status import Status


def without_blurred(items: Items, found: Sequence[Solved], blocks: Blocks) -> list[Solved]:
    """The same, `inaccurate` where x may be off by more than a solution may be."""
    points = (np.array([getattr(solved.point, part) for solved in found]) for part in "xsz")
    slopes, gaps = items.missed(*points)
    return [_blurred(items, k, own, slopes[k], gaps[k], blocks) for k, own in enumerate(found)]


def _blurred(items: Items, k: int, solved: Solved, slope: np.ndarray, gap: np.ndarray, blocks: Blocks) -> Solved:
    if solved.status is not Status.SOLVED or solved.system is None or solved.system.matrix.singular:
        return solved
    x, pattern, root = np.abs(solved.point.x), items.P.pattern, np.zeros(items.q.shape[1])
    root[pattern.rows[pattern.diagonal]] = np.sqrt(np.maximum(items.P.values[k, pattern.diagonal], 0.0))
    slope, own = np.maximum(np.abs(slope), EPS * root * (root @ x)), solved.scaling
    gap = np.where(np.isfinite(items.b[k]), np.abs(gap), 0.0)  # a row without a side misses nothing
    share = moved_share(solved.system, own.columns * slope, own.D * gap, own.E, x, blocks)
    if share <= ADRIFT:
        return solved
    return replace(solved, status=Status.INACCURATE, blurred=True)
