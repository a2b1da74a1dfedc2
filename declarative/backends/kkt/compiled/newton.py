"""The Newton system of a block of items, [[M, J'], [J, 0]], factored and solved for all of them side by side.

With unit rows U = N J of J and A = M + w U'U for a large w, M is positive definite along the null space of J if A is,
and nearly only if (Finsler 1937), so Cholesky's method needs no pivots, tells the curvature, and solves:

    A a = rx + w U'N rc,    S y' = U a - N rc,    dx = a - A^-1 U'y',    y = N y',    S = U A^-1 U' = Y'Y,  Y = L^-1 U'.

What w costs in digits, one step of refinement brings back. Arrays are (rows, BLOCK), matrices row by row.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.blas import NO, SYEV, UPPER, fortran
from declarative.backends.kkt.compiled.constants import BOLD, DEPENDENT, WEIGHT
from declarative.backends.kkt.compiled.jit import inner
from declarative.backends.kkt.compiled.vectors import add_product, divide, subtract_product

FAR = 1e6  # the curvature across the null space that hides it


class System(NamedTuple):
    """Memory of a block: D (n), M (n n) and J (p n) in the units D, the share (n) of H in M's diagonal, N (p); L (n n),
    Y (n p), S (p p), a residual's rows rx (n), rc (p) and a correction's dx (n), y (p), and `sound` (1). The others are
    one item's.
    """

    D: np.ndarray
    M: np.ndarray
    J: np.ndarray
    share: np.ndarray
    N: np.ndarray
    L: np.ndarray
    Y: np.ndarray
    S: np.ndarray
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


def system_memory(n: int, p: int, block: int) -> System:
    """A System."""
    sizes = n, n * n, p * n, n, p, n * n, n * p, p * p, n, p, n, p, 1
    block_parts = [np.zeros((size, block)) for size in sizes]
    own = [np.empty((n, n)), np.empty((p, n)), np.empty(n), np.empty(max(1, 4 * n)), np.zeros(1, np.int32)]
    return System(*block_parts, *own)


@inner()
def cholesky_of(A, n, sound, count):
    """The lower factor in place of A (n n); items whose matrix is not positive definite are not `sound` any more."""
    for k in range(n):
        pivot = A[k * n + k]
        for l in range(k):
            subtract_product(pivot, A[k * n + l], A[k * n + l], count)
        for j in range(count):
            if not pivot[j] > 0:
                sound[j] = 0.0
                pivot[j] = 1.0
            pivot[j] = np.sqrt(pivot[j])
        for i in range(k + 1, n):
            for l in range(k):
                subtract_product(A[i * n + k], A[i * n + l], A[k * n + l], count)
            divide(A[i * n + k], A[i * n + k], pivot, count)


@inner()
def forward(L, n, x, stride, count):
    """Rows of x, which are `stride` apart, become L^-1 x."""
    for i in range(n):
        for l in range(i):
            subtract_product(x[i * stride], L[i * n + l], x[l * stride], count)
        divide(x[i * stride], x[i * stride], L[i * n + i], count)


@inner()
def backward(L, n, x, count):
    """x becomes L'^-1 x."""
    for i in range(n - 1, -1, -1):
        for l in range(i + 1, n):
            subtract_product(x[i], L[l * n + i], x[l], count)
        divide(x[i], x[i], L[i * n + i], count)


@inner()
def factor(system, n, p, count):
    """L, Y and S from M and J; `system.sound` says for which items the curvature is positive."""
    L, Y, S, J, N, sound = system.L, system.Y, system.S, system.J, system.N, system.sound[0]
    for r in range(p):
        for j in range(count):
            N[r, j] = 0.0
        for i in range(n):
            add_product(N[r], J[r * n + i], J[r * n + i], count)
        for j in range(count):
            N[r, j] = 1 / np.sqrt(N[r, j]) if N[r, j] > 0 else 1.0
        for i in range(n):
            for j in range(count):
                Y[i * p + r, j] = N[r, j] * J[r * n + i, j]
    for i in range(n):
        for k in range(i + 1):
            entry = L[i * n + k]
            for j in range(count):
                entry[j] = 0.0
            for r in range(p):
                add_product(entry, Y[i * p + r], Y[k * p + r], count)
            for j in range(count):
                entry[j] = WEIGHT * entry[j] + system.M[i * n + k, j]
    for j in range(count):
        sound[j] = 1.0
    cholesky_of(L, n, sound, count)
    for r in range(p):
        forward(L, n, Y[r:], p, count)
    for r in range(p):
        for q in range(r + 1):
            entry = S[r * p + q]
            for j in range(count):
                entry[j] = DEPENDENT if q == r else 0.0
            for i in range(n):
                add_product(entry, Y[i * p + r], Y[i * p + q], count)
    cholesky_of(S, p, sound, count)


