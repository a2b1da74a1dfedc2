"""A cone program whose objective falls without end, along no straight line -> the directions that prove it.

No line leads down in `maximize log(x)`: x alone gains nothing, and t alone leaves t <= log(x). A chain of directions
proves it (Borwein and Wolkowicz, "Regularizing the abstract convex program", 1981). Where Pd = 0, q'd <= 0 and
s = -Ad is in K, multipliers z of the dual cone with Pw + q + A'z = 0 have s'z = q'd: there are none where q'd < 0, and
where q'd = 0 all of them are in the face of the dual cone that is normal to s. The next direction needs to have its s
only in the dual cone of that face, which is larger than K. Where there are no multipliers, but a point inside of the
curved cones, the objective has no lower bound (Rockafellar, "Convex Analysis", theorem 28.2).
"""

from __future__ import annotations

from typing import assert_never

import numpy as np
import scipy.sparse as sp

from declarative.backends.cone.linear.matrices import Matrices, Rows, pattern_of
from declarative.backends.cone.methods.directions import curved_direction, falling_direction
from declarative.backends.cone.methods.recession import curved_size, recedes
from declarative.backends.cone.program.certificate import TOLERANCE, Blocks
from declarative.backends.cone.program.item import Items
from declarative.backends.cone.sets.cones import Block, Cones, Kind, psd_side, triangle, turned
from declarative.backends.cone.sets.within import within

EXACT = 1e-12  # of the largest term of a sum
INSIDE = 1e-6  # of the largest entry of a slack: what is nearer to the boundary counts as on it
LONG = 1e4  # beside what a ray gains: where a longer one falls, faces that are off by the root of EXACT may be why


def falls(item: Items, first: np.ndarray) -> np.ndarray | None:
    """How much each column (n,) of a scaled batch of one moves in the chain that starts with `first`, or None."""
    moved, d = np.zeros_like(first), first
    while d is not None and recedes(item, d, EXACT):
        smaller = reduced(item, d)
        if smaller is None:
            return None
        item, moved = smaller, np.maximum(moved, np.abs(d))
        ray = falling_direction(item)
        if ray is not None:
            short = np.abs(item.q[0]) @ np.abs(ray) <= LONG
            return np.maximum(moved, np.abs(ray)) if short else None
        d = None if item.cones.linear else curved_direction(item)
    return None


def with_room(item: Items, blocks: Blocks, weight: float) -> tuple[Items, Blocks]:
    """The constraints of a batch of one with a last column to maximise, at most 1: how far s is inside of curved cones.

    The square of x has this weight in the objective, since such points are many.
    """
    n, cones = item.q.shape[1], item.cones
    inside = curved_size(cones)
    A = sp.block_array([[item.A.one(0, sparse=True), inside[:, None]], [np.zeros((1, n)), np.ones((1, 1))]])
    objective = np.append(np.zeros(n), -1.0)[None]
    square = pattern_of(np.tile(np.arange(n), (2, 1)), (n + 1, n + 1)).matrices(np.full((1, n), weight))
    larger = Cones((*cones.blocks, Block(Kind.NONNEG, 1)))
    columns, rows = (np.append(own, own.max(initial=-1) + 1) for own in (blocks.columns, blocks.rows))
    right = np.append(item.b, 1.0)[None]
    return Items(square, objective, _matrices(A), right, larger), Blocks(columns, rows, np.append(blocks.shown, False))


def is_inside(item: Items, x: np.ndarray) -> bool:
    """Does x (n,) meet the rows of a batch of one, and those of curved cones with some room?"""
    terms = np.maximum(item.A.largest_by_row(np.abs(x)[None]), np.abs(item.b))
    inside = curved_size(item.cones)
    room = TOLERANCE * item.cones.by_cone(np.maximum, terms) * inside
    flat = item.cones.by_cone(np.maximum, inside[None])[0] == 0
    return within(item.cones, (item.b - item.A.times(x[None]) - room)[0], np.where(flat, TOLERANCE * terms[0], 0.0))


