"""Expressions of the text to expressions of the problem: one step per node, nested ones from the inside out."""

from __future__ import annotations

import re

from declarative.atoms.apply import apply
from declarative.atoms.literals import written_out
from declarative.elaborate.arrays import joined
from declarative.elaborate.calls import called, is_function
from declarative.elaborate.context import Context
from declarative.elaborate.declarations import symbol_of
from declarative.elaborate.definitions import Family, let_value, member, whole
from declarative.elaborate.familiar import LAST, factors, familiar_place, value_hints
from declarative.elaborate.finite import INFINITY
from declarative.elaborate.indexing import Subscript, index
from declarative.elaborate.misread_brackets import is_split, moves_with, report_moving, report_split
from declarative.elaborate.multipliers import dual
from declarative.elaborate.names import Entity, Scope, kind
from declarative.elaborate.nested import field_of
from declarative.elaborate.operators import negated, raised, summed, transposed
from declarative.elaborate.products import multiplied
from declarative.elaborate.report import did_you_mean
from declarative.elaborate.sizes import to_size
from declarative.elaborate.space_of_uses import space_of_uses
from declarative.elaborate.surroundings import path_to
from declarative.elaborate.undeclared import Use, shifted
from declarative.elaborate.values import Solved, Value, shown, stripped
from declarative.ir.expr import Constant, IndexSymbol, OptimalValue, SizeValue, Slice
from declarative.ir.size import ONE, ZERO, Size
from declarative.syntax import tree


def evaluate(ctx: Context, node: tree.Expression, scope: Scope) -> Value | Solved | None:
    """The meaning of any expression but one in parentheses; None where it has none, which is then reported."""
    match node:
        case tree.Number():
            return _number(ctx, node)
        case tree.Name():
            return _name(ctx, node, scope)
        case tree.Unary(op=op, body=body):
            value = ctx.value(body, scope)
            return value if value is None or op == "+" else negated(value, node.span)
        case tree.Sum():
            return _sum(ctx, node, scope)
        case tree.Product():
            return _product(ctx, node, scope)
        case tree.Power():
            return _power(ctx, node, scope)
        case tree.Transpose(body=body):
            value = ctx.value(body, scope)
            return None if value is None else transposed(ctx, body, value, node.span)
        case tree.Subscript():
            return _subscript(ctx, node, scope)
        case tree.Array(rows=rows):
            return _array(ctx, node, [[ctx.value(e, scope) for e in row] for row in rows])
        case tree.Call():
            return called(ctx, node, scope)
        case tree.Attribute():
            return _attribute(ctx, node, scope)
        case _:
            return _not_a_value(ctx, node, scope)


def _number(ctx: Context, node: tree.Number) -> Value | None:
    value = float(node.text)
    if value == float("inf"):
        return ctx.report.error("E223", node.span, f"`{node.text}` is too large for a number")
    return Value(Constant(value, origin=node.span))


def _not_a_value(ctx: Context, node: tree.Expression, scope: Scope) -> None:
    match node:
        case tree.Infinity():
            return ctx.report.error("E223", node.span, INFINITY)
        case tree.Tuple():
            hints = [f"a vector is written `[{node.span.text.strip('()')}]`"]
            message = "a list in round brackets stands only before `in`"
            return ctx.report.error("E221", node.span, message, hints=hints)
        case _:
            message = f"{shown(node)} is a relation; a value is needed here"
            hints = [f"`if` behind `for` chooses which indices count: `sum(... for i in n if {node.span.text})`"]
            return ctx.report.error("E221", node.span, message, hints=hints if scope.locals else [])


# --- names -----------------------------------------------------------------------------------------


