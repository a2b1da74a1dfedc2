"""Rows of cones y exp(x/y) <= w with one entry, which are single unknowns, compiled; entries of 0 are none.

`starts` (m + 1,) and `columns` (l,) are the places of the entries row by row, `values` (B, l) the entries.
"""

from declarative.backends.cone.linear.jit import compiled


@compiled
def _entries(starts, values, i):
    """How many the row i has, and the place of the last of them."""
    count, place = 0, -1
    for e in range(starts[i], starts[i + 1]):
        if values[e] != 0:
            count, place = count + 1, e
    return count, place


@compiled
def told(starts, columns, values, rows, b, s, width, x, found, seen):
    """In `found` the unknowns that rows a x_j + s_i = 0 tell where x (B, n) is as near as `width` (B,).

    The first of the `rows` that has an unknown alone decides. `seen` is (n,).
    """
    for k in range(len(values)):
        for j in range(len(seen)):
            seen[j] = False
        for i in rows:
            count, e = _entries(starts, values[k], i)
            if count == 1 and not seen[columns[e]]:
                j = columns[e]
                seen[j] = True
                value = -s[k, i] / values[k, e]
                if b[k, i] == 0 and abs(value - x[k, j]) <= width[k]:
                    found[k, j] = value


@compiled
def sums_of_tops(starts, columns, values, cones, rows, b, found, top):
    """`found` (B, m) becomes true in those of the `rows` whose entries all stand by tops w, with y fixed.

    `cones` (count, 3) are the rows of x, y and w. `top` is (n,).
    """
    for k in range(len(values)):
        for j in range(len(top)):
            top[j] = False
        for c in range(len(cones)):
            _, y, w = cones[c]
            fixed, _ = _entries(starts, values[k], y)
            count, e = _entries(starts, values[k], w)
            if fixed == 0 and count == 1 and b[k, w] == 0:
                top[columns[e]] = True
        for i in rows:
            count = others = 0
            for e in range(starts[i], starts[i + 1]):
                if values[k, e] != 0:
                    count += 1
                    others += not top[columns[e]]
            found[k, i] = count > 0 and others == 0
