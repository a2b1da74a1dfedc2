"""`f(a, b)` and `sum(e for i in n)`: functions of the library, extern functions, sums over indices."""

from __future__ import annotations

from collections.abc import Sequence

from declarative.atoms import registry
from declarative.atoms.defined import DEFINITIONS
from declarative.elaborate.arrays import stacked
from declarative.elaborate.attributes import infinity
from declarative.elaborate.binders import Bound, bind
from declarative.elaborate.context import Context
from declarative.elaborate.definitions import expanded
from declarative.elaborate.familiar import ELSEWHERE, function_hints
from declarative.elaborate.index_first import sum_over_index
from declarative.elaborate.names import Scope, kind
from declarative.elaborate.nested import solved
from declarative.elaborate.operators import applied
from declarative.elaborate.report import closest, did_you_mean
from declarative.elaborate.values import Solved, Value, described, known_integer, shown, stripped
from declarative.ir.expr import Expr, Extern, Reduce
from declarative.ir.problem import ExternDeclaration
from declarative.ir.size import shape_text
from declarative.syntax import tree

REDUCTIONS = ("sum", "max", "min", "prod")
_VECTOR_FIRST = ("quad", "quad_root", "matrix_frac")


def called(ctx: Context, node: tree.Call, scope: Scope) -> Value | Solved | None:
    """A call's meaning. Declared names that are not functions do not hide functions: `sum(x)` beside `var sum`."""
    function = stripped(node.function)
    if not isinstance(function, tree.Name):
        return ctx.report.error("E204", node.span, f"{shown(node.function)} is not a function")
    if node.fors is not None:
        return _reduced(ctx, node, function.id, scope)
    match ctx.names.get(function.id):
        case tree.Def() as definition:
            return expanded(ctx, definition, node, scope)
        case tree.Extern():
            return _extern(ctx, function.id, node, scope)
        case tree.Import():
            return solved(ctx, function.id, node, scope)
        case _ if is_function(function.id):
            return _library(ctx, function.id, node, scope)
        case _:
            return _unknown(ctx, function, node, scope)


def is_function(name: str) -> bool:
    """True for the functions of the library that are called by name."""
    atom = registry.find(name)
    return name in REDUCTIONS or name in DEFINITIONS or (atom is not None and not atom.operator)


def function_names() -> tuple[str, ...]:
    return tuple(name for name in dict.fromkeys((*registry.names(), *DEFINITIONS, *REDUCTIONS)) if is_function(name))


def _unknown(ctx: Context, function: tree.Name, node: tree.Call, scope: Scope) -> None:
    name = function.id
    if name in scope.locals or name in ctx.names:
        entity = ctx.names.get(name)
        what = "not a function" if entity is None else f"{kind(entity)}, not a function"
        inner = ", ".join(a.span.text for a in node.args)
        hints = [
            f"entries are read with square brackets: `{name}[{inner}]`",
            f"a product needs `*`: `{name}*({inner})`",
        ]
        return ctx.report.error("E204", function.span, f"`{name}` is {what}", hints=hints)
    declared = [n for n, e in ctx.names.items() if isinstance(e, tree.Def | tree.Extern | tree.Import)]
    hints = function_hints(name) or _near(name, [*declared, *function_names()])
    return ctx.report.error("E204", function.span, f"there is no function `{name}`", hints=hints)


def _near(name: str, ours: Sequence[str]) -> tuple[str, ...]:
    """For a misspelt function of this language, or of another one."""
    nearest = closest(name, [*ours, *ELSEWHERE])
    return did_you_mean(name, ours) if nearest is None or nearest in ours else function_hints(nearest)


