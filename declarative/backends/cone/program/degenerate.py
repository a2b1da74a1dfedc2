"""Where the projection onto a cone has a kink: no strict complementarity, and a derivative that is a choice.

Inside K all eigenvalues of the derivative are 1, inside the polar all are 0, and on every other piece on which the
projection is smooth the numbers of ones and of zeros are others. A direction from the polar into K crosses all kinks.
"""

from __future__ import annotations

import numpy as np

from declarative.backends.cone.program.certificate import ROUNDING
from declarative.backends.cone.program.item import Items, Point
from declarative.backends.cone.program.system import conic_systems
from declarative.backends.cone.program.tails import terms_and_tails
from declarative.backends.cone.sets.cones import Cones, Kind, interior
from declarative.backends.cone.sets.projections import project

WIDTH = 1e-7  # where the program's size is one: kinks nearer than this count


def weakly_active(items: Items, at: Point) -> np.ndarray:
    """(B, m): inequalities with neither slack nor multiplier, in scaled programs.

    How large multipliers are the scaling does not say: they count beside the terms of the rows that they stand in,
    which may be rounding where they are small, but for those of exponential cones and what these push against.
    """
    x, z, rows = np.abs(at.x), np.abs(at.z), items.cones.of_kind(Kind.NONNEG)
    if not len(rows):
        return np.zeros(z.shape, dtype=bool)
    terms = np.maximum.reduce([items.P.largest_by_row(x), items.A.largest_by_column(z), np.abs(items.q)])
    floor = ROUNDING * terms.max(1, initial=0.0)[:, None]
    exact = np.maximum(*terms_and_tails(items, at.z, at.z)) > 0
    terms = np.where(exact, terms, np.maximum(terms, floor))
    share = z * items.A.largest_by_row(1 / np.where(terms > 0, terms, 1.0))
    weak = np.zeros(z.shape, dtype=bool)
    weak[:, rows] = (np.maximum(at.s, z)[:, rows] <= WIDTH) & (share[:, rows] <= WIDTH)
    return weak


def near_kinks(cones: Cones, v: np.ndarray, s: np.ndarray) -> np.ndarray:
    """(B,): of curved cones, for v = s - z (B, m) of scaled programs."""
    inward = WIDTH * interior(cones)
    for kind in (Kind.ZERO, Kind.NONNEG):
        inward[cones.of_kind(kind)] = 0.0
    ends = _pieces(cones, np.concatenate([v + inward, v - inward]), np.concatenate([s, s]))
    return np.any(ends[: len(v)] != ends[len(v) :], axis=1)


def is_regular(item: Items, v: np.ndarray, weak: np.ndarray) -> bool:
    """Of a batch of one without curved cones: are x and multipliers unique, whichever of the `weak` rows are active?

    Independent rows stay so when some are left out, and an objective that curves along all directions that a few rows
    leave free does so where more rows hold. So the smallest and the largest of the active sets speak for all.
    """
    spectra = (project(item.cones, np.where(weak, end, v))[1] for end in (1.0, -1.0))
    return not any(conic_systems(item, spectrum, [None])[0].matrix.singular for spectrum in spectra)


def _pieces(cones: Cones, v: np.ndarray, near: np.ndarray) -> np.ndarray:
    """(B, k): for each cone the numbers of eigenvalues that are one and that are zero."""
    d = project(cones, v, near)[1].values
    counts = [(d[:, group.places] == value).sum(-1) for group in cones.groups for value in (1, 0)]
    return np.concatenate([np.zeros((len(v), 0)), *counts], axis=1)
