"""Logarithms of the entries of sparse matrices -> those of scales of the columns that bring them near 0, compiled.

Rows and columns are divided in turn by the geometric means of their entries, all rows of a cone by one number.
"""

from declarative.backends.cone.linear.jit import compiled


@compiled
def even(starts, columns, values, logs, cone, coupled, sweeps, e, held, work):
    """e (B, n) for `logs` (B, l) of `values`, row by row; entries of 0 do not count.

    `cone` (m,) numbers the cone of a row. Only a row that is `coupled` (m,), or has several entries, has a say in its
    columns: `held` (B, n) are those that some row has a say in, for others e is 0. `work` is (3 n + 4 m,).
    """
    n, m = e.shape[1], len(cone)
    joined, by_column, sums = work[:n], work[n : 2 * n], work[2 * n : 3 * n]
    rest = work[3 * n :]
    by_row, d, alike, total = rest[:m], rest[m : 2 * m], rest[2 * m : 3 * m], rest[3 * m : 4 * m]
    for k in range(len(e)):
        for j in range(n):
            joined[j] = by_column[j] = 0.0
        for i in range(m):
            by_row[i] = d[i] = alike[i] = 0.0
        for i in range(m):
            count = 0
            for at in range(starts[i], starts[i + 1]):
                if values[k, at] != 0:
                    count += 1
                    by_row[i] += logs[k, at]
            alike[cone[i]] += count
            for at in range(starts[i], starts[i + 1]):
                if values[k, at] != 0 and (coupled[i] or count > 1):
                    joined[columns[at]] += 1
                    by_column[columns[at]] += logs[k, at]
        for sweep in range(sweeps):
            for j in range(n):
                sums[j] = by_column[j]
            for i in range(m):
                count = 0
                for at in range(starts[i], starts[i + 1]):
                    count += values[k, at] != 0
                for at in range(starts[i], starts[i + 1]):
                    if values[k, at] != 0 and (coupled[i] or count > 1):
                        sums[columns[at]] += d[i]
            for j in range(n):
                held[k, j] = joined[j] > 0
                e[k, j] = -sums[j] / joined[j] if held[k, j] else 0.0
            if sweep + 1 == sweeps:
                break
            for i in range(m):
                total[i] = 0.0
            for i in range(m):
                off = by_row[i]
                for at in range(starts[i], starts[i + 1]):
                    if values[k, at] != 0:
                        off += e[k, columns[at]]
                total[cone[i]] += off
            for i in range(m):
                d[i] = -total[cone[i]] / max(alike[cone[i]], 1.0)


@compiled
def sums_of_whole(starts, columns, logs, coupled, by_row, by_column):
    """Of `logs` (B, l) of values of which none is 0, by rows (m, B) and by columns (n, B)."""
    by_row[:], by_column[:] = 0.0, 0.0
    for k in range(len(logs)):
        for i in range(len(by_row)):
            joins, total = coupled[i] or starts[i + 1] - starts[i] > 1, 0.0
            for at in range(starts[i], starts[i + 1]):
                total += logs[k, at]
                if joins:
                    by_column[columns[at], k] += logs[k, at]
            by_row[i, k] = total


@compiled
def even_whole(starts, columns, by_row, by_column, cone, coupled, sweeps, e, joined, work):
    """The same as `even`, to the last bit, from these sums: for e (n, B) and work (n + 3 m, B).

    Counts are those of the pattern, and one pass over it serves all items. `joined` (n,) is how many entries of a
    column have a say in it.
    """
    n, m = len(e), len(cone)
    sums, d, total, alike = work[:n], work[n : n + m], work[n + m : n + 2 * m], work[n + 2 * m :, 0]
    d[:], alike[:], joined[:] = 0.0, 0.0, 0.0
    for i in range(m):
        alike[cone[i]] += starts[i + 1] - starts[i]
        if coupled[i] or starts[i + 1] - starts[i] > 1:
            for at in range(starts[i], starts[i + 1]):
                joined[columns[at]] += 1
    for sweep in range(sweeps):
        total[:] = 0.0
        for j in range(n):
            for k in range(e.shape[1]):
                sums[j, k] = by_column[j, k]
        for i in range(m):
            if coupled[i] or starts[i + 1] - starts[i] > 1:
                for at in range(starts[i], starts[i + 1]):
                    for k in range(e.shape[1]):
                        sums[columns[at], k] += d[i, k]
        for j in range(n):
            for k in range(e.shape[1]):
                e[j, k] = -sums[j, k] / joined[j] if joined[j] > 0 else 0.0
        if sweep + 1 == sweeps:
            break
        for i in range(m):
            off = d[i]
            for k in range(e.shape[1]):
                off[k] = by_row[i, k]
            for at in range(starts[i], starts[i + 1]):
                for k in range(e.shape[1]):
                    off[k] += e[columns[at], k]
            for k in range(e.shape[1]):
                total[cone[i], k] += off[k]
        for i in range(m):
            for k in range(e.shape[1]):
                d[i, k] = -total[cone[i], k] / max(alike[cone[i]], 1.0)
