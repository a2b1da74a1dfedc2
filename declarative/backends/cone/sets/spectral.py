"""The projection onto a semidefinite cone, and its derivative, from eigenvalues and eigenvectors of the matrices.

Compiled, since programs have many small cones, and single ones should cost no more than their arithmetic.
"""

import numpy as np

from declarative.backends.cone.linear.jit import compiled


@compiled
def matrices(v, row, column, factor, found, finite):
    """v (k, d) in vector form -> matrices (k, side, side), and which have numbers (k,); the others are the identity."""
    for k in range(len(v)):
        finite[k] = True
        for a in range(len(row)):
            entry = v[k, a] / factor[a]
            finite[k] = finite[k] and abs(entry) < np.inf
            found[k, row[a], column[a]] = found[k, column[a], row[a]] = entry
        for a in range(0 if finite[k] else len(row)):
            found[k, row[a], column[a]] = found[k, column[a], row[a]] = 1.0 if row[a] == column[a] else 0.0


@compiled
def projected(v, e, Q, finite, row, column, factor, s, values, rest):
    """Projections s (k, d), and eigenvalues of the derivatives and 1 less these, of matrices with e and Q.

    The eigenvalues are the divided differences of max(., 0), and Q are the eigenvectors of the matrices.
    """
    d, side = v.shape[1], e.shape[1]
    for k in range(len(v)):
        for a in range(d):
            low, high = e[k, row[a]], e[k, column[a]]  # low <= high: they are sorted upward
            up, down = max(high, 0.0), max(-low, 0.0)
            if not finite[k]:
                values[k, a] = rest[k, a] = np.nan
            elif low >= 0 and high > 0:
                values[k, a], rest[k, a] = 1.0, 0.0
            elif high <= 0:
                values[k, a], rest[k, a] = 0.0, 1.0
            else:
                values[k, a], rest[k, a] = up / (up + down), down / (up + down)
            s[k, a] = v[k, a] if e[k, 0] >= 0 else 0.0
            if not finite[k]:
                s[k, a] = np.nan
        for j in range(side):
            if e[k, 0] < 0 and e[k, j] > 0:
                for a in range(d):
                    s[k, a] += e[k, j] * Q[k, row[a], j] * Q[k, column[a], j]
        for a in range(d):
            if e[k, 0] < 0:
                s[k, a] *= factor[a]
