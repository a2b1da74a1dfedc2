"""The functions of the library that keep a value affine or quadratic in the unknowns, one rule each."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
import torch

from declarative.atoms.registry import find
from declarative.atoms.subsystems import diagonals
from declarative.backends.tape.arrays import Sizes
from declarative.backends.tape.polynomial import Moving, NotPolynomial, Polynomials, Rule
from declarative.backends.tape.tape import Apply, Fold, Slot


def _data(value: Moving) -> Slot:
    """The slot of a value without unknowns."""
    if value.terms or value.constant is None:
        raise NotPolynomial
    return value.constant


def _add(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    return p.added([p.spread(arg, sizes) for arg in args])


def _neg(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    return p.times(args[0], -1.0)


def _mul(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    same = call.args[0] == call.args[1]
    return p.product(args[0], args[0] if same else args[1])


def _div(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    return p.quotient(*args)


def _power(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    match call.form.options["p"]:
        case 1.0:
            return args[0]
        case 2.0:
            return p.product(args[0], args[0])
        case _:
            raise NotPolynomial


def _square(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    return p.product(args[0], args[0])


def _sumsq(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    return p.summed(p.product(args[0], args[0]), len(call.form.shapes[0]))


def _quad_over_lin(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    return p.quotient(_sumsq(p, call, args[:1], sizes), args[1])


def _geo_mean(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    """exp(mean(log(x)))."""
    total = p.summed(p.entrywise("log", args[0]), 1)
    return p.entrywise("exp", p.times(total, 1 / prod(call.form.shapes[0])))


def _quad(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    x, A = args
    if x.terms:
        return p.summed(p.product(x, p.multiplied(_data(A), x), symmetric=p.is_symmetric(_data(A))), 1)
    row, column = p.reshaped(x, (*x.sizes[:-1], 1, x.sizes[-1])), p.reshaped(x, (*x.sizes, 1))
    return p.summed(p.product(p.product(column, row), A), 2)


def _dot(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    for x, y in (args, args[::-1]):
        if not y.terms:
            row = p.arrays.reshape(_data(y), (*y.sizes[:-1], 1, y.sizes[-1]))
            return p.reshaped(p.multiplied(row, x), sizes)
    return p.summed(p.product(args[0], args[1]), 1)


def _outer(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    x, y = args
    return p.product(p.reshaped(x, (*x.sizes, 1)), p.reshaped(y, (*y.sizes[:-1], 1, y.sizes[-1])))


def _matmul(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    A, B = args
    vector = len(call.form.shapes[1]) == 1
    if vector and not A.terms:
        return p.multiplied(_data(A), B)
    *lead, m, k = A.sizes
    if vector:
        B = p.reshaped(B, (*B.sizes, 1))
    if not A.terms:  # the columns of B are vectors
        return p.transposed(p.multiplied(p.arrays.reshape(_data(A), (*lead, 1, m, k)), p.transposed(B)))
    if not B.terms:  # the rows of A are vectors
        columns = p.transposed(B)
        rows = p.arrays.reshape(_data(columns), (*B.sizes[:-2], 1, B.sizes[-1], k))
        return p.reshaped(p.multiplied(rows, A), sizes)
    *more, _, n = B.sizes
    grid = p.product(p.reshaped(p.transposed(A), (*lead, k, m, 1)), p.reshaped(B, (*more, k, 1, n)))
    index = np.arange(prod(sizes)).reshape(*sizes[: len(grid.sizes) - 3], 1, m, n)
    groups = np.broadcast_to(index, grid.sizes).reshape(-1)
    terms = tuple(p.maps.folded(term, groups) for term in grid.terms)
    constant = None if grid.constant is None else p.arrays.emit(Fold("sum", grid.constant, (len(grid.sizes) - 3,)))
    return p.reshaped(Moving((*grid.sizes[:-3], m, n), constant, terms), sizes)


def _sum(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    return p.summed(args[0], len(call.form.shapes[0]))


def _mean(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    return p.times(_sum(p, call, args, sizes), 1 / max(1, prod(call.form.shapes[0])))


def _trace(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    return _sum_of_entries(p, args[0], _numbers(args[0]).diagonal(0, -2, -1))


def _partial_trace(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    return _sum_of_entries(p, args[0], diagonals(call.form, _numbers(args[0])))


def _numbers(value: Moving) -> np.ndarray:
    return np.arange(prod(value.sizes)).reshape(value.sizes)


def _sum_of_entries(p: Polynomials, value: Moving, index: np.ndarray) -> Moving:
    """Over the last axis of an array of their numbers."""
    constant = None if value.constant is None else p.arrays.gather(value.constant, np.array(index))
    return p.summed(Moving(index.shape, constant, p.labelled(value.terms, index.reshape(-1))), 1)


def _diff(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    (value,) = args
    index = _numbers(value)
    after, before = (p.labelled(value.terms, part.reshape(-1)) for part in (index[..., 1:], index[..., :-1]))
    terms = after + tuple(replace(term, number=-term.number) for term in before)
    return Moving(sizes, _of_constant(p, call, args), terms)


def _cumsum(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    (value,), n = args, call.form.shapes[0][0]
    to, of = np.tril_indices(n)
    first = n * np.arange(prod(sizes[:-1]))[:, None]
    spread = p.labelled(value.terms, (first + of).reshape(-1))
    terms = tuple(p.maps.folded(term, (first + to).reshape(-1)) for term in spread)
    return Moving(sizes, _of_constant(p, call, args), terms)


def _conv(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    grid = _outer(p, call, args, sizes)
    *lead, m, n = grid.sizes
    groups = (m + n - 1) * np.arange(prod(lead))[:, None, None] + np.arange(m)[:, None] + np.arange(n)
    terms = tuple(p.maps.folded(term, groups.reshape(-1)) for term in grid.terms)
    constant = grid.constant
    if constant is not None:
        flat = p.arrays.reshape(constant, (groups.size,))
        constant = p.arrays.reshape(p.arrays.scatter(flat, groups.reshape(-1), prod(sizes)), sizes)
    return Moving(sizes, constant, terms)


def _kron(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    (*lead, m, n), (*more, h, w) = (arg.sizes for arg in args)
    left, right = p.reshaped(args[0], (*lead, m, 1, n, 1)), p.reshaped(args[1], (*more, 1, h, 1, w))
    return p.reshaped(p.product(left, right), sizes)


def _of_constant(p: Polynomials, call: Apply, args: list[Moving]) -> Slot | None:
    """The function of the constants of its arguments; it is linear in all of them together."""
    if all(arg.constant is None for arg in args):
        return None
    given = (p.arrays.literal(np.zeros(arg.sizes)) if arg.constant is None else arg.constant for arg in args)
    return p.arrays.emit(replace(call, args=tuple(given)))


def _moved(p: Polynomials, call: Apply, args: list[Moving], sizes: Sizes) -> Moving:
    """A function that only moves entries: what it does to their numbers says where each comes from."""
    record = find(call.atom)
    assert record is not None
    terms = ()
    for own, arg in enumerate(args):
        numbers = [torch.zeros(1, *a.sizes, dtype=torch.float64) for a in args]
        numbers[own] += torch.arange(1.0, prod(arg.sizes) + 1, dtype=torch.float64).reshape(1, *arg.sizes)
        moved = record.torch(torch, call.form, *numbers)
        terms += p.labelled(arg.terms, moved.reshape(-1).numpy().astype(np.int64) - 1)
    return Moving(sizes, _of_constant(p, call, args), terms)


RULES: dict[str, Rule] = {
    "add": _add,
    "neg": _neg,
    "mul": _mul,
    "div": _div,
    "power": _power,
    "square": _square,
    "sumsq": _sumsq,
    "quad_over_lin": _quad_over_lin,
    "geo_mean": _geo_mean,
    "quad": _quad,
    "dot": _dot,
    "outer": _outer,
    "matmul": _matmul,
    "sum": _sum,
    "mean": _mean,
    "trace": _trace,
    "partial_trace": _partial_trace,
    "diff": _diff,
    "cumsum": _cumsum,
    "conv": _conv,
    "kron": _kron,
    **dict.fromkeys(("concat", "block", "stack", "transpose", "reshape", "vec"), _moved),
    **dict.fromkeys(("diag", "diag_matrix", "upper_tri", "vec_to_upper_tri", "partial_transpose"), _moved),
}
