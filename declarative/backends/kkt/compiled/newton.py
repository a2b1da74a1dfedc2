"""The Newton system of a block of items, [[M, J'], [J, 0]], factored and solved for all of them side by side.

With unit rows U = N J of J and A = M + w U'U for a large w, M is positive definite along the null space of J if A is,
and nearly only if (Finsler 1937). Then

    [[A, U'], [U, -e]] (dx, y') = (rx + w U'N rc, N rc),    y = N y',

is quasidefinite (Vanderbei 1995): L D L' needs no pivots in whatever order, so that one is taken in which little fills
in (`pattern.py`), and the signs of D tell the curvature. What w and e cost in digits, one step of refinement brings
back. Where squares would make the matrix dense, they are left out, and A has to be positive definite by M alone.
Arrays are (rows, BLOCK).
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.blas import NO, SYEV, UPPER, VECTORS, fortran
from declarative.backends.kkt.compiled.constants import BOLD, DEPENDENT, FLAT, WEIGHT
from declarative.backends.kkt.compiled.jit import inner
from declarative.backends.kkt.compiled.pattern import Pattern
from declarative.backends.kkt.compiled.vectors import add_product, divide, multiply, subtract_product

FAR = 1e6  # the curvature across the null space that hides it
LARGEST = 80  # unknowns: for more, eigenvalues take longer than to try a few shifts
LEAST, FACTOR, TRIES = 1e-8, 8.0, 12  # the least shift tried, how much larger the next one is, and how many


class System(NamedTuple):
    """Memory of a block: D (n), the entries of M and J in the units D, the share (n) of H in M's diagonal, N (p); the
    factor L with D in its diagonal, a column of it, a vector (n + p); a residual's rows rx (n), rc (p) and a
    correction's dx (n), y (p), and `sound` (1). The others are one item's.
    """

    D: np.ndarray
    M: np.ndarray
    J: np.ndarray
    share: np.ndarray
    N: np.ndarray
    L: np.ndarray
    scaled: np.ndarray
    v: np.ndarray
    rx: np.ndarray
    rc: np.ndarray
    dx: np.ndarray
    y: np.ndarray
    sound: np.ndarray
    matrix: np.ndarray
    rows: np.ndarray
    values: np.ndarray
    work: np.ndarray
    info: np.ndarray


def system_memory(shape: Pattern, block: int) -> System:
    """A System."""
    n, p, size = len(shape.diagonal), len(shape.squared), len(shape.order)
    most = int(np.diff(shape.first).max(initial=1))
    sizes = n, len(shape.M), len(shape.Jc), n, p, len(shape.below), most, size, n, p, n, p, 1
    block_parts = [np.zeros((size, block)) for size in sizes]
    own = [np.empty((n, n)), np.empty((p, n)), np.empty(n), np.empty(max(1, 4 * n)), np.zeros(1, np.int32)]
    return System(*block_parts, *own)


@inner()
def fill(shape, system, count):
    """The matrix, in the places of its factor."""
    n, L, J, N = len(shape.diagonal), system.L, system.J, system.N
    for e in range(len(L)):
        for j in range(count):
            L[e, j] = 0.0
    for r in range(len(N)):
        for j in range(count):
            N[r, j] = 0.0
    for e in range(len(J)):
        add_product(N[shape.Jc[e, 0]], J[e], J[e], count)
    for r in range(len(N)):
        pivot = L[shape.first[shape.column[n + r]]]
        for j in range(count):
            N[r, j] = 1 / np.sqrt(N[r, j]) if N[r, j] > 0 else 1.0
            pivot[j] = -DEPENDENT
    for e in range(len(shape.squares)):
        entry, unit = L[shape.squares[e, 0]], N[shape.squares[e, 1]]
        left, right = J[shape.squares[e, 2]], J[shape.squares[e, 3]]
        for j in range(count):
            entry[j] += WEIGHT * (unit[j] * left[j]) * (unit[j] * right[j])
    for e in range(len(J)):
        multiply(L[shape.of_Jc[e]], J[e], N[shape.Jc[e, 0]], count)
    for e in range(len(system.M)):
        entry, M = L[shape.of_M[e]], system.M[e]
        for j in range(count):
            entry[j] += M[j]


@inner()
def factor(shape, system, count):
    """L D L'; `system.sound` says for which items D has its signs."""
    n, L, scaled, sound, target = len(shape.diagonal), system.L, system.scaled, system.sound[0], 0
    fill(shape, system, count)
    for j in range(count):
        sound[j] = 1.0
    for k in range(len(shape.order)):
        start, below = shape.first[k], shape.first[k + 1] - shape.first[k] - 1
        pivot, sign = L[start], 1.0 if shape.order[k] < n else -1.0
        for j in range(count):
            if not sign * pivot[j] > 0:
                sound[j], pivot[j] = 0.0, sign
        for i in range(below):
            divide(scaled[i], L[start + 1 + i], pivot, count)
        for i in range(below):
            for l in range(i + 1):
                subtract_product(L[shape.targets[target]], scaled[i], L[start + 1 + l], count)
                target += 1
        for i in range(below):
            entry = L[start + 1 + i]
            for j in range(count):
                entry[j] = scaled[i, j]


