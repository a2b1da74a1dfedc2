"""Projection onto the cone K of a program, and the derivative of that projection as eigenvalues and eigenvectors.

The derivative D of the projection at v is symmetric with eigenvalues in [0, 1]. At a solution v = s - z: eigenvalue 1
marks a direction in which the slack is free, 0 one in which the constraint holds with equality, and a value between
carries the curvature of the boundary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from declarative.backends.cone.sets.cones import Cones, Group, Kind, psd_side, triangle, turned
from declarative.backends.cone.sets.power import project_power


@dataclass(frozen=True)
class Spectrum:
    """D = U diag(values) U', with U block diagonal; one-dimensional cones need no U. Of one v or of a batch.

    `values` is (..., rows), and `rest` is 1 - values, with all its digits where these are nearly one. `parts` (..., l)
    tell U, cone by cone: units (d - 1) for second-order cones (those of the plain cone for rotated ones), the
    eigenvectors of the matrices for semidefinite ones, and what is wanted itself for others.
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
            self._turn(self.parts[None], found.reshape(1, -1, a.shape[-1]), back)
        return found

    def each_to_frame(self, a: np.ndarray) -> None:
        """U'a of each v of a batch, for a (B, k, rows), in place."""
        self._turn(self.parts, a, back=False)

    def _turn(self, parts: np.ndarray, a: np.ndarray, back: bool) -> None:
        from declarative.backends.cone.sets.turning import turn_explicit, turn_second_order, turn_semidefinite

        first = 0
        for group in self.cones.curved:
            d = group.places.shape[1]
            match group.kind:
                case Kind.SOC | Kind.ROTATED:
                    turn_second_order(group.places, first, parts, a, back, group.kind is Kind.ROTATED)
                case Kind.PSD:
                    turn_semidefinite(group.places, first, parts, a, back, np.empty(2 * d + group.parts))
                case _:
                    turn_explicit(group.places, first, parts, a, back, np.empty(d))
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
        self._turn(self.parts[None], units, back=False)
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

    def some(self, chosen: np.ndarray | int) -> Spectrum:
        """Of a batch."""
        return Spectrum(self.cones, self.values[chosen], self.rest[chosen], self.parts[chosen])

    def with_some(self, chosen: np.ndarray, new: Spectrum) -> Spectrum:
        """`new` in the places `chosen` of a batch."""
        pairs = ((self.values, new.values), (self.rest, new.rest), (self.parts, new.parts))
        return Spectrum(self.cones, *(replaced(old, chosen, own) for old, own in pairs))


def replaced(old: np.ndarray, chosen: np.ndarray, new: np.ndarray) -> np.ndarray:
    """`new` in the rows `chosen` of a copy."""
    found = old.copy()
    found[chosen] = new
    return found


def project(cones: Cones, v: np.ndarray, near: np.ndarray | None = None) -> tuple[np.ndarray, Spectrum]:
    """The projection of v (..., rows) onto K, and the derivative there; `near` is about where it will be."""
    s, values, rest, told = np.empty_like(v), np.empty_like(v), np.empty_like(v), [np.empty((*v.shape[:-1], 0))]
    near = v if near is None else near
    for group in cones.groups:
        part, guess = (a[..., group.places].reshape(-1, group.places.shape[1]) for a in (v, near))
        flat, own, others, parts = project_group(group, part, guess)
        shape = (*v.shape[:-1], *group.places.shape)
        for whole, of_group in ((s, flat), (values, own), (rest, others)):
            whole[..., group.places] = of_group.reshape(shape)
        if parts is not None:
            told.append(parts.reshape(*v.shape[:-1], -1))
    parts = np.concatenate(told, -1) if len(told) != 2 else told[1]
    return s, Spectrum(cones, values, rest, parts)


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


def project_group(
    group: Group, v: np.ndarray, near: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Projections of v (k, d), of the derivatives eigenvalues d and 1 - d, and the parts of their `Spectrum`."""
    if group.kind is Kind.EXP:
        from declarative.backends.cone.sets.exponential import project_exponential

        s, values, rest, vectors = *(np.empty(v.shape) for _ in range(3)), np.empty((len(v), 3, 3))
        project_exponential(np.ascontiguousarray(v), np.ascontiguousarray(near), s, values, rest, vectors)
        return s, values, rest, vectors
    if group.kind is Kind.PSD:
        return _project_semidefinite(np.ascontiguousarray(v))
    s, values, parts = _projected(group, v)
    return s, values, 1 - values, parts


def _project_semidefinite(v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    from declarative.backends.cone.sets.spectral import matrices, projected

    (k, d), side = v.shape, psd_side(v.shape[1])
    M, finite, (s, values, rest) = np.empty((k, side, side)), np.empty(k, dtype=bool), np.empty((3, k, d))
    matrices(v, *triangle(side), M, finite)
    e, Q = np.linalg.eigh(M)
    projected(v, e, Q, finite, *triangle(side), s, values, rest)
    return s, values, rest, Q


def _projected(group: Group, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    match group.kind:
        case Kind.ZERO:
            return np.zeros_like(v), np.zeros_like(v), None
        case Kind.NONNEG:
            return np.maximum(v, 0.0), (v > 0).astype(float), None
        case Kind.SOC:
            return project_second_order(v)
        case Kind.ROTATED:
            s, values, unit = project_second_order(turned(v))
            inside = (values == 1).all(-1, keepdims=True)
            return np.where(inside, v, turned(s)), values, unit
        case Kind.POWER:
            return project_power(v, np.resize(group.powers, len(v)))  # of a batch: item after item
        case _:
            raise AssertionError(group.kind)


def project_second_order(v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """v (k, d) with v = t + |w| and t - |w| as spectral values; see Fukushima, Luo, Tseng (2002)."""
    t, w = v[:, 0], v[:, 1:]
    norm = np.linalg.norm(w, axis=-1)
    high, low = np.maximum(t + norm, 0.0), np.maximum(t - norm, 0.0)
    unit = _direction(w, norm)
    s = np.concatenate([(high + low)[:, None] / 2, (high - low)[:, None] / 2 * unit], -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.where(norm > 0, (high - low) / (2 * norm), high > 0)
    inside = t >= norm  # to the last bit: 1e-16 of a multiplier or of curvature would count as some
    s[inside], between[inside] = v[inside], 1.0
    values = np.repeat(np.clip(between, 0.0, 1.0)[:, None], v.shape[1], axis=1)
    values[:, 0] = t + norm > 0
    if v.shape[1] > 1:
        values[:, 1] = t - norm > 0
    return s, values, unit


def _direction(w: np.ndarray, norm: np.ndarray) -> np.ndarray:
    unit = np.zeros_like(w)
    if w.shape[1]:
        unit[:, 0] = 1.0
        unit[norm > 0] = w[norm > 0] / norm[norm > 0, None]
    return unit