def _name(ctx: Context, node: tree.Name, scope: Scope) -> Value | Solved | None:
    if node.id in scope.locals:
        return _local(node, scope)
    entity = ctx.names.get(node.id)
    match entity:
        case None if scope.outputs and node.id == "value":
            return Value(OptimalValue(origin=node.span))
        case None:
            return _unknown(ctx, node, scope)
        case tree.DimItem():
            return Value(SizeValue(Size.of(node.id), origin=node.span))
        case tree.Declaration():
            symbol = symbol_of(ctx, entity)
            return None if symbol is None else Value(symbol.at(node.span))
        case tree.Let():
            found = let_value(ctx, entity)
            return whole(found, node.span) if isinstance(found, Family) else found
        case tree.Def() | tree.Extern() | tree.Import():
            message = f"`{node.id}` is {kind(entity)}; it is used by calling it"
            return ctx.report.error("E201", node.span, message, hints=[f"`{node.id}(...)`"])
        case tree.Constraint():
            hints = [f"`{node.id}.dual`"] if scope.outputs else ["what its sides share can be named with `let`"]
            message = f"`{node.id}` is a constraint, not a value"
            return ctx.report.error("E201", node.span, message, hints=hints)


def _local(node: tree.Name, scope: Scope) -> Value | None:
    match scope.locals[node.id]:
        case IndexSymbol() as symbol:
            return Value(symbol.at(node.span))
        case Size() as size:
            return Value(written_out(apply, size, node.span))
        case value:
            return value


def _unknown(ctx: Context, node: tree.Name, scope: Scope) -> None:
    if is_function(node.id):
        message = f"`{node.id}` is a function; it is used by calling it"
        return ctx.report.error("E201", node.span, message, hints=[f"`{node.id}(...)`"])
    names = {} if ctx.report.many else ctx.names
    values = [n for n, e in names.items() if not isinstance(e, tree.Constraint)]
    plain = node.id.replace("_", "")
    hints = (f"did you mean `{plain}`?",) if plain != node.id and plain in values else value_hints(node.id, values)
    if not scope.subscript:
        hints = hints or factors(node.id, values)
    if (len(node.id) > 1 or not scope.subscript) and not ctx.report.many:
        hints = hints or did_you_mean(node.id, [*scope.locals, *values])
    if scope.subscript:
        if scope.along is not None and node.id in LAST:
            hints = (f"it is `{scope.along - 1}` here: indices start at 0",)
        ctx.undeclared.setdefault((node.id, node.span.line), []).append(Use(node.span, scope.runs, tuple(hints)))
        return None
    path = path_to(ctx.file, node) if names else [node]
    hints = familiar_place(path) or hints
    if not hints:
        space = space_of_uses(path, names)
        hints = (f"data are declared by `param {node.id} : {space}`, what is solved for by `var {node.id} : {space}`",)
    return ctx.report.error("E201", node.span, f"`{node.id}` is not declared", hints=hints)


# --- operators ---------------------------------------------------------------------------------------


def _sum(ctx: Context, node: tree.Sum, scope: Scope) -> Value | None:
    known = []
    for op, e in (("+", node.first), *node.rest):
        if (value := ctx.value(e, scope)) is not None:
            known.append((op, e, value))
    return summed(ctx, known, node.span) if len(known) > len(node.rest) else None


def _product(ctx: Context, node: tree.Product, scope: Scope) -> Value | None:
    first, known = ctx.value(node.first, scope), []
    for op, e in node.rest:
        if (value := ctx.value(e, scope)) is not None:
            known.append((op, e, value))
    if first is None or len(known) < len(node.rest):
        return None
    return multiplied(ctx, (node.first, first), known)


def _power(ctx: Context, node: tree.Power, scope: Scope) -> Value | None:
    exponent = stripped(node.exponent)
    if isinstance(exponent, tree.Name) and exponent.id == "T" and "T" not in (*scope.locals, *ctx.names):
        hints = [f"the transpose is `{node.base.span.text}'`"]
        return ctx.report.error("E209", node.span, "there is no power `T`", hints=hints)
    x, p = ctx.value(node.base, scope), ctx.value(node.exponent, scope)
    return None if x is None or p is None else raised(ctx, node, x, p)


