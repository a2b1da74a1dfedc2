"""The least vector with G t >= h, by the dual active-set method of `dual.py` for a Hessian that is the identity.

The rows that hold with a multiplier are kept in the order in which they came, with the Cholesky factor of their inner
products.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.along import copy, dot, fill, subtract
from declarative.backends.kkt.compiled.jit import inner

STEPS = 5  # times the number of rows
ROUNDED = 1e-13  # what a row may lack, beside the largest side
DEPENDENT = 1e-14  # the square of what the others do not span of a row, beside its own, that is nothing


class Nearest(NamedTuple):
    """G (rows, d), h (rows,), t (d,); the rows that hold (d,), their multipliers (d,) and factor K (d, d); memory."""

    G: np.ndarray
    h: np.ndarray
    t: np.ndarray
    order: np.ndarray
    u: np.ndarray
    K: np.ndarray
    way: np.ndarray
    move: np.ndarray


def nearest_for(rows: int, d: int) -> Nearest:
    """Memory for so many rows of so many entries at most."""
    G, h, t, u, K, way, move = (np.empty(size) for size in [(rows, d), rows, d, d, (d, d), d, d])
    return Nearest(G, h, t, np.empty(d, np.int64), u, K, way, move)


@inner()
def most_missing(s, count, d, least):
    """The row that lacks most, if more than `least`, and what it lacks; -1 where none does."""
    chosen, most = -1, least
    for i in range(count):
        missing = s.h[i] - dot(s.G[i, :d], s.t[:d])
        if missing > most:
            chosen, most = i, missing
    return chosen, most


@inner()
def lean(s, i, k, d):
    """How the multipliers fall as that of row i grows, in `way`, how t moves; and the square of the length of that."""
    row = s.G[i, :d]
    copy(row, s.move)
    for a in range(k):
        s.way[a] = (dot(s.G[s.order[a], :d], row) - dot(s.K[a, :a], s.way[:a])) / s.K[a, a]
    for a in range(k - 1, -1, -1):
        s.way[a] /= s.K[a, a]
        subtract(s.K[a, :a], s.way[a], s.way[:a])
        subtract(s.G[s.order[a], :d], s.way[a], s.move[:d])
    return dot(s.move[:d], s.move[:d])


@inner()
def extend(s, k, d):
    """The row of the factor of the last of k + 1 rows; false where the others span it."""
    row = s.G[s.order[k], :d]
    for a in range(k):
        s.K[k, a] = (dot(s.G[s.order[a], :d], row) - dot(s.K[a, :a], s.K[k, :a])) / s.K[a, a]
    size = dot(row, row)
    pivot = size - dot(s.K[k, :k], s.K[k, :k])
    s.K[k, k] = np.sqrt(max(pivot, 0.0))
    return pivot > DEPENDENT * size


@inner()
def drop(s, at, k, d):
    """Row number `at` of k leaves; false where rounding spoils the factor of the others."""
    for a in range(at, k - 1):
        s.order[a], s.u[a] = s.order[a + 1], s.u[a + 1]
    sound = True
    for a in range(at, k - 1):
        sound = sound and extend(s, a, d)
    return sound


@inner()
def first_to_go(s, k):
    """The step at which the first multiplier is 0, and its number; infinite and -1 without one."""
    step, at = np.inf, -1
    for a in range(k):
        if s.way[a] > 0 and s.u[a] / s.way[a] < step:
            step, at = s.u[a] / s.way[a], a
    return step, at


@inner()
def admit(s, i, missing, k, d):
    """Make row i hold, which lacks something; rows that stand in the way leave. How many hold, -1 where it cannot."""
    size, weight = dot(s.G[i, :d], s.G[i, :d]), 0.0
    while True:
        rest = lean(s, i, k, d)
        free = k < d and rest > DEPENDENT * size  # d independent rows span everything
        step, at = first_to_go(s, k)
        last = free and missing <= step * rest
        if last:
            step = missing / rest
        elif at < 0:
            return -1
        if free:
            subtract(s.move[:d], -step, s.t[:d])
            missing -= step * rest
        for a in range(k):
            s.u[a] -= step * s.way[a]
        weight += step
        if last:
            s.order[k], s.u[k] = i, weight
            return k + 1 if extend(s, k, d) else -1
        if not drop(s, at, k, d):
            return -1
        k -= 1


@inner()
def nearest(s, count, d):
    """Find t; false where there is none, or rounding hides it."""
    fill(s.t, d, 0.0)
    most, k = 0.0, 0
    for i in range(count):
        most = max(most, abs(s.h[i]))
    for _ in range(STEPS * count + 1):
        i, missing = most_missing(s, count, d, ROUNDED * most)
        if i < 0:
            return True
        k = admit(s, i, missing, k, d)
        if k < 0:
            return False
    return False
