"""What exponential cones push with in the columns of sparse matrices, compiled; see `tails.py`.

`starts` (m + 1,) and `columns` (l,) are the places of A's entries row by row, `A` (B, l) the entries. P stands by its
rows' `P_starts` and its values. Entries of 0 are none.
"""

from declarative.backends.cone.linear.jit import compiled


@compiled
def lonely(starts, columns, A, P_starts, P, exponential, found):
    """`found` (B, n): columns without entries of P, and of A in rows that are not `exponential` (m,)."""
    for k in range(len(A)):
        _flat(P_starts, P[k], found[k])
        for i in range(len(exponential)):
            if not exponential[i]:
                for e in range(starts[i], starts[i + 1]):
                    if A[k, e] != 0:
                        found[k, columns[e]] = False


@compiled
def _flat(P_starts, P, found):
    """Rows without entries."""
    for j in range(len(found)):
        found[j] = True
        for e in range(P_starts[j], P_starts[j + 1]):
            if P[e] != 0:
                found[j] = False


@compiled
def pushes(starts, columns, A, P_starts, P, q, kinds, z, active, terms, tails, of_columns, of_rows, push):
    """`terms` (B, n) and `tails` (B, n). `kinds` (m,): 1 of exponential cones, 2 of cones of one row, 0 of others.

    `active` (B, m): rows of exponential cones that have a multiplier. `of_columns` (2, n), `of_rows` (m,) and `push`
    (n,) are for work.
    """
    plain, alone = of_columns[0], of_columns[1]
    for k in range(len(A)):
        _flat(P_starts, P[k], plain)
        some = _terms(starts, columns, A[k], plain, q[k], kinds, z[k], active[k], terms[k])
        for j in range(len(push)):
            tails[k, j] = 0.0
        if some:
            _joining(starts, columns, A[k], plain, kinds, of_rows)
            _alone(starts, columns, A[k], kinds, of_rows, z[k], alone)
            for j in range(len(push)):
                tails[k, j] = terms[k, j] if alone[j] else 0.0
            while _handed_on(starts, columns, A[k], plain, alone, of_rows, z[k], tails[k], push):
                pass


@compiled
def _terms(starts, columns, A, plain, q, kinds, z, active, terms):
    """The largest terms of active rows in columns that are flat and not in q, which are `plain` then; are there any?"""
    some = False
    for j in range(len(terms)):
        plain[j] = plain[j] and q[j] == 0
        terms[j] = 0.0
    for i in range(len(kinds)):
        if kinds[i] == 1 and active[i]:
            for e in range(starts[i], starts[i + 1]):
                term = abs(A[e] * z[i])
                most = terms[columns[e]]
                if plain[columns[e]] and not (term <= most or most != most):
                    terms[columns[e]] = term
                    some = True
    return some


@compiled
def _joining(starts, columns, A, plain, kinds, joining):
    """Rows of cones of one row with entries in plain columns alone."""
    for i in range(len(kinds)):
        joining[i] = kinds[i] == 2
        for e in range(starts[i], starts[i + 1]):
            if A[e] != 0 and not plain[columns[e]]:
                joining[i] = False


@compiled
def _alone(starts, columns, A, kinds, joining, z, alone):
    """Columns in which no row pushes but exponential cones, bounds and joining rows."""
    for j in range(len(alone)):
        alone[j] = True
    for i in range(len(kinds)):
        if kinds[i] == 1 or joining[i]:
            continue
        count = 0
        for e in range(starts[i], starts[i + 1]):
            count += A[e] != 0
        if kinds[i] == 2 and count == 1:
            continue
        for e in range(starts[i], starts[i + 1]):
            if A[e] * z[i] != 0:  # or no number
                alone[columns[e]] = False


@compiled
def _handed_on(starts, columns, A, plain, alone, joining, z, tails, push):
    """Further columns get in `tails` what comes there by rows that balance a column before; are there any?"""
    some = False
    for j in range(len(tails)):
        push[j] = 0.0
    for i in range(len(joining)):
        if joining[i] and z[i] != 0:
            most = 0.0
            for e in range(starts[i], starts[i + 1]):
                if A[e] != 0:
                    most = max(most, tails[columns[e]] / abs(A[e]))
            for e in range(starts[i], starts[i + 1]):
                push[columns[e]] = max(push[columns[e]], abs(A[e]) * most)
    for j in range(len(tails)):
        if plain[j] and alone[j] and tails[j] == 0 and push[j] > 0:
            tails[j] = push[j]
            some = True
    return some
