"""The ways to stretch the rows of a cone, each by a number of its own, that map the cone to itself.

A rotated cone (u, v, w) allows u times a, v times 1/a, and a power cone something alike; a semidefinite matrix X may
become diag(a) X diag(a). All rows times one number is always one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.sparse as sp

from declarative.backends.cone.sets.cones import Cones, Kind, psd_side, triangle


@dataclass(frozen=True, eq=False)
class Stretches:
    """Of equal cones at `places` (count, d): the logarithms of the stretches are `logs` (d, k) times k free numbers."""

    places: np.ndarray
    logs: sp.csr_array


@lru_cache(maxsize=64)
def stretches(cones: Cones) -> tuple[Stretches, ...]:
    """Of the cones that have more than one."""
    found = []
    for group in cones.groups:
        d = group.places.shape[1]
        match group.kind:
            case Kind.ROTATED:
                found.append(Stretches(group.places, _two(d, 0.5)))
            case Kind.POWER:
                powers = np.unique(group.powers)
                found += [Stretches(group.places[group.powers == p], _two(d, p)) for p in powers]
            case Kind.PSD if d > 1:
                row, column, _ = triangle(psd_side(d))
                at = np.arange(d)
                half = np.full(2 * d, 0.5)
                found.append(Stretches(group.places, sp.csr_array((half, (np.r_[at, at], np.r_[row, column])))))
            case _:
                pass
    return tuple(found)


def natural_sizes(cones: Cones, v: np.ndarray) -> np.ndarray:
    """(B, m): how large the entries of points v (B, m) of the cones may be, whatever stretches them; 0 in others."""
    sizes = np.zeros(v.shape)
    for group in cones.groups:
        at = group.places
        match group.kind:
            case Kind.ROTATED:
                sizes[:, at] = np.sqrt(np.abs(2 * v[:, at[:, :1]] * v[:, at[:, 1:2]]))
                sizes[:, at[:, :2]] = np.abs(v[:, at[:, :2]])
            case Kind.PSD:
                row, column, factor = triangle(psd_side(at.shape[1]))
                root = np.sqrt(np.abs(v[:, at[:, row == column]]))
                sizes[:, at] = factor * root[..., row] * root[..., column]
            case _:
                pass
    return sizes


def _two(d: int, power: float) -> sp.csr_array:
    """The first row, the second, and their weighted mean in the others."""
    return sp.csr_array(np.concatenate([np.eye(2), np.tile([power, 1 - power], (d - 2, 1))]))
