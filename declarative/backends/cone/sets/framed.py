"""The pattern of U'A, for a sparse A and the eigenvectors U of narrow cones: found once, then values by index.

Row i of U'A within a cone has an entry wherever some row of A within it has one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from declarative.backends.cone.linear.matrices import Pattern, Rows, pattern_of, with_values
from declarative.backends.cone.sets.cones import Cones
from declarative.backends.cone.sets.projections import Spectrum

NARROW = 4  # rows of a cone; in wide ones the pattern would take more room than the product


@dataclass(frozen=True, eq=False)
class Framed:
    """`plain` (l,): the entries of A in no frame. For each group of cones, `cones` (k,) and `sources` (k, d): of each
    column that a cone of it meets the cone, and which entries of A are there row by row, one past the last for none.
    """

    pattern: Pattern
    plain: np.ndarray
    cones: tuple[np.ndarray, ...]
    sources: tuple[np.ndarray, ...]

    def rows(self, spectrum: Spectrum, A: Rows) -> Rows:
        """U'A, for one v."""
        known, parts = np.append(A.data, 0.0), [A.data[self.plain]]
        for U, cone, source in zip(spectrum.vectors, self.cones, self.sources, strict=True):
            parts.append((known[source][:, None] @ U[cone])[:, 0].reshape(-1))
        values = np.concatenate(parts)[self.pattern.source]
        return with_values(self.pattern.without_values, values)


def entries_in_frame(A: Pattern, cones: Cones) -> int:
    """How many entries U'A has for the eigenvectors of wide cones alone. A's pattern keeps the last number."""
    known = A.beside.get("entries in frame")
    if known is None or known[0] is not cones:
        known = A.beside["entries in frame"] = cones, _entries(A, cones)
    return known[1]


def _entries(A: Pattern, cones: Cones) -> int:
    number, total = np.full(cones.rows, -1), 0
    for group in cones.groups:
        if group.kind.separable or group.places.shape[1] <= NARROW:
            continue
        number[:] = -1
        number[group.places] = np.arange(len(group.places))[:, None]
        own = number[A.rows]
        met = np.unique(own[own >= 0] * A.shape[1] + A.columns[own >= 0])
        total += len(met) * group.places.shape[1] - np.count_nonzero(own >= 0)
    return len(A.rows) + total


def framed(A: Pattern, cones: Cones) -> Framed | None:
    """None where some cone is wide. A's pattern keeps the last one."""
    if any(g.places.shape[1] > NARROW for g in cones.groups if not g.kind.separable):
        return None
    known = A.beside.get("framed")
    if known is None or known[0] is not cones:
        known = A.beside["framed"] = cones, _framed(A, cones)
    return known[1]


def _framed(A: Pattern, cones: Cones) -> Framed:
    number, position = np.full(cones.rows, -1), np.zeros(cones.rows, dtype=np.int64)
    groups = [group for group in cones.groups if not group.kind.separable]
    plain = np.flatnonzero(~np.isin(A.rows, np.concatenate([np.zeros(0), *(g.places.reshape(-1) for g in groups)])))
    own, sources, places = [], [], [np.stack([A.rows[plain], A.columns[plain]])]
    for group in groups:
        count, d = group.places.shape
        number[:] = -1
        number[group.places] = np.arange(count)[:, None]
        position[group.places] = np.arange(d)
        entries = np.flatnonzero(number[A.rows] >= 0)
        met, which = np.unique(number[A.rows[entries]] * A.shape[1] + A.columns[entries], return_inverse=True)
        source = np.full((len(met), d), len(A.rows))
        source[which, position[A.rows[entries]]] = entries
        cone, column = met // A.shape[1], met % A.shape[1]
        own.append(cone)
        sources.append(source)
        places.append(np.stack([group.places[cone].reshape(-1), np.repeat(column, d)]))
    return Framed(pattern_of(np.concatenate(places, 1), A.shape), plain, tuple(own), tuple(sources))
