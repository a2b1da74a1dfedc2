"""Sums, powers and transposes of values; which of them may stand beside each other, and what to write instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from declarative.atoms.apply import apply
from declarative.atoms.record import ShapeMismatch
from declarative.elaborate.context import Context
from declarative.elaborate.elsewhere import INVERSE
from declarative.elaborate.values import Value, described, shown, stripped
from declarative.ir.expr import Constant, Expr
from declarative.ir.size import ONE
from declarative.source.span import Span
from declarative.syntax import tree

Operand: TypeAlias = tuple[tree.Node | Span, Value]


def applied(
    ctx: Context, name: str, args: Sequence[Expr], span: Span, spans: Sequence[Span] = (), **options
) -> Expr | None:
    """A function of the library applied; shapes that do not fit are reported at the argument to blame."""
    try:
        return apply(name, *args, origin=span, **options)
    except ShapeMismatch as found:
        if found.argument is None or found.argument >= len(spans):
            return ctx.report.error("E205", span, found.message, hints=found.hints)
        return ctx.report.error("E203", spans[found.argument], found.message, hints=found.hints)


def summed(ctx: Context, terms: Sequence[tuple[str, tree.Expression, Value]], span: Span) -> Value | None:
    """`a + b - c`: equal shapes; scalars broadcast. Each term comes with its sign and its text."""
    arrays = [(op, node, v) for op, node, v in terms if v.rank]
    if any(not fits(ctx, op, arrays[0][1:], (node, v)) for op, node, v in arrays[1:]):
        return None
    signed = [v.expr if op == "+" else _subtracted(v.expr, node.span) for op, node, v in terms]
    total = applied(ctx, "add", signed, span)
    return None if total is None else Value(total, bool(arrays) and arrays[0][2].row)


def _subtracted(e: Expr, span: Span) -> Expr:
    """A number stays where it is written, for an argument of a `def` outside of its body."""
    return apply("neg", e, origin=e.origin if isinstance(e, Constant) else span)


def fits(ctx: Context, op: str, left: Operand, right: Operand) -> bool:
    """True for equal shapes, both or neither a row; else False, and reported at the second one."""
    (a, x), (b, y) = left, right
    if x.shape == y.shape and x.row == y.row:
        return True
    facts = f"{described(a, x)}, {described(b, y)}"
    span = b.span if isinstance(b, tree.Node) else b
    if x.shape == y.shape:
        row = a if x.row else b
        hints = [f"leave out the transpose of {shown(row)}"]
        ctx.report.error("E203", span, f"`{op}` needs two vectors or two rows: {facts}", hints=hints)
    elif x.rank == y.rank:
        needs = " and ".join(f"{p} == {q}" for p, q in zip(x.shape, y.shape, strict=True) if p != q)
        ctx.report.error("E203", span, f"`{op}` needs {needs}: {facts}")
    else:
        column = (*x.shape, ONE) == y.shape or (*y.shape, ONE) == x.shape
        hints = ["a column is a vector here: declare it R^n, not R^(n,1)"] if column else []
        ctx.report.error("E203", span, f"`{op}` needs equal shapes, or a scalar: {facts}", hints=hints)
    return False


def negated(value: Value, span: Span) -> Value:
    return replace(value, expr=apply("neg", value.expr, origin=span))


def transposed(ctx: Context, body: tree.Expression, value: Value, span: Span) -> Value | None:
    """A vector becomes a row and a row a vector; a number has none, lest `1'*x` be read as the sum of x."""
    match value.rank:
        case 0:
            literal = isinstance(value.expr, Constant)
            hint = "for the sum of the entries of x write `sum(x)`" if literal else f"write {shown(body)} alone"
            message = f"{shown(span)} is the transpose of a number; a vector or a matrix has one"
            return ctx.report.error("E203", span, message, hints=[hint])
        case 1:
            return Value(value.expr, not value.row)
        case 2:
            return Value(apply("transpose", value.expr, origin=span))
        case _:
            hints = ["transpose one member: `x[i]'`"]
            return ctx.report.error(
                "E203", span, f"only a vector or a matrix has a transpose; this is {value.space}", hints=hints
            )


def raised(ctx: Context, node: tree.Power, base: Value, exponent: Value) -> Value | None:
    """`x^p` of scalars; `x .^ p` entry by entry."""
    if node.op == "^" and (base.rank or exponent.rank):
        return _power_of_array(ctx, node, base, exponent)
    if base.rank and exponent.rank and not fits(ctx, ".^", (node.base, base), (node.exponent, exponent)):
        return None
    spans = (node.base.span, node.exponent.span)
    if isinstance(exponent.expr, Constant):
        expr = applied(ctx, "power", (base.expr,), node.span, spans, p=exponent.expr.value)
    else:
        expr = applied(ctx, "pow", (base.expr, exponent.expr), node.span, spans)
    return None if expr is None else Value(expr, base.row or exponent.row)


def _power_of_array(ctx: Context, node: tree.Power, base: Value, exponent: Value) -> None:
    hints = []
    if base.rank:
        hints.append(f"entry by entry it is `{node.base.span.text} .^ {node.exponent.span.text}`")
        if base.rank == 1 and isinstance(exponent.expr, Constant) and exponent.expr.value == 2:
            hints.append(f"the sum of squares is `sumsq({stripped(node.base).span.text})`")
        if base.rank == 2 and isinstance(exponent.expr, Constant) and exponent.expr.value == 2:
            hints.append(f"the product with itself is `{node.base.span.text}*{node.base.span.text}`")
        if base.rank == 2 and isinstance(exponent.expr, Constant) and exponent.expr.value == -1:
            hints = [INVERSE]
    culprit = (node.base, base) if base.rank else (node.exponent, exponent)
    ctx.report.error("E209", node.span, f"`^` is for scalars; {described(*culprit)}", hints=hints)
