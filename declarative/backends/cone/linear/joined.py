"""Entries of matrices -> which columns and rows they join, and sums and maxima over what is joined, compiled."""

from declarative.backends.cone.linear.jit import compiled


@compiled
def _root(parent, node):
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@compiled
def _join(parent, one, other):
    one, other = _root(parent, one), _root(parent, other)
    parent[max(one, other)] = min(one, other)


@compiled
def joined(cone, rows, columns, A, one, other, P, by_column, by_row, work):
    """Numbers from 0 on of what is joined, `by_column` (B, n) and `by_row` (B, m); how many there are at most.

    Values A (B, l) at (rows, columns) join columns with the cones of rows, those of P at (one, other) two columns.
    Entries of 0 join nothing. `cone` (m,) numbers the cone of a row. `work` is (2, n + cones).
    """
    n, most, parent, number = by_column.shape[1], 0, work[0], work[1]
    for k in range(len(by_column)):
        for node in range(len(parent)):
            parent[node] = node
        for e in range(len(rows)):
            if A[k, e] != 0:
                _join(parent, columns[e], n + cone[rows[e]])
        for e in range(len(one)):
            if P[k, e] != 0:
                _join(parent, one[e], other[e])
        count = 0
        for node in range(len(parent)):
            if parent[node] == node:
                number[node] = count
                count += 1
            else:
                number[node] = number[_root(parent, node)]
        for j in range(n):
            by_column[k, j] = number[j]
        for i in range(len(cone)):
            by_row[k, i] = number[n + cone[i]]
        most = max(most, count)
    return most


@compiled
def summed(numbers, entries, found):
    """Entries (B, k) added up in `found` (B, count), by numbers (B, k), or (1, k) for all."""
    for k in range(len(entries)):
        own = numbers[k % len(numbers)]
        for j in range(len(own)):
            found[k, own[j]] += entries[k, j]


@compiled
def largest(numbers, entries, found):
    """The largest of entries >= 0, the same way; no number is larger than all."""
    for k in range(len(entries)):
        own = numbers[k % len(numbers)]
        for j in range(len(own)):
            most = found[k, own[j]]
            if not (entries[k, j] <= most or most != most):
                found[k, own[j]] = entries[k, j]
