"""`follower(q1, a = a).q`: another file's problem called as a function, and one field of its solution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from declarative.elaborate.context import Context
from declarative.elaborate.duals import dual_shape
from declarative.elaborate.names import Scope
from declarative.elaborate.report import did_you_mean
from declarative.elaborate.values import Solved, Value, described, shown
from declarative.ir.expr import Expr, Nested, Parameter, Role
from declarative.ir.problem import ParameterDeclaration, Problem
from declarative.ir.size import Shape, Size, shape_text
from declarative.ir.unify import Finding, SizeConflict, match_shapes
from declarative.source.span import Span
from declarative.syntax import tree


def solved(ctx: Context, name: str, node: tree.Call, scope: Scope) -> Solved | None:
    """Params by position (those without a default) or by name, consts by name. None where the call does not fit."""
    given = [(a, ctx.value(a.value if isinstance(a, tree.Keyword) else a, scope)) for a in node.args]
    problem = ctx.imports.get(name)
    if problem is None or any(v is None for _, v in given):
        return None
    pairs = _paired(ctx, problem, [(a, v) for a, v in given if v is not None], node)
    sizes = None if pairs is None else _sizes(ctx, problem, pairs)
    if pairs is None or sizes is None:
        return None
    args = tuple(v.expr for a, _, v in pairs if not isinstance(a, tree.Keyword))
    named = tuple((p.name, v.expr) for a, p, v in pairs if isinstance(a, tree.Keyword))
    return Solved(problem, args, named, tuple(sorted(sizes.items())))


def _paired(ctx: Context, problem: Problem, given, node: tree.Call):
    """Each argument with the parameter that it is for."""
    positional = [p.symbol for p in problem.parameters if p.symbol.role is Role.PARAM and p.default is None]
    by_name = {p.symbol.name: p.symbol for p in problem.parameters if p.symbol.role is not Role.LEARN}
    values = [(a, v) for a, v in given if not isinstance(a, tree.Keyword)]
    if len(values) > len(positional):
        message = f"`{problem.name}` takes {len(positional)} params by position; this has {len(values)}"
        hints = [f"its form is {_form(problem)}"]
        return ctx.report.error("E225", values[len(positional)][0].span, message, hints=hints)
    pairs = [(a, p, v) for (a, v), p in zip(values, positional, strict=False)]
    for a, v in given:
        if not isinstance(a, tree.Keyword):
            continue
        if a.name not in by_name or a.name in {p.name for _, p, _ in pairs}:
            return _report_keyword(ctx, problem, a, by_name)
        pairs.append((a, by_name[a.name], v))
    return pairs if _complete(ctx, problem, {p.name for _, p, _ in pairs}, node) else None


def _report_keyword(ctx: Context, problem: Problem, a: tree.Keyword, by_name: dict[str, Parameter]) -> None:
    if a.name in by_name:
        return ctx.report.error("E225", a.span, f"`{a.name}` is given twice")
    message = f"`{problem.name}` has no param or const `{a.name}`"
    hints = did_you_mean(a.name, by_name) or (f"its form is {_form(problem)}",)
    return ctx.report.error("E225", a.span, message, hints=hints)


def _complete(ctx: Context, problem: Problem, given: set[str], node: tree.Call) -> bool:
    missing = [p.symbol.name for p in problem.parameters if _is_needed(p) and p.symbol.name not in given]
    if missing:
        names = ", ".join(f"`{n}`" for n in missing)
        message = f"`{problem.name}` is not given {names}"
        ctx.report.error("E225", node.span, message, hints=[f"its form is {_form(problem)}"])
    return not missing


def _is_needed(p: ParameterDeclaration) -> bool:
    return p.default is None and p.symbol.role is not Role.LEARN


def _form(problem: Problem) -> str:
    """How a problem is called: `follower(q1, a = a, ...)`."""
    parts = [
        p.symbol.name if p.symbol.role is Role.PARAM and p.default is None else f"{p.symbol.name} = ..."
        for p in problem.parameters
        if p.symbol.role is not Role.LEARN
    ]
    return f"`{problem.name}({', '.join(parts)})`"


def _sizes(ctx: Context, problem: Problem, pairs) -> dict[str, Size] | None:
    """What the inner problem's dims are, from the shapes of the arguments."""
    found: dict[str, Finding] = {}
    for a, p, v in pairs:
        try:
            found = match_shapes([(f"`{p.name}`", p.shape)], [v.shape], found)
        except SizeConflict as conflict:
            given = a.value if isinstance(a, tree.Keyword) else a
            message = f"`{p.name}` of `{problem.name}` is {shape_text(p.shape)}; {described(given, v)}"
            return ctx.report.error("E203", a.span, message, notes=[conflict.message])
    sizes = {name: finding.size for name, finding in found.items()}
    defaults = {d.name: d.default for d in problem.dims if d.default is not None}
    return defaults | sizes


def field_of(ctx: Context, call: Solved, path: Sequence[str], span: Span) -> Value | None:
    """A variable, an output, `value` or a dual of a solved problem."""
    name = ".".join(path)
    shapes = dict(_fields(call.problem))
    if name not in shapes:
        message = f"`{call.problem.name}` has no field `{name}`"
        known = ", ".join(f"`{n}`" for n in shapes if "." not in n)
        hints = did_you_mean(name, shapes) or (f"its fields are {known}",)
        return ctx.report.error("E225", span, message, hints=hints)
    sizes = dict(call.sizes)
    unknown = sorted({n for size in shapes[name] for n in size.names} - sizes.keys())
    if unknown:
        message = f"the size `{unknown[0]}` of {shown(span)} cannot be told from the arguments"
        return ctx.report.error("E225", span, message)
    shape = tuple(size.substitute(sizes) for size in shapes[name])
    return Value(_nested(call, name, shape, span))


def _nested(call: Solved, name: str, shape: Shape, span: Span) -> Expr:
    return Nested(call.problem.name, call.args, call.named, name, shape, origin=span)


def _fields(problem: Problem) -> Iterator[tuple[str, Shape]]:
    yield from ((v.symbol.name, v.symbol.shape) for v in problem.variables)
    yield from ((o.name, o.body.shape) for o in problem.outputs)
    yield "value", ()
    for c in problem.constraints:
        if c.name is not None:
            part = getattr(c, "part", "")
            yield ".".join(filter(None, (c.name, part, "dual"))), dual_shape(c)
