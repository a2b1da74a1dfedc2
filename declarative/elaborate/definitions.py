"""`def` and `let`: names for functions and for (families of) expressions, put in where they are used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from declarative.atoms.record import ShapeMismatch
from declarative.elaborate.binders import bind
from declarative.elaborate.context import DEEPEST, Context
from declarative.elaborate.in_place import in_place
from declarative.elaborate.indexing import Subscript, check, index
from declarative.elaborate.names import Local, Scope
from declarative.elaborate.spaces import Space, to_space
from declarative.elaborate.values import Solved, Value, described, name_span, shown, stripped
from declarative.ir.expr import Binder, Expr, Parameter, Role, Slice, Stack
from declarative.ir.problem import Expansion
from declarative.ir.size import Size, shape_text
from declarative.ir.unify import SizeConflict, match_shapes
from declarative.source.diagnostic import Label
from declarative.source.span import Span
from declarative.syntax import tree


@dataclass(frozen=True)
class Family:
    """`let r[i] = body for i in n`."""

    body: Value
    binders: tuple[Binder, ...]


# --- let -----------------------------------------------------------------------------------------


def let_value(ctx: Context, let: tree.Let) -> Value | Solved | Family | None:
    """What a `let` names, found once, at its first use; None where that fails, which is then reported."""
    if let.name in ctx.resolved:
        return ctx.resolved[let.name]
    if let.name in ctx.resolving:
        return report_circle(ctx, let.name, let)
    if len(ctx.resolving) >= DEEPEST // 4:
        hints = ["declare names before they are used"]
        return ctx.report.error("E121", name_span(let, let.name), "too many definitions in one another", hints=hints)
    ctx.resolving.append(let.name)
    outer = ctx.let_ranges
    ctx.resolved[let.name] = _let_body(ctx, let)
    ctx.let_ranges = outer
    ctx.ranges.update(outer)  # where its body has led to this `let`, whose indices may be the same
    ctx.resolving.pop()
    return ctx.resolved[let.name]


def _let_body(ctx: Context, let: tree.Let) -> Value | Solved | Family | None:
    names = [f.index for f in let.fors.binders] if let.fors else []
    if set(names) != set(let.indices) or len(names) != len(let.indices):
        return _report_indices(ctx, let, names)
    bound = bind(ctx, let.fors, Scope(), of_let=True)
    if bound is None:
        return None
    ctx.let_ranges = {b.index: ctx.ranges[b.index] for b in bound.binders}
    if bound.condition is not None and let.fors and let.fors.condition:
        hints = ["put the condition where the family is used: `sum(r[i] for i in n if ...)`"]
        return ctx.report.error("E224", let.fors.condition.span, "a `let` has no condition", hints=hints)
    body = ctx.evaluate(ctx, stripped(let.body), bound.scope)
    if not let.indices or body is None:
        return body
    if isinstance(body, Solved):
        return ctx.report.error("E225", let.body.span, "a family of solved problems needs a field of each")
    by_name = {b.index.name: b for b in bound.binders}
    return Family(Value(body.expr), tuple(by_name[name] for name in let.indices))


def _report_indices(ctx: Context, let: tree.Let, names: list[str]) -> None:
    missing = [i for i in let.indices if i not in names]
    if missing:
        span, hints = name_span(let, missing[0]), [f"add `for {missing[0]} in ...`"]
        message = f"nothing says where the index `{missing[0]}` runs"
    else:
        extra = next((n for n in names if n not in let.indices), let.name)
        span, hints = let.span, [f"`let {let.name}[{', '.join(names)}] = ...`"]
        message = f"`{extra}` runs but is not an index of `{let.name}`"
    return ctx.report.error("E224", span, message, hints=hints)


def report_circle(ctx: Context, name: str, entity: tree.Node) -> None:
    """A name whose meaning needs itself; reported once, where the circle is entered."""
    circle = [*ctx.resolving[ctx.resolving.index(name) :], name]
    way = " needs ".join(f"`{n}`" for n in circle)
    return ctx.report.error("E224", name_span(entity, name), f"`{name}` is defined by itself: {way}")


def whole(family: Family, span) -> Value:
    """A family of expressions as one array."""
    return Value(Stack(family.body.expr, family.binders, origin=span))


def member(ctx: Context, family: Family, subscripts: Sequence[Subscript], node: tree.Subscript) -> Value | None:
    """`r[k]`: the body with k in the place of its index. With slices, or too many subscripts, the whole is indexed."""
    leading, rest = subscripts[: len(family.binders)], subscripts[len(family.binders) :]
    if len(leading) < len(family.binders) or any(isinstance(s.value, Slice) for s in leading):
        expr = index(ctx.report, ctx.ranges, whole(family, node.body.span).expr, subscripts, node.span)
        return None if expr is None else Value(expr)
    values: dict[Expr, Expr] = {}
    for s, b in zip(leading, family.binders, strict=True):
        found = check(ctx.report, ctx.ranges, s, (b.lo, b.hi), node.body.span)
        if found is None or isinstance(found, Slice):
            return None
        values[b.index] = found
    body = _with_indices(ctx, family.body.expr, values, node.span)
    if body is None:
        return None
    expr = index(ctx.report, ctx.ranges, body, rest, node.span) if rest else body
    return None if expr is None else Value(expr)


def _with_indices(ctx: Context, body: Expr, values: Mapping[Expr, Expr], span: Span) -> Expr | None:
    """Put expressions in the place of indices; an array of a whole family within is closed, and stays as it is."""
    try:
        return in_place(body, values, lambda node: isinstance(node, Stack) and node.binders[0].index in ctx.of_lets)
    except ShapeMismatch as found:
        return ctx.report.error("E205", span, found.message, hints=found.hints)


# --- def -----------------------------------------------------------------------------------------


def check_definition(ctx: Context, definition: tree.Def) -> None:
    """A body checked once by itself, with sizes and arguments that could be any."""
    spaces = _signature(ctx, definition)
    if spaces is None:
        return
    flexible = {name: Size.of(name) for space in spaces for size in space.shape for name in size.names}
    arguments = {
        a.name: Value(Parameter(a.name, s.shape, Role.PARAM, symmetric=s.symmetric))
        for a, s in zip(definition.arguments, spaces, strict=True)
    }
    found = _body(ctx, definition, flexible | arguments, name_span(definition, definition.name))
    ctx.resolved[definition.name] = spaces if found is not None else None


def _signature(ctx: Context, definition: tree.Def) -> list[Space] | None:
    """The spaces of the arguments; the sizes in them are flexible. Found once."""
    name = definition.name
    if name in ctx.resolved:
        return ctx.resolved[name]
    seen: list[str] = []
    for argument in definition.arguments:
        if argument.name in seen:
            ctx.report.error("E202", argument.span, f"`{argument.name}` is already an argument")
        seen.append(argument.name)
    spaces = [to_space(ctx, a.space, Scope(), flexible=True) for a in definition.arguments]
    for a, space in zip(definition.arguments, spaces, strict=True):
        if space is not None and space.index_range is not None:
            ctx.report.error("E206", a.space.span, "an argument of a `def` is an array, not index data")
            spaces = [None]
    known = [s for s in spaces if s is not None]
    ctx.resolved[name] = known if len(known) == len(spaces) and len(set(seen)) == len(seen) else None
    return ctx.resolved[name]


def expanded(ctx: Context, definition: tree.Def, node: tree.Call, scope: Scope) -> Value | None:
    """A call: the body with the arguments in their places."""
    values = [(a, ctx.value(a, scope)) for a in node.args if not isinstance(a, tree.Keyword)]
    if definition.name in ctx.resolving:
        return report_circle(ctx, definition.name, definition)
    spaces = _signature(ctx, definition)
    args = [v for _, v in values if v is not None]
    if spaces is None or len(args) < len(values):
        return None
    if len(values) != len(spaces) or len(values) < len(node.args):
        form = ", ".join(a.span.text for a in definition.arguments)
        count = "1 argument" if len(spaces) == 1 else f"{len(spaces)} arguments"
        message = f"`{definition.name}` takes {count}; this has {len(node.args)}"
        return ctx.report.error("E205", node.span, message, hints=[f"its form is {definition.name}({form})"])
    sizes = _flexible_sizes(ctx, definition, spaces, [(a, v) for a, v in values if v is not None])
    if sizes is None:
        return None
    key = (definition.name, *[v.expr for v in args])
    if ctx.within and key in ctx.calls:  # what is defined by two calls each time would take 2^k of them
        return ctx.calls[key]
    arguments = {a.name: Value(v.expr) for a, v in zip(definition.arguments, args, strict=True)}
    texts = tuple((a.name, n.span.text) for a, (n, _) in zip(definition.arguments, values, strict=True))
    ctx.expansions.append(Expansion(definition.body.span, node.span, texts))
    ctx.calls[key] = found = _body(ctx, definition, sizes | arguments, node.span)
    return found


def _flexible_sizes(ctx: Context, definition: tree.Def, spaces: list[Space], values) -> dict[str, Local] | None:
    found = {}
    for argument, space, (node, value) in zip(definition.arguments, spaces, values, strict=True):
        try:
            found = match_shapes([(f"`{argument.name}`", space.shape)], [value.shape], found)
        except SizeConflict as conflict:
            wanted = f"`{definition.name}` takes {shape_text(space.shape)} here"
            notes = [conflict.message] if len(value.shape) == len(space.shape) else []
            labels = [Label(argument.span, "declared here")]
            message = f"{wanted}; {described(node, value)}"
            hints = []
            if not space.shape and len(values) == value.rank == 1:
                text = shown(node).strip("`")
                one = f"{definition.name}({text if text.isidentifier() else f'({text})'}[i])"
                hints = [f"of each entry: `stack({one} for i in {value.shape[0]})`"]
            return ctx.report.error("E203", node.span, message, notes=notes, labels=labels, hints=hints)
    return {name: finding.size for name, finding in found.items()}


MOST_CALLS = 10_000  # within one call, or the check of one definition


class _TooManyCalls(Exception):
    """So many calls have been put into one another that no more are."""


def _body(ctx: Context, definition: tree.Def, names: Mapping[str, Local], span: Span) -> Value | None:
    """The body in a scope of its own, compared with the declared result."""
    if ctx.within:
        return _inner_body(ctx, definition, names)
    ctx.calls, ctx.spent = {}, 0
    depth, resolving = ctx.depth, len(ctx.resolving)
    try:
        return _inner_body(ctx, definition, names)
    except _TooManyCalls:
        ctx.within, ctx.depth = 0, depth
        del ctx.resolving[resolving:]
        count = _calls_written_out(ctx, definition)
        message = f"written out, `{definition.name}` has {count} calls of definitions; {MOST_CALLS:,} are the most"
        return ctx.report.error("E121", span, message, hints=["what is used several times can be named with `let`"])


def _inner_body(ctx: Context, definition: tree.Def, names: Mapping[str, Local]) -> Value | None:
    """Raises _TooManyCalls."""
    if ctx.spent > MOST_CALLS:
        raise _TooManyCalls
    ctx.spent += 1
    ctx.within += 1
    ctx.resolving.append(definition.name)
    scope = Scope(names)
    body = ctx.value(definition.body, scope)
    result = to_space(ctx, definition.result, scope)
    ctx.resolving.pop()
    ctx.within -= 1
    if body is None or result is None:
        return None
    if body.shape != result.shape:
        message = f"`{definition.name}` is declared {shape_text(result.shape)}; {described(definition.body, body)}"
        labels = [Label(definition.result.span, "declared here")]
        return ctx.report.error("E203", definition.body.span, message, labels=labels)
    return Value(body.expr)


def _calls_written_out(ctx: Context, definition: tree.Def) -> str:
    """How many calls of definitions there are in a body when each is put in its place."""
    counts: dict[str, int] = {}
    pending = [definition]
    while pending:
        inner = list(_called(ctx, pending[-1]))
        unknown = [d for d in inner if d.name not in counts and d not in pending]  # in none of a circle
        if unknown:
            pending.append(unknown[0])
        else:
            counts[pending.pop().name] = sum(1 + counts.get(d.name, 0) for d in inner)
    count = counts[definition.name]
    return f"{count:,}" if count < 10**15 else "more than 10^15"


def _called(ctx: Context, definition: tree.Def) -> Iterator[tree.Def]:
    for name in re.findall(r"(\w+)\s*\(", definition.body.span.text):
        if isinstance(found := ctx.names.get(name), tree.Def):
            yield found
