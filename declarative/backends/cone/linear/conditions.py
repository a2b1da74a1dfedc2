"""What points of a batch of cone programs miss of Px + q + A'z = 0 and Ax + s = b, and how far they moved, compiled."""

import numpy as np

from declarative.backends.cone.linear.jit import compiled


@compiled
def _larger(most, entry):
    """The larger one, or what is no number."""
    return most if abs(entry) <= most or most != most else abs(entry)


@compiled
def missed(P_starts, P_columns, P, q, A_starts, A_columns, A, b, x, s, z, stationarity, feasibility):
    """`stationarity` (B, n) and `feasibility` (B, m), the left sides less the right ones."""
    n, m = x.shape[1], s.shape[1]
    for k in range(len(x)):
        for j in range(n):
            stationarity[k, j] = 0.0
        for i in range(m):
            total = 0.0
            for e in range(A_starts[i], A_starts[i + 1]):
                total += A[k, e] * x[k, A_columns[e]]
                stationarity[k, A_columns[e]] += A[k, e] * z[k, i]
            feasibility[k, i] = total + s[k, i] - b[k, i]
        for j in range(n):
            total = 0.0
            for e in range(P_starts[j], P_starts[j + 1]):
                total += P[k, e] * x[k, P_columns[e]]
            stationarity[k, j] += total + q[k, j]


@compiled
def largest_error(stationarity, beside, feasibility, x, v, rounding, error, floor):
    """`error` (B,), where stationarity counts `beside` (B, n) or (1, 1), and `floor` (B,): rounding at x and v."""
    for k in range(len(x)):
        own, off, size = beside[k % len(beside)], 0.0, 0.0
        for j in range(x.shape[1]):
            off = _larger(off, stationarity[k, j] / own[j % len(own)])
            size = _larger(size, x[k, j])
        for i in range(v.shape[1]):
            off = _larger(off, feasibility[k, i])
            size = _larger(size, v[k, i])
        error[k], floor[k] = off, rounding * (1 + size)


@compiled
def moved_far(cone, curved, v, values, w, others, width, size, found):
    """`found` (B,): where v is farther from w than `width`, beside its norm within some cone, or the values (B, m) are.

    `cone` (m,) numbers the cone of a row, `curved` (m,) marks those whose v counts. `size` (2, cones) is for work.
    """
    for k in range(len(v)):
        found[k] = False
        for c in range(size.shape[1]):
            size[0, c] = size[1, c] = 0.0
        for i in range(v.shape[1]):
            if curved[i]:
                size[0, cone[i]] += v[k, i] ** 2
                size[1, cone[i]] += (v[k, i] - w[k, i]) ** 2
            if abs(values[k, i] - others[k, i]) > width:
                found[k] = True
        for c in range(size.shape[1]):
            if size[1, c] > width**2 * size[0, c]:
                found[k] = True


@compiled
def beside(off, terms, found):
    """|off| / terms, (B, k); infinite where either is no number, as where terms overflow."""
    for k in range(len(off)):
        for j in range(off.shape[1]):
            share = abs(off[k, j]) / terms[k, j]
            found[k, j] = share if abs(off[k, j]) < np.inf and terms[k, j] < np.inf and share == share else np.inf
