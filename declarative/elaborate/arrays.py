"""`[a, b]`, `[A, B; C, D]`, `stack(e for i in n)`: vectors end to end, a matrix of blocks, an array of members."""

from __future__ import annotations

from declarative.atoms.apply import apply
from declarative.elaborate.context import Context
from declarative.elaborate.in_place import in_place
from declarative.elaborate.integers import size_value
from declarative.elaborate.operators import applied
from declarative.elaborate.values import Value
from declarative.ir.expr import Binder, Expr, Stack
from declarative.ir.size import ONE, ZERO
from declarative.source.span import Span
from declarative.syntax import tree


def joined(ctx: Context, node: tree.Array, rows: list[list[Value]]) -> Value | None:
    """End to end where no entry is a matrix or a row and no row has several entries below another."""
    items = [item for row in rows for item in row]
    nodes = [item for row in node.rows for item in row]
    spans = [item.span for item in nodes]
    flat = all(v.rank < 2 and not v.row for v in items)
    if flat and (len(rows) == 1 or all(len(row) == 1 for row in rows)):
        expr = applied(ctx, "concat", [v.expr for v in items], node.span, spans)
    elif len(rows) == 1 and all(v.row for v in items):
        expr = applied(ctx, "concat", [v.expr for v in items], node.span, spans)
        return None if expr is None else Value(expr, row=True)
    else:
        blocks = [_block(v) for v in items]
        expr = applied(ctx, "block", blocks, node.span, spans, rows=tuple(len(row) for row in rows))
    return None if expr is None else Value(expr)


def stacked(body: Expr, binders: tuple[Binder, ...], span: Span | None) -> Stack:
    """`stack(body for i in lo..hi)`: the array of all members, which is indexed from 0 wherever the range starts."""
    moved: dict[Expr, Expr] = {
        b.index: apply("add", b.index, size_value(b.lo, b.index)) for b in binders if b.lo != ZERO
    }
    starting = tuple(Binder(b.index, ZERO, b.length) for b in binders)
    return Stack(in_place(body, moved), starting, origin=span)


def _block(value: Value) -> Expr:
    """A row becomes a matrix of one row; a vector counts as a column by itself."""
    if not value.row:
        return value.expr
    shape = tuple(size_value(size, value.expr) for size in (ONE, value.shape[0]))
    return apply("reshape", value.expr, shape=shape, origin=value.expr.origin)
