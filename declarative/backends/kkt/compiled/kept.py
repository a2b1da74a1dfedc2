"""The factors of an active set's KKT system: kept for each item, and what they solve.

With P = LL', the active rows C and VV' = KK' for V = C L'^-1. Where entries are few (`outline.py`), nothing is read
outside of the envelopes of L and K, and V is not kept: its products are those of C and P^-1.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled import blas
from declarative.backends.kkt.compiled.along import copy, fill, subtract
from declarative.backends.kkt.compiled.blas import times, transposed_times
from declarative.backends.kkt.compiled.envelope import factor_envelope, solve_envelope, solve_lower, solve_upper
from declarative.backends.kkt.compiled.jit import inner
from declarative.backends.kkt.compiled.rows import add_row, row_times
from declarative.backends.kkt.compiled.tiles import cholesky

DEFINITE = 1e-13  # the square of a pivot of P beside its diagonal, from which on P counts as positive definite


class Kept(NamedTuple):
    """For each item: P's factor L (n n), the active rows V (k, n), the factor K (k k) with the places `first` where its
    rows start, the rows' numbers and count. L may have a leading axis of one, and V is memory alone where entries are
    few.
    """

    L: np.ndarray
    V: np.ndarray
    K: np.ndarray
    first: np.ndarray
    rows: np.ndarray
    count: np.ndarray


@inner()
def factor_curvature(routines, item, shift, L, info):
    """L (n n) = the Cholesky factor of P with `shift` (n,) added to its diagonal; false where that is not definite."""
    n, span = len(item.q), item.outline.span
    for i in range(n):
        first = span[0, i] if item.outline.thin else 0
        copy(item.P[i, first : i + 1], L[i * n + first :])
        L[i * n + i] += shift[i]
    if item.outline.thin:
        return factor_envelope(span[0], L, n)
    return cholesky(routines, L, n, n, info) == 0


@inner()
def safely_definite(item, L):
    """Is P, whose factor L is, positive definite by more than rounding?"""
    n, margin = len(item.q), np.inf
    for i in range(n):
        margin = min(margin, L[i * n + i] ** 2 / item.P[i, i])
    return margin > DEFINITE


@inner()
def lower(routines, item, L, x):
    """x (n,) becomes L^-1 x."""
    if item.outline.thin:
        solve_lower(item.outline.span[0], L, x)
    else:
        blas.solve_lower(routines, L, len(x), len(x), x)


@inner()
def upper(routines, item, L, x):
    """x (n,) becomes L'^-1 x."""
    if item.outline.thin:
        solve_upper(item.outline.span[0], L, x)
    else:
        blas.solve_upper(routines, L, len(x), len(x), x)


@inner()
def keep(item, work, kept, b, k):
    """Store what solves with the active set of item b."""
    kept.count[b] = k
    for i in range(k):
        place = work.order[i]
        if not item.outline.thin:
            copy(work.V[place], kept.V[b, i])
        first = work.first[i] if item.outline.thin else 0
        kept.rows[b, i], kept.first[b, i] = work.seen[place], first
        copy(work.K[i * k + first : i * k + i + 1], kept.K[b, i * k + first :])


@inner()
def solve_active(routines, L, V, K, n, k, rx, rows):
    """(rx, rows) become the solution (x, w) of P x + C'w = rx, C x = rows, with P = LL', V = C L'^-1, VV' = KK'."""
    blas.solve_lower(routines, L, n, n, rx)
    if k > 0:
        times(routines, V, k, n, rx, 1.0, rows, -1.0)
        blas.solve_lower(routines, K, k, k, rows)
        blas.solve_upper(routines, K, k, k, rows)
        transposed_times(routines, V, k, n, rows, -1.0, rx, 1.0)
    blas.solve_upper(routines, L, n, n, rx)


@inner()
def solve_few(item, L, kept, b, rx, rows, spare):
    """The same of few entries, for the active rows of item b; `spare` (n,) is memory."""
    k, first, ends = kept.count[b], item.outline.span[0], len(item.b) + len(item.h)
    solve_envelope(first, L, rx)
    for i in range(k):
        r = kept.rows[b, i]
        rows[i] = (row_times(item, r, rx) if r < ends else rx[item.bounded[r - ends]]) - rows[i]
    solve_envelope(kept.first[b], kept.K[b], rows[:k])
    fill(spare, len(rx), 0.0)
    for i in range(k):
        r = kept.rows[b, i]
        if r < ends:
            add_row(item, r, rows[i], spare)
        else:
            spare[item.bounded[r - ends]] += rows[i]
    solve_envelope(first, L, spare)
    subtract(spare, 1.0, rx)


@inner()
def solve_system(routines, item, L, kept, b, rx, rows, spare):
    """(rx, rows) become the solution (x, w) of P x + C'w = rx, C x = rows for the active rows C of item b."""
    if item.outline.thin:
        solve_few(item, L, kept, b, rx, rows, spare)
    else:
        solve_active(routines, L, kept.V[b], kept.K[b], len(rx), kept.count[b], rx, rows)
