"""A cone program that hardly misses being feasible -> the rows that exclude every point all the same.

No multipliers contradict `exp(x) <= 0`: points with x = -40 nearly satisfy it, and no point does. A chain of faces
proves it (Borwein and Wolkowicz, "Facial reduction for a cone-convex programming problem", 1981). Where A'z = 0 and
b'z = 0 for z in the dual cone, every feasible slack has s'z = 0, and so is in a face of K: here (x, 0, 0), beside the 1
that stands in the second place. In the smaller cone multipliers may contradict each other, or lead to a smaller face.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import numpy as np

from declarative.backends.cone.methods.blame import least_violation_ray
from declarative.backends.cone.methods.directions import points_of
from declarative.backends.cone.methods.faces import zero_with
from declarative.backends.cone.methods.rays import EXACT, NOISES, infeasibility_ray
from declarative.backends.cone.program.item import Item, Items, alone
from declarative.backends.cone.program.scaling import equilibrate
from declarative.backends.cone.program.solved import Solved, without_numbers
from declarative.backends.cone.sets.cones import Block, Cones, Kind, interior, psd_side, triangle, turned
from declarative.backends.cone.sets.projections import project
from declarative.backends.cone.sets.within import within_dual
from declarative.backends.status import Status

FACES = 6  # of a chain, each smaller
LARGE = 5000  # rows: more are not looked at, since matrices are dense
CLEAR = 1e-3  # of its largest term, a contradiction of faces that are known up to rounding
INSIDE = 1e-6  # of the largest entry of a multiplier: what is nearer to the boundary counts as on it
FAR = 1e3  # where the program's size is one, x, slacks and multipliers of no solution grow
STEEP = 20.0  # -x/y of an exponential cone: so small is exp(x/y) that it may be meant to be 0


@dataclass(frozen=True)
class _Face:
    """The program over a face, dense, and which of the given rows stand in its rows: (k, m)."""

    item: Item
    rows: np.ndarray


def proved_empty(found: Solved, item: Items) -> Solved | None:
    """For a batch of one and what was found: the proof that no point is feasible, or None."""
    shares = shares_of_emptiness(item) if is_far_out(found, item) else None
    if shares is None:
        return None
    return without_numbers(item, Status.INFEASIBLE, found.iterations, shares=shares)


def is_far_out(found: Solved, item: Items) -> bool:
    """May its point be on the way to where the rows would hold, but never do?

    With x, slacks and multipliers that stay bounded it would come to a solution. Half-lines alone have no such ways.
    """
    if item.cones.linear or found.status is Status.INFEASIBLE:
        return False
    if not found.usable:
        return True
    at = equilibrate(item).some(0).scaled_point(found.point)
    x, y, _ = at.s[item.cones.of_kind(Kind.EXP).reshape(-1, 3)].T
    largest = max(np.abs(part).max(initial=0.0) for part in (at.x, at.s, at.z))
    return bool(largest > FAR or (-x > STEEP * np.maximum(y, 0.0)).any())


def shares_of_emptiness(items: Items) -> np.ndarray | None:
    """(m,): how much each row of a batch of one has in a proof that no point is feasible; None where there is none."""
    if items.cones.rows > LARGE:
        return None
    scaled = equilibrate(items).apply(items).dense(0)
    face, shares = _Face(scaled, np.eye(len(scaled.b))), np.zeros(len(scaled.b))
    for _ in range(FACES):
        z = least_violation_ray(face.item)
        ray = None if z is None else infeasibility_ray(face.item, z)
        if ray is not None:
            sure = face.item is scaled or _is_clear(face, ray, scaled)
            return np.maximum(shares, _shares(face, ray)) if sure else None
        normals = (_exposing(face.item, z) for z in points_of(_normals(face.item)))
        normal = next((z for z in normals if z is not None), None)
        smaller = None if normal is None else _exposed(face, normal)
        if normal is None or smaller is None:
            return None
        face, shares = smaller, np.maximum(shares, _shares(face, normal))
    return None


def _normals(item: Item) -> Items:
    """The least z (m,) with A'z = 0, b'z <= 0, z in the dual cone, of size one inside of it."""
    (m, n), size = item.A.shape, interior(item.cones)
    size[item.cones.of_kind(Kind.ZERO)] = 0.0
    held = np.setdiff1d(np.arange(m), item.cones.of_kind(Kind.ZERO))
    blocks = tuple(block for block in item.cones.blocks if block.kind is not Kind.ZERO)
    rows = np.concatenate([item.A.T, size[None], item.b[None], -_of_dual(item.cones)[held]])
    right = np.zeros(len(rows))
    right[n] = 1.0
    cones = Cones((Block(Kind.ZERO, n + 1), Block(Kind.NONNEG, 1), *blocks))
    return alone(Item(np.eye(m), np.zeros(m), rows, right, cones))


def _of_dual(cones: Cones) -> np.ndarray:
    """T (m, m): z is in the dual cone where Tz is in K."""
    T = np.eye(cones.rows)
    for group in cones.groups:
        for own, alpha in zip(group.places, group.powers, strict=True):
            if group.kind is Kind.EXP:  # -u exp(v/u) <= e w
                T[np.ix_(own, own)] = [[1, -1, 0], [-1, 0, 0], [0, 0, 1]]
            elif group.kind is Kind.POWER:
                T[np.ix_(own, own)] = np.diag([1 / alpha, 1 / (1 - alpha), 1])
    return T


def _is_clear(face: _Face, ray: np.ndarray, given: Item) -> bool:
    """Beside the terms of the given rows: those of a face may be what rounding leaves of a difference."""
    terms = np.abs(face.rows) @ np.maximum(np.abs(given.A).max(1, initial=0.0), np.abs(given.b))
    return bool(-(face.item.b @ ray) > CLEAR * (np.abs(ray) * terms).max(initial=0.0))


def _shares(face: _Face, z: np.ndarray) -> np.ndarray:
    terms = np.abs(z) * np.maximum(np.abs(face.item.A).max(1, initial=0.0), np.abs(face.item.b))
    found = np.abs(face.rows).T @ terms
    return found / (found.max(initial=0.0) or 1.0)


def _exposing(item: Item, z: np.ndarray) -> np.ndarray | None:
    """z (m,) without errors, if it is in the dual cone with A'z = 0 and b'z = 0 to the digits of each sum's terms.

    What is left out as an error may be much: whatever remains has to be exact.
    """
    if not np.isfinite(z).all():
        return None
    z = z + project(item.cones, -z[None])[0][0]
    whole = np.concatenate([item.A, item.b[:, None]], 1)
    for noise in NOISES:
        clean = _cleaned(item, whole, z, noise)
        used, balanced = np.flatnonzero(clean), clean.copy()
        balanced[used] -= np.linalg.lstsq(whole[used].T, whole[used].T @ clean[used], rcond=None)[0]
        for ray in (clean, _cleaned(item, whole, balanced, noise)):
            if _exposes(item, whole, ray):
                return ray
    return None


def _cleaned(item: Item, whole: np.ndarray, z: np.ndarray, noise: float) -> np.ndarray:
    """z (m,) with zeros where it is noise beside the largest of its terms, and where it is 0 in the dual cone then."""
    weight = np.abs(z) * np.maximum(np.abs(whole).max(1, initial=0.0), 1.0)
    idle = (weight <= noise * weight.max(initial=0.0)) | (z == 0)
    return np.where(zero_with(item.cones, idle, dual=True), 0.0, z)


def _exposes(item: Item, whole: np.ndarray, z: np.ndarray) -> bool:
    terms = whole * z[:, None]
    vanish = np.abs(terms.sum(0)) <= EXACT * np.abs(terms).max(0, initial=0.0)
    return bool(z.any() and vanish.all() and within_dual(item.cones, z, EXACT * np.abs(z)))


def _exposed(face: _Face, z: np.ndarray) -> _Face | None:
    """The program over the face that z exposes; None where that is no smaller."""
    rows, blocks, smaller = [], [], False
    unit = np.eye(len(z))
    for group in face.item.cones.groups:
        for own, power in zip(group.places, group.powers, strict=True):
            if group.kind is Kind.ZERO or not z[own].any():
                rows.append(unit[own])
                blocks.append(Block(group.kind, len(own), power))
                continue
            smaller = True
            flat, W, block = _face(group.kind, power, z[own] / np.abs(z[own]).max())
            rows += [flat @ unit[own], W @ unit[own]]
            blocks += [Block(Kind.ZERO, len(flat)), *([block] if block.rows else [])]
    if not smaller:
        return None
    T = np.concatenate(rows)
    item, cones = face.item, Cones(tuple(block for block in blocks if block.rows))
    return _Face(Item(item.P, item.q, T @ item.A, T @ item.b, cones), T @ face.rows)


def _face(kind: Kind, power: float, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, Block]:
    """Rows V, W and a cone: s in K has s'z = 0 where Vs = 0 and Ws is in that cone; z is in K*, not 0."""
    unit = np.eye(len(z))
    match kind:
        case Kind.NONNEG:
            return _signs(unit, unit[:0])
        case Kind.SOC:
            return _along(_across(z), len(z))
        case Kind.ROTATED:
            ray = _across(turned(z))
            return _along(None if ray is None else turned(ray), len(z))
        case Kind.EXP:
            return _exponential(*z)
        case Kind.POWER:
            return _power(power, *z)
        case Kind.PSD:
            return _semidefinite(z)
        case Kind.ZERO:
            raise AssertionError(kind)
        case _:
            assert_never(kind)


