"""Vectors to and from the frame of the eigenvectors U of a projection's derivative, compiled: U itself is not formed.

What tells the eigenvectors of a cone are its parts: for a second-order cone a unit vector u, for a semidefinite one the
eigenvectors Q of the matrix, for others the eigenvectors themselves.
"""

import numpy as np

from declarative.backends.cone.linear.jit import compiled

ROTATED, SEMIDEFINITE, EXPLICIT = 1, 2, 3  # codes of kinds, as the cones' table has them; 0 is second-order
HALF = np.sqrt(0.5)


@compiled
def turn(table, parts, a, back, work):
    """a (B, r, m) becomes U'a, or U a where it goes `back`, for the parts (B, l).

    `table` (cones, 4) has the code of a cone, its first row, the number of its rows, and where its parts begin.
    """
    for k in range(len(a)):
        for i in range(a.shape[1]):
            for number in range(len(table)):
                code, start, d, first = table[number]
                if not _empty(a[k, i], start, d):
                    _turn(code, parts[k], first, a[k, i], start, d, back, work)


@compiled
def explicit(code, parts, U, work):
    """U (cones, d, d) for equal cones and their parts (cones, l)."""
    d = U.shape[1]
    for number in range(len(U)):
        for i in range(d):
            for j in range(d):
                U[number, i, j] = 1.0 if i == j else 0.0
            _turn(code, parts[number], 0, U[number, i], 0, d, False, work)


@compiled
def _turn(code, parts, first, a, start, d, back, work):
    if code == ROTATED and not back:
        _reflect(a, start)
    if code == EXPLICIT:
        _times_explicit(parts, first, back, a, start, d, work)
    elif code == SEMIDEFINITE:
        _congruent(parts, first, back, a, start, d, work)
    elif back and d > 1:
        _from_second_order(parts, first, a, start, d)
    elif d > 1:
        _to_second_order(parts, first, a, start, d)
    if code == ROTATED and back:
        _reflect(a, start)


@compiled
def _empty(a, start, d):
    i = start
    while i < start + d and a[i] == 0:
        i += 1
    return i == start + d


@compiled
def _reflect(a, start):
    """A rotated cone to a plain one, and back."""
    a[start], a[start + 1] = (a[start] + a[start + 1]) * HALF, (a[start] - a[start + 1]) * HALF


@compiled
def _times_explicit(U, first, back, a, start, d, work):
    across, down = (1, d) if back else (d, 1)
    for i in range(d):
        work[i] = 0.0
        for j in range(d):
            work[i] += U[first + j * across + i * down] * a[start + j]
    for i in range(d):
        a[start + i] = work[i]


@compiled
def _to_second_order(u, first, a, start, d):
    """The basis: (1, u)/sqrt(2), (1, -u)/sqrt(2), and (0, e) for the columns e but the first of I - 2 m m'/m'm.

    This with m = u + sign(u_0) e_0 is the reflection (Householder's) of u to an axis.
    """
    sign, top = 1.0 if u[first] >= 0 else -1.0, start + 1
    along, size = 0.0, 1 + 2 * abs(u[first])
    for i in range(d - 1):
        along += u[first + i] * a[top + i]
        size += u[first + i] * u[first + i]
    share = 2 * (along + sign * a[top]) / size
    for i in range(1, d - 1):
        a[top + i] -= share * u[first + i]
    a[start], a[top] = (a[start] + along) * HALF, (a[start] - along) * HALF


@compiled
def _from_second_order(u, first, a, start, d):
    sign, top = 1.0 if u[first] >= 0 else -1.0, start + 1
    across, size = 0.0, 1 + 2 * abs(u[first])
    for i in range(d - 1):
        size += u[first + i] * u[first + i]
    for i in range(1, d - 1):
        across += u[first + i] * a[top + i]
    share, along = 2 * across / size, (a[start] - a[top]) * HALF
    for i in range(1, d - 1):
        a[top + i] += (along - share) * u[first + i]
    a[start], a[top] = (a[start] + a[top]) * HALF, along * u[first] - share * (u[first] + sign)


@compiled
def _congruent(Q, first, back, a, start, d, work):
    """The matrix M of a becomes Q'MQ, or QMQ', by one row of M Q after the other."""
    side = int(np.sqrt(2.0 * d))
    row, own = d, d + side  # where there is room for a row, and for Q
    for i in range(side):
        for j in range(side):
            work[own + i * side + j] = Q[first + j * side + i] if back else Q[first + i * side + j]
    for e in range(d):
        work[e] = 0.0
    for r in range(side):
        some = False
        for i in range(side):
            work[row + i] = 0.0
        for c in range(side):
            low, high = min(r, c), max(r, c)
            entry = a[start + high * (high + 1) // 2 + low]
            if entry != 0:
                some = True
                if r != c:
                    entry *= HALF
                for i in range(side):
                    work[row + i] += entry * work[own + c * side + i]
        for j in range(side if some else 0):
            entry, at = work[row + j], j * (j + 1) // 2
            for i in range(j + 1):
                work[at + i] += entry * work[own + r * side + i]
    for j in range(side):
        at = j * (j + 1) // 2
        for i in range(j):
            a[start + at + i] = work[at + i] / HALF
        a[start + at + j] = work[at + j]
