"""`X in PSD`, `(t, x) in SOC`, `p in Simplex`: the sets of the library, and what may be an element of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from declarative.elaborate.attributes import infinity
from declarative.elaborate.binders import Bound
from declarative.elaborate.context import Context
from declarative.elaborate.familiar import WHOLE, YES_OR_NO
from declarative.elaborate.names import Scope
from declarative.elaborate.promises import require_data
from declarative.elaborate.report import did_you_mean
from declarative.elaborate.values import Value, described, shown, stripped
from declarative.ir.expr import Constant
from declarative.ir.problem import Membership
from declarative.ir.size import Shape
from declarative.source.span import Span
from declarative.syntax import tree
from declarative.syntax.mistakes.braces import CONTINUOUS


@dataclass(frozen=True)
class Set:
    """`form` in words; `fits` judges the shapes of the elements; `args` those of the set's own arguments."""

    form: str
    elements: Callable[[tuple[Shape, ...]], bool]
    arguments: int = 0


def _square(shapes: tuple[Shape, ...]) -> bool:
    return len(shapes) == 1 and len(shapes[0]) == 2 and shapes[0][0] == shapes[0][1]


def _scalar_and_vector(shapes: tuple[Shape, ...]) -> bool:
    return len(shapes) == 2 and shapes[0] == () and len(shapes[1]) == 1


def _three_alike(shapes: tuple[Shape, ...]) -> bool:
    return len(shapes) == 3 and len({s for s in shapes if s}) <= 1


def _vector(shapes: tuple[Shape, ...]) -> bool:
    return len(shapes) == 1 and len(shapes[0]) == 1


def _one(shapes: tuple[Shape, ...]) -> bool:
    return len(shapes) == 1


def arguments_fit(name: str, element: Shape, args: tuple[Shape, ...]) -> bool:
    """Scalars; an end of a box may have the shape of the element."""
    return all(shape == () or (name == "Box" and shape == element) for shape in args)


CONES = {
    "PSD": Set("X in PSD, with X square", _square),
    "SOC": Set("(t, x) in SOC: norm(x) <= t, with t a scalar and x a vector", _scalar_and_vector),
    "EXP": Set("(x, y, z) in EXP: y*exp(x/y) <= z, of equal shapes", _three_alike),
    "POW": Set("(x, y, z) in POW(a): x^a*y^(1-a) >= abs(z), of equal shapes", _three_alike, 1),
    "Simplex": Set("x in Simplex, with x a vector", _vector),
    "Box": Set("x in Box(lo, hi)", _one, 2),
    "Ball": Set("x in Ball(r): norm(x) <= r, with x a vector", _vector, 1),
}


def membership(ctx: Context, node: tree.Compare, bound: Bound, label: str | None, span: Span) -> Membership | None:
    """None where the set is unknown or the elements do not fit, which is then reported."""
    first = stripped(node.first) if isinstance(stripped(node.first), tree.Tuple) else node.first
    items = first.items if isinstance(first, tree.Tuple) else (first,)
    made = [(item, ctx.value(item, bound.scope)) for item in items]
    elements = [(item, v) for item, v in made if v is not None]
    cone = _cone(ctx, node.rest[0][1], bound.scope)
    if cone is None or len(elements) < len(made):
        return None
    name, args = cone
    if not CONES[name].elements(tuple(v.shape for _, v in elements)):
        return _misfit(ctx, name, node.first, elements)
    if name == "Box" and not _box_fits(ctx, elements[0], args):
        return None
    exprs = tuple(v.expr for _, v in elements), tuple(v.expr for _, v in args)
    return Membership(label, exprs[0], name, exprs[1], bound.binders, bound.condition, origin=span)


