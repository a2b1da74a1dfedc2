"""`solve by newton(tol = 1e-10)` and `differentiate by one_step` to methods with plain numbers and names."""

from __future__ import annotations

import math
from typing import Literal

from declarative.elaborate.attributes import infinity
from declarative.elaborate.context import Context
from declarative.elaborate.report import Report, closest, did_you_mean
from declarative.elaborate.values import name_span, shown, stripped
from declarative.ir.problem import Method
from declarative.source.diagnostic import DiagnosticError, error
from declarative.source.span import Source
from declarative.syntax import tree
from declarative.syntax.parse import parse_tree

RUN = ("newton", "gauss_newton", "levenberg_marquardt", "lbfgs", "ipopt", "trust_region", "interior_point", "auto")
SOLVERS = (
    *RUN,
    *("bfgs", "sqp", "qp", "active_set", "simplex", "augmented_lagrangian"),
    *("picard", "anderson", "broyden", "bisection", "sinkhorn"),
    *("davis_yin", "douglas_rachford", "admm", "projected_gradient", "gradient_descent", "fista", "frank_wolfe"),
    *("clarabel", "scs", "osqp", "daqp", "piqp", "highs", "moreau"),
)
OF_OTHERS = (
    *("adam", "adamw", "sgd", "rmsprop"),
    *("gurobi", "mosek", "cplex", "ecos", "snopt", "knitro", "slsqp", "bonmin"),
)
MODES = ("implicit", "one_step", "unroll", "smooth", "none")


def method_of(kind: Literal["solve", "differentiate"], text: str) -> Method:
    """`newton(tol = 1e-10)`, as it stands after `solve by` or `differentiate by`. Raises DiagnosticError."""
    source = Source(f"<{kind}>", f"{kind} by {text}")
    file, found = parse_tree(source)
    found = [d for d in found if d.code != "E117"]  # a clause alone has no objective
    report = Report()
    clauses = [s for s in file.statements if isinstance(s, tree.Clause)]
    if found or len(clauses) != 1 or len(file.statements) != 1:
        raise DiagnosticError(found or [error("E226", None, f"{kind} takes one method and its settings")])
    made = _method(report, clauses[0])
    if made is None:
        raise DiagnosticError(report.in_order())
    return made


def method(ctx: Context, node: tree.Clause) -> Method | None:
    """A method and its settings. A solver that is not ours may be given later, so its name is only a warning."""
    return _method(ctx.report, node)


def _method(report: Report, node: tree.Clause) -> Method | None:
    made = [_argument(report, a) for a in node.args or ()]
    if any(m is None for m in made) or not _is_known(report, node):
        return None
    known = [m for m in made if m is not None]
    named = [key for key, _ in known if key is not None]
    if len(set(named)) < len(named):
        return report.error("E226", node.span, "a setting is given twice")
    args = tuple(value for key, value in known if key is None)
    options = tuple(sorted((key, value) for key, value in known if key is not None))
    return Method(node.method, args, options, origin=node.span)


def _is_known(report: Report, node: tree.Clause) -> bool:
    span = name_span(node, node.method)
    if node.kind == "solve":
        other = node.method.lower() in OF_OTHERS
        if node.method not in SOLVERS and (other or closest(node.method, SOLVERS)):
            message = f"`{node.method}` is not a method of the library"
            known = (
                f"the methods are {', '.join(RUN)}; a function of this name is given by compile(..., solve=function)"
            )
            report.warn("W202", span, message, hints=[known] if other else did_you_mean(node.method, SOLVERS))
        return True
    if node.method not in MODES:
        hints = did_you_mean(node.method, MODES) or (f"the modes are {', '.join(MODES)}",)
        report.error("E226", span, f"there is no backward mode `{node.method}`", hints=hints)
    return node.method in MODES


def _argument(report: Report, node: tree.Expression | tree.Keyword) -> tuple[str | None, float | str] | None:
    key, value = (node.name, node.value) if isinstance(node, tree.Keyword) else (None, node)
    found = _setting(value)
    if found is None:
        return report.error("E226", value.span, f"a setting is a number or a name; {shown(value)} is neither")
    if isinstance(found, float) and not math.isfinite(found):
        return report.error("E226", value.span, f"a setting is a finite number; {shown(value)} is not")
    return key, found


def _setting(node: tree.Expression) -> float | str | None:
    node = stripped(node)
    infinite = infinity(node)
    if infinite is not None:
        return getattr(infinite, "value", None)
    match node:
        case tree.Number(text=text):
            return float(text)
        case tree.Name(id=name):
            return name
        case tree.Unary(op=op, body=body):
            inner = _setting(body)
            return None if not isinstance(inner, float) else -inner if op == "-" else inner
        case _:
            return None
