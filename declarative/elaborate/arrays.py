"""`[a, b]` and `[A, B; C, D]`: vectors end to end, or a matrix made of blocks."""

from __future__ import annotations

from declarative.atoms.apply import apply
from declarative.elaborate.context import Context
from declarative.elaborate.integers import size_value
from declarative.elaborate.operators import applied
from declarative.elaborate.values import Value
from declarative.ir.expr import Expr
from declarative.ir.size import ONE
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


def _block(value: Value) -> Expr:
    """A row becomes a matrix of one row; a vector counts as a column by itself."""
    if not value.row:
        return value.expr
    shape = tuple(size_value(size, value.expr) for size in (ONE, value.shape[0]))
    return apply("reshape", value.expr, shape=shape, origin=value.expr.origin)
