"""How a problem depends on its params: what is computed before solving, and which products are not DPP in CVXPY."""

from __future__ import annotations

from collections.abc import Iterator

from declarative.analysis.classify import classify
from declarative.analysis.words import text
from declarative.atoms.registry import find
from declarative.ir.expr import Call, Constant, Expr, Index, IndexSymbol, Parameter, Role, SizeValue, Variable
from declarative.ir.problem import Comparison, Membership, Problem, Relation
from declarative.ir.walk import children, fold, postorder, symbols
from declarative.source.diagnostic import Diagnostic, Severity


def roots(problem: Problem) -> Iterator[Expr]:
    """The objective and all sides and elements of the constraints."""
    if problem.objective.body is not None:
        yield problem.objective.body
    for c in problem.constraints:
        yield from (c.left, c.right) if isinstance(c, Comparison) else c.elements


def parameter_only(root: Expr) -> tuple[Expr, ...]:
    """The largest subexpressions of params and consts alone that are more than a name: they are computed in torch."""
    free: dict[int, bool] = {}

    def step(node: Expr, inner: tuple[bool, ...]) -> bool:
        free[id(node)] = not isinstance(node, Variable) and all(inner)
        return free[id(node)]

    if fold(root, step):
        return (root,) if _is_work(root) else ()
    parents = (node for node in postorder(root) if not free[id(node)])
    found = {child: None for node in parents for child in children(node) if free[id(child)] and _is_work(child)}
    return tuple(found)


def _is_work(e: Expr) -> bool:
    part = e
    while isinstance(part, Index) or (isinstance(part, Call) and part.atom in ("neg", "transpose")):
        part = part.base if isinstance(part, Index) else part.args[0]
    plain = isinstance(part, Constant | SizeValue | IndexSymbol | Parameter)
    return not plain and any(isinstance(s, Parameter) for s in symbols(e))


def not_dpp(root: Expr) -> tuple[Call, ...]:
    """Products of params with an expression that holds params too, and forms x'Px with a param P."""

    held: dict[int, tuple[bool, bool]] = {}  # params that change from call to call, and variables

    def step(node: Expr, inner: tuple[tuple[bool, bool], ...]) -> tuple[bool, bool]:
        changing = isinstance(node, Parameter) and node.role is not Role.CONST
        unknown = isinstance(node, Variable)
        held[id(node)] = (changing or any(p for p, _ in inner), unknown or any(v for _, v in inner))
        return held[id(node)]

    fold(root, step)
    calls = (node for node in postorder(root) if isinstance(node, Call) and held[id(node)] == (True, True))
    return tuple(node for node in calls if _refused(node, [held[id(a)] for a in node.args]))


def _refused(node: Call, held: list[tuple[bool, bool]]) -> bool:
    record = find(node.atom)
    assert record is not None
    fixed, mixed = (True, False) in held, (True, True) in held
    return fixed and (node.atom == "quad" or (record.bilinear and mixed))


def dpp_remarks(problem: Problem) -> list[Diagnostic]:
    """For `explain`: what is not DPP in CVXPY, so that cvxpylayers refuses it; the rewrites take these forms."""
    found: dict[Expr, Diagnostic] = {}
    for root in roots(problem) if classify(problem).convex else ():
        for node in not_dpp(root):
            message = (
                f"`{text(node)}` is a product of params with more of them, which is not DPP in CVXPY; here it is taken"
            )
            found.setdefault(node, Diagnostic("D111", Severity.REMARK, node.origin, message))
    return list(found.values())


def dependence(problem: Problem) -> list[str]:
    """Lines for `explain`: what the params make up alone, and which products are not DPP in CVXPY."""
    hoisted = dict.fromkeys(text(node) for root in roots(problem) for node in parameter_only(root))
    lines = [f"computed from the data before solving: {', '.join(f'`{one}`' for one in hoisted)}"] if hoisted else []
    return lines + [remark.message for remark in dpp_remarks(problem)]


def may_be_infinite(problem: Problem) -> dict[str, frozenset[int]]:
    """The params that stand only as whole sides of inequalities, or as bounds of variables: there infinity is legal.

    Of which sign: +1 where what varies must be less, -1 where it must be more, none where both are asked.
    """
    whole: dict[Parameter, set[int]] = {}
    elsewhere: set[Parameter] = set()
    for root, sign in _sides(problem):
        side = root
        if isinstance(root, Call) and root.atom == "neg":
            side, sign = root.args[0], -sign
        base = side.base if isinstance(side, Index) else side
        if isinstance(base, Parameter):
            whole.setdefault(base, set()).add(sign)
        else:
            elsewhere.update(s for s in symbols(root) if isinstance(s, Parameter))
    for root in _other_roots(problem):
        elsewhere.update(s for s in symbols(root) if isinstance(s, Parameter))
    legal = {symbol: signs for symbol, signs in whole.items() if symbol not in elsewhere}
    return {symbol.name: frozenset(signs if len(signs) == 1 else ()) for symbol, signs in legal.items()}


def _sides(problem: Problem) -> Iterator[tuple[Expr, int]]:
    """The sides of inequalities, the ends of boxes, and the bounds of variables; -1: a lower one, 1: an upper one."""
    for c in problem.constraints:
        if isinstance(c, Comparison) and c.relation is not Relation.EQ:
            less, more = (c.left, c.right) if c.relation is Relation.LE else (c.right, c.left)
            yield from ((less, -1), (more, 1))
        if isinstance(c, Membership) and c.cone == "Box":
            yield from zip(c.args, (-1, 1), strict=True)
    for declaration in problem.variables:
        for a in declaration.symbol.attributes:
            yield from zip(a.args, (-1, 1), strict=True) if a.name == "between" else ()


def _other_roots(problem: Problem) -> Iterator[Expr]:
    if problem.objective.body is not None:
        yield problem.objective.body
    for c in problem.constraints:
        if isinstance(c, Membership):
            yield from (*c.elements, *(c.args if c.cone != "Box" else ()))
        elif c.relation is Relation.EQ:
            yield from (c.left, c.right)
    for declaration in problem.variables:
        yield from (e for a in declaration.symbol.attributes if a.name != "between" for e in a.args)
