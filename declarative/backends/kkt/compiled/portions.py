"""The parts of a way along which a Lagrangian is hardly curved (`kkt/verdict/portions.py`), item by item.

Householder's reflections, with the largest rows first, turn the active rows into the first coordinates. What remains of
the Hessian's matrix in the others is small, and so are its eigenvectors.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.along import dot, subtract
from declarative.backends.kkt.compiled.blas import SYEV, UPPER, fortran
from declarative.backends.kkt.compiled.jit import inner, outer
from declarative.backends.kkt.compiled.systems import curved, root

VECTORS = np.uint8(ord("V"))


class Room(NamedTuple):
    """Memory of one item: the matrix and the rows in units of the way (n + m, n), a matrix (n, n) and its rest (n n),
    vectors (n) and (m), and LAPACK's.
    """

    K: np.ndarray
    M: np.ndarray
    rest: np.ndarray
    unit: np.ndarray
    p: np.ndarray
    values: np.ndarray
    work: np.ndarray
    info: np.ndarray


def room(n: int, m: int) -> Room:
    """That of an item with n unknowns and m rows."""
    sizes = [(n + m, n), (n, n), n * n, n, n, n, max(1, 8 * n)]
    return Room(*[*(np.empty(size) for size in sizes), np.zeros(1, np.int32)])


@inner()
def by_way(H, A, used, fixed, way, room):
    """The matrix and the active rows, of unit length, in units of how far each variable went; how many rows."""
    n, K, size, count = len(way), room.K, room.unit, 0
    for i in range(n):
        size[i] = 0.0 if fixed[i] else abs(way[i])
    for i in range(n):
        for k in range(n):
            K[i, k] = size[i] * H[i, k] * size[k]
    for r in range(len(A)):
        if used[r]:
            row = K[n + count]
            for i in range(n):
                row[i] = A[r, i] * size[i]
            length = root(dot(row, row))
            for i in range(n):
                row[i] *= length
            count += 1
    return count


@inner()
def surely_curved(fixed, way, least, count, room):
    """Is the matrix larger than `least` along the rows' null space, as one factorisation tells? It gets unit size."""
    n, K, diagonal, most = len(way), room.K, room.p, max(least, 1e-300)
    for i in range(n):
        for k in range(n):
            most = max(most, abs(K[i, k]))
    for i in range(n):
        for k in range(n):
            K[i, k] /= most
        diagonal[i] = K[i, i]
        K[i, i] += 1.0 if fixed[i] or way[i] == 0 else -least / most
    sure = curved(K[: n + count], n, room.M)
    for i in range(n):
        K[i, i] = diagonal[i]
    return sure


@inner()
def reflect(v, k, x):
    """x becomes (I - 2 v v') x, for a unit vector v whose first k entries are 0."""
    share = 2 * dot(v[k:], x[k:])
    for i in range(k, len(x)):
        x[i] -= share * v[i]


@inner()
def reflect_matrix(v, first, M, p):
    """M (n, n) becomes (I - 2 v v') M (I - 2 v v') for a unit vector v (n,) from place `first` on; p is memory."""
    n = len(v)
    for i in range(n):
        p[i] = 2 * dot(v[first:], M[i, first:n])
    share = dot(v[first:], p[first:n])
    for i in range(first, n):
        p[i] -= share * v[i]
    for i in range(n):
        subtract(v[first:], p[i], M[i, first:n])
        if i >= first:
            subtract(p[:n], v[i], M[i, :n])


@inner()
def reflections(room, n, count, normal):
    """Unit vectors in place of the rows, whose reflections turn what these span into the first coordinates; how many.

    The rank counts no singular value of a size below `normal`. The matrix is turned with them.
    """
    K, rank = room.K, 0
    while rank < min(count, n):
        best, most = rank, 0.0
        for r in range(rank, count):
            left = dot(K[n + r, rank:], K[n + r, rank:])
            if left > most:
                best, most = r, left
        size = np.sqrt(most)
        if not size > normal:
            break
        for i in range(n):
            K[n + rank, i], K[n + best, i] = K[n + best, i], K[n + rank, i]
        v = K[n + rank]
        for i in range(rank):
            v[i] = 0.0
        v[rank] += size if v[rank] >= 0 else -size
        length = root(dot(v, v))
        for i in range(n):
            v[i] *= length
        for r in range(rank + 1, count):
            reflect(v, rank, K[n + r])
        reflect_matrix(v, rank, K, room.p)
        rank += 1
    return rank


@inner()
def eigenvectors(routines, room, n, rank):
    """Of what the reflections leave of the matrix: the values, rising, and the vectors as rows of `rest`."""
    rest, side = room.rest, n - rank
    for i in range(side):
        for k in range(side):
            entry = room.K[rank + i, rank + k]
            rest[i * side + k] = entry if np.isfinite(entry) else 0.0
    sizes = np.int32(side), np.int32(len(room.work))
    fortran(
        routines[SYEV], (VECTORS, UPPER, sizes[0], rest, sizes[0], room.values, room.work, sizes[1], room.info)
    )  # fmt: skip
    return room.info[0] == 0


@inner()
def find_parts(routines, fixed, way, room, count, normal, cuts, parts):
    """The part of the way for each cut (len(cuts), n) on eigenvectors whose values are no more of the largest one."""
    n, unit, p = len(way), room.unit, room.p
    rank = reflections(room, n, count, normal)
    if rank == n or not eigenvectors(routines, room, n, rank):
        return
    side, most, before = n - rank, 0.0, 0
    for k in range(side):
        most = max(most, abs(room.values[k]))
    for i in range(n):
        unit[i] = 0.0 if fixed[i] else np.sign(way[i])
    for r in range(rank):
        reflect(room.K[n + r], r, unit)
    for c in range(len(cuts) if most > 0 else 0):
        taken = 0
        while taken < side and room.values[taken] <= cuts[c] * most:
            taken += 1
        if taken == 0 or taken == before:
            continue
        before = taken
        for i in range(n):
            p[i] = 0.0
        for k in range(taken):
            vector = room.rest[k * side : (k + 1) * side]
            share = dot(vector, unit[rank:])
            for i in range(side):
                p[rank + i] += share * vector[i]
        for r in range(rank - 1, -1, -1):
            reflect(room.K[n + r], r, p)
        for i in range(n):
            parts[c, i] = abs(way[i]) * p[i]


@outer
def find_all_parts(routines, H, A, used, fixed, way, least, room, normal, cuts, parts):
    """For the items whose curvature may be below `least` (B,): `parts` (B, len(cuts), n), which are 0 where there is
    none, or where there is no other than before.
    """
    for b in range(len(way)):
        count = by_way(H[b], A[b], used[b], fixed[b], way[b], room)
        if not surely_curved(fixed[b], way[b], least[b], count, room):
            find_parts(routines, fixed[b], way[b], room, count, normal, cuts, parts[b])
