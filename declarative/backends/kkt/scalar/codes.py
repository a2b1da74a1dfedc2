"""The operations on scalars, by number, with what each does to constants."""

from collections.abc import Callable

import numpy as np

(
    ADD, SUB, MUL, DIV, POW, MAX, MIN, GT, GE, EQ, NE, AND, OR, WHERE, MULADD,
    NEG, ABS, SIGN, EXP, EXPM1, LOG, LOG1P, SQRT, SIN, COS, TAN, ASIN, ACOS, ATAN, SINH, COSH, TANH, ERF, LGAMMA,
) = range(34)  # fmt: skip

COMMUTE = frozenset({ADD, MUL, EQ, NE, AND, OR})  # MAX and MIN do not, for -0.0 and 0.0

FOLDED: dict[int, Callable[..., float]] = {
    ADD: np.add, SUB: np.subtract, MUL: np.multiply, DIV: np.divide, POW: np.power, MAX: np.maximum, MIN: np.minimum,
    GT: np.greater, GE: np.greater_equal, EQ: np.equal, NE: np.not_equal, NEG: np.negative, ABS: np.abs,
    AND: np.logical_and, OR: np.logical_or, EXP: np.exp, LOG: np.log, SQRT: np.sqrt,
}  # fmt: skip
