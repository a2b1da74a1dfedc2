"""Eigenvectors of the derivatives of projections onto second-order and semidefinite cones, and the latter projection.

Compiled, since programs have many small cones, and single ones should cost no more than their arithmetic.
"""

import numpy as np
from numba import njit

compiled = njit(cache=True, nogil=True, error_model="numpy")


@compiled
def project_semidefinite(v, row, column, factor):
    """v (k, d) in vector form -> the projection, the eigenvalues e of its derivative, 1 - e, and Q (k, side, side).

    The derivative has the divided differences of max(., 0) as eigenvalues, and Q are the eigenvectors of the matrices.
    """
    count, d, side = len(v), v.shape[1], int(row[-1]) + 1
    s, values, rest, Q = np.zeros_like(v), np.empty_like(v), np.empty_like(v), np.empty((count, side, side))
    matrix = np.empty((side, side))
    for k in range(count):
        for a in range(d):
            matrix[row[a], column[a]] = matrix[column[a], row[a]] = v[k, a] / factor[a]
        if not np.isfinite(matrix).all():
            s[k], values[k], rest[k], Q[k] = np.nan, np.nan, np.nan, np.eye(side)
            continue
        e, vectors = np.linalg.eigh(matrix)
        Q[k] = vectors
        for a in range(d):
            low, high = e[row[a]], e[column[a]]  # low <= high: eigh sorts them upward
            up, down = max(high, 0.0), max(-low, 0.0)
            if low >= 0 and high > 0:
                values[k, a], rest[k, a] = 1.0, 0.0
            elif high <= 0:
                values[k, a], rest[k, a] = 0.0, 1.0
            else:
                values[k, a], rest[k, a] = up / (up + down), down / (up + down)
        if e[0] >= 0:
            s[k] = v[k]
            continue
        for j in range(side):
            if e[j] > 0:
                for a in range(d):
                    s[k, a] += e[j] * vectors[row[a], j] * vectors[column[a], j]
        s[k] *= factor
    return s, values, rest, Q


@compiled
def semidefinite_frame(Q, row, column, factor):
    """(k, d, d) for Q (k, side, side): column (i, j) is (q_i q_j' + q_j q_i')/2 in vector form, times its factor."""
    count, d = len(Q), len(row)
    frame = np.empty((count, d, d))
    for k in range(count):
        for a in range(d):
            r, c = row[a], column[a]
            for e in range(d):
                i, j = row[e], column[e]
                pair = Q[k, r, i] * Q[k, c, j] + Q[k, r, j] * Q[k, c, i]
                frame[k, a, e] = pair / 2 * factor[a] * factor[e]
    return frame


@compiled
def second_order_frame(unit):
    """(k, d, d) for unit vectors u (k, d - 1): columns (1, u)/sqrt(2), (1, -u)/sqrt(2), then (0, e).

    These e are a basis of what is orthogonal to u (Householder).
    """
    count, d = unit.shape[0], unit.shape[1] + 1
    frame, half, mirror = np.zeros((count, d, d)), np.sqrt(0.5), np.empty(d - 1)
    for k in range(count):
        if d == 1:
            frame[k, 0, 0] = 1.0
            continue
        mirror[:] = unit[k]
        mirror[0] += 1.0 if mirror[0] >= 0 else -1.0
        mirror /= np.sqrt((mirror * mirror).sum())
        frame[k, 0, 0] = frame[k, 0, 1] = half
        for i in range(d - 1):
            frame[k, i + 1, 0], frame[k, i + 1, 1] = half * unit[k, i], -half * unit[k, i]
            for j in range(1, d - 1):
                frame[k, i + 1, j + 1] = (1.0 if i == j else 0.0) - 2 * mirror[i] * mirror[j]
    return frame
