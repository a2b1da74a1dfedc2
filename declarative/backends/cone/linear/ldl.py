"""Factors L D L' of a sparse quasidefinite matrix, compiled: the matrix comes as its upper triangle, column by column.

Row k of L solves a triangular system with the rows above it, along the elimination tree (Davis, "Direct Methods for
Sparse Linear Systems", section 4.8, and QDLDL, which does the same).
"""

import numpy as np
from numba import njit

SWEEPS = 3  # of balancing
ROUNDS = 5  # of estimating a norm
STEPS = 25  # of refinement

compiled = njit(cache=True, nogil=True, error_model="numpy")


@compiled
def factor(starts, rows, values, parent, begin, Li, Lx, inverse):
    """L below its diagonal of ones, and 1/D; False where a pivot is zero or no number."""
    n = len(parent)
    end, seen, y = begin[:n].copy(), np.full(n, -1), np.zeros(n)
    reach, path = np.empty(n, np.int64), np.empty(n, np.int64)
    for k in range(n):
        top, pivot = n, 0.0
        seen[k] = k
        for at in range(starts[k], starts[k + 1]):
            node = rows[at]
            if node == k:
                pivot += values[at]
                continue
            y[node] += values[at]
            count = 0
            while seen[node] != k:
                path[count] = node
                count += 1
                seen[node] = k
                node = parent[node]
            while count > 0:
                count -= 1
                top -= 1
                reach[top] = path[count]
        for at in range(top, n):
            j = reach[at]
            yj = y[j]
            y[j] = 0.0
            for place in range(begin[j], end[j]):
                y[Li[place]] -= Lx[place] * yj
            below = yj * inverse[j]
            pivot -= below * yj
            Li[end[j]], Lx[end[j]] = k, below
            end[j] += 1
        if not abs(pivot) > 0.0 or not abs(pivot) < np.inf:
            return False
        inverse[k] = 1 / pivot
    return True


@compiled
def solve(begin, Li, Lx, inverse, x):
    """x becomes (L D L')^-1 x."""
    n = len(inverse)
    for j in range(n):
        for at in range(begin[j], begin[j + 1]):
            x[Li[at]] -= Lx[at] * x[j]
    for j in range(n - 1, -1, -1):
        total = x[j] * inverse[j]
        for at in range(begin[j], begin[j + 1]):
            total -= Lx[at] * x[Li[at]]
        x[j] = total


@compiled
def left_over(starts, rows, values, right, x, left):
    """left = right - K x."""
    left[:] = right
    for k in range(len(x)):
        for at in range(starts[k], starts[k + 1]):
            i = rows[at]
            left[i] -= values[at] * x[k]
            if i != k:
                left[k] -= values[at] * x[i]


@compiled
def balancing(starts, rows, values):
    """Factors (n,) that bring the largest entries of the rows near one (Ruiz); which rows have entries."""
    n = len(starts) - 1
    scale, size = np.ones(n), np.empty(n)
    for _ in range(SWEEPS):
        size[:] = 0.0
        for k in range(n):
            for at in range(starts[k], starts[k + 1]):
                i = rows[at]
                entry = abs(values[at]) * scale[i] * scale[k]
                size[i], size[k] = max(size[i], entry), max(size[k], entry)
        for k in range(n):
            if size[k] > 0:
                scale[k] /= np.sqrt(size[k])
    return scale, size > 0


@compiled
def balanced(starts, rows, values, scale, diagonal):
    """diag(scale) K diag(scale), and a diagonal added, whose entries stand last in their columns."""
    found = np.empty_like(values)
    for k in range(len(scale)):
        for at in range(starts[k], starts[k + 1]):
            found[at] = values[at] * scale[rows[at]] * scale[k]
        found[starts[k + 1] - 1] += diagonal[k]
    return found


@compiled
def norm_of_inverse(begin, Li, Lx, inverse, filled):
    """An estimate by Hager, "Condition estimates" (1984), over the rows that are `filled`."""
    n, norm = len(inverse), 0.0
    x = np.where(filled, 1.0 / max(filled.sum(), 1), 0.0)
    for _ in range(ROUNDS):
        solve(begin, Li, Lx, inverse, x)
        total = np.abs(x).sum()
        if not total > norm:
            break
        norm = total
        for k in range(n):
            x[k] = (1.0 if x[k] >= 0 else -1.0) if filled[k] else 0.0
        solve(begin, Li, Lx, inverse, x)
        best = np.argmax(np.abs(x))
        x[:] = 0.0
        x[best] = 1.0
    return norm


@compiled
def refined(starts, rows, values, scale, begin, Li, Lx, inverse, right):
    """K^-1 right by factors of the balanced matrix or of one near it, as exact as it gets; and the error left, scaled.

    One that is no smaller than half the last is the end.
    """
    n = len(right)
    best, found, left, step = np.zeros(n), np.zeros(n), right.copy(), np.empty(n)
    least, enough = np.inf, 1e-15 * np.abs(scale * right).max()
    for _ in range(STEPS):
        step[:] = scale * left
        solve(begin, Li, Lx, inverse, step)
        found += scale * step
        left_over(starts, rows, values, right, found, left)
        error = np.abs(scale * left).max()
        if not error < 0.5 * least:
            break
        best[:] = found
        least = error
        if error <= enough:
            break
    return best, least


@compiled
def regular_factors(starts, rows, values, signs, parent, begin, shifts, most, sample, exact):
    """Factors after the first of the `shifts` (k,) that is small beside the matrix and leaves refinement convergent.

    The shift is small where it is `most` times less than the least singular value. Rows without entries stand alone.
    Gives the number of the shift, k where there is none; the balance, L, 1/D and 1 / |B^-1| of the balanced matrix B.
    """
    n = len(parent)
    scale, filled = balancing(starts, rows, values)
    Li, Lx, inverse, diagonal = np.empty(begin[n], np.int32), np.empty(begin[n]), np.empty(n), np.empty(n)
    right = np.where(filled, sample / scale, 0.0)
    least = 0.0
    for number in range(len(shifts)):
        shift = shifts[number]
        for k in range(n):
            diagonal[k] = signs[k] * (shift if filled[k] else 1.0)
        B = balanced(starts, rows, values, scale, diagonal)
        if not factor(starts, rows, B, parent, begin, Li, Lx, inverse):
            continue
        least = 1 / norm_of_inverse(begin, Li, Lx, inverse, filled)
        if not least > most * shift:
            continue
        left = refined(starts, rows, values, scale, begin, Li, Lx, inverse, right)[1]
        if left <= exact * np.abs(sample).max():
            return number, scale, filled, Li, Lx, inverse, least
    return len(shifts), scale, filled, Li, Lx, inverse, least
