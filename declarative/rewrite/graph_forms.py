"""Kinked functions to their graph forms: `abs(x)` becomes t with -t <= x <= t.

Valid where more of the kinked function is worse: in a function increasing in it that is minimised or bounded above
(and mirrored for concave ones). That needs monotonicity only, so it holds for nonconvex problems too. The primal goes
back by dropping the new variables, the user's duals stay where they are.
"""

from __future__ import annotations

from dataclasses import replace

from declarative.analysis.classify import classify
from declarative.analysis.smooth import Kink
from declarative.atoms.registry import find
from declarative.ir.expr import Call, Expr, Index, Reduce, Stack, Variable
from declarative.ir.facts import Smoothness
from declarative.ir.problem import Problem
from declarative.ir.walk import children, postorder, with_children
from declarative.rewrite.scope import Additions, Scope
from declarative.rewrite.standard import Row, Standard, difference
from declarative.source.diagnostic import Diagnostic, error


def unfit_kinks(problem: Problem) -> list[Diagnostic]:
    """The kinks that have no such form, or that nothing presses on."""
    found = classify(problem)
    kinks = [kink for verdict in found.verdicts for kink in verdict.kinks if not kink.representable]
    return [error("E301", kink.node.origin, _reason(kink)) for kink in kinks]


def _reason(kink: Kink) -> str:
    name = kink.node.atom if isinstance(kink.node, Call) else kink.node.op if isinstance(kink.node, Reduce) else ""
    if not kink.linear:
        return f"`{name}` has a kink that linear constraints cannot describe"
    return f"`{name}` has a kink here that the problem does not press on, so no linear constraints keep it exact"


def to_graph_forms(standard: Standard) -> Standard:
    """The problem without kinks; it must have none that are unfit."""
    walker = _Walker(Additions(count=len(standard.auxiliaries)))
    objective = walker.rewrite(standard.objective, Scope())
    rows = tuple(
        replace(row, body=walker.rewrite(row.body, Scope().inside(row.binders, row.condition))) for row in standard.rows
    )
    return walker.additions.extend(standard, objective, rows)


def _with_kinks(root: Expr) -> frozenset[int]:
    """The nodes, by identity, that hold a kinked function of the variables."""
    moving: set[int] = set()
    kinked: set[int] = set()
    for node in postorder(root):
        inner = [id(child) for child in children(node)]
        if isinstance(node, Variable) or not moving.isdisjoint(inner):
            moving.add(id(node))
            if _kinked(node) or not kinked.isdisjoint(inner):
                kinked.add(id(node))
    return frozenset(kinked)


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
    """Rewrites from the root down, so that each kink knows the indices around it."""

    def __init__(self, additions: Additions):
        self.additions = additions
        self.with_kinks: frozenset[int] = frozenset()  # of the expression under way

    def rewrite(self, root: Expr, scope: Scope) -> Expr:
        self.with_kinks = _with_kinks(root)
        return self._rewrite(root, scope)

    def _rewrite(self, node: Expr, scope: Scope) -> Expr:
        if id(node) not in self.with_kinks:
            return node
        match node:
            case Call(args=args):
                rebuilt = with_children(node, tuple(self._rewrite(a, scope) for a in args))
                return self._graph(node, rebuilt, scope) if _kinked(node) else rebuilt
            case Reduce(binders=binders, condition=condition):
                rebuilt = replace(node, body=self._rewrite(node.body, scope.inside(binders, condition)))
                return self._extreme(node, rebuilt, scope) if _kinked(node) else rebuilt
            case Stack(binders=binders):
                return replace(node, body=self._rewrite(node.body, scope.inside(binders, None)))
            case Index(base=base):
                return replace(node, base=self._rewrite(base, scope))
            case _:
                raise AssertionError("only these hold kinks that are fit")

    def _graph(self, node: Call, rebuilt: Expr, scope: Scope) -> Expr:
        record = find(node.atom)
        assert record is not None and record.graph is not None and isinstance(rebuilt, Call)
        around = scope.around(rebuilt)
        graph = record.graph(
            lambda shape: self.additions.variable(shape, around, node if shape == node.shape else None),
            *rebuilt.args,
            **dict(rebuilt.options),
        )
        self.additions.constrain(graph.constraints, around, node.origin)
        self.additions.note(node, "is replaced by its graph form")
        return graph.value

    def _extreme(self, node: Reduce, rebuilt: Reduce, scope: Scope) -> Expr:
        """max over an index: t with t >= body for every index."""
        around = scope.around(rebuilt)
        t = self.additions.variable(node.shape, around, node)
        over = around.inside(node.binders, node.condition)
        above, below = (t, rebuilt.body) if node.op == "max" else (rebuilt.body, t)
        row = Row((), False, difference(below, above), over.binders, over.condition, origin=node.origin)
        self.additions.rows.append(row)
        self.additions.note(node, "is replaced by its graph form")
        return t
