"""A point that Newton's method holds for a solution -> is it one, or somewhere on the way to infinity?

Where the objective falls towards a limit, as exp(x) or 1/x, residuals vanish before any point is a solution. Then a
direction of recession d moves the slack of a curved cone along its boundary (`recession.py`). All multipliers of that
cone are in the face of the dual cone that is normal to -Ad, and its slack, complementary to them, in a face of K across
from theirs. A solution is in all these faces, and near one a small step leads there; with exp(x) <= t the face is
(x, 0, 0), and no step at all leads there from (x, 1, t). Where an exponential cone has no multiplier, its slack
is to be inside: on the boundary but for rounding it may be there at infinity only, as with 0 >= exp(x).
"""

from __future__ import annotations

from functools import lru_cache
from typing import assert_never

import numpy as np
import scipy.sparse as sp

from declarative.backends.cone.methods.recession import least_squares
from declarative.backends.cone.program.item import Items, Point
from declarative.backends.cone.program.solved import Solved
from declarative.backends.cone.sets.cones import Kind, psd_side, triangle, turned
from declarative.backends.cone.sets.within import within
from declarative.backends.status import Status

NEAR = 1e-5  # a step to a solution, where the program's size is one
ALIKE = 1e-9  # beside the largest terms
TINY = 1e-6  # smaller terms, where the program's size is one, are 0
ROUNDING = 1e-6  # of the largest entry of a cone's slack or multiplier
CLEARLY = 1e-7  # inside a cone, where the program's size is one
LOOSE = 1e5  # how far x may follow data that change by one, where the program's size is one
CLEAR = 10  # a bound so many times below that is enough: it rests on an estimate


def regular(solved: Solved) -> bool:
    """Is a solution sure to be near, as Newton's method has it: the system there is far from singular?"""
    assert solved.system is not None
    if solved.status is not Status.SOLVED or solved.system.matrix.singular:
        return False
    g, h = _moves(*solved.system.A.shape)
    if CLEAR * solved.system.largest(g, h) <= LOOSE:
        return True
    return bool(np.abs(solved.system.solve(g, h)[0]).max(initial=0.0) <= LOOSE)


