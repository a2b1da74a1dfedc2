"""What a symmetric array needs before it is factored and afterwards, compiled: entries are read once, none are copied.

Since it is symmetric, what is wanted of its rows is worked out for all columns at once, row after row.
"""

import numpy as np

from declarative.backends.cone.linear.jit import compiled, summing

SWEEPS = 3  # of balancing
STEPS = 25  # of refinement: even where each halves the error they are enough


@compiled
def filled(rows, columns, values, found):
    """The columns (B, n, m) of matrices with `values` (B, l) at these places (l,)."""
    for k in range(len(values)):
        for i in range(found.shape[1]):
            for j in range(found.shape[2]):
                found[k, i, j] = 0.0
        for e in range(len(rows)):
            found[k, columns[e], rows[e]] = values[k, e]


@compiled
def split(d, rest, least, active, curvature, theta):
    """Rows whose eigenvalue d is below `least` are `active` and get theta, the others curvature; all (B, m)."""
    for k in range(len(d)):
        for r in range(d.shape[1]):
            active[k, r] = d[k, r] < least
            theta[k, r] = d[k, r] / rest[k, r] if active[k, r] else 0.0
            curvature[k, r] = 0.0 if active[k, r] else rest[k, r] / d[k, r]


@compiled
def curved(columns, curvature, root):
    """The first columns of `root` (n, m) become the rows of A that curve, times the roots of this; how many they are.

    `columns` (n, m) are those of A.
    """
    count = 0
    for r in range(len(curvature)):
        if curvature[r] != 0:
            for j in range(len(columns)):
                root[j, count] = np.sqrt(curvature[r]) * columns[j, r]
            count += 1
    return count


@compiled
def bordered(H, rows, others, values, columns, active, theta, K):
    """K = [[H + P, A'], [A, -diag(theta)]] for P with `values` at these places (l,) and the active rows of A."""
    n, size = len(H), len(K)
    for i in range(n):
        for j in range(n):
            K[i, j] = H[i, j]
    for e in range(len(values)):
        K[rows[e], others[e]] += values[e]
    for i in range(n, size):
        for j in range(n, size):
            K[i, j] = 0.0
    at = n
    for r in range(len(active)):
        if active[r]:
            for j in range(n):
                K[at, j] = K[j, at] = columns[j, r]
            K[at, at] = -theta[r]
            at += 1


@compiled
def largest(K, found):
    """The largest entry of each row, (n,); of a corner of K, where that is larger."""
    n = len(found)
    for j in range(n):
        found[j] = 0.0
    for i in range(n):
        for j in range(n):
            found[j] = max(found[j], abs(K[i, j]))


@compiled
def balance(K, scale, B, work):
    """From `scale` (n,) on the factors that bring the rows' largest entries near one (Ruiz), for rows that are not 0.

    B becomes diag(scale) K diag(scale), of a corner of K where that is larger. Gives the largest sum of a column's
    absolute entries.
    """
    n, norm = len(scale), 0.0
    for _ in range(SWEEPS):
        for j in range(n):
            work[j] = 0.0
        for i in range(n):
            own = scale[i]
            for j in range(n):
                work[j] = max(work[j], own * abs(K[i, j]))
        for j in range(n):
            scale[j] /= np.sqrt(scale[j] * work[j])
    for j in range(n):
        work[j] = 0.0
    for i in range(n):
        own = scale[i]
        for j in range(n):
            B[i, j] = own * K[i, j] * scale[j]
            work[j] += abs(B[i, j])
    for j in range(n):
        norm = max(norm, work[j])
    return norm


@compiled
def distance(K, L, scale, work):
    """That sum for diag(scale) (K - L) diag(scale)."""
    n, norm = len(K), 0.0
    for j in range(n):
        work[j] = 0.0
    for i in range(n):
        own = scale[i]
        for j in range(n):
            work[j] += own * abs(K[i, j] - L[i, j])
    for j in range(n):
        norm = max(norm, scale[j] * work[j])
    return norm


@compiled
def _times(K, x, found):
    """K x, or a corner of K times x."""
    n = len(x)
    for j in range(n):
        found[j] = 0.0
    for i in range(n):
        own = x[i]
        for j in range(n):
            found[j] += own * K[i, j]


