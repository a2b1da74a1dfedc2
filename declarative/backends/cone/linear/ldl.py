"""Factors L D L' of a sparse quasidefinite matrix, compiled: the matrix comes as its upper triangle, column by column.

Row k of L solves a triangular system with the rows above it, along the elimination tree (Davis, "Direct Methods for
Sparse Linear Systems", section 4.8, and QDLDL, which does the same).
"""

import numpy as np

from declarative.backends.cone.linear.jit import compiled

SWEEPS = 3  # of balancing
ROUNDS = 5  # of estimating a norm
STEPS = 25  # of refinement


@compiled
def factor(starts, rows, values, parent, begin, Li, Lx, inverse, y, places):
    """L below its diagonal of ones, and 1/D; False where a pivot is zero or no number."""
    n = len(parent)
    end, seen, reach, path = places[:n], places[n : 2 * n], places[2 * n : 3 * n], places[3 * n : 4 * n]
    for k in range(n):
        end[k], seen[k], y[k] = begin[k], -1, 0.0
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
    for k in range(len(x)):
        left[k] = right[k]
    for k in range(len(x)):
        for at in range(starts[k], starts[k + 1]):
            i = rows[at]
            left[i] -= values[at] * x[k]
            if i != k:
                left[k] -= values[at] * x[i]


@compiled
def balancing(starts, rows, values, scale, filled, size):
    """Factors (n,) that bring the largest entries of the rows near one (Ruiz); which rows have entries."""
    n = len(starts) - 1
    for k in range(n):
        scale[k] = 1.0
    for _ in range(SWEEPS):
        for k in range(n):
            size[k] = 0.0
        for k in range(n):
            for at in range(starts[k], starts[k + 1]):
                i = rows[at]
                entry = abs(values[at]) * scale[i] * scale[k]
                size[i], size[k] = max(size[i], entry), max(size[k], entry)
        for k in range(n):
            filled[k] = size[k] > 0
            if filled[k]:
                scale[k] /= np.sqrt(size[k])


@compiled
def balanced(starts, rows, values, scale, signs, filled, shift, found):
    """diag(scale) K diag(scale), and the shift added on the diagonal, whose entries stand last in their columns.

    Rows without entries get ones there.
    """
    for k in range(len(scale)):
        for at in range(starts[k], starts[k + 1]):
            found[at] = values[at] * scale[rows[at]] * scale[k]
        found[starts[k + 1] - 1] += signs[k] * (shift if filled[k] else 1.0)


@compiled
def norm_of_inverse(begin, Li, Lx, inverse, filled, x):
    """An estimate by Hager, "Condition estimates" (1984), over the rows that are `filled`."""
    n, norm, count = len(inverse), 0.0, 0
    for k in range(n):
        count += filled[k]
    for k in range(n):
        x[k] = 1.0 / count if filled[k] else 0.0
    for _ in range(ROUNDS):
        solve(begin, Li, Lx, inverse, x)
        total = 0.0
        for k in range(n):
            total += abs(x[k])
        if not total > norm:
            break
        norm = total
        for k in range(n):
            x[k] = (1.0 if x[k] >= 0 else -1.0) if filled[k] else 0.0
        solve(begin, Li, Lx, inverse, x)
        best = 0
        for k in range(n):
            if abs(x[k]) > abs(x[best]):
                best = k
        for k in range(n):
            x[k] = 1.0 if k == best else 0.0
    return norm


@compiled
def _error(scale, left):
    most = 0.0
    for k in range(len(left)):
        entry = abs(scale[k] * left[k])
        if not entry <= most:  # or no number
            most = entry
    return most


@compiled
def refined(starts, rows, values, scale, begin, Li, Lx, inverse, right, best, work):
    """K^-1 right by factors of the balanced matrix or of one near it, as exact as it gets; gives the error, scaled.

    One that is no smaller than half the last is the end. `work` is (3 n,).
    """
    n = len(right)
    found, left, step = work[:n], work[n : 2 * n], work[2 * n : 3 * n]
    for k in range(n):
        best[k] = found[k] = 0.0
        left[k] = right[k]
    least, enough = np.inf, 1e-15 * _error(scale, right)
    for _ in range(STEPS):
        for k in range(n):
            step[k] = scale[k] * left[k]
        solve(begin, Li, Lx, inverse, step)
        for k in range(n):
            found[k] += scale[k] * step[k]
        left_over(starts, rows, values, right, found, left)
        error = _error(scale, left)
        if not error < 0.5 * least:
            break
        for k in range(n):
            best[k] = found[k]
        least = error
        if error <= enough:
            break
    return least


@compiled
def regular_factors(
    starts,
    rows,
    values,
    signs,
    parent,
    begin,
    shifts,
    most,
    sample,
    exact,
    scale,
    filled,
    Li,
    Lx,
    inverse,
    B,
    work,
    places,
):
    """Factors after the first of the `shifts` (k,) that is small beside the matrix and leaves refinement convergent.

    The shift is small where it is `most` times less than the least singular value. Rows without entries stand alone.
    Gives the number of the shift, k where there is none, and 1 / |B^-1| of the balanced matrix B; the others become the
    balance, which rows have entries, L and 1/D. `work` and `places` are (5 n,) and (4 n,).
    """
    n = len(parent)
    right, least, largest = work[:n], 0.0, 0.0
    balancing(starts, rows, values, scale, filled, right)
    for k in range(n):
        right[k] = sample[k] / scale[k] if filled[k] else 0.0
        largest = max(largest, abs(sample[k]))
    best, rest = work[n : 2 * n], work[2 * n :]
    for number in range(len(shifts)):
        shift = shifts[number]
        balanced(starts, rows, values, scale, signs, filled, shift, B)
        if not factor(starts, rows, B, parent, begin, Li, Lx, inverse, best, places):
            continue
        least = 1 / norm_of_inverse(begin, Li, Lx, inverse, filled, best)
        if not least > most * shift:
            continue
        if refined(starts, rows, values, scale, begin, Li, Lx, inverse, right, best, rest) <= exact * largest:
            return number, least
    return len(shifts), least
