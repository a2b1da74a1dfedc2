"""The systems of active sets (`kkt/system.py`) of large programs, most of whose derivatives are 0: by their entries.

A few items side by side are factored as the barrier method's Newton systems are (`newton.py`), with H in the place of
M, and the rows of all constraints in that of the equations; what is out has a row of zeros. An item is `sound` where
this shows a regular matrix, and a minimum along the rows; the others are for a factorisation with pivots.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.constants import DEPENDENT
from declarative.backends.kkt.compiled.jit import inner, outer
from declarative.backends.kkt.compiled.newton import System, factor, solve_once, system_memory
from declarative.backends.kkt.compiled.pattern import Pattern
from declarative.backends.kkt.compiled.systems import REFINEMENTS, ROUNDS, root
from declarative.backends.kkt.compiled.vectors import multiply

BLOCK = 16  # items side by side
CLEAR = 100  # times what is added for dependent rows: less is no sign that a row is independent of the others
REGULAR = 1e-6  # the least eigenvalue of the equilibrated matrix
PROBES = 2  # steps of inverse iteration


class Given(NamedTuple):
    """H (B, n, n), A (B, m, n), which rows (B, m) are out, and which variables (B, n) are fixed."""

    H: np.ndarray
    A: np.ndarray
    out: np.ndarray
    fixed: np.ndarray


def memory(shape: Pattern) -> System:
    """That of a block, which keeps the factors."""
    return system_memory(shape, BLOCK)


@inner()
def gather(shape, system, given, first, count):
    """The entries of H and A, with zeros for what is out."""
    for e in range(len(shape.M)):
        i, k = shape.M[e, 0], shape.M[e, 1]
        for j in range(count):
            held = given.fixed[first + j, i] or given.fixed[first + j, k]
            system.M[e, j] = 0.0 if held else given.H[first + j, i, k]
    for e in range(len(shape.Jc)):
        r, i = shape.Jc[e, 0], shape.Jc[e, 1]
        for j in range(count):
            out = given.out[first + j, r] or given.fixed[first + j, i]
            system.J[e, j] = 0.0 if out else given.A[first + j, r, i]


@inner()
def set_all(rows, value):
    """The same number everywhere."""
    for i in range(len(rows)):
        for j in range(rows.shape[1]):
            rows[i, j] = value


@inner()
def equilibrate(shape, system, count):
    """The units D, as `linear/scaling.py` finds them; in place of vectors, those of the rows in y."""
    D, E, before, most, most_of_row = system.D, system.y, system.rx, system.dx, system.rc
    set_all(D, 1.0)
    set_all(E, 1.0)
    for _ in range(ROUNDS):
        for i in range(len(D)):
            for j in range(count):
                before[i, j] = D[i, j]
        set_all(most, 0.0)
        set_all(most_of_row, 0.0)
        for e in range(len(shape.M)):
            i, k = shape.M[e, 0], shape.M[e, 1]
            for j in range(count):
                size = abs(system.M[e, j])
                most[i, j] = max(most[i, j], size * before[k, j])
                most[k, j] = max(most[k, j], size * before[i, j])
        for e in range(len(shape.Jc)):
            r, i = shape.Jc[e, 0], shape.Jc[e, 1]
            for j in range(count):
                size = abs(system.J[e, j])
                most[i, j] = max(most[i, j], size * E[r, j])
                most_of_row[r, j] = max(most_of_row[r, j], size * before[i, j])
        for i in range(len(D)):
            for j in range(count):
                D[i, j] *= root(before[i, j] * most[i, j])
        for r in range(len(E)):
            for j in range(count):
                E[r, j] *= root(E[r, j] * most_of_row[r, j])
    for j in range(count):
        size = 0.0
        for e in range(len(shape.M)):
            size = max(size, D[shape.M[e, 0], j] * abs(system.M[e, j]) * D[shape.M[e, 1], j])
        unit = root(size)
        for i in range(len(D)):
            D[i, j] *= unit


@inner()
def apply_units(shape, system, given, first, count):
    """M and J in the units D, with 1 in the diagonal where a variable is fixed."""
    for e in range(len(shape.M)):
        multiply(system.M[e], system.M[e], system.D[shape.M[e, 0]], count)
        multiply(system.M[e], system.M[e], system.D[shape.M[e, 1]], count)
    for i in range(len(system.D)):
        for j in range(count):
            if given.fixed[first + j, i]:
                system.M[shape.diagonal[i], j] = 1.0
    for e in range(len(shape.Jc)):
        multiply(system.J[e], system.J[e], system.D[shape.Jc[e, 1]], count)


@inner()
def probe(shape, system, given, first, count, pivot):
    """About the least eigenvalue beside 1, by inverse iteration from a wave; 0 where pivots show dependent rows."""
    n, m, N = len(system.D), len(system.N), system.N
    for i in range(n + m):
        wave = 1.0 if np.sin(1.0 + 2.0 * i) > 0 else -1.0
        for j in range(count):
            if i < n:
                system.rx[i, j] = wave
            else:
                system.rc[i - n, j] = 0.0 if given.out[first + j, i - n] else wave / N[i - n, j]
    for _ in range(PROBES):
        solve_once(shape, system, system.dx, system.y, count)
        for j in range(count):
            size = 0.0
            for i in range(n):
                size = max(size, abs(system.dx[i, j]))
            for r in range(m):
                size = max(size, abs(system.y[r, j] / N[r, j]))
            pivot[first + j] = 1 / size
            for i in range(n):
                system.rx[i, j] = system.dx[i, j] / size
            for r in range(m):
                system.rc[r, j] = system.y[r, j] / (N[r, j] * N[r, j] * size)
    for r in range(m):
        own = system.L[shape.first[shape.column[n + r]]]
        for j in range(count):
            if not given.out[first + j, r] and not -own[j] > CLEAR * DEPENDENT:
                pivot[first + j] = 0.0


@outer
def factor_block(shape, system, given, first, count, pivot):
    """So many items from the `first` on: the factors, and the `pivot` (B,), 0 where an item is not sound."""
    gather(shape, system, given, first, count)
    equilibrate(shape, system, count)
    apply_units(shape, system, given, first, count)
    factor(shape, system, count)
    probe(shape, system, given, first, count, pivot)
    for j in range(count):
        if system.sound[0, j] == 0.0 or not pivot[first + j] > REGULAR:
            pivot[first + j] = 0.0


@inner()
def subtract_products(shape, given, b, w, right):
    """right -= [H, A'; A, 0] w for item b; of vectors for the variables and the rows."""
    n = given.H.shape[1]
    H, A = given.H[b], given.A[b]
    for e in range(len(shape.M)):
        i, k = shape.M[e, 0], shape.M[e, 1]
        right[i] -= H[i, k] * w[k]
        if i != k:
            right[k] -= H[i, k] * w[i]
    for e in range(len(shape.Jc)):
        r, i = shape.Jc[e, 0], shape.Jc[e, 1]
        right[i] -= A[r, i] * w[n + r]
        right[n + r] -= A[r, i] * w[i]


@inner()
def prepare(shape, system, given, b, j, x, rows, bounds, w, right, step):
    """What is left of the right-hand side of item b, for the solution w, into column j; `right` keeps it."""
    n, m = len(x), len(rows)
    for i in range(n):
        right[i] = x[i] - w[n + m + i]
        step[i] = bounds[i] - w[i] if given.fixed[b, i] else 0.0
    for r in range(m):
        right[n + r], step[n + r] = rows[r], 0.0
    subtract_products(shape, given, b, w, right)
    for i in range(n + m):
        w[i] += step[i]  # where bounds hold, the step is known
    subtract_products(shape, given, b, step, right)
    for i in range(n):
        system.rx[i, j] = 0.0 if given.fixed[b, i] else system.D[i, j] * right[i]
    for r in range(m):
        system.rc[r, j] = 0.0 if given.out[b, r] else right[n + r]


@inner()
def correct(shape, system, given, b, j, w, right, step):
    """The solution of item b, in column j, is added to w; what its bounds are pushed with follows from the rest."""
    n, m = given.H.shape[1], given.A.shape[1]
    for i in range(n):
        step[i] = 0.0 if given.fixed[b, i] else system.D[i, j] * system.dx[i, j]
    for r in range(m):
        step[n + r] = 0.0 if given.out[b, r] else system.y[r, j]
    subtract_products(shape, given, b, step, right)
    for i in range(n):
        if given.fixed[b, i]:
            w[n + m + i] += right[i]
    for i in range(n + m):
        w[i] += step[i]


@outer
def solve_block(shape, system, given, first, count, x, rows, bounds, w, right, step):
    """w (B, n + m + n) with K w = [x; rows; bounds], refined, for so many items; `right` and `step` are memory."""
    for _ in range(1 + REFINEMENTS):
        for j in range(count):
            b = first + j
            prepare(shape, system, given, b, j, x[b], rows[b], bounds[b], w[b], right[j], step)
        solve_once(shape, system, system.dx, system.y, count)
        for j in range(count):
            correct(shape, system, given, first + j, j, w[first + j], right[j], step)