@compiled
def _solve(lu, pivots, scale, right, x):
    """x becomes S (P L U)^-1 S right with S = diag(scale); the rows of `lu` are the columns of L and U."""
    n = len(x)
    for i in range(n):
        x[i] = scale[i] * right[i]
    for i in range(n):
        other = pivots[i]
        x[i], x[other] = x[other], x[i]
    for i in range(n):
        own, column = x[i], lu[i]
        for k in range(i + 1, n):
            x[k] -= own * column[k]
    for i in range(n - 1, -1, -1):
        column = lu[i]
        x[i] /= column[i]
        own = x[i]
        for k in range(i):
            x[k] -= own * column[k]
    for i in range(n):
        x[i] *= scale[i]


@compiled
def _error(scale, left):
    most = 0.0
    for i in range(len(left)):
        entry = abs(scale[i] * left[i])
        if not entry <= most:  # or no number
            most = entry
    return most


@compiled
def into_range(K, lu, pivots, scale, right, work):
    """Of `right` only what K can give: K M^-1 shrinks it by eps / eigenvalue, which a second pass makes up for."""
    n = len(right)
    step, image, total = work[:n], work[n : 2 * n], work[2 * n : 3 * n]
    for i in range(n):
        total[i] = 0.0
    for _ in range(2):
        _solve(lu, pivots, scale, right, step)
        _times(K, step, image)
        for i in range(n):
            right[i] -= image[i]
            total[i] += image[i]
    for i in range(n):
        right[i] = total[i]


@compiled
def refined(K, lu, pivots, scale, right, best, work):
    """`best` becomes K^-1 right by factors of the balanced K or of a matrix near it, as exact as it gets.

    An error that is no smaller than half the last is the end. `work` is (3 n,).
    """
    n, least = len(right), np.inf
    found, left, step = work[:n], work[n : 2 * n], work[2 * n : 3 * n]
    for i in range(n):
        best[i] = found[i] = 0.0
        left[i] = right[i]
    enough = 1e-15 * _error(scale, right)
    for _ in range(STEPS):
        _solve(lu, pivots, scale, left, step)
        for i in range(n):
            found[i] += step[i]
        _times(K, found, left)
        for i in range(n):
            left[i] = right[i] - left[i]
        error = _error(scale, left)
        if not error < 0.5 * least:
            break
        least = error
        for i in range(n):
            best[i] = found[i]
        if error <= enough:
            break


@summing
def _dot(a, b):
    total = 0.0
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


@compiled
def solve(columns, active, curvature, d, rest, K, places, lu, pivots, scale, singular, g, h, t, y, w, work):
    """y and w of P y + A'w = g, (d - 1) A y + d w = (d - 1) h + t; see `System`.

    K is without its rows of zeros, `places` are those of the others. `work` is (6 (n + m),).
    """
    n, m, size, at = len(g), len(h), len(places), 0
    whole, right, found, work = work[: n + m], work[n + m :][:size], work[2 * (n + m) :][:size], work[3 * (n + m) :]
    for r in range(m):
        if active[r]:
            whole[n + at] = h[r] - t[r] / rest[r]
            w[r] = 0.0
            at += 1
        else:
            w[r] = curvature[r] * h[r] - t[r] / d[r]
    for j in range(n):
        whole[j] = g[j] + _dot(columns[j], w)
    for i in range(size):
        right[i] = whole[places[i]]
    if singular:
        into_range(K, lu, pivots, scale, right, work)
    refined(K, lu, pivots, scale, right, found, work)
    for i in range(n + at):
        whole[i] = 0.0
    for i in range(size):
        whole[places[i]] = found[i]
    for r in range(m):
        w[r] = 0.0
    for j in range(n):
        y[j] = own = whole[j]
        for r in range(m):
            w[r] += own * columns[j, r]
    at = 0
    for r in range(m):
        if active[r]:
            w[r] = whole[n + at]
            at += 1
        else:
            w[r] = curvature[r] * (w[r] - h[r]) + t[r] / d[r]


@compiled
def moved(columns, d, rest, y, w, h, v):
    """v = h - A y - w, by the division that loses no digits."""
    for r in range(len(h)):
        v[r] = h[r]
    for j in range(len(y)):
        own = y[j]
        for r in range(len(h)):
            v[r] -= own * columns[j, r]
    for r in range(len(h)):
        v[r] = -w[r] / rest[r] if d[r] < 0.5 else v[r] / d[r]
