"""A block's points -> the program's functions there, their derivatives, and the matrix of the Newton system.

Of derivatives only the entries that may be other than 0 (`pattern.py`).
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.blas import fortran
from declarative.backends.kkt.compiled.constants import LEAST_SHARE
from declarative.backends.kkt.compiled.jit import inner
from declarative.backends.kkt.compiled.vectors import ZEROS, multiply, nonzero, on_rows


class Function(NamedTuple):
    """A list of operations and what runs it; the places of x (n), of the weights of f, c and g (1 + p + q) and of the
    results; and rows (argument, entry, place) for the parameters.
    """

    interpreter: int
    operations: np.ndarray
    x: np.ndarray
    weights: np.ndarray
    parameters: np.ndarray
    results: np.ndarray
    memory: np.ndarray


@inner()
def call(function, a, o, x, target, weighted, count):
    """The results of a function at rows x, in the user's units, into rows from `target` on."""
    memory = function.memory
    for i in range(o.n):
        place = memory[function.x[i]]
        for j in range(count):
            place[j] = a[x + i, j] * a[o.x_unit + i, j]
    for r in range(1 + o.p + o.q if weighted else 0):
        place, unit = memory[function.weights[r]], o.f_unit + r
        row = unit if r == 0 else o.y + r - 1 if r <= o.p else o.z + r - 1 - o.p
        for j in range(count):
            place[j] = a[unit, j] * (a[row, j] if r > 0 else 1.0)
    operations = function.operations
    fortran(function.interpreter, (operations, np.int64(len(operations)), memory, np.int64(count)))
    for k in range(len(function.results)):
        value, row = memory[function.results[k]], a[target + k]
        for j in range(count):
            row[j] = value[j]


@inner()
def scale_values(a, o, f, c, count):
    """f, and c and g that follow each other, in the method's units."""
    multiply(a[f], a[f], a[o.f_unit], count)
    for r in range(o.p + o.q):
        multiply(a[c + r], a[c + r], a[o.c_unit + r], count)


@inner()
def evaluate(task, a, o, count):
    """The model at x, in the method's units, with derivatives in the variables that are free."""
    call(task.local, a, o, o.x, o.f, True, count)
    scale_values(a, o, o.f, o.c, count)
    for i in range(o.n):
        slope = a[o.slope + i]
        multiply(slope, slope, a[o.f_unit], count)
        column(slope, a[o.x_unit + i], a[o.fixed + i], count)
    H, Jc, Jg = task.pattern.H, task.pattern.Jc, task.pattern.Jg
    for e in range(len(H)):
        entry, i, k = a[o.H + e], H[e, 0], H[e, 1]
        column(entry, a[o.x_unit + i], a[o.fixed + i], count)
        column(entry, a[o.x_unit + k], a[o.fixed + k], count)
        if i == k:
            for j in range(count):
                entry[j] += a[o.fixed + i, j]
    scale_rows(Jc, a, o, o.Jc, o.c_unit, count)
    scale_rows(Jg, a, o, o.Jg, o.g_unit, count)


@inner()
def scale_rows(entries, a, o, J, unit, count):
    """The entries of a Jacobian from row J on, in the method's units."""
    for e in range(len(entries)):
        entry, r, i = a[J + e], entries[e, 0], entries[e, 1]
        multiply(entry, entry, a[unit + r], count)
        column(entry, a[o.x_unit + i], a[o.fixed + i], count)


# A derivative (the target) in a variable of this unit (x), 0 where it is fixed (y).
column = on_rows(lambda b, target, unit, fixed: b.select(nonzero(b, fixed), ZEROS, b.fmul(target, unit)))


@inner()
def newton_matrix(task, system, a, o, count):
    """M = H + C' sigma C and J = Jc, in units that make M's diagonal at most one."""
    shape, M, q = task.pattern, system.M, o.q
    for e in range(len(shape.M)):
        for j in range(count):
            M[e, j] = 0.0
    for e in range(len(shape.H)):
        entry, H = M[shape.of_H[e]], a[o.H + e]
        for j in range(count):
            entry[j] = H[j]
    for e in range(len(shape.pairs)):
        entry, sigma = M[shape.pairs[e, 0]], a[o.sigma + shape.pairs[e, 1]]
        left, right = a[o.Jg + shape.pairs[e, 2]], a[o.Jg + shape.pairs[e, 3]]
        for j in range(count):
            entry[j] += sigma[j] * (left[j] * right[j])
    for k in range(len(task.low)):
        entry, sigma = M[shape.diagonal[task.low[k]]], a[o.sigma + q + k]
        for j in range(count):
            entry[j] += sigma[j]
    for k in range(len(task.high)):
        entry, sigma = M[shape.diagonal[task.high[k]]], a[o.sigma + q + len(task.low) + k]
        for j in range(count):
            entry[j] += sigma[j]
    shares(task, system, a, o, count)
    for e in range(len(shape.M)):
        multiply(M[e], M[e], system.D[shape.M[e, 0]], count)
        multiply(M[e], M[e], system.D[shape.M[e, 1]], count)
    for e in range(len(shape.Jc)):
        multiply(system.J[e], a[o.Jc + e], system.D[shape.Jc[e, 1]], count)


@inner()
def shares(task, system, a, o, count):
    """The units D, and the share of H in the diagonal of M."""
    for e in range(len(task.pattern.H)):
        i = task.pattern.H[e, 0]
        if i == task.pattern.H[e, 1]:
            diagonal, H = system.M[task.pattern.diagonal[i]], a[o.H + e]
            for j in range(count):
                size, own = max(abs(diagonal[j]), 1.0), max(abs(H[j]), 1.0)
                system.D[i, j], system.share[i, j] = 1 / np.sqrt(size), max(own / size, LEAST_SHARE)
