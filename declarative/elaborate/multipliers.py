"""`budget.dual` as written to a `Dual` node, or to a message that offers the duals that there are."""

from __future__ import annotations

from collections.abc import Sequence

from declarative.elaborate.context import Context
from declarative.elaborate.declarations import symbol_of
from declarative.elaborate.duals import attribute_duals, constraint_duals
from declarative.elaborate.names import Scope
from declarative.elaborate.report import did_you_mean
from declarative.elaborate.values import Value
from declarative.ir.expr import Dual, Variable
from declarative.ir.size import Shape
from declarative.syntax import tree


def dual(ctx: Context, node: tree.Attribute, base: tree.Name, path: Sequence[str], scope: Scope) -> Value | None:
    """None where there is no such dual, or where duals cannot be read; both are reported."""
    if not scope.outputs:
        message = "duals are known after solving: they are read in `return` only"
        return ctx.report.error("E219", node.span, message)
    entity = ctx.names.get(base.id)
    if entity is None:
        labels = [n for n, e in ctx.names.items() if isinstance(e, tree.Constraint)]
        hints = did_you_mean(base.id, [*labels, *ctx.names])
        return ctx.report.error("E219", base.span, f"there is no constraint `{base.id}`", hints=hints)
    found = _duals(ctx, base.id, entity)
    if found is None:
        return None
    wanted = (base.id, *path[:-1])
    if wanted in found:
        return Value(Dual(wanted, found[wanted], origin=node.span))
    return _report_missing(ctx, node, base, wanted, list(found))


def _duals(ctx: Context, name: str, entity: tree.Node) -> dict[tuple[str, ...], Shape] | None:
    if isinstance(entity, tree.Declaration):
        symbol = symbol_of(ctx, entity)
        return dict(attribute_duals(symbol)) if isinstance(symbol, Variable) else None
    constraints = ctx.constraints.get(name)
    return None if constraints is None else dict(constraint_duals(constraints))


def _is_variable(ctx: Context, name: str) -> bool:
    return isinstance(ctx.names[name], tree.Declaration)


def _report_missing(ctx: Context, node: tree.Attribute, base: tree.Name, wanted: tuple[str, ...], known) -> None:
    offers = [f"`{'.'.join(path)}.dual`" for path in known]
    if wanted == (base.id,) and len(known) == 2:
        what = "has two bounds, and so" if _is_variable(ctx, base.id) else "is a chain, and so has"
        message = f"`{base.id}` {what} two duals"
        return ctx.report.error("E218", node.span, message, hints=[f"{offers[0]} or {offers[1]}"])
    hints = [f"there is {' and '.join(offers)}"] if offers else []
    if not known:
        hints = [f"a bound on `{base.id}` has a dual: name a constraint, or use `nonneg` or `between`"]
    return ctx.report.error("E219", node.span, f"there is no `{'.'.join((*wanted, 'dual'))}`", hints=hints)
