"""The projection onto a semidefinite cone, and its derivative, from eigenvalues and eigenvectors of the matrices.

Compiled, since programs have many small cones, and single ones should cost no more than their arithmetic.
"""

import numpy as np

from declarative.backends.cone.linear.jit import compiled


@compiled
def matrices(places, v, row, column, factor, found, finite):
    """v (B, m), in vector form in `places` (count, d) -> matrices (B count, side, side), and which have numbers.

    Those that have none are the identity.
    """
    for k in range(len(found)):
        item, start = k // len(places), places[k % len(places), 0]
        finite[k] = True
        for a in range(len(row)):
            entry = v[item, start + a] / factor[a]
            finite[k] = finite[k] and abs(entry) < np.inf
            found[k, row[a], column[a]] = found[k, column[a], row[a]] = entry
        for a in range(0 if finite[k] else len(row)):
            found[k, row[a], column[a]] = found[k, column[a], row[a]] = 1.0 if row[a] == column[a] else 0.0


@compiled
def projected(places, v, e, Q, finite, row, column, factor, s, values, rest):
    """Projections s (B, m), and eigenvalues of the derivatives and 1 less these, of matrices with e and Q.

    The eigenvalues are the divided differences of max(., 0), and Q are the eigenvectors of the matrices.
    """
    for k in range(len(e)):
        item, number = k // len(places), places[k % len(places), 0]
        end = number + places.shape[1]
        own = s[item, number:end], values[item, number:end], rest[item, number:end]
        _one(v[item, number:end], e[k], Q[k], finite[k], row, column, factor, *own)


@compiled
def _one(v, e, Q, finite, row, column, factor, s, values, rest):
    d, side = len(v), len(e)
    for a in range(d):
        low, high = e[row[a]], e[column[a]]  # low <= high: they are sorted upward
        up, down = max(high, 0.0), max(-low, 0.0)
        if not finite:
            values[a] = rest[a] = np.nan
        elif low >= 0 and high > 0:
            values[a], rest[a] = 1.0, 0.0
        elif high <= 0:
            values[a], rest[a] = 0.0, 1.0
        else:
            values[a], rest[a] = up / (up + down), down / (up + down)
        s[a] = np.nan if not finite else v[a] if e[0] >= 0 else 0.0
    for j in range(side):
        if e[0] < 0 and e[j] > 0:
            for a in range(d):
                s[a] += e[j] * Q[row[a], j] * Q[column[a], j]
    for a in range(d):
        if e[0] < 0:
            s[a] *= factor[a]
