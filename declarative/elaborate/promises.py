"""What must be known before solving: promises, defaults and starting points read no variable."""

from __future__ import annotations

from declarative.elaborate.context import Context
from declarative.elaborate.values import shown
from declarative.ir.expr import Expr, Extern, Nested, Variable
from declarative.ir.walk import postorder
from declarative.syntax import tree


def require_data(ctx: Context, node: tree.Node, e: Expr, what: str) -> bool:
    """False, and reported, where an expression holds a variable. `what`: "a promise", "a default"."""
    culprit = next((n for n in postorder(e) if isinstance(n, Variable | Nested | Extern)), None)
    if culprit is None:
        return True
    found = "is a variable" if isinstance(culprit, Variable) else "is known only while solving"
    hints = ["a relation of variables is a constraint: it stands after `subject to`"] if what == "a promise" else []
    span = culprit.origin or node.span
    ctx.report.error("E215", span, f"{what} reads params and consts only; {shown(span)} {found}", hints=hints)
    return False
