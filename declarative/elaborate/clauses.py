"""`solve by newton(tol = 1e-10)` and `differentiate by one_step` to methods with plain numbers and names."""

from __future__ import annotations

from declarative.elaborate.attributes import infinity
from declarative.elaborate.context import Context
from declarative.elaborate.report import closest, did_you_mean
from declarative.elaborate.values import name_span, shown, stripped
from declarative.ir.problem import Method
from declarative.syntax import tree

SOLVERS = (
    *("newton", "gauss_newton", "levenberg_marquardt", "lbfgs", "bfgs", "sqp", "ipopt", "trust_region"),
    *("qp", "interior_point", "active_set", "simplex", "augmented_lagrangian"),
    *("picard", "anderson", "broyden", "bisection", "sinkhorn"),
    *("davis_yin", "douglas_rachford", "admm", "projected_gradient", "gradient_descent", "fista", "frank_wolfe"),
    *("clarabel", "scs", "osqp", "daqp", "piqp", "highs", "moreau", "adam"),
)
MODES = ("implicit", "one_step", "unroll")


def method(ctx: Context, node: tree.Clause) -> Method | None:
    """A method and its settings. A solver that is not ours may be given later, so its name is only a warning."""
    made = [_argument(ctx, a) for a in node.args or ()]
    if any(m is None for m in made) or not _is_known(ctx, node):
        return None
    known = [m for m in made if m is not None]
    named = [key for key, _ in known if key is not None]
    if len(set(named)) < len(named):
        return ctx.report.error("E226", node.span, "a setting is given twice")
    args = tuple(value for key, value in known if key is None)
    options = tuple(sorted((key, value) for key, value in known if key is not None))
    return Method(node.method, args, options, origin=node.span)


def _is_known(ctx: Context, node: tree.Clause) -> bool:
    span = name_span(node, node.method)
    if node.kind == "solve":
        if node.method not in SOLVERS and closest(node.method, SOLVERS):
            message = f"`{node.method}` is not a method of the library"
            ctx.report.warn("W202", span, message, hints=did_you_mean(node.method, SOLVERS))
        return True
    if node.method not in MODES:
        hints = did_you_mean(node.method, MODES) or (f"the modes are {', '.join(MODES)}",)
        ctx.report.error("E226", span, f"there is no backward mode `{node.method}`", hints=hints)
    return node.method in MODES


def _argument(ctx: Context, node: tree.Expression | tree.Keyword) -> tuple[str | None, float | str] | None:
    key, value = (node.name, node.value) if isinstance(node, tree.Keyword) else (None, node)
    found = _setting(value)
    if found is None:
        return ctx.report.error("E226", value.span, f"a setting is a number or a name; {shown(value)} is neither")
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
