"""`minimize e`, `maximize e`, `find z` to an objective."""

from __future__ import annotations

from declarative.elaborate.context import Context
from declarative.elaborate.declarations import symbol_of
from declarative.elaborate.names import Scope, kind
from declarative.elaborate.report import did_you_mean
from declarative.elaborate.values import Value, described, shown, stripped
from declarative.ir.expr import Call, Variable
from declarative.ir.problem import Objective, Sense
from declarative.syntax import tree


def objective(ctx: Context, node: tree.Objective) -> Objective | None:
    """None where it fails, which is then reported."""
    sense = Sense(node.sense)
    if sense is Sense.FIND:
        made = [_unknown(ctx, item) for item in node.body]
        unknowns = tuple(u for u in made if u is not None)
        return Objective(sense, None, unknowns, origin=node.span) if len(unknowns) == len(made) else None
    (body,) = node.body
    value = ctx.value(body, Scope(depth=0))
    if value is None:
        return None
    if value.rank:
        return _not_scalar(ctx, node, body, value)
    return Objective(sense, value.expr, origin=node.span)


def _not_scalar(ctx: Context, node: tree.Objective, body: tree.Expression, value: Value) -> None:
    text, dc = shown(body).strip("`"), "dc." if node.span.source.python else ""
    what = described(body, value)
    if body.span == node.span:  # in Python, where only the place of the whole is known
        text, what = "...", f"this is {value.space}"
    both = f"`{dc}sum({text})`"
    if node.sense == "minimize":
        both += f", or `{dc}sumsq({text})` for its squares"
    if (apart := _summed_apart(ctx, body, dc)) is not None:
        both = f"`{apart}`"
    inner = text.removeprefix(f"{dc}abs(").removesuffix(")")
    hints = [f"`{dc}norm1({inner})`"] if isinstance(value.expr, Call) and value.expr.atom == "abs" else [both]
    message = f"`{node.sense}` needs a scalar; {what}"
    return ctx.report.error("E210", body.span, message, hints=hints)


def _summed_apart(ctx: Context, body: tree.Expression, dc: str) -> str | None:
    """Of `c'*w + log(w)`, a number and an array: `c'*w + sum(log(w))`; the sum of it all would count c'*w n times."""
    if not isinstance(body, tree.Sum):
        return None
    terms = (("+", body.first), *body.rest)
    if any(term.span.text in ("", body.span.text) for _, term in terms):
        return None  # in Python, whose places may be those of the whole
    values = [ctx.value(term, Scope(depth=0)) for _, term in terms]
    if all(value is None or value.rank for value in values):
        return None
    texts = (
        f" {op} {f'{dc}sum({term.span.text})' if value is not None and value.rank else term.span.text}"
        for (op, term), value in zip(terms, values, strict=True)
    )
    return "".join(texts).removeprefix(" + ")


def _unknown(ctx: Context, node: tree.Expression) -> Variable | None:
    node = stripped(node)
    name = node.id if isinstance(node, tree.Name) else ""
    entity = ctx.names.get(name)
    if isinstance(entity, tree.Declaration) and entity.kind == "var":
        symbol = symbol_of(ctx, entity)
        return symbol if isinstance(symbol, Variable) else None
    unknowns = [n for n, e in ctx.names.items() if isinstance(e, tree.Declaration) and e.kind == "var"]
    message = f"`find` takes variables; {shown(node)} is {kind(entity) if entity else 'not declared'}"
    return ctx.report.error("E210", node.span, message, hints=did_you_mean(name, unknowns))