def reduced(item: Items, d: np.ndarray) -> Items | None:
    """The homogeneous program whose cones are the dual cones of the faces normal to -Ad; None where none is larger."""
    A, cones = item.A.one(0, sparse=True), item.cones
    along = -(A @ d)
    along[np.abs(along) <= EXACT * item.A.largest_by_row(np.abs(d)[None])[0]] = 0.0
    rows, blocks, larger = [], [], False
    for group in cones.groups:
        for own, power in zip(group.places, group.powers, strict=True):
            if group.kind.separable or not along[own].any():
                rows.append(A[own])
                blocks.append(Block(group.kind, len(own), power))
            else:
                W, block = _dual_of_face(group.kind, power, along[own] / np.abs(along[own]).max())
                larger = True
                rows.append(sp.csr_array(W @ A[own]))
                blocks += [block] if block.rows else []
    if not larger:
        return None
    found = _matrices(sp.vstack(rows))
    return Items(item.P, item.q, found, np.zeros((1, found.pattern.shape[0])), Cones(tuple(blocks)))


def _matrices(A: Rows) -> Matrices:
    whole = sp.coo_array(A)
    return pattern_of(np.stack(whole.coords), (A.shape[0], A.shape[1])).matrices(whole.data[None])


def _dual_of_face(kind: Kind, power: float, s: np.ndarray) -> tuple[np.ndarray, Block]:
    """W (k, d) and a cone: Wv is in it where v is in the dual cone of {z in K* : s'z = 0}, for s in K, not 0."""
    match kind:
        case Kind.SOC:
            normals = _normal(s)
        case Kind.ROTATED:
            normals = turned(_normal(turned(s)))
        case Kind.EXP:
            normals = _exponential(*s)
        case Kind.POWER:
            normals = _power(power, *s)
        case Kind.PSD:
            return _semidefinite(s)
        case Kind.ZERO | Kind.NONNEG:
            raise AssertionError(kind)
        case _:
            assert_never(kind)
    return normals, Block(Kind.NONNEG, len(normals))


def _normal(s: np.ndarray) -> np.ndarray:
    """(1, d), or (0, d) inside of a second-order cone."""
    length = np.linalg.norm(s[1:])
    return np.array([[length, *-s[1:]]])[: int(s[0] - length <= INSIDE)]


def _exponential(x: float, y: float, z: float) -> np.ndarray:
    if y > 0:
        r = x / y
        return np.array([[-np.exp(r), (r - 1) * np.exp(r), 1.0]])[: int(z - y * np.exp(r) <= INSIDE)]
    return np.eye(3)[1:] if z == 0 else np.eye(3)[1:2]  # multipliers are (0, v, w), or (0, v, 0)


def _power(alpha: float, x: float, y: float, z: float) -> np.ndarray:
    if x > 0 and y > 0:
        on = x**alpha * y ** (1 - alpha) - abs(z) <= INSIDE
        return np.array([[alpha * abs(z) / x, (1 - alpha) * abs(z) / y, -np.sign(z)]])[: int(on)]
    return np.eye(3)[1:2] if x > 0 else np.eye(3)[:1]


def _semidefinite(s: np.ndarray) -> tuple[np.ndarray, Block]:
    """N'SN in the smaller semidefinite cone, for the null space N of s."""
    row, column, factor = triangle(side := psd_side(len(s)))
    units = np.zeros((len(s), side, side))
    entry = np.arange(len(s))
    units[entry, row, column] = units[entry, column, row] = 1 / factor
    values, V = np.linalg.eigh(np.tensordot(s, units, 1))
    N = V[:, values <= INSIDE * values[-1]]
    r, c, weight = triangle(N.shape[1])
    W = (N.T @ units @ N)[:, r, c].T * weight[:, None]
    return W, Block(Kind.PSD, len(W))
