"""`for i in n, t in 0..T-1 if cond` to binders, a scope in which the indices hold, and a condition."""

from __future__ import annotations

from dataclasses import dataclass, replace

from declarative.elaborate.conditions import condition_indices, to_condition
from declarative.elaborate.context import Context, Range
from declarative.elaborate.names import Scope, kind
from declarative.elaborate.sizes import to_size
from declarative.elaborate.values import Value, name_span, range_text, shown
from declarative.ir.condition import Condition
from declarative.ir.expr import Binder
from declarative.ir.size import Size
from declarative.syntax import tree


@dataclass(frozen=True)
class Bound:
    """A `for` clause with its meaning; without one, no binders and the scope as it was."""

    scope: Scope
    binders: tuple[Binder, ...] = ()
    condition: Condition | None = None


def bind(ctx: Context, fors: tree.Fors | None, scope: Scope, of_let: bool = False) -> Bound | None:
    """None where a part is wrong, which is then reported."""
    if fors is None:
        return Bound(scope)
    inner, made = scope, []
    for f in fors.binders:
        made.append(_binder(ctx, f, inner, of_let))
        inner = inner.with_index(f.index, None if made[-1] is None else made[-1].index)
    binders = tuple(b for b in made if b is not None)
    if len(binders) < len(made):
        return None
    if fors.condition is None:
        return Bound(inner, binders)
    condition = to_condition(ctx, fors.condition, inner)
    if condition is None:
        return None
    for symbol in condition_indices(condition) & {b.index for b in binders}:
        ctx.ranges[symbol] = replace(ctx.ranges[symbol], guarded=True)
    return Bound(inner, binders, condition)


def _binder(ctx: Context, f: tree.For, scope: Scope, of_let: bool) -> Binder | None:
    ends = _ends(ctx, f.over, scope)
    if not _is_free(ctx, f, scope) or ends is None:
        return None
    lo, hi = ends
    if (lo - hi).is_nonnegative():
        hints = [f"ranges run upward: `{hi - 1}..{lo}`"] if (lo - hi).constant else []
        return ctx.report.error("E222", f.over.span, f"the range {range_text(lo, hi)} is empty", hints=hints)
    runs = Range(lo, hi, span=f.span)
    index = ctx.let_index(f.index, runs) if of_let else ctx.fresh_index(f.index, runs, scope.depth)
    return Binder(index, lo, hi)


def _ends(ctx: Context, over: tree.Expression | tree.Range, scope: Scope) -> tuple[Size, Size] | None:
    """The half-open range."""
    if isinstance(over, tree.Range):
        lo, last = to_size(ctx, over.lo, scope), to_size(ctx, over.hi, scope)
        return None if lo is None or last is None else (lo, last + 1)
    size = to_size(ctx, over, scope)
    return None if size is None else (Size.of(0), size)


def _is_free(ctx: Context, f: tree.For, scope: Scope) -> bool:
    """False, and reported, where the index's name already stands for something."""
    taken = kind(ctx.names[f.index]) if f.index in ctx.names else None
    if f.index in scope.locals:
        taken = "an argument" if isinstance(scope.locals[f.index], Value | Size) else "an index"
    if taken is None:
        return True
    message = f"`{f.index}` is already {taken}"
    ctx.report.error("E202", name_span(f, f.index), message, hints=[f"call the index of {shown(f)} otherwise"])
    return False
