"""`e1 <= e2 <= e3`, `e1 == e2`, `X in PSD` to constraints; the same for the promises of `assume`."""

from __future__ import annotations

from itertools import pairwise

from declarative.elaborate.attributes import infinity
from declarative.elaborate.binders import Bound, bind
from declarative.elaborate.cones import membership
from declarative.elaborate.context import Context
from declarative.elaborate.growth import unjoined
from declarative.elaborate.names import Scope
from declarative.elaborate.operators import fits
from declarative.elaborate.promises import require_data
from declarative.elaborate.values import Value, shown, stripped
from declarative.ir.expr import Expr, Extern, Nested, Variable
from declarative.ir.problem import Comparison, Constraint, Membership, Relation
from declarative.ir.walk import condition_expressions, postorder
from declarative.source.span import Span
from declarative.syntax import tree


def constraints(ctx: Context, node: tree.Constraint) -> list[Constraint] | None:
    """One comparison or membership, or the two comparisons of a chain; None where it fails, which is reported."""
    made = _related(ctx, node.relation, node.fors, node.label, node.span)
    if made and not any(_has_unknown(c) for c in made):
        ctx.report.warn("W201", node.relation.span, _warning(node), hints=["a promise about data is an `assume`"])
    if made and node.fors is not None:
        _warn_of_idle_indices(ctx, node, node.fors, made[0])
    return made


def _warn_of_idle_indices(ctx: Context, node: tree.Constraint, fors: tree.Fors, c: Constraint) -> None:
    """`x >= 0 for i in n`, which says the same n times."""
    used = {n for e in (*sides(c), *condition_expressions(c.condition)) for n in postorder(e)}
    for f, binder in zip(fors.binders, c.binders, strict=True):
        if binder.index not in used:
            message = f"`{f.index}` is not used, so that {shown(node.relation)} is said for each of them again"
            hints = [f"a constraint of an array holds for each of its entries: leave out `for {f.span.text}`"]
            ctx.report.warn("W205", f.span, message, hints=[*hints, f"of one entry it speaks as `x[{f.index}]`"])


def _warning(node: tree.Constraint) -> str:
    return f"{shown(node.relation)} constrains nothing: it holds no variable"


def promises(ctx: Context, node: tree.Assume) -> list[Constraint] | None:
    """What `assume` says of params and consts."""
    made = _related(ctx, node.relation, node.fors, None, node.span)
    if made is None or not all(require_data(ctx, node.relation, e, "a promise") for c in made for e in sides(c)):
        return None
    return made


def sides(c: Constraint) -> tuple[Expr, ...]:
    match c:
        case Comparison(left=left, right=right):
            return (left, right)
        case Membership(elements=elements, args=args):
            return elements + args


def _has_unknown(c: Constraint) -> bool:
    return any(isinstance(n, Variable | Extern | Nested) for n in unjoined(sides(c)))


def _related(
    ctx: Context, relation: tree.Expression, fors: tree.Fors | None, label: str | None, span: Span
) -> list[Constraint] | None:
    relation = stripped(relation)
    if not isinstance(relation, tree.Compare) or _is_too_long(ctx, relation):
        return None  # what is no relation at all has been reported with the syntax
    bound = bind(ctx, fors, Scope(depth=0))
    if bound is None:
        return None
    if relation.rest[0][0] == "in":
        made = membership(ctx, relation, bound, label, span)
        return None if made is None else [made]
    return _comparisons(ctx, relation, bound, label, span)


def _is_too_long(ctx: Context, node: tree.Compare) -> bool:
    """True, and reported, for `a == b == c` and for more than three sides."""
    items = [node.first, *(e for _, e in node.rest)]
    op = node.rest[0][0]
    most = 2 if op == "==" else 3
    if len(items) <= most:
        return False
    pairs = "; ".join(f"{a.span.text} {op} {b.span.text}" for a, b in pairwise(items))
    message = "`==` does not stand in a chain" if op == "==" else "a chain has three sides at most"
    ctx.report.error("E217", items[most].span, message, hints=[f"write them one by one: `{pairs}`"])
    return True


def _comparisons(
    ctx: Context, node: tree.Compare, bound: Bound, label: str | None, span: Span
) -> list[Constraint] | None:
    items = [node.first, *(e for _, e in node.rest)]
    op = node.rest[0][0]
    made = [_side(ctx, item, bound.scope, op, k in (0, len(items) - 1)) for k, item in enumerate(items)]
    values = [v for v in made if v is not None]
    if len(values) < len(made) or not _sides_fit(ctx, op, items, values):
        return None
    common = {"binders": bound.binders, "condition": bound.condition, "origin": span}
    relation = Relation(op)
    if len(values) == 2:
        left, right = (v.expr for v in values)
        return [Comparison(label, relation, left, right, **common)]
    lower, middle, upper = (v.expr for v in (values if relation is Relation.LE else values[::-1]))
    return [
        Comparison(label, Relation.GE, middle, lower, part="lower", **common),
        Comparison(label, Relation.LE, middle, upper, part="upper", **common),
    ]


def _side(ctx: Context, node: tree.Expression, scope: Scope, op: str, outer: bool) -> Value | None:
    """`inf` may be a whole outer side of an inequality."""
    infinite = infinity(node) if outer and op != "==" else None
    return Value(infinite) if infinite is not None else ctx.value(node, scope)


def _sides_fit(ctx: Context, op: str, items: list[tree.Expression], values: list[Value]) -> bool:
    """Equal shapes, or scalars; of a chain, each outer side with the middle one."""
    pairs = [(0, 1)] if len(values) == 2 else [(1, 0), (1, 2)]
    scalars = [not values[a].rank or not values[b].rank for a, b in pairs]
    return all(
        scalar or fits(ctx, op, (items[a], values[a]), (items[b], values[b]))
        for scalar, (a, b) in zip(scalars, pairs, strict=True)
    )