@inner()
def solve_once(system, n, p, dx, y, count):
    """dx and y for the right-hand side in `system.rx` and `rc`, in the units of M."""
    Y, J, N, rc = system.Y, system.J, system.N, system.rc
    for i in range(n):
        for j in range(count):
            dx[i, j] = system.rx[i, j]
        for r in range(p):
            for j in range(count):
                dx[i, j] += WEIGHT * (N[r, j] * N[r, j]) * (J[r * n + i, j] * rc[r, j])
    forward(system.L, n, dx, 1, count)
    for r in range(p):
        for j in range(count):
            y[r, j] = -N[r, j] * rc[r, j]
        for i in range(n):
            add_product(y[r], Y[i * p + r], dx[i], count)
    forward(system.S, p, y, 1, count)
    backward(system.S, p, y, count)
    for i in range(n):
        for r in range(p):
            subtract_product(dx[i], Y[i * p + r], y[r], count)
    backward(system.L, n, dx, count)
    for r in range(p):
        for j in range(count):
            y[r, j] *= N[r, j]


@inner()
def solve(system, n, p, x, y, count):
    """x and y with M x + J'y = rx, J x = rc for the right-hand side in `system`, refined once; x in units of 1/D."""
    for i in range(n):
        for j in range(count):
            system.rx[i, j] *= system.D[i, j]
    solve_once(system, n, p, x, y, count)
    for i in range(n):
        for k in range(n):
            subtract_product(system.rx[i], system.M[i * n + k], x[k], count)
        for r in range(p):
            subtract_product(system.rx[i], system.J[r * n + i], y[r], count)
    for r in range(p):
        for i in range(n):
            subtract_product(system.rc[r], system.J[r * n + i], x[i], count)
    solve_once(system, n, p, system.dx, system.y, count)
    for i in range(n):
        for j in range(count):
            x[i, j] = (x[i, j] + system.dx[i, j]) * system.D[i, j]
    for r in range(p):
        for j in range(count):
            y[r, j] += system.y[r, j]


@inner()
def least_curvature(routines, system, n, p, j):
    """The least curvature of item j's M beside its shares, along the null space of its J; nan where there is none."""
    A, Q, info, share = system.matrix, system.rows, system.info, system.share
    for i in range(n):
        for k in range(n):
            A[i, k] = system.M[i * n + k, j] / np.sqrt(share[i, j] * share[k, j])
    rank = orthonormal(system, n, p, j)
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
        (NO, UPPER, np.int32(n), A, np.int32(n), system.values, system.work, np.int32(len(system.work)), info),
    )
    return system.values[0] if info[0] == 0 and n > 0 else np.nan


@inner()
def orthonormal(system, n, p, j):
    """Orthonormal rows that span those of item j's J, in units of the shares, in `system.rows`; their number."""
    Q, rank = system.rows, 0
    for r in range(p):
        q = Q[rank]
        size = 0.0
        for i in range(n):
            q[i] = system.J[r * n + i, j] / np.sqrt(system.share[i, j])
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
def convexify(routines, system, n, p, lift, lifted, count):
    """M made positive definite along the null space of J by a shift, item by item, and everything factored."""
    factor(system, n, p, count)
    again = False
    for j in range(count):
        lifted[j] = 0.0
        if system.sound[0, j] == 0.0:
            least = least_curvature(routines, system, n, p, j)
            if not least > 0:
                shift = max(-BOLD * least, lift[j])
                for i in range(n):
                    system.M[i * n + i, j] += shift * system.share[i, j]
                lifted[j], again = 1.0, True
    if again:
        factor(system, n, p, count)