def _cone(ctx: Context, node: tree.Expression, scope: Scope):
    """The set's name and its arguments."""
    node = stripped(node)
    function = stripped(node.function) if isinstance(node, tree.Call) else node
    given = node.args if isinstance(node, tree.Call) else ()
    if not isinstance(function, tree.Name):
        return ctx.report.error("E227", node.span, f"{shown(node)} is not a set", hints=_interval(node) or _known())
    if function.id not in CONES:
        whole = function.id in (*WHOLE, *YES_OR_NO)
        relaxed = f"{CONTINUOUS}; leave it out and round the solution, or say `0 <= x <= 1` for a choice"
        hints = (relaxed,) if whole else did_you_mean(function.id, CONES) or _known()
        return ctx.report.error("E227", function.span, f"there is no set `{function.id}`", hints=hints)
    if len(given) != CONES[function.id].arguments or any(isinstance(a, tree.Keyword) for a in given):
        count = CONES[function.id].arguments
        message = f"`{function.id}` takes {count} argument{'' if count == 1 else 's'}; this has {len(given)}"
        return ctx.report.error("E227", node.span, message, hints=[f"`{CONES[function.id].form}`"])
    made = [(a, _argument(ctx, a, scope, function.id)) for a in given if not isinstance(a, tree.Keyword)]
    args = [(a, v) for a, v in made if v is not None]
    ok = all(require_data(ctx, a, v.expr, "the argument of a set") for a, v in args)
    fits = ok and len(args) == len(made) and _scalars(ctx, function.id, args) and _is_power(ctx, function.id, args)
    return (function.id, args) if fits else None


def _argument(ctx: Context, node: tree.Expression, scope: Scope, name: str) -> Value | None:
    """A side of a box may be open."""
    infinite = infinity(node) if name == "Box" else None
    return ctx.value(node, scope) if infinite is None else Value(infinite)


def _scalars(ctx: Context, name: str, args: list[tuple[tree.Expression, Value]]) -> bool:
    culprit = next(((a, v) for a, v in args if v.rank and name != "Box"), None)
    if culprit:
        ctx.report.error("E227", culprit[0].span, f"`{name}` takes a scalar; {described(*culprit)}")
    return culprit is None


def _is_power(ctx: Context, name: str, args: list[tuple[tree.Expression, Value]]) -> bool:
    """The exponent of POW, where it is a number, lies between 0 and 1."""
    numbers = [(a, v.expr.value) for a, v in args if name == "POW" and isinstance(v.expr, Constant)]
    culprit = next((a for a, value in numbers if not 0 < value < 1), None)
    if culprit is not None:
        message = f"the exponent of `POW` lies between 0 and 1; {shown(culprit)} does not"
        ctx.report.error("E227", culprit.span, message, hints=["`(x, y, z) in POW(a)` is x^a*y^(1-a) >= abs(z)"])
    return culprit is None


def _box_fits(ctx: Context, element: tuple[tree.Expression, Value], args: list[tuple[tree.Expression, Value]]) -> bool:
    culprit = next(((a, v) for a, v in args if v.shape not in ((), element[1].shape)), None)
    if culprit:
        message = f"an end of `Box` is a scalar or has the shape of {shown(element[0])}; {described(*culprit)}"
        ctx.report.error("E227", culprit[0].span, message)
    return culprit is None


def _misfit(ctx: Context, name: str, node: tree.Expression, elements: list[tuple[tree.Expression, Value]]) -> None:
    facts = ", ".join(described(item, v) for item, v in elements)
    return ctx.report.error("E227", node.span, f"this does not fit `{name}`: {facts}", hints=[f"`{CONES[name].form}`"])


def _interval(node: tree.Expression) -> tuple[str, ...]:
    """`x in [0, 1]`."""
    ends = node.rows[0] if isinstance(node, tree.Array) and len(node.rows) == 1 else ()
    if len(ends) != 2:
        return ()
    lo, hi = (e.span.text for e in ends)
    return (f"an interval is `{lo} <= ... <= {hi}`, or `in Box({lo}, {hi})`",)


def _known() -> tuple[str, ...]:
    return (f"the sets are {', '.join(CONES)}",)
