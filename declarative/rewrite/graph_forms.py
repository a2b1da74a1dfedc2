"""Kinked functions to their graph forms: `abs(x)` becomes t with -t <= x <= t.

Valid where more of the kinked function is worse: in a function increasing in it that is minimised or bounded above
(and mirrored for concave ones). That needs monotonicity only, so it holds for nonconvex problems too. The primal goes
back by dropping the new variables, the user's duals stay where they are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from declarative.analysis.facts import facts_of
from declarative.atoms.apply import apply
from declarative.atoms.registry import find
from declarative.ir.expr import Call, Expr, Extern, Index, Nested, Reduce, Stack
from declarative.ir.facts import Curvature, Monotonicity, Smoothness
from declarative.ir.walk import postorder, variables, with_children
from declarative.rewrite.scope import Additions, Scope
from declarative.rewrite.standard import Row, Standard
from declarative.source.diagnostic import Diagnostic, error


class _Refused(Exception):
    def __init__(self, node: Expr, reason: str):
        self.node, self.reason = node, reason


def to_graph_forms(standard: Standard) -> Standard | Diagnostic:
    """The problem without kinks, or why one of its kinks cannot be described by linear constraints."""
    additions = Additions(count=len(standard.auxiliaries))
    walker = _Walker(additions)
    try:
        objective = walker.rewrite(standard.objective, 1, Scope())
        rows = tuple(_rewrite_row(walker, row) for row in standard.rows)
    except _Refused as refused:
        return error("E301", refused.node.origin, refused.reason)
    added = tuple(a.variable for a in additions.variables)
    return replace(
        standard,
        objective=objective,
        variables=standard.variables + added,
        rows=rows + tuple(additions.rows),
        cones=standard.cones + tuple(additions.cones),
        auxiliaries=standard.auxiliaries + tuple(additions.variables),
        log=standard.log + tuple(walker.log),
    )


def _rewrite_row(walker: _Walker, row: Row) -> Row:
    scope = Scope().inside(row.binders, row.condition)
    return replace(row, body=walker.rewrite(row.body, 0 if row.equality else 1, scope))


def has_kinks(e: Expr) -> bool:
    """Is there a kinked function of the variables in this expression?"""
    return any(_kinked(node) and variables(node) for node in postorder(e))


def _kinked(node: Expr) -> bool:
    match node:
        case Call(atom=name):
            record = find(name)
            assert record is not None
            return record.smoothness is Smoothness.KINKED
        case Reduce(op=op):
            return op in ("max", "min")
        case _:
            return False


class _Walker:
    """Rewrites from the root down. `sense` is 1 where less is better, -1 where more is, 0 where neither is known."""

    def __init__(self, additions: Additions):
        self.additions = additions
        self.log: list[str] = []

    def rewrite(self, node: Expr, sense: int, scope: Scope) -> Expr:
        if not has_kinks(node):
            return node
        match node:
            case Call(args=args):
                senses = [_through(m, sense) for m in self._monotonicity(node)]
                new = tuple(self.rewrite(a, s, scope) for a, s in zip(args, senses, strict=True))
                rebuilt = with_children(node, new)
                return self._graph(node, rebuilt, sense, scope) if _kinked(node) else rebuilt
            case Reduce(op=op, body=body, binders=binders, condition=condition):
                within = scope.inside(binders, condition)
                new_body = self.rewrite(body, 0 if op == "prod" else sense, within)
                rebuilt = replace(node, body=new_body)
                return self._extreme(node, rebuilt, sense, scope) if _kinked(node) else rebuilt
            case Stack(body=body, binders=binders):
                return replace(node, body=self.rewrite(body, sense, scope.inside(binders, None)))
            case Index(base=base):
                return replace(node, base=self.rewrite(base, sense, scope))
            case Extern() | Nested():
                raise _Refused(node, "a kinked argument of a function that is given from outside")
            case _:
                assert_never(node)  # pyright: ignore

    def _monotonicity(self, node: Call) -> tuple[Monotonicity, ...]:
        record = find(node.atom)
        assert record is not None
        return record.monotonicity(tuple(facts_of(a) for a in node.args), dict(node.options))

    def _graph(self, node: Call, rebuilt: Expr, sense: int, scope: Scope) -> Expr:
        record = find(node.atom)
        assert record is not None and isinstance(rebuilt, Call)
        if record.graph is None:
            raise _Refused(node, f"`{node.atom}` has a kink that linear constraints cannot describe")
        facts = tuple(facts_of(a) for a in node.args)
        convex = record.curvature(facts, dict(node.options)) in (Curvature.CONVEX, Curvature.AFFINE)
        self._check_sense(node, node.atom, convex, sense)
        around = scope.around(rebuilt)
        graph = record.graph(
            lambda shape: self.additions.variable(shape, around, node if shape == node.shape else None),
            *rebuilt.args,
            **dict(rebuilt.options),
        )
        self.additions.constrain(graph.constraints, around, node.origin)
        self.log.append(f"`{_text(node)}` is replaced by its graph form")
        return graph.value

    def _extreme(self, node: Reduce, rebuilt: Reduce, sense: int, scope: Scope) -> Expr:
        """max over an index: t with t >= body for every index."""
        self._check_sense(node, node.op, node.op == "max", sense)
        around = scope.around(rebuilt)
        t = self.additions.variable(node.shape, around, node)
        over = around.inside(node.binders, node.condition)
        sides = (rebuilt.body, t) if node.op == "max" else (t, rebuilt.body)
        body = apply("add", sides[0], apply("neg", sides[1]))
        self.additions.rows.append(Row((), False, body, over.binders, over.condition, origin=node.origin))
        self.log.append(f"`{_text(node)}` is replaced by its graph form")
        return t

    def _check_sense(self, node: Expr, name: str, convex: bool, sense: int) -> None:
        if sense == (1 if convex else -1):
            return
        wanted = "made small" if convex else "made large"
        raise _Refused(node, f"`{name}` has a kink here that nothing keeps tight: it would have to be {wanted}")


def _through(monotonicity: Monotonicity, sense: int) -> int:
    match monotonicity:
        case Monotonicity.INCREASING:
            return sense
        case Monotonicity.DECREASING:
            return -sense
        case Monotonicity.NONE:
            return 0
        case _:
            assert_never(monotonicity)


def _text(node: Expr) -> str:
    return " ".join(node.origin.text.split()) if node.origin is not None else "an expression"
