"""Square brackets as other languages have them: `A[0][1]` of a matrix, and slices whose ends move with an index."""

from __future__ import annotations

from declarative.elaborate.context import Context
from declarative.elaborate.declarations import symbol_of
from declarative.elaborate.indexing import family_axes
from declarative.elaborate.names import Scope
from declarative.elaborate.surroundings import within
from declarative.elaborate.values import shown, stripped
from declarative.ir.expr import IndexSymbol
from declarative.syntax import tree


def is_split(ctx: Context, inner: tree.Subscript, scope: Scope) -> bool:
    """Is it a declared matrix with one whole number or index, behind which others stand?"""
    base = stripped(inner.body)
    entity = ctx.names.get(base.id) if isinstance(base, tree.Name) and base.id not in scope.locals else None
    symbol = symbol_of(ctx, entity) if isinstance(entity, tree.Declaration) else None
    single = len(inner.items) == 1 and not isinstance(inner.items[0], tree.Slice)
    return single and symbol is not None and len(symbol.shape) == 2 and not family_axes(symbol)


def report_split(ctx: Context, node: tree.Subscript, inner: tree.Subscript) -> None:
    joined = ",".join(item.span.text for item in (*inner.items, *node.items))
    message = f"a matrix takes all its indices in one pair of brackets: {shown(node)}"
    ctx.report.error("E213", node.span, message, hints=[f"`{inner.body.span.text}[{joined}]`"])


def moves_with(item: tree.Expression | tree.Slice, scope: Scope) -> tree.Name | None:
    """The first index in a slice."""
    if not isinstance(item, tree.Slice):
        return None
    names = (part for part in within(item) if isinstance(part, tree.Name))
    return next((name for name in names if isinstance(scope.locals.get(name.id), IndexSymbol)), None)


def report_moving(ctx: Context, node: tree.Subscript, name: tree.Name) -> None:
    """`z[j*s:(j+1)*s]`, `x[0:t]`."""
    item = next(item for item in node.items if isinstance(item, tree.Slice) and name in within(item))
    base, k = node.body.span.text, "k" if name.id != "k" else "j"
    low = [] if item.lo is None else [f"{k} >= {item.lo.span.text}"]
    high = [] if item.hi is None else [f"{k} < {item.hi.span.text}"]
    chosen = " and ".join(low + high)
    hints = [f"run over all of it and choose with `if`: `sum({base}[{k}] for {k} in n if {chosen})`"]
    if _reads(item.lo, name.id) and _reads(item.hi, name.id):
        hints.append(f"blocks of s entries are the rows of a matrix: `reshape({base}, m, s)[{name.id},:]`")
    message = f"the ends of a slice are made of whole numbers and dims, `{name.id}` is an index"
    ctx.report.error("E222", item.span, message, hints=hints)


def _reads(end: tree.Expression | None, name: str) -> bool:
    return end is not None and any(isinstance(part, tree.Name) and part.id == name for part in within(end))