@inner()
def solve_once(shape, system, dx, y, count):
    """dx and y for the right-hand side in `system.rx` and `rc`, in the units of M."""
    n, L, v, J, N, rc = len(shape.diagonal), system.L, system.v, system.J, system.N, system.rc
    for k in range(len(v)):
        node = shape.order[k]
        if node < n:
            for j in range(count):
                v[k, j] = system.rx[node, j]
        else:
            multiply(v[k], N[node - n], rc[node - n], count)
    for e in range(len(J)):
        r, i = shape.Jc[e, 0], shape.Jc[e, 1]
        if shape.squared[r]:
            for j in range(count):
                v[shape.column[i], j] += WEIGHT * (N[r, j] * N[r, j]) * (J[e, j] * rc[r, j])
    for k in range(len(v)):
        for e in range(shape.first[k] + 1, shape.first[k + 1]):
            subtract_product(v[shape.below[e]], L[e], v[k], count)
    for k in range(len(v) - 1, -1, -1):
        divide(v[k], v[k], L[shape.first[k]], count)
        for e in range(shape.first[k] + 1, shape.first[k + 1]):
            subtract_product(v[k], L[e], v[shape.below[e]], count)
    for k in range(len(v)):
        node = shape.order[k]
        if node < n:
            for j in range(count):
                dx[node, j] = v[k, j]
        else:
            multiply(y[node - n], N[node - n], v[k], count)


@inner()
def solve(shape, system, x, y, count):
    """x and y with M x + J'y = rx, J x = rc for the right-hand side in `system`, refined once; x in units of 1/D."""
    n, M, J, rx, rc = len(shape.diagonal), system.M, system.J, system.rx, system.rc
    for i in range(n):
        multiply(rx[i], rx[i], system.D[i], count)
    solve_once(shape, system, x, y, count)
    for e in range(len(M)):
        i, k = shape.M[e, 0], shape.M[e, 1]
        subtract_product(rx[i], M[e], x[k], count)
        if i != k:
            subtract_product(rx[k], M[e], x[i], count)
    for e in range(len(J)):
        r, i = shape.Jc[e, 0], shape.Jc[e, 1]
        subtract_product(rx[i], J[e], y[r], count)
        subtract_product(rc[r], J[e], x[i], count)
    solve_once(shape, system, system.dx, system.y, count)
    for i in range(n):
        for j in range(count):
            x[i, j] = (x[i, j] + system.dx[i, j]) * system.D[i, j]
    for r in range(len(rc)):
        for j in range(count):
            y[r, j] += system.y[r, j]


