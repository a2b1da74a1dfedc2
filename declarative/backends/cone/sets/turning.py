"""Vectors to and from the frame of the eigenvectors U of a projection's derivative, compiled: U itself is not formed.

What tells the eigenvectors of a cone are its parts: for a second-order cone a unit vector u, for a semidefinite one the
eigenvectors Q of the matrix, for others the eigenvectors themselves. The cones of a group have their rows in `places`
(cones, d), and in parts (B, l) their own from `first` on. Vectors a (B, r, m) become U'a, or U a, the way `back`.
Where all eigenvalues, in values (B, m), are equal, as inside of a cone, U is the identity.
"""

import numpy as np

from declarative.backends.cone.linear.jit import compiled

HALF = np.sqrt(0.5)


@compiled
def turn_second_order(places, first, parts, values, a, back, rotated):
    """Of plain cones, or of rotated ones."""
    count, d = places.shape
    for k in range(len(a)):
        for number in range(count):
            start, at = places[number, 0], first + number * (d - 1)
            if _alike(values[k], start, d):
                continue
            for i in range(a.shape[1]):
                if _empty(a[k, i], start, d):
                    continue
                if rotated and not back:
                    _reflect(a[k, i], start)
                if back:
                    _from_second_order(parts[k], at, a[k, i], start, d)
                else:
                    _to_second_order(parts[k], at, a[k, i], start, d)
                if rotated and back:
                    _reflect(a[k, i], start)


@compiled
def turn_semidefinite(places, first, parts, values, a, back, work):
    """`work` has room for d + side + side^2 numbers."""
    count, d = places.shape
    side = int(np.sqrt(2.0 * d))
    Q = work[d + side :]
    for k in range(len(a)):
        for number in range(count):
            start, at = places[number, 0], first + number * side * side
            if _alike(values[k], start, d):
                continue
            for i in range(side):
                for j in range(side):
                    Q[i * side + j] = parts[k, at + j * side + i] if back else parts[k, at + i * side + j]
            for i in range(a.shape[1]):
                if not _empty(a[k, i], start, d):
                    _congruent(Q, a[k, i], start, d, side, work)


@compiled
def turn_explicit(places, first, parts, values, a, back, work):
    """`work` has room for d numbers."""
    count, d = places.shape
    across, down = (1, d) if back else (d, 1)
    for k in range(len(a)):
        for number in range(count):
            start, at = places[number, 0], first + number * d * d
            if _alike(values[k], start, d):
                continue
            for i in range(a.shape[1]):
                for r in range(d):
                    work[r] = 0.0
                    for c in range(d):
                        work[r] += parts[k, at + c * across + r * down] * a[k, i, start + c]
                for r in range(d):
                    a[k, i, start + r] = work[r]


@compiled
def _alike(values, start, d):
    i = start + 1
    while i < start + d and values[i] == values[start]:
        i += 1
    return i == start + d


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
def _congruent(Q, a, start, d, side, work):
    """The matrix M of a becomes Q'MQ, by one row of M Q after the other."""
    row = d  # where there is room for it
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
                    work[row + i] += entry * Q[c * side + i]
        for j in range(side if some else 0):
            entry, at = work[row + j], j * (j + 1) // 2
            for i in range(j + 1):
                work[at + i] += entry * Q[r * side + i]
    for j in range(side):
        at = j * (j + 1) // 2
        for i in range(j):
            a[start + at + i] = work[at + i] / HALF
        a[start + at + j] = work[at + j]
