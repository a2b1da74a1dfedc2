"""Products with the rows of one quadratic program, and of its P: entry by entry, where `outline` says these are few.

Rows are numbered as in `item.py`; only those of A and G are asked for here.
"""

from declarative.backends.kkt.compiled.along import dot, subtract
from declarative.backends.kkt.compiled.jit import SUMS, inner, largest


@inner()
def row_times(item, r, x):
    """c'x."""
    outline, p = item.outline, len(item.b)
    row = item.A[r] if r < p else item.G[r - p]
    if not outline.thin:
        return dot(row, x)
    total = 0.0
    for k in range(outline.count[r]):
        j = outline.places[r, k]
        total += row[j] * x[j]
    return total


@inner()
def add_row(item, r, factor, target):
    """target += factor c."""
    outline, p = item.outline, len(item.b)
    row = item.A[r] if r < p else item.G[r - p]
    if not outline.thin:
        subtract(row, -factor, target)
    else:
        for k in range(outline.count[r]):
            j = outline.places[r, k]
            target[j] += factor * row[j]


@inner(fastmath=SUMS)
def summed(a, x, sizes):
    """a'x, and the sum of |a_j| times a size."""
    total, size = 0.0, 0.0
    for j in range(len(x)):
        total += a[j] * x[j]
        size += abs(a[j]) * sizes[j]
    return total, size


@inner()
def row_summed(item, r, x, sizes):
    """c'x, and the sum of |c_j| times a size."""
    outline, p = item.outline, len(item.b)
    row = item.A[r] if r < p else item.G[r - p]
    if not outline.thin:
        return summed(row, x, sizes)
    total, size = 0.0, 0.0
    for k in range(outline.count[r]):
        j = outline.places[r, k]
        total += row[j] * x[j]
        size += abs(row[j]) * sizes[j]
    return total, size


@inner(fastmath=SUMS)
def measured(a, x, sizes):
    """a'x, and the largest |a_j| times a size."""
    total, most = 0.0, 0.0
    for j in range(len(x)):
        total += a[j] * x[j]
        most = largest(most, abs(a[j] * sizes[j]))
    return total, most


@inner()
def row_measured(item, r, x, sizes):
    """c'x, and the largest |c_j| times a size."""
    outline, p = item.outline, len(item.b)
    row = item.A[r] if r < p else item.G[r - p]
    if not outline.thin:
        return measured(row, x, sizes)
    total, most = 0.0, 0.0
    for k in range(outline.count[r]):
        j = outline.places[r, k]
        total += row[j] * x[j]
        most = max(most, abs(row[j] * sizes[j]))
    return total, most


@inner(fastmath=SUMS)
def gather(a, w, total, most):
    """total += w a, and most = its largest term so far, entry by entry."""
    for j in range(len(a)):
        term = w * a[j]
        total[j] += term
        if abs(term) > most[j]:
            most[j] = abs(term)


@inner()
def row_gather(item, r, w, total, most):
    """The same for a row."""
    outline, p = item.outline, len(item.b)
    row = item.A[r] if r < p else item.G[r - p]
    if not outline.thin:
        gather(row, w, total, most)
    else:
        for k in range(outline.count[r]):
            j = outline.places[r, k]
            term = w * row[j]
            total[j] += term
            if abs(term) > most[j]:
                most[j] = abs(term)


@inner(fastmath=SUMS)
def heaviest(row, inverse):
    """The largest |row_j| inverse_j."""
    most = 0.0
    for j in range(len(inverse)):
        most = largest(most, abs(row[j] * inverse[j]))
    return most


@inner()
def row_heaviest(item, r, inverse):
    """The same for a row."""
    outline, p = item.outline, len(item.b)
    row = item.A[r] if r < p else item.G[r - p]
    if not outline.thin:
        return heaviest(row, inverse)
    most = 0.0
    for k in range(outline.count[r]):
        j = outline.places[r, k]
        most = max(most, abs(row[j] * inverse[j]))
    return most


@inner()
def curvature(item, i, x):
    """Row i of P times x, and its largest term."""
    if not item.outline.thin:
        return measured(item.P[i], x, x)
    first, last = item.outline.span[0, i], item.outline.span[1, i]
    return measured(item.P[i, first:last], x[first:last], x[first:last])
