"""What rounding makes of a list's results: Wilkinson's running error analysis (Higham, Accuracy and Stability of
Numerical Algorithms, section 3.3), written down beside the operations.

Each operation adds a unit of its own value to what it makes of the errors of its arguments. Inputs and constants are
what they are: a row that says x - a for a parameter a has no error where x is a. But in (u + 9.81) cos(t) - 9.81 each
term has one, however small u and t are, of 1e-15, and what is left is not known any better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from math import pi, sqrt

import torch
from torch import Tensor

from declarative.backends.kkt.scalar import codes as op
from declarative.backends.kkt.scalar.listing import ZERO, Builder

MOST = 1e4  # units of the largest number on the way: of a map that contracts, the bound grows where the error does not
EACH = 8  # operations that say what one makes of rounding: no reason to do without a list
UNIT = 2.0**-52  # of a value: its error, and that of a function which is right to the last digit but one
Entry = int | float
Emit = Callable[..., int]


if not hasattr(torch.ops.declarative, "rounding_error"):  # torch knows it for good, and modules may be imported anew
    torch.library.define("declarative::rounding_error", "(Tensor value) -> Tensor")
    torch.library.impl("declarative::rounding_error", "default", torch.zeros_like)


def rounding_error(value: Tensor) -> Tensor:
    """A bound on what rounding makes of each entry of a value, where that is written down as a list of operations; of
    plain numbers, whose history is unknown, 0.
    """
    return torch.ops.declarative.rounding_error(value)


def errors(builder: Builder, results: Iterable[int]) -> list[int]:
    """The numbers of these bounds, of results by number; 0 where a bound is not finite, and says nothing."""
    results, emit = list(results), partial(_emit, builder)
    found: dict[int, int] = {}
    peaks: dict[int, int] = {}
    needed = _needed(builder, results)
    builder.limit += EACH * len(needed)
    for k in needed:
        found[k], peaks[k] = _error(builder, k, found), _peak(builder, k, peaks)

    def bound(k: int) -> int:
        size = emit(op.MIN, found[k], emit(op.MUL, MOST, peaks[k]))
        return emit(op.WHERE, emit(op.GT, float("inf"), found[k]), emit(op.MUL, UNIT, size), ZERO)

    return [bound(k) for k in results]


def _needed(builder: Builder, results: list[int]) -> list[int]:
    """The numbers that these results are made of, in order."""
    seen, ahead = set(results), list(results)
    while ahead:
        code, *args = builder.nodes[ahead.pop()]
        if code >= 0:
            ahead += [a for a in set(args) if a not in seen]
            seen.update(args)
    return sorted(seen)


def _error(builder: Builder, k: int, found: dict[int, int]) -> int:
    """The error of a number in units, of those of its arguments."""
    code, *args = builder.nodes[k]
    if code < 0 or code in EXACT:
        return ZERO
    own, emit = [found[a] for a in args], partial(_emit, builder)
    if code in PASSED:
        return PASSED[code](emit, *args, *own)
    size = emit(op.ABS, k)
    if all(e == ZERO for e in own):
        return size
    return emit(op.ADD, size, MADE[code](emit, k, *args, *own))


def _peak(builder: Builder, k: int, peaks: dict[int, int]) -> int:
    """The largest absolute value of a number and of those that it is made of."""
    code, *args = builder.nodes[k]
    if code in EXACT:
        return ZERO
    if code == op.WHERE:
        return _emit(builder, code, args[0], peaks[args[1]], peaks[args[2]])
    size = _emit(builder, op.ABS, k)
    for a in args if code >= 0 else ():
        size = _emit(builder, op.MAX, size, peaks[a])
    return size


def _emit(builder: Builder, code: int, *args: Entry) -> int:
    return builder.emit(code, *(builder.constant(a) if isinstance(a, float) else a for a in args))


def _slope(of: Callable[[Emit, int, int], int]) -> Callable[..., int]:
    """The error of a function of one number: its slope's size, of the argument and the value, times the argument's."""

    def made(E: Emit, v: int, a: int, e: int) -> int:
        return E(op.MUL, e, E(op.ABS, of(E, a, v)))

    return made


def _square(E: Emit, a: int) -> int:
    return E(op.MUL, a, a)


def _of_sum(E: Emit, v: int, a: int, b: int, ea: int, eb: int) -> int:
    return E(op.ADD, ea, eb)


def _of_product(E: Emit, v: int, a: int, b: int, ea: int, eb: int) -> int:
    return E(op.ADD, E(op.MUL, E(op.ABS, a), eb), E(op.MUL, E(op.ABS, b), ea))


def _of_quotient(E: Emit, v: int, a: int, b: int, ea: int, eb: int) -> int:
    return E(op.DIV, E(op.ADD, ea, E(op.MUL, E(op.ABS, v), eb)), E(op.ABS, b))


def _of_power(E: Emit, v: int, a: int, p: int, ea: int, ep: int) -> int:
    size = E(op.ABS, v)
    of_base = E(op.DIV, E(op.MUL, E(op.ABS, p), ea), E(op.ABS, a))
    if ep == ZERO:
        return E(op.MUL, size, of_base)
    return E(op.MUL, size, E(op.ADD, of_base, E(op.MUL, ep, E(op.ABS, E(op.LOG, a)))))


def _of_lgamma(E: Emit, v: int, a: int, e: int) -> int:
    """The slope is between log(a) - 1/a and log(a), for a > 0."""
    return E(op.MUL, e, E(op.ADD, E(op.ABS, E(op.LOG, a)), E(op.DIV, 1.0, E(op.ABS, a))))


EXACT = frozenset({op.SIGN, op.GT, op.GE, op.EQ, op.NE, op.AND, op.OR})
PASSED: dict[int, Callable[..., int]] = {
    op.NEG: lambda E, a, e: e,
    op.ABS: lambda E, a, e: e,
    op.MAX: lambda E, a, b, ea, eb: E(op.MAX, ea, eb),
    op.MIN: lambda E, a, b, ea, eb: E(op.MAX, ea, eb),
    op.WHERE: lambda E, c, a, b, ec, ea, eb: E(op.WHERE, c, ea, eb),
}
MADE: dict[int, Callable[..., int]] = {
    op.ADD: _of_sum,
    op.SUB: _of_sum,
    op.MUL: _of_product,
    op.DIV: _of_quotient,
    op.POW: _of_power,
    op.EXP: _slope(lambda E, a, v: v),
    op.EXPM1: _slope(lambda E, a, v: E(op.ADD, 1.0, v)),
    op.LOG: _slope(lambda E, a, v: E(op.DIV, 1.0, a)),
    op.LOG1P: _slope(lambda E, a, v: E(op.DIV, 1.0, E(op.ADD, 1.0, a))),
    op.SQRT: _slope(lambda E, a, v: E(op.DIV, 0.5, v)),
    op.SIN: _slope(lambda E, a, v: E(op.COS, a)),
    op.COS: _slope(lambda E, a, v: E(op.SIN, a)),
    op.TAN: _slope(lambda E, a, v: E(op.ADD, 1.0, _square(E, v))),
    op.ASIN: _slope(lambda E, a, v: E(op.DIV, 1.0, E(op.SQRT, E(op.SUB, 1.0, _square(E, a))))),
    op.ACOS: _slope(lambda E, a, v: E(op.DIV, 1.0, E(op.SQRT, E(op.SUB, 1.0, _square(E, a))))),
    op.ATAN: _slope(lambda E, a, v: E(op.DIV, 1.0, E(op.ADD, 1.0, _square(E, a)))),
    op.SINH: _slope(lambda E, a, v: E(op.COSH, a)),
    op.COSH: _slope(lambda E, a, v: E(op.SINH, a)),
    op.TANH: _slope(lambda E, a, v: E(op.SUB, 1.0, _square(E, v))),
    op.ERF: _slope(lambda E, a, v: E(op.MUL, 2 / sqrt(pi), E(op.EXP, E(op.NEG, _square(E, a))))),
    op.LGAMMA: _of_lgamma,
}
