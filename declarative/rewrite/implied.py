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
from declarative.atoms.algebra import filled
from declarative.ir.expr import Binder, Call, Constant, Expr, Index, Reduce, Variable
from declarative.ir.facts import Sign
from declarative.ir.size import Size
from declarative.ir.walk import varies
from declarative.rewrite.standard import Row, Standard

Binders = tuple[Binder, ...]


def without_implied_bounds(standard: Standard) -> Standard:
    """The same convex problem, where lower bounds of 0 that the objective implies say nothing."""
    kept_above = set(_kept_above(standard.objective))
    if not kept_above:
        return standard
    rows = tuple(_idle(row) if _bounded(row) in kept_above else row for row in standard.rows)
    bounded = dict.fromkeys(x for row in standard.rows if (x := _bounded(row)) in kept_above and x is not None)
    log = tuple(f"`{x.name} >= 0` is implied by the objective, whose slope at 0 is infinite" for x in bounded)
    return replace(standard, rows=rows, log=standard.log + log)


def _kept_above(objective: Expr) -> Iterator[Variable]:
    """The variables of which each entry is in a term that falls infinitely fast from 0 upwards."""
    pending: list[tuple[Expr, bool, Binders]] = [(objective, True, ())]
    while pending:
        e, minimised, binders = pending.pop()
        match e:
            case Call("add", args):
                pending += [(part, minimised, binders) for part in args]
            case Call("neg", (part,)):
                pending.append((part, not minimised, binders))
            case Call("sum", (part,)):
                pending.append((part, minimised, binders))
            case Call("mul" | "dot" | "div", (left, right)):
                part, weight = (left, right) if varies(left) else (right, left)
                sign = _sign_of_weight(e, weight, binders)
                if sign in Sign.POS or sign in Sign.NEG:
                    pending.append((part, minimised == (sign in Sign.POS), binders))
            case Reduce("sum", body, inner, None):
                pending.append((body, minimised, (*binders, *inner)))
            case Call("entr" | "log", (x,)) if not minimised and (variable := _whole(x, binders)):
                yield variable
            case Call("xlogx", (x,)) if minimised and (variable := _whole(x, binders)):
                yield variable


def _sign_of_weight(product: Call, weight: Expr, binders: Binders) -> Sign:
    """Of the factor of a product, or the divisor of a ratio, that is data."""
    divisor = product.args[1]
    if varies(weight) or (product.atom == "div" and weight is not divisor):
        return Sign.ANY
    return facts_of(weight, binders).sign


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
    return replace(row, body=filled(-1.0, row.body.shape))
