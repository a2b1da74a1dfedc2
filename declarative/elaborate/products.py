"""`a*b/c .* d`, read from the left: the product of linear algebra, with rows; `.*` and `./` entry by entry.

A scalar that leads a product multiplies the whole of it: `c*x'*A*x` is c times `x'*A*x`, so that a quadratic form is
seen as one and a matrix is not scaled before it meets its vector.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from declarative.atoms.apply import apply
from declarative.elaborate.context import Context
from declarative.elaborate.operators import Operand, fits
from declarative.elaborate.values import Value, described, shown
from declarative.ir.expr import Constant, Expr
from declarative.ir.size import Size
from declarative.source.span import Span
from declarative.syntax import tree


@dataclass(frozen=True)
class _Partial:
    """What is read so far: `factor * value`, where the factor is a scalar that still waits (None: there is none)."""

    value: Value
    span: Span
    factor: Value | None = None


def multiplied(ctx: Context, first: Operand, rest: list[tuple[str, tree.Expression, Value]]) -> Value | None:
    """A whole product; None where two of its parts cannot stand beside each other, which is then reported."""
    node, value = first
    so_far = _Partial(value, node.span if isinstance(node, tree.Node) else node)
    for op, node, value in rest:
        step = _times(ctx, so_far, node, value) if op == "*" else _entrywise(ctx, op, so_far, node, value)
        if step is None:
            return None
        so_far = step
    return _settled(so_far).value


def _settled(p: _Partial) -> _Partial:
    """The waiting factor multiplied in."""
    if p.factor is None:
        return p
    return _Partial(replace(p.value, expr=apply("mul", p.factor.expr, p.value.expr, origin=p.span)), p.span)


def _times(ctx: Context, p: _Partial, node: tree.Expression, right: Value) -> _Partial | None:
    span = p.span.to(node.span)
    if p.value.rank == 0 and right.rank and p.factor is None:
        return _Partial(right, span, factor=p.value)
    if p.value.row and isinstance(right.expr, Constant) and right.expr.value == 1:
        return _row_of_ones(ctx, p.span, span)
    if p.value.rank == 2 and isinstance(right.expr, Constant) and right.expr.value == 1:
        return _matrix_of_ones(ctx, p.span, span)
    if p.value.rank == 0 or right.rank == 0:
        p = _settled(p)
        return _Partial(Value(apply("mul", p.value.expr, right.expr, origin=span), p.value.row or right.row), span)
    product = _linear(ctx, (p.span, p.value), (node, right), span)
    return None if product is None else _ended(_Partial(product, span, p.factor))


def _row_of_ones(ctx: Context, row: Span, span: Span) -> None:
    """`x'*1`, which would be x again, and in books is the sum of x."""
    message = f"{shown(span)} is a row times the number 1, not times a vector of ones"
    return ctx.report.error("E208", span, message, hints=[f"the sum of the entries is `sum({_untransposed(row)})`"])


def _matrix_of_ones(ctx: Context, matrix: Span, span: Span) -> None:
    """`A*1` and `A'*1`, which would be the matrix again, and in books are the sums of its rows and columns."""
    text = shown(matrix).strip("`")
    down = text.endswith("'")
    message = f"{shown(span)} is a matrix times the number 1, not times a vector of ones"
    sums = f"`sum({text.removesuffix(chr(39))}, axis = {0 if down else 1})`"
    hints = [f"the sums of the {'columns' if down else 'rows'} are {sums}"]
    return ctx.report.error("E208", span, message, hints=hints)


def _untransposed(row: Span) -> str:
    text = shown(row).strip("`")
    return text.removesuffix("'") if re.fullmatch(r"\w+'", text) else text


def _ended(p: _Partial) -> _Partial:
    """Once linear algebra has come down to a scalar, nothing more of it can follow."""
    return p if p.value.rank else _settled(p)


def _linear(ctx: Context, left: Operand, right: Operand, span: Span) -> Value | None:
    """Two arrays, neither a scalar."""
    x, y = left[1], right[1]
    match (x.rank, x.row), (y.rank, y.row):
        case (1, True), (1, False) if _agree(ctx, left, right, x.shape[0], y.shape[0]):
            return _value("dot", x.expr, y.expr, span)
        case (1, False), (1, True):
            return _value("outer", x.expr, y.expr, span)
        case (2, _), (1, False) | (2, _) if _agree(ctx, left, right, x.shape[1], y.shape[0]):
            return _value("matmul", x.expr, y.expr, span)
        case (1, True), (2, _) if _agree(ctx, left, right, x.shape[0], y.shape[0]):
            # x'*A is the row (A'*x)'
            return replace(_value("matmul", apply("transpose", y.expr, origin=y.expr.origin), x.expr, span), row=True)
        case (((1, True) | (2, _)), ((1, False) | (2, _))):
            return None
        case (1, same), (1, _):
            return _two_vectors(ctx, left, right, span, same)
        case _:
            return _no_product(ctx, left, right, span)


def _value(name: str, x: Expr, y: Expr, span: Span) -> Value:
    return Value(apply(name, x, y, origin=span))


def _agree(ctx: Context, left: Operand, right: Operand, inner, outer) -> bool:
    if inner == outer:
        return True
    facts = f"{described(*left)}, {described(*right)}"
    node = right[0]
    hints = []
    if left[1].rank == 2 and left[1].shape[0] == outer:
        hints = [f"`{_plain(left)}'*{_plain(right)}`"]
    span = node.span if isinstance(node, tree.Node) else node
    ctx.report.error("E203", span, f"`*` needs {inner} == {outer}: {facts}", hints=hints)
    return False


def _plain(operand: Operand) -> str:
    return shown(operand[0]).strip("`")


def _two_vectors(ctx: Context, left: Operand, right: Operand, span: Span, rows: bool) -> None:
    a, b = (_plain(operand).removesuffix("'") for operand in (left, right))
    kinds = "rows" if rows else "vectors"
    message = f"`*` of two {kinds} could mean several things: {described(*left)}, {described(*right)}"
    hints = [f"inner product `{a}'*{b}`, outer product `{a}*{b}'`, entry by entry `{a}.*{b}`"]
    if not rows and (m := _rows_of_flat(left[1].shape[0], right[1].shape[0])):
        hints = [f"a matrix of {m} rows is declared as `R^({m},{right[1].shape[0]})`", *hints]
    ctx.report.error("E208", span, message, hints=hints)


def _rows_of_flat(length: Size, n: Size) -> str | None:
    """m, for a vector whose length is written m*n with two names."""
    match length.terms:
        case (((a, b), 1),):
            return next((m for m, other in ((a, b), (b, a)) if Size.of(other) == n), None)
        case _:
            return None


def _no_product(ctx: Context, left: Operand, right: Operand, span: Span) -> None:
    """vector*matrix, matrix*row, and whole families."""
    (_, x), (_, y) = left, right
    hints = []
    if max(x.rank, y.rank) > 2:
        hints = ["take one member of the family: `x[i]`"]
    elif x.rank == 1:
        hints = [f"a row times a matrix is `{_plain(left)}'*{_plain(right)}`"]
    elif y.row:
        hints = [f"a matrix times a vector is `{_plain(left)}*{_plain(right).removesuffix(chr(39))}`"]
    message = f"`*` cannot take these: {described(*left)}, {described(*right)}"
    ctx.report.error("E208", span, message, hints=hints)


def _entrywise(ctx: Context, op: str, p: _Partial, node: tree.Expression, right: Value) -> _Partial | None:
    p = _settled(p)
    left = p.value
    span = p.span.to(node.span)
    if op == "/" and right.rank:
        text = f"{shown(p.span).strip('`')} ./ {shown(node).strip('`')}"
        message = f"`/` divides by a scalar; {described(node, right)}"
        return ctx.report.error("E208", span, message, hints=[f"entry by entry it is `{text}`"])
    if left.rank and right.rank and not fits(ctx, op, (p.span, left), (node, right)):
        return None
    if op != ".*" and isinstance(right.expr, Constant) and right.expr.value == 0:
        return ctx.report.error("E223", span, f"{shown(span)} divides by 0")
    name = "mul" if op == ".*" else "div"
    return _Partial(Value(apply(name, left.expr, right.expr, origin=span), left.row or right.row), span)