@lru_cache(maxsize=16)
def _moves(m: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the data, any of size one. Shared by many calls, and so not to be written to."""
    generator = np.random.default_rng(0)
    moves = generator.standard_normal(n), generator.standard_normal(m)
    for move in moves:
        move.flags.writeable = False
    return moves


def escapes(scaled: Items, at: Point, d: np.ndarray) -> bool:
    """`scaled` and `at` are a batch of one and its point; d (n,) is a direction of recession."""
    A, b = scaled.A.one(0, sparse=True), scaled.b[0]
    along = -(A @ d)
    along[np.abs(along) <= ROUNDING * scaled.A.largest_by_row(np.abs(d)[None])[0]] = 0.0
    if _barely(scaled, at, along):
        return True
    held = _held(scaled, at)
    rows, off, sides = [A[held]], [np.zeros(len(held))], [np.zeros(len(held))]
    for group in scaled.cones.groups:
        for own, power in zip(group.places, group.powers, strict=True):
            if not group.kind.separable and at.z[own].any() and along[own].any():
                W = _off_face(group.kind, power, _unit(along[own]), _unit(at.z[own]))
                rows.append(sp.csr_array(W @ A[own]))
                off.append(W @ at.s[own])
                sides.append(np.abs(W * b[own]).max(1, initial=0.0))
    R, wanted, side = sp.csr_array(sp.vstack(rows)), np.concatenate(off), np.concatenate(sides)
    size = abs(R).max(axis=1).toarray()
    size = np.where(size > 0, size, 1.0)
    step = least_squares(sp.diags_array(1 / size) @ R, wanted / size)
    if (np.abs(wanted - R @ step) > NEAR * np.where(side > 0, side, size)).any():
        return True  # what is off beside a row's own right side is off, however small
    return np.abs(step).max(initial=0.0) > NEAR and not _as_good(scaled, at.x, step)


def _barely(scaled: Items, at: Point, along: np.ndarray) -> bool:
    """Is there an exponential cone that moves, has no multiplier, and of whose slack only rounding is inside?"""
    rows = scaled.cones.of_kind(Kind.EXP).reshape(-1, 3)
    x, y, w = at.s[rows].T
    idle = along[rows].any(1) & ~at.z[rows].any(1) & (y > CLEARLY)
    y = np.where(idle, y, 1.0)
    return bool((idle & (w - CLEARLY < y * np.exp(np.minimum(x / y, 0.0)))).any())


def _as_good(scaled: Items, x: np.ndarray, step: np.ndarray) -> bool:
    """Does a long step lead to a point that is feasible too, and no worse?"""
    P, q, b = scaled.P.one(0, sparse=True), scaled.q[0], scaled.b[0]
    terms = np.maximum(scaled.A.largest_by_row(np.maximum(np.abs(x), np.abs(step))[None])[0], TINY)
    size = max(np.abs(q * x).max(initial=0.0), abs(x @ (P @ x)), TINY)
    rise = (P @ x + q + P @ step / 2) @ step
    there = b - scaled.A.times((x + step)[None])[0]
    return rise <= ALIKE * size and within(scaled.cones, there, ALIKE * np.maximum(terms, np.abs(b)))


def _held(scaled: Items, at: Point) -> np.ndarray:
    """Equalities, and inequalities that push: no step leaves them."""
    rows = scaled.cones.of_kind(Kind.NONNEG)
    return np.concatenate([scaled.cones.of_kind(Kind.ZERO), rows[at.z[rows] > at.s[rows]]])


def _off_face(kind: Kind, power: float, along: np.ndarray, z: np.ndarray) -> np.ndarray:
    """W (k, width): Ws = 0 on the face of K across from multipliers like z that are normal to `along`, in K."""
    unit, moves, pushes = np.eye(len(z)), along > ROUNDING, z > ROUNDING
    match kind:
        case Kind.SOC:
            return _off_ray(along, along[0] - np.linalg.norm(along[1:]))
        case Kind.ROTATED:
            plain = turned(along)
            return _off_ray(along, plain[0] - np.linalg.norm(plain[1:]))
        case Kind.EXP if moves[1]:
            return _off_ray(along, along[2] - along[1] * np.exp(min(along[0] / along[1], 1.0)))
        case Kind.EXP:  # multipliers (0, v, w) or, where z moves, (0, v, 0)
            return unit[1:] if pushes[2] and not moves[2] else unit[1:2] if pushes[1] else unit[:0]
        case Kind.POWER if moves[0] and moves[1]:
            return _off_ray(along, along[0] ** power * along[1] ** (1 - power) - abs(along[2]))
        case Kind.POWER:  # multipliers (0, v, 0) or (u, 0, 0)
            return unit[1:] if moves[0] else unit[::2]
        case Kind.PSD:
            return _off_null_space(along, z)
        case Kind.ZERO | Kind.NONNEG:
            return unit[:0]
        case _:
            assert_never(kind)


def _off_ray(along: np.ndarray, inside: float) -> np.ndarray:
    """The face across is the ray itself, or all of K where the ray leads inside."""
    return np.linalg.svd(along[None])[2][1:] if inside <= ROUNDING else np.zeros((0, len(along)))


def _off_null_space(along: np.ndarray, z: np.ndarray) -> np.ndarray:
    """S U = 0 for the range U of the multiplier, on the null space of `along`."""
    side = psd_side(len(z))
    row, column, factor = triangle(side)
    basis = np.zeros((len(z), side, side))
    entry = np.arange(len(z))
    basis[entry, row, column] = basis[entry, column, row] = 1 / factor
    values, V = np.linalg.eigh(np.tensordot(along, basis, 1))
    V = V[:, values <= ROUNDING * values[-1]]
    values, U = np.linalg.eigh(V.T @ np.tensordot(z, basis, 1) @ V)
    return (basis @ (V @ U[:, values > ROUNDING])).reshape(len(z), -1).T


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.abs(v).max()