def _signs(zero: np.ndarray, nonneg: np.ndarray) -> tuple[np.ndarray, np.ndarray, Block]:
    return zero, nonneg, Block(Kind.NONNEG, len(nonneg))


def _along(ray: np.ndarray | None, width: int) -> tuple[np.ndarray, np.ndarray, Block]:
    """The half-line of `ray`, or 0 alone."""
    if ray is None:
        return _signs(np.eye(width), np.zeros((0, width)))
    return _signs(np.linalg.svd(ray[None])[2][1:], ray[None] / np.linalg.norm(ray))


def _across(z: np.ndarray) -> np.ndarray | None:
    """Of a second-order cone."""
    length = np.linalg.norm(z[1:])
    return np.concatenate([[length], -z[1:]]) if z[0] - length <= INSIDE else None


def _exponential(u: float, v: float, w: float) -> tuple[np.ndarray, np.ndarray, Block]:
    unit = np.eye(3)
    if u == 0:
        return _signs(unit[1:], -unit[:1]) if w > 0 else _signs(unit[1:2], np.diag([-1.0, 0, 1])[::2])
    x = 1 - v / u
    on = w * np.e + u * np.exp(v / u) <= INSIDE
    return _along(np.array([x, 1.0, np.exp(x)]) if on else None, 3)


