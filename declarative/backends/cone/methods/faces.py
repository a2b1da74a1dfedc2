"""Entries of a vector of K, or of the dual cone, that are 0 -> those that are 0 with them."""

from __future__ import annotations

import numpy as np

from declarative.backends.cone.sets.cones import Cones, Kind, psd_side, triangle


def zero_with(cones: Cones, zero: np.ndarray, dual: bool) -> np.ndarray:
    """(m,) bool: the places of `zero` (m,), and those where a vector of K, or of the dual cone, is then 0 too."""
    zero = zero.copy()
    for group in cones.groups:
        part = zero[group.places]
        match group.kind:
            case Kind.SOC:
                part[part[:, 0]] = True
            case Kind.ROTATED:
                part[part[:, :2].any(-1), 2:] = True
            case Kind.EXP:
                part[part[:, 2], 0 if dual else 1] = True
            case Kind.POWER:
                part[part[:, :2].any(-1), 2] = True
            case Kind.PSD:
                row, column, _ = triangle(psd_side(part.shape[1]))
                gone = part[:, row == column]
                part |= gone[:, row] | gone[:, column]
            case Kind.ZERO | Kind.NONNEG:
                pass
        zero[group.places] = part
    return zero