def _library(ctx: Context, name: str, node: tree.Call, scope: Scope) -> Value | None:
    """Keywords are options; a number or `inf` at the end may be one too (`norm(x, 1)`)."""
    if name in REDUCTIONS and (meant := sum_over_index(ctx, node, name, scope)):
        message = f"the index of a `{name}` stands behind what it runs over"
        return ctx.report.error("E205", node.args[0].span, message, hints=[f"write {meant}"])
    args: list[tuple[tree.Expression, Expr]] = []
    options: dict[str, Expr] = {}
    for a in node.args:
        e = a.value if isinstance(a, tree.Keyword) else a
        value = Value(infinite) if (infinite := infinity(e)) else ctx.value(e, scope)
        if value is not None and isinstance(a, tree.Keyword):
            options[a.name] = value.expr
        elif value is not None:
            args.append((e, value.expr))
    if len(args) + len(options) < len(node.args):
        return None
    return _applied(ctx, name, node, args, options)


def _applied(
    ctx: Context, name: str, node: tree.Call, args: list[tuple[tree.Expression, Expr]], options: dict[str, Expr]
) -> Value | None:
    if name == "sum" and len(args) > 1:
        return ctx.report.error("E205", node.span, "`sum` takes one argument", hints=[_one_sum(args)])
    if name in _VECTOR_FIRST and [len(e.shape) for _, e in args] == [2, 1]:
        (matrix, _), (vector, _) = args
        hints = [f"`{name}({vector.span.text}, {matrix.span.text})`"]
        return ctx.report.error("E203", node.span, f"the vector stands first in `{name}`, then the matrix", hints=hints)
    expr = applied(ctx, name, [e for _, e in args], node.span, [a.span for a, _ in args], **options)
    return None if expr is None else Value(expr)


def _one_sum(args: list[tuple[tree.Expression, Expr]]) -> str:
    """`sum(x, y)` may mean x + y; in `sum(X, 0)` of other libraries the number is an axis."""
    (first, summed), (second, _) = args[:2]
    axis = known_integer(second)
    if not summed.shape or axis is None:
        return f"`{' + '.join(a.span.text for a, _ in args)}`"
    if axis < len(summed.shape) == 2:
        return f"along an axis it is `sum({first.span.text}, axis = {axis})`"
    return f"all entries are added by `sum({first.span.text})`"


def _reduced(ctx: Context, node: tree.Call, name: str, scope: Scope) -> Value | None:
    """`sum(e for i in n if c)` stays one node, and so does the array `stack(e for i in n)`."""
    if name not in (*REDUCTIONS, "stack"):
        names = ", ".join(f"`{r}`" for r in (*REDUCTIONS, "stack"))
        hints = [f"{names} do: `{name}(stack(... for i in n))` takes them all as one array"]
        return ctx.report.error("E205", node.span, f"`{name}` does not run over indices", hints=hints)
    bound = bind(ctx, node.fors, scope)
    if bound is None:
        return None
    body = ctx.value(node.args[0], bound.scope)  # pyright: ignore[reportArgumentType]
    if body is None:
        return None
    if name == "stack":
        return _stacked(ctx, node, body, bound)
    return Value(Reduce(name, body.expr, bound.binders, bound.condition, origin=node.span), body.row)


def _stacked(ctx: Context, node: tree.Call, body: Value, bound: Bound) -> Value | None:
    if bound.condition is not None:
        return ctx.report.error("E205", node.span, "a stack has no condition: every entry is there")
    return Value(stacked(body.expr, bound.binders, node.span))


def _extern(ctx: Context, name: str, node: tree.Call, scope: Scope) -> Value | None:
    values = [(a, ctx.value(a, scope)) for a in node.args if not isinstance(a, tree.Keyword)]
    args = [v for _, v in values if v is not None]
    declared: ExternDeclaration | None = ctx.resolved.get(name)
    if declared is None or len(args) < len(values):
        return None
    if len(values) != len(declared.domain) or len(values) < len(node.args):
        wanted = ", ".join(map(shape_text, declared.domain))
        message = f"`{name}` takes {len(declared.domain)} arguments ({wanted}); this has {len(node.args)}"
        return ctx.report.error("E205", node.span, message)
    for (arg, value), shape in zip(values, declared.domain, strict=True):
        if value is not None and value.shape != shape:
            message = f"`{name}` takes {shape_text(shape)} here; {described(arg, value)}"
            return ctx.report.error("E203", arg.span, message)
    return Value(Extern(name, tuple(v.expr for v in args), declared.codomain, origin=node.span))
