"""`return w, price = budget.dual` to named outputs; without it, every variable in order of declaration."""

from __future__ import annotations

from collections.abc import Iterable

from declarative.elaborate.context import Context
from declarative.elaborate.names import Scope
from declarative.elaborate.values import shown, stripped
from declarative.ir.expr import Constant, Dual, Expr, Index, OptimalValue, Parameter, Slice, Variable
from declarative.ir.problem import Output, VariableDeclaration
from declarative.syntax import tree


def default_outputs(variables: Iterable[VariableDeclaration]) -> tuple[Output, ...]:
    return tuple(Output(v.symbol.name, v.symbol, origin=v.origin) for v in variables)


def outputs(ctx: Context, node: tree.Return) -> tuple[Output, ...]:
    """The outputs of a `return`; those that fail are reported and left out."""
    found: dict[str, Output] = {}
    for item in node.items:
        output = _output(ctx, item)
        if output is not None and output.name in found:
            hints = ["give one of them another name: `name = ...`"]
            ctx.report.error("E202", item.span, f"two outputs are called `{output.name}`", hints=hints)
        elif output is not None:
            found[output.name] = output
    return tuple(found.values())


def _output(ctx: Context, item: tree.ReturnItem) -> Output | None:
    value = ctx.value(item.value, Scope(outputs=True, depth=0))
    if value is None:
        return None
    name = item.alias or output_name(value.expr) or _let_name(ctx, item.value)
    if name is None:
        hints = [f"`name = {item.value.span.text}`"]
        return ctx.report.error("E219", item.span, f"the output {shown(item.value)} needs a name", hints=hints)
    return Output(name, value.expr, origin=item.span)


def _let_name(ctx: Context, node: tree.Expression) -> str | None:
    node = stripped(node)
    return node.id if isinstance(node, tree.Name) and node.id in ctx.names else None


def output_name(e: Expr) -> str | None:
    """The name of an output without an alias: `w`, `u_0`, `budget_dual`, `value`; None where it has none."""
    match e:
        case Variable(name=name) | Parameter(name=name):
            return name
        case OptimalValue():
            return "value"
        case Dual(path=path):
            return "_".join((*path, "dual"))
        case Index(base, subscripts):
            base_name = output_name(base)
            parts = [_subscript_name(s) for s in subscripts]
            return None if base_name is None or None in parts else "_".join([base_name, *(p for p in parts if p)])
        case _:
            return None


def _subscript_name(s: Expr | Slice) -> str | None:
    match s:
        case Constant(value) if value.is_integer():
            return str(int(value))
        case _ if not isinstance(s, Slice) and str(getattr(s, "size", "")).isidentifier():
            return str(getattr(s, "size", ""))
        case _:
            return None