def _power(alpha: float, u: float, v: float, w: float) -> tuple[np.ndarray, np.ndarray, Block]:
    unit = np.eye(3)
    if u == 0 or v == 0:
        return _signs(unit[[0, 2]], unit[1:2]) if v == 0 else _signs(unit[1:], unit[:1])
    x, y = alpha / u, (1 - alpha) / v
    on = 1 / (x**alpha * y ** (1 - alpha)) - abs(w) <= INSIDE
    return _along(np.array([x, y, -np.sign(w) * x**alpha * y ** (1 - alpha)]) if on else None, 3)


def _semidefinite(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, Block]:
    """SU = 0 and N'SN in the smaller semidefinite cone, for the range U and the null space N of z."""
    row, column, factor = triangle(psd_side(len(z)))
    units = np.zeros((len(z), row.max() + 1, row.max() + 1))
    entry = np.arange(len(z))
    units[entry, row, column] = units[entry, column, row] = 1 / factor
    values, V = np.linalg.eigh(np.tensordot(z, units, 1))
    N, U = V[:, values <= INSIDE * values[-1]], V[:, values > INSIDE * values[-1]]
    r, c, weight = triangle(N.shape[1]) if N.shape[1] else (np.zeros(0, int),) * 3
    W = (N.T @ units @ N)[:, r, c].T * np.asarray(weight)[:, None]
    return (units @ U).reshape(len(z), -1).T, W, Block(Kind.PSD, len(W))
