"""What follows `if`: comparisons of dims, consts and indices, joined by `and`, `or`, `not`."""

from __future__ import annotations

from declarative.elaborate.context import Context
from declarative.elaborate.names import Scope
from declarative.elaborate.values import described, shown, stripped
from declarative.ir.condition import Condition, Connective, Negation, Test, Truth
from declarative.ir.expr import Expr, Extern, IndexSymbol, Nested, Parameter, Role, Variable
from declarative.ir.walk import condition_expressions, postorder
from declarative.syntax import tree


def to_condition(ctx: Context, node: tree.Expression, scope: Scope) -> Condition | None:
    """None where it is not a condition, which is then reported."""
    node = stripped(node)
    match node:
        case tree.Not(body=body):
            inner = to_condition(ctx, body, scope)
            return None if inner is None else Negation(inner)
        case tree.Logic(op=op, items=items):
            made = [to_condition(ctx, item, scope) for item in items]
            known = tuple(c for c in made if c is not None)
            return Connective(op, known) if len(known) == len(made) else None
        case tree.Compare():
            return _comparison(ctx, node, scope)
        case _:
            body = _operand(ctx, node, scope)
            return None if body is None else Truth(body)


def _comparison(ctx: Context, node: tree.Compare, scope: Scope) -> Condition | None:
    """`a < b`; a chain `a < b < c` says both."""
    if any(op == "in" for op, _ in node.rest):
        hints = ["compare indices instead: `0 <= i and i < n`"]
        return ctx.report.error("E216", node.span, "`in` does not stand in a condition", hints=hints)
    sides = [_operand(ctx, e, scope) for e in (node.first, *(e for _, e in node.rest))]
    known = [s for s in sides if s is not None]
    if len(known) < len(sides):
        return None
    pairs = zip(node.rest, known, known[1:], strict=False)
    tests = [Test(op, a, b) for (op, _), a, b in pairs if op != "in"]
    return tests[0] if len(tests) == 1 else Connective("and", tuple(tests))


def _operand(ctx: Context, node: tree.Expression, scope: Scope) -> Expr | None:
    """A scalar that is known before solving."""
    value = ctx.value(node, scope)
    if value is None:
        return None
    if value.rank:
        return ctx.report.error("E216", node.span, f"a condition compares scalars; {described(node, value)}")
    culprit = next((e for e in postorder(value.expr) if not _is_fixed(e)), None)
    if culprit is None:
        return value.expr
    what = "a variable" if isinstance(culprit, Variable) else "not fixed when the layer is compiled"
    span = culprit.origin or node.span
    hints = [f"declare `{culprit.name}` as a const"] if isinstance(culprit, Parameter) else []
    message = f"a condition reads only dims, consts and indices; {shown(span)} is {what}"
    return ctx.report.error("E216", span, message, hints=hints)


def _is_fixed(e: Expr) -> bool:
    match e:
        case Parameter(role=role):
            return role is Role.CONST
        case Variable() | Extern() | Nested():
            return False
        case _:
            return True


def condition_indices(condition: Condition) -> frozenset[IndexSymbol]:
    """The indices that a condition reads."""
    read = (n for e in condition_expressions(condition) for n in postorder(e))
    return frozenset(n for n in read if isinstance(n, IndexSymbol))
