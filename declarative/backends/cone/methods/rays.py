"""Rays that prove that a cone program has no solution, checked as exactly as its data are known.

z in the dual cone with A'z = 0 and b'z < 0 proves that no point is feasible (Farkas); x with Px = 0, -Ax in K and
q'x < 0 that the objective falls without end. A ray is one where each sum vanishes, and each entry is in its cone, to
EXACT of its own largest term: so it is a ray of data that differ by no more, entry by entry.

No measure beside the largest entry of the ray would do. With t >= exp(42) the multipliers (-1, 41, exp(-42)) of the
exponential cone have A'z = (0, exp(-42)), and that small number, multiplied by t, is what makes the problem feasible.
Nor do errors by entry where cones are curved: |(2, y - t)| <= y + t with y <= d has t = 1/d, and rays of size 1/r that
miss by r^2. Such rays are believed only while r is much larger than the root of EXACT.
"""

from __future__ import annotations

import numpy as np

from declarative.backends.cone.methods.faces import zero_with
from declarative.backends.cone.program.item import Item
from declarative.backends.cone.sets.cones import Cones, Group, Kind, psd_side, triangle
from declarative.backends.cone.sets.projections import project
from declarative.backends.cone.sets.within import within, within_dual

EXACT = 1e-12
LONG = 1e5  # beside what the ray gains, where data are of size one
NOISES = (1e-6, 1e-4, 1e-2)  # beside the largest: what an interior-point method may have left of zeros


def infeasibility_ray(item: Item, z: np.ndarray) -> np.ndarray | None:
    """z brought into the dual cone and to b'z = -1, if that proves (scaled) `item` infeasible."""
    z = z + project(item.cones, -z)[0]
    weight = np.abs(z) * np.maximum(_largest(item.A, 1), np.abs(item.b))
    idle = (weight <= NOISES[0] * weight.max(initial=0.0)) | (z == 0)
    clean = np.where(zero_with(item.cones, idle, dual=True), 0.0, z)
    for ray in (z, clean, _balanced(item, clean)):
        if _contradicts(item, ray):
            return ray / -(item.b @ ray)
    return None


def unboundedness_ray(item: Item, x: np.ndarray) -> np.ndarray | None:
    """x brought to q'x = -1, if it is a direction along which (scaled) `item` falls for ever.

    What is left out as noise may be much, of powers more than of lines: whatever remains has to be exact.
    """
    for noise in NOISES:
        ray = x
        for change in (None, _without_noise, _on_faces, _without_noise, _on_faces):  # what falls to 0 takes more along
            ray = change(item, ray, noise) if change is not None else ray
            if _falls(item, ray):
                return ray / -(item.q @ ray)
    return None


def _contradicts(item: Item, z: np.ndarray) -> bool:
    gain, terms, bent = _gain(item.b * z), item.A * z[:, None], _bending(item.cones, z)
    short = bool((_largest(terms[bent], 0) <= LONG * gain).all())
    return short and _vanishes(terms, 0, gain) and within_dual(item.cones, z, EXACT * np.abs(z))


def _falls(item: Item, x: np.ndarray) -> bool:
    gain, terms, curved = _gain(item.q * x), item.A * x, item.P * x
    size = _largest(terms, 1)
    short = bool((size[_bent(item.cones)] <= LONG * gain).all())
    return short and _vanishes(curved, 1, gain) and within(item.cones, -terms.sum(1), EXACT * size)


def _gain(terms: np.ndarray) -> float:
    """How far their sum is below 0, or 0 where that is within its error."""
    return -terms.sum() if terms.sum() < -EXACT * np.abs(terms).max(initial=0.0) else 0.0


def _vanishes(terms: np.ndarray, axis: int, gain: float) -> bool:
    return gain > 0 and bool((np.abs(terms.sum(axis)) <= EXACT * _largest(terms, axis)).all())


def _bent(cones: Cones) -> np.ndarray:
    """The rows of cones that no finite number of inequalities describe."""
    return np.concatenate([cones.of_kind(kind) for kind in (Kind.SOC, Kind.ROTATED, Kind.PSD, Kind.EXP, Kind.POWER)])


def _bending(cones: Cones, z: np.ndarray) -> np.ndarray:
    """Those of them whose multipliers are not in a part of the dual cone that inequalities describe, as (0, v, w) are:

    with their other entries exactly 0, what is left has a sign each.
    """
    found = np.zeros(len(z), dtype=bool)
    for group in cones.curved:
        found[group.places] = (z[group.places[:, _curved_entries(group)]] != 0).any(-1, keepdims=True)
    return np.flatnonzero(found)


def _curved_entries(group: Group) -> np.ndarray:
    """(d,) bool: where these are 0, inequalities tell whether multipliers are in the dual cone."""
    entries = np.arange(group.places.shape[1])
    match group.kind:
        case Kind.SOC:
            return entries > 0
        case Kind.ROTATED | Kind.POWER:
            return entries > 1
        case Kind.EXP:
            return entries < 1
        case Kind.PSD:
            row, column, _ = triangle(psd_side(len(entries)))
            return row != column
        case _:
            return entries < 0


def _largest(entries: np.ndarray, axis: int) -> np.ndarray:
    return np.abs(entries).max(axis, initial=0.0)


def _balanced(item: Item, z: np.ndarray) -> np.ndarray:
    """z with the least change that makes A'z = 0 but for rounding, in the places where it is not 0."""
    used = np.flatnonzero(z)
    z = z.copy()
    z[used] -= np.linalg.lstsq(item.A[used].T, item.A[used].T @ z[used], rcond=None)[0]
    return z


def _without_noise(item: Item, x: np.ndarray, noise: float) -> np.ndarray:
    weight = np.abs(x) * np.maximum(_largest(item.A, 0), 1.0)
    return np.where(weight > noise * weight.max(initial=0.0), x, 0.0)


def _on_faces(item: Item, x: np.ndarray, noise: float) -> np.ndarray:
    """x with the least change, in the places where it is not 0, that makes slacks 0 which are nearly so.

    They are so beside the largest slack, or beside their own terms: all slacks may be noise, as with one equality.
    """
    size, terms = np.abs(item.A @ x), _largest(item.A * x, 1)
    idle = zero_with(item.cones, size <= noise * np.maximum(size.max(initial=0.0), terms), dual=False)
    used = np.flatnonzero(x)
    R = np.concatenate([item.A[idle], item.P])[:, used]
    x = x.copy()
    x[used] -= np.linalg.lstsq(R, R @ x[used], rcond=None)[0]
    return x
