"""The memory of an outcome and a later start -> the points from which a slightly different program may be solved."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from declarative.backends.cone.differentiate.function import Outcomes, Structure
from declarative.backends.cone.program.item import Point

POINT = "last conic point"  # in the memory of an outcome


def remembered(structure: Structure, outcomes: Outcomes) -> dict[str, Tensor]:
    """x, s and z side by side, (B, n + 2m); NaN where there is no answer."""
    nothing = np.full(structure.columns + 2 * structure.cones.rows, np.nan)
    points = [(o.point.x, o.point.s, o.point.z) if o.usable else (nothing,) for o in outcomes.items]
    return {POINT: torch.from_numpy(np.array([np.concatenate(parts) for parts in points]))}


def recalled(start: Mapping[str, Tensor] | None, structure: Structure) -> Point | None:
    """The same, from the memory of an outcome; None where there is none, or that of another program."""
    n, m = structure.columns, structure.cones.rows
    if start is None or POINT not in start or start[POINT].shape[1] != n + 2 * m:
        return None
    return Point(*np.split(start[POINT].detach().cpu().numpy(), [n, n + m], axis=1))