@inner()
def curvatures(routines, shape, system, j, vectors):
    """Those of item j's M beside its shares, along the null space of its J, ascending, and after them FAR for the rest;
    with `vectors`, these are in the rows of `system.matrix`. How many lie in the null space; -1 where none is known.
    """
    n, A, Q, info, share = len(shape.diagonal), system.matrix, system.rows, system.info, system.share
    for i in range(n):
        for k in range(n):
            A[i, k] = 0.0
    for e in range(len(shape.M)):
        i, k = shape.M[e, 0], shape.M[e, 1]
        A[i, k] = A[k, i] = system.M[e, j] / np.sqrt(share[i, j] * share[k, j])
    rank = orthonormal(shape, system, j)
    for r in range(rank):
        q = Q[r]
        for k in range(n):
            system.values[k] = 0.0
            for i in range(n):
                system.values[k] += q[i] * A[i, k]
        inside = 0.0
        for k in range(n):
            inside += system.values[k] * q[k]
        for i in range(n):  # P A P + FAR q q' for the projector P = I - q q'
            for k in range(n):
                A[i, k] += (inside + FAR) * q[i] * q[k] - q[i] * system.values[k] - system.values[i] * q[k]
    fortran(
        routines[SYEV],
        (vectors, UPPER, np.int32(n), A, np.int32(n), system.values, system.work, np.int32(len(system.work)), info),
    )
    return n - rank if info[0] == 0 else -1


@inner()
def reflect(routines, shape, system, lift, j):
    """Each negative curvature of item j's M along the null space of its J becomes its absolute value, and at least
    `lift` beside the largest. Is it known?
    """
    for i in range(len(shape.diagonal)):
        system.share[i, j] = 1.0  # M's own curvatures, not those beside H's part
    inside, values, V, most = curvatures(routines, shape, system, j, VECTORS), system.values, system.matrix, 0.0
    for k in range(inside):
        most = max(most, abs(values[k]))
    for k in range(inside):
        if not values[k] > FLAT * most:
            change = max(abs(values[k]), lift * (most if most > 0 else 1.0)) - values[k]
            for e in range(len(shape.M)):
                system.M[e, j] += change * (V[k, shape.M[e, 0]] * V[k, shape.M[e, 1]])
    return inside >= 0


@inner()
def orthonormal(shape, system, j):
    """Orthonormal rows that span those of item j's J, in units of the shares, in `system.rows`; their number."""
    n, Q, rank = len(shape.diagonal), system.rows, 0
    for r in range(len(shape.squared)):
        q = Q[rank]
        size = 0.0
        for i in range(n):
            q[i] = 0.0
        for e in range(shape.first_c[r], shape.first_c[r + 1]):
            i = shape.Jc[e, 1]
            q[i] = system.J[e, j] / np.sqrt(system.share[i, j])
            size += q[i] * q[i]
        for _ in range(2):
            for s in range(rank):
                inner_product = 0.0
                for i in range(n):
                    inner_product += q[i] * Q[s, i]
                for i in range(n):
                    q[i] -= inner_product * Q[s, i]
        rest = 0.0
        for i in range(n):
            rest += q[i] * q[i]
        if rest > 1e-20 * size:
            for i in range(n):
                q[i] /= np.sqrt(rest)
            rank += 1
    return rank


@inner()
def convexify(routines, shape, system, lift, lifted, reflecting, count):
    """M made positive definite along the null space of J, item by item, and everything factored: by reflections, which
    fill the matrix, or by a shift, a few times the most negative curvature.

    Where that is not enough, or would take long, by ever larger shifts.
    """
    n = len(shape.diagonal)
    factor(shape, system, count)
    for j in range(count):
        lifted[j] = 0.0
    for _ in range(TRIES):
        again = False
        for j in range(count):
            if system.sound[0, j] == 0.0:
                again = True
                if reflecting and lifted[j] == 0.0 and reflect(routines, shape, system, lift[j], j):
                    lifted[j] = LEAST
                else:
                    shift = next_shift(routines, shape, system, lift[j], lifted[j], j)
                    for i in range(n):
                        system.M[shape.diagonal[i], j] += shift * system.share[i, j]
                    lifted[j] += shift
        if not again:
            break
        factor(shape, system, count)


@inner()
def next_shift(routines, shape, system, lift, before, j):
    """That of item j's curvatures, after one."""
    small, least = len(shape.diagonal) <= LARGEST, 0.0
    if small and before == 0.0 and curvatures(routines, shape, system, j, NO) > 0:
        least = system.values[0]
    return max(-BOLD * least, lift, (FACTOR - 1) * before, 0.0 if small else LEAST)
