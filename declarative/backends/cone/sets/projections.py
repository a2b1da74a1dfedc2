"""Projection onto the cone K of a program, and the derivative of that projection as eigenvalues and eigenvectors.

The derivative D of the projection at v is symmetric with eigenvalues in [0, 1]. At a solution v = s - z: eigenvalue 1
marks a direction in which the slack is free, 0 one in which the constraint holds with equality, and a value between
carries the curvature of the boundary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import assert_never

import numpy as np
import scipy.sparse as sp

from declarative.backends.cone.sets.cones import Cones, Group, Kind, psd_side, triangle
from declarative.backends.cone.sets.power import project_power


@dataclass(frozen=True)
class Spectrum:
    """D = U diag(values) U', with U block diagonal; one-dimensional cones need no U. Of one v or of a batch.

    `values` is (..., rows), and `rest` is 1 - values, with all its digits where these are nearly one. `parts` (..., l)
    tell U, cone by cone: units (d - 1) for second-order cones (those of the plain cone for rotated ones), the
    eigenvectors of the matrices for semidefinite ones, and what is wanted itself for others. Where all values of a cone
    are equal, as inside, U is the identity, whatever the parts.
    """

    cones: Cones
    values: np.ndarray
    rest: np.ndarray
    parts: np.ndarray

    def to_frame(self, a: np.ndarray) -> np.ndarray:
        """U'a of one v, for a (..., rows)."""
        return self._turned(a, back=False)

    def from_frame(self, a: np.ndarray) -> np.ndarray:
        """U a."""
        return self._turned(a, back=True)

    def _turned(self, a: np.ndarray, back: bool) -> np.ndarray:
        found = np.array(a, order="C")
        if found.size:
            self._turn(self.parts[None], self.values[None], found.reshape(1, -1, a.shape[-1]), back)
        return found

    def each_to_frame(self, a: np.ndarray) -> None:
        """U'a of each v of a batch, for a (B, k, rows), in place."""
        self._turn(self.parts, self.values, a, back=False)

    def each_from_frame(self, a: np.ndarray) -> None:
        """U a, the same way."""
        self._turn(self.parts, self.values, a, back=True)

    def _turn(self, parts: np.ndarray, values: np.ndarray, a: np.ndarray, back: bool) -> None:
        from declarative.backends.cone.sets.turning import turn_explicit, turn_second_order, turn_semidefinite

        first = 0
        for group in self.cones.curved:
            d = group.places.shape[1]
            match group.kind:
                case Kind.SOC | Kind.ROTATED:
                    turn_second_order(group.places, first, parts, values, a, back, group.kind is Kind.ROTATED)
                case Kind.PSD:
                    turn_semidefinite(group.places, first, parts, values, a, back, np.empty(2 * d + group.parts))
                case _:
                    turn_explicit(group.places, first, parts, values, a, back, np.empty(d))
            first += len(group.places) * group.parts

    def rows_to_frame(self, A: sp.csr_array) -> sp.csr_array:
        """U'A of one v, for a sparse A."""
        return self._transposed @ A if self.cones.curved else A

    @property
    def vectors(self) -> list[np.ndarray]:
        """U of one v: for each group of curved cones (count, d, d)."""
        groups = self.cones.curved
        units = np.zeros((1, max((group.places.shape[1] for group in groups), default=0), len(self.values)))
        for group in groups:
            units[0, np.arange(group.places.shape[1]), group.places] = 1.0
        self._turn(self.parts[None], self.values[None], units, back=False)
        return [units[0, : group.places.shape[1]][:, group.places].swapaxes(0, 1) for group in groups]

    @property
    def _transposed(self) -> sp.csr_array:
        """U' of one v."""
        size = len(self.values)
        width = np.ones(size, dtype=np.int32)
        for group in self.cones.curved:
            width[group.places] = group.places.shape[1]
        starts = np.concatenate([[0], np.cumsum(width)]).astype(np.int32)
        columns, values = np.repeat(np.arange(size, dtype=np.int32), width), np.ones(starts[-1])
        for group, U in zip(self.cones.curved, self.vectors, strict=True):
            places = group.places
            at = starts[places][:, :, None] + np.arange(places.shape[1])
            columns[at], values[at] = places[:, None, :], U.transpose(0, 2, 1)
        return sp.csr_array((values, columns, starts), shape=(size, size))

    def freed(self, rows: np.ndarray) -> Spectrum:
        """Where rows (..., rows) of one-dimensional cones are free, as if they were not there."""
        return replace(self, values=np.where(rows, 1.0, self.values), rest=np.where(rows, 0.0, self.rest))

    def some(self, chosen: np.ndarray | int) -> Spectrum:
        """Of a batch."""
        return Spectrum(self.cones, self.values[chosen], self.rest[chosen], self.parts[chosen])

    def with_some(self, chosen: np.ndarray, new: Spectrum) -> Spectrum:
        """`new` in the places `chosen` of a batch."""
        pairs = ((self.values, new.values), (self.rest, new.rest), (self.parts, new.parts))
        return Spectrum(self.cones, *(replaced(old, chosen, own) for old, own in pairs))