def _array(ctx: Context, node: tree.Array, rows: list[list[Value | None]]) -> Value | None:
    known = [[v for v in row if v is not None] for row in rows]
    return joined(ctx, node, known) if list(map(len, known)) == list(map(len, rows)) else None


# --- subscripts and fields -----------------------------------------------------------------------------


def _subscript(ctx: Context, node: tree.Subscript, scope: Scope) -> Value | None:
    body = stripped(node.body)
    if isinstance(body, tree.Subscript) and is_split(ctx, body, scope):
        return report_split(ctx, node, body)
    if (name := next((name for item in node.items if (name := moves_with(item, scope))), None)) is not None:
        return report_moving(ctx, node, name)
    family = None
    if isinstance(body, tree.Name) and body.id not in scope.locals:
        let = ctx.names.get(body.id)
        found = let_value(ctx, let) if isinstance(let, tree.Let) else None
        family = found if isinstance(found, Family) else None
    base = whole(family, node.body.span) if family else ctx.value(node.body, scope)
    if base is None:
        return None
    known = []
    for k, item in enumerate(node.items):
        length = base.shape[k] if k < base.rank else None  # too many subscripts are reported below
        if (subscript := _subscript_item(ctx, item, length, scope)) is not None:
            known.append(subscript)
    if len(known) < len(node.items):
        return None
    if family:
        return member(ctx, family, known, node)
    expr = index(ctx.report, ctx.ranges, base.expr, known, node.span)
    return None if expr is None else Value(expr, base.row and bool(expr.shape))


def _subscript_item(
    ctx: Context, item: tree.Expression | tree.Slice, length: Size | None, scope: Scope
) -> Subscript | None:
    if isinstance(item, tree.Slice):
        lo = ZERO if item.lo is None else to_size(ctx, item.lo, scope)
        hi = (length or ONE) if item.hi is None else to_size(ctx, item.hi, scope)
        if item.hi is not None and lo == ONE and hi == length and not _FROM_0.search(item.span.source.text):
            hints = ["`:` is all of the axis; `1:` is all of it but the first, and needs no warning"]
            ctx.report.warn("W206", item.span, f"{shown(item)} leaves out entry 0: indices start at 0", hints=hints)
        return None if lo is None or hi is None else Subscript(Slice(lo, hi), item.span)
    value = ctx.value(item, scope.in_subscript(length, shifted(stripped(item), length)))
    return None if value is None else Subscript(value.expr, item.span)


_FROM_0 = re.compile(r"[\[,]\s*0?\s*:\s*[^\s\],:]")  # `x[0:n-1]`: whoever writes so knows where subscripts start


def _attribute(ctx: Context, node: tree.Attribute, scope: Scope) -> Value | None:
    """A field of a solved problem, or a dual."""
    base, path = _path(node)
    if isinstance(base, tree.Name) and base.id not in scope.locals and path[-1] == "dual":
        entity = ctx.names.get(base.id)
        if entity is None or isinstance(entity, tree.Constraint) or _is_variable(entity):
            return dual(ctx, node, base, path, scope)
        if any(
            isinstance(s, tree.Constraint) and s.label == base.id for s in (ctx.file.statements if ctx.file else ())
        ):
            return None  # two things have this name, which has been said
    body = evaluate(ctx, stripped(base), scope)
    if isinstance(body, Solved):
        return field_of(ctx, body, path, node.span)
    if body is not None:
        hints = ["the transpose is written `'`"] if path == ["transpose"] else []
        hints = ["leave it out: what a problem returns are values"] if path[-1] in ("value", "val", "X", "x") else hints
        return ctx.report.error("E201", node.span, f"{shown(base)} has no field `{path[0]}`", hints=hints)
    return None


def _path(node: tree.Attribute) -> tuple[tree.Expression, list[str]]:
    base, path = node, []
    while isinstance(base, tree.Attribute):
        path.append(base.name)
        base = stripped(base.body)
    return base, path[::-1]


def _is_variable(entity: Entity) -> bool:
    return isinstance(entity, tree.Declaration) and entity.kind == "var"
