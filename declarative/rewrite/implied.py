"""Bounds that a function in the objective implies: `x >= 0` beside `-entr(x)`, `-log(x)` or `x*log(x)`.

Their slope at 0 is minus infinity. Where some feasible point has an entry above 0, a step towards it pays, so that no
solution has the entry at 0, and the multiplier of the bound is 0. A cone program would state the bound twice, by the
row and by the function's cone; near 0 both hold, and which of them pushes is for rounding errors to decide. So the row
becomes one that always holds, -1 <= 0, whose multiplier is 0 too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from declarative.analysis.facts import facts_of
from declarative.atoms.along import new_indices
from declarative.ir.expr import Binder, Call, Constant, Expr, Index, Reduce, Stack, Variable
from declarative.ir.facts import Sign
from declarative.ir.size import Size
from declarative.ir.walk import varies
from declarative.rewrite.standard import Row, Standard

Binders = tuple[Binder, ...]


def without_implied_bounds(standard: Standard) -> Standard:
    """The same convex problem, where lower bounds of 0 that the objective implies say nothing."""
    kept_above = set(_kept_above(standard.objective, True, ()))
    if not kept_above:
        return standard
    return replace(standard, rows=tuple(_idle(row) if _bounded(row) in kept_above else row for row in standard.rows))


def _kept_above(e: Expr, minimised: bool, binders: Binders) -> Iterator[Variable]:
    """The variables of which each entry is in a term that falls infinitely fast from 0 upwards."""
    match e:
        case Call("add", args):
            for part in args:
                yield from _kept_above(part, minimised, binders)
        case Call("neg", (part,)):
            yield from _kept_above(part, not minimised, binders)
        case Call("sum", (part,)):
            yield from _kept_above(part, minimised, binders)
        case Call("mul" | "dot" | "div", (left, right)):
            part, weight = (left, right) if varies(left) else (right, left)
            sign = Sign.ANY if varies(weight) or (e.atom == "div" and part is right) else facts_of(weight, binders).sign
            if sign in Sign.POS or sign in Sign.NEG:
                yield from _kept_above(part, minimised == (sign in Sign.POS), binders)
        case Reduce("sum", body, inner, None):
            yield from _kept_above(body, minimised, (*binders, *inner))
        case Call("entr" | "log", (x,)) if not minimised and (variable := _whole(x, binders)):
            yield variable
        case Call("xlogx", (x,)) if minimised and (variable := _whole(x, binders)):
            yield variable


def _whole(e: Expr, binders: Binders) -> Variable | None:
    """The variable that `e` is, or an entry of which it is such that the binders run over all."""
    match e:
        case Variable():
            return e
        case Index(Variable() as variable, subscripts) if subscripts == tuple(b.index for b in binders):
            ranges = tuple((b.lo, b.hi) for b in binders)
            return variable if ranges == tuple((Size.of(0), size) for size in variable.shape) else None
    return None


def _bounded(row: Row) -> Variable | None:
    """The variable x of a row -x <= 0."""
    match row.body:
        case Call("neg", (x,)) | Call("add", (Constant(0.0), Call("neg", (x,)))) if not row.equality:
            return _whole(x, row.binders) if row.condition is None else None
    return None


def _idle(row: Row) -> Row:
    """-1 <= 0, in the row's shape."""
    everywhere, shape = Constant(-1.0), row.body.shape
    indices = new_indices("k" * len(shape), shape, row.body)
    return replace(row, body=Stack(everywhere, indices) if shape else everywhere)