def together(spectra: list[Spectrum]) -> Spectrum:
    """Of single ones that of a batch."""
    parts = zip(*((own.values, own.rest, own.parts) for own in spectra), strict=True)
    return Spectrum(spectra[0].cones, *map(np.array, parts))


def replaced(old: np.ndarray, chosen: np.ndarray, new: np.ndarray) -> np.ndarray:
    """`new` in the rows `chosen` of a copy."""
    found = old.copy()
    found[chosen] = new
    return found


def project(cones: Cones, v: np.ndarray, near: np.ndarray | None = None) -> tuple[np.ndarray, Spectrum]:
    """The projection of v (..., rows) onto K, and the derivative there; `near` is about where it will be."""
    flat = np.ascontiguousarray(v).reshape(prod(v.shape[:-1]), cones.rows)
    guess = flat if near is None else near.reshape(flat.shape)
    (s, values, rest), parts = np.empty((3, *flat.shape)), np.empty((len(flat), cones.parts))
    first = 0
    for group in cones.groups:
        _project_group(group, flat, guess, (s, values, rest), first, parts)
        first += 0 if group.kind.separable else len(group.places) * group.parts
    shape = v.shape
    return s.reshape(shape), Spectrum(
        cones, values.reshape(shape), rest.reshape(shape), parts.reshape(*shape[:-1], cones.parts)
    )


def other_part(cones: Cones, v: np.ndarray, s: np.ndarray) -> np.ndarray:
    """z = s - v for the projection s of v (..., rows), exact entry by entry in exponential cones.

    Where y exp(x/y) = w, z is a multiple of (-w/y, (x/y - 1) w/y, 1), and w may be smaller than x by all the digits.
    """
    z = s - v
    places = cones.of_kind(Kind.EXP)
    if places.size:
        from declarative.backends.cone.sets.exponential import normal_part

        found = z[..., places]
        normal_part(s[..., places].reshape(-1, 3), found.reshape(-1, 3))
        z[..., places] = found
    return z


def _project_group(
    group: Group, v: np.ndarray, near: np.ndarray, found: tuple[np.ndarray, ...], first: int, parts: np.ndarray
) -> None:
    """Projections of v (B, rows), of the derivatives eigenvalues d and 1 - d, and from `first` on the parts."""
    from declarative.backends.cone.sets.second_order import project_half_lines, project_second_order

    match group.kind:
        case Kind.ZERO:
            for whole, value in zip(found, (0.0, 0.0, 1.0), strict=True):
                whole[:, group.places] = value
        case Kind.NONNEG:
            project_half_lines(group.places, v, *found)
        case Kind.SOC | Kind.ROTATED:
            project_second_order(group.places, v, group.kind is Kind.ROTATED, *found, first, parts)
        case Kind.PSD:
            _project_semidefinite(group, v, found, parts[:, first : first + len(group.places) * group.parts])
        case Kind.EXP | Kind.POWER:
            own, guess = (a[:, group.places].reshape(-1, 3) for a in (v, near))
            *flat, vectors = project_explicit(group, own, guess)
            for whole, part in zip(found, flat, strict=True):
                whole[:, group.places] = part.reshape(-1, *group.places.shape)
            parts[:, first : first + len(group.places) * group.parts] = vectors.reshape(len(v), -1)
        case _:
            assert_never(group.kind)


def project_explicit(group: Group, v: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, ...]:
    """Onto exponential or power cones, of v (k, 3), with the eigenvectors (k, 3, 3) of the derivatives."""
    if group.kind is Kind.EXP:
        from declarative.backends.cone.sets.exponential import project_exponential

        s, values, rest, vectors = *(np.empty(v.shape) for _ in range(3)), np.empty((len(v), 3, 3))
        project_exponential(np.ascontiguousarray(v), np.ascontiguousarray(near), s, values, rest, vectors)
        return s, values, rest, vectors
    s, values, vectors = project_power(v, np.resize(group.powers, len(v)))  # of a batch: item after item
    return s, values, 1 - values, vectors


def _project_semidefinite(group: Group, v: np.ndarray, found: tuple[np.ndarray, ...], parts: np.ndarray) -> None:
    from declarative.backends.cone.sets.spectral import matrices, projected

    side, k = psd_side(group.places.shape[1]), len(v) * len(group.places)
    M, finite = np.empty((k, side, side)), np.empty(k, dtype=bool)
    matrices(group.places, v, *triangle(side), M, finite)
    e, Q = np.linalg.eigh(M)
    projected(group.places, v, e, Q, finite, *triangle(side), *found)
    parts[:] = Q.reshape(parts.shape)
