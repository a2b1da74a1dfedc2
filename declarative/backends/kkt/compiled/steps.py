"""Newton's steps on the equations of active sets (`kkt/verdict/newton.py`) of small programs, item by item."""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.along import copy
from declarative.backends.kkt.compiled.jit import inner, outer
from declarative.backends.kkt.compiled.systems import REFINEMENTS, build, correct, factor, residual


class Places(NamedTuple):
    """What is known of B points (the `Local` there without f), the points (a `Primal`), and their active sets."""

    slope: np.ndarray
    c: np.ndarray
    g: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    H: np.ndarray
    Jc: np.ndarray
    Jg: np.ndarray
    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    z_lower: np.ndarray
    z_upper: np.ndarray
    active: np.ndarray
    at_lower: np.ndarray
    at_upper: np.ndarray


class Room(NamedTuple):
    """Memory of one item with n unknowns and m rows: A (m, n), which rows (m) and variables (n) are out, K
    (n + m, n + m), its order, scaling and another vector (n + m), a right-hand side in three parts, its solution, a
    residual (n + m + n) and a correction (n + m).
    """

    A: np.ndarray
    out: np.ndarray
    fixed: np.ndarray
    K: np.ndarray
    order: np.ndarray
    scale: np.ndarray
    before: np.ndarray
    rx: np.ndarray
    rows: np.ndarray
    bounds: np.ndarray
    w: np.ndarray
    right: np.ndarray
    step: np.ndarray


def room(n: int, m: int) -> Room:
    """That of an item."""
    side = n + m
    flags, order = [np.zeros(m, np.bool_), np.zeros(n, np.bool_)], np.empty(side, np.int64)
    sizes = [side, side, n, m, n, side + n, side + n, side]
    vectors = [np.empty(size) for size in sizes]
    return Room(*[np.empty((m, n)), *flags, np.empty((side, side)), order, *vectors])


@inner()
def equations(s, b, room):
    """The matrix's parts and the right-hand side; false where something is not finite."""
    n, p, q = s.x.shape[1], s.y.shape[1], s.z.shape[1]
    for r in range(p):
        copy(s.Jc[b, r], room.A[r])
        room.out[r], room.rows[r] = False, -s.c[b, r]
    for r in range(q):
        copy(s.Jg[b, r], room.A[p + r])
        room.out[p + r], room.rows[p + r] = not s.active[b, r], -s.g[b, r]
    sound = True
    for i in range(n):
        room.fixed[i] = s.at_lower[b, i] or s.at_upper[b, i]
        x = s.x[b, i]
        room.bounds[i] = (s.lower[b, i] if s.at_lower[b, i] else s.upper[b, i]) - x if room.fixed[i] else 0.0
        room.rx[i] = -s.slope[b, i]
        sound = sound and np.isfinite(s.H[b, i, i])
    return sound


@inner()
def solve(s, b, room, singular):
    """The solution of the equations in `w`; false where the smallest pivot does not exceed `singular`."""
    H, K, side = s.H[b], room.K, len(room.order)
    build(H, room.A, room.out, room.fixed, K, room.scale, room.before)
    if not factor(K, room.order) > singular:
        return False
    for i in range(len(room.w)):
        room.w[i] = 0.0
    for _ in range(1 + REFINEMENTS):
        residual(H, room.A, room.out, room.fixed, room.rx, room.rows, room.bounds, room.right, room.w)
        correct(
            H, room.A, room.out, room.fixed, room.scale, K, room.order, room.right, room.step[:side], room.w
        )  # fmt: skip
    return True


@inner()
def arrive(s, b, room, point):
    """The new point and its multipliers; variables at a bound, and those that a row of one entry holds, stand there
    exactly.
    """
    n, m, w = s.x.shape[1], len(room.A), room.w
    for i in range(n):
        low, high, force = s.at_lower[b, i], s.at_upper[b, i], w[n + m + i]
        point[i] = (s.lower[b, i] if low else s.upper[b, i]) if low or high else s.x[b, i] + w[i]
        both = low and high
        point[n + m + i] = -force if low and (not both or force < 0) else 0.0
        point[n + m + n + i] = force if high and (not both or force > 0) else 0.0
    for r in range(m):
        point[n + r] = w[n + r]
        i = only_entry(room.A[r])
        if i >= 0 and not room.out[r] and not room.fixed[i]:
            point[i] = s.x[b, i] + room.rows[r] / room.A[r, i]


@inner()
def only_entry(row):
    """Where a row has its only entry other than 0; -1 if it has none, or more."""
    found = -1
    for i in range(len(row)):
        if row[i] != 0:
            if found >= 0:
                return -1
            found = i
    return found


@inner()
def stay(s, b, point):
    """The point as it was."""
    n, p, q = s.x.shape[1], s.y.shape[1], s.z.shape[1]
    copy(s.x[b], point)
    copy(s.y[b], point[n:])
    copy(s.z[b], point[n + p :])
    copy(s.z_lower[b], point[n + p + q :])
    copy(s.z_upper[b], point[n + p + q + n :])


@outer
def take_steps(s, going, singular, room, point, hard):
    """The new points (B, n + p + q + 2n) of the items that are `going` (B,), and which of them are `hard` (B,)."""
    for b in range(len(going)):
        hard[b] = going[b] and not (equations(s, b, room) and solve(s, b, room, singular))
        if going[b] and not hard[b]:
            arrive(s, b, room, point[b])
        else:
            stay(s, b, point[b])
