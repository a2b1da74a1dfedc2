"""Sums and products of expressions, as graph forms and rewrites need them to be built."""

from __future__ import annotations

from declarative.atoms.arithmetic import ADD, MUL, NEG, POWER
from declarative.atoms.blocks import SUM
from declarative.atoms.build import call
from declarative.ir.expr import Binder, Constant, Expr, IndexSymbol, Stack
from declarative.ir.problem import Comparison, Relation
from declarative.ir.size import Shape, Size


def plus(*terms: Expr) -> Expr:
    return call(ADD, *terms)


def minus(x: Expr, y: Expr) -> Expr:
    return call(ADD, x, negative(y))


def negative(x: Expr) -> Expr:
    return Constant(-x.value) if isinstance(x, Constant) else call(NEG, x)


def times(x: Expr | float, y: Expr) -> Expr:
    return call(MUL, x if not isinstance(x, int | float) else Constant(float(x)), y)


def square(x: Expr) -> Expr:
    return call(POWER, x, options={"p": 2.0})


def total(x: Expr) -> Expr:
    return call(SUM, x) if x.shape else x


def filled(number: float, shape: Shape) -> Expr:
    """An array with this number everywhere; no index of its own is one that stands around it."""
    binders = tuple(Binder(IndexSymbol(10_000 + axis, "k"), Size.of(0), size) for axis, size in enumerate(shape))
    return Stack(Constant(number), binders) if shape else Constant(number)


def at_least(left: Expr, right: Expr | float) -> Comparison:
    """The row `left >= right`."""
    return Comparison(None, Relation.GE, left, right if not isinstance(right, int | float) else Constant(float(right)))


def at_most(left: Expr, right: Expr) -> Comparison:
    return Comparison(None, Relation.LE, left, right)


def equal(left: Expr, right: Expr) -> Comparison:
    return Comparison(None, Relation.EQ, left, right)
