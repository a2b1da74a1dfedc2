"""Kinked functions to their graph forms: `abs(x)` becomes t with -t <= x <= t.

Valid where more of the kinked function is worse: in a function increasing in it that is minimised or bounded above
(and mirrored for concave ones). That needs monotonicity only, so it holds for nonconvex problems too. The primal goes
back by dropping the new variables, the user's duals stay where they are. Equal functions share one new variable,
wherever they stand: two that are both |x| would be two unknowns of one value, and where `abs(x)*sqrt(abs(x))` is 0 the
slope t/(2 sqrt(t')) would be anything. So do functions whose kinks are the same (`hinges.py`), of which one would leave
the multipliers of the other undetermined.
"""

from __future__ import annotations

from dataclasses import replace

from declarative.analysis.classify import classify
from declarative.analysis.pieces import Piece
from declarative.analysis.smooth import Kink
from declarative.analysis.words import text, title
from declarative.atoms.algebra import total
from declarative.atoms.build import call
from declarative.atoms.penalties import ABS
from declarative.atoms.record import Fresh, Graph
from declarative.atoms.registry import find
from declarative.ir.expr import Call, Constant, Expr, Index, Reduce, Stack, Variable
from declarative.ir.problem import Comparison, Membership, Objective, Problem, Relation
from declarative.ir.recursion import Calls, each, run
from declarative.ir.size import SCALAR, Shape
from declarative.ir.walk import postorder, with_children
from declarative.rewrite.hinges import Hinge, Terms, hinge
from declarative.rewrite.kinks import kinked, nodes_with_kinks
from declarative.rewrite.scope import Additions, Scope
from declarative.rewrite.stand_ins import stand_in
from declarative.rewrite.standard import Standard
from declarative.source.diagnostic import Diagnostic, error
from declarative.source.span import Span


def unfit_kinks(problem: Problem) -> list[Diagnostic]:
    """The kinks that have no such form, or that nothing presses on."""
    found = classify(problem)
    kinks = [(kink, v.piece) for v in found.verdicts for kink in v.every_kink if not kink.representable]
    return [error("E301", kink.node.origin, _reason(kink), hints=_hints(kink, piece)) for kink, piece in kinks]


def _reason(kink: Kink) -> str:
    name = title(kink.node)
    if not kink.linear:
        return f"`{name}` has a kink that linear constraints cannot describe"
    if isinstance(kink.node, Call) and (record := find(kink.node.atom)) is not None and record.cone is not None:
        return f"`{name}` goes by rows that are exact where the problem presses on it, and here it does not"
    return f"`{name}` has a kink here that the problem does not press on, so no linear constraints keep it exact"


def _hints(kink: Kink, piece: Piece) -> tuple[str, ...]:
    """A Euclidean norm has a smooth square, which can take its place where it stands alone; else something near it."""
    if kink.node is not piece.root or not isinstance(kink.node, Call) or kink.node.atom != "norm":
        near = stand_in(kink.node)
        return (f"for the kkt backend, `{near}` is smooth and near to `{text(kink.node)}`",) if near else ()
    square = f"for the kkt backend, the square of the norm is smooth: `sumsq({text(kink.node.args[0])})`"
    if isinstance(piece.owner, Comparison) and (row := _squared(piece.owner, kink.node)) is not None:
        return (f"for the kkt backend, the square of the norm is smooth: write `{row}`",)
    return (square if isinstance(piece.owner, Objective) else f"{square}, beside the square of the other side",)


def _squared(row: Comparison, norm: Call) -> str | None:
    """`sumsq(x) <= 4`, of `norm(x) <= 2`."""
    other = row.right if norm is row.left else row.left
    if not isinstance(other, Constant) or other.value < 0:
        return None
    squares, bound = f"sumsq({text(norm.args[0])})", f"{other.value**2:g}"
    sides = (squares, bound) if norm is row.left else (bound, squares)
    return f" {row.relation.value} ".join(sides)


def to_graph_forms(standard: Standard) -> Standard:
    """The problem without kinks; it must have none that are unfit."""
    walker = _Walker(Additions(count=len(standard.auxiliaries)))
    objective = walker.rewrite(standard.objective, Scope())
    rows = tuple(
        replace(row, body=walker.rewrite(row.body, Scope().inside(row.binders, row.condition))) for row in standard.rows
    )
    return walker.additions.extend(standard, objective, rows)


class _Walker:
    """Rewrites from the root down, so that each kink knows the indices around it."""

    def __init__(self, additions: Additions):
        self.additions = additions
        self.with_kinks: frozenset[int] = frozenset()  # of the expression under way
        self.done: dict[tuple[int, Scope], Expr] = {}  # a node may stand in several places, as what a `let` names
        self.held: dict[tuple[Expr, Scope], Expr] = {}  # the values of kinked functions, whatever the expression
        self.hinges: dict[tuple[frozenset[Terms], Scope], tuple[Hinge, Call, Expr]] = {}  # by their kinks

    def rewrite(self, root: Expr, scope: Scope) -> Expr:
        self.with_kinks, self.done = nodes_with_kinks(root), {}
        return run(self._rewrite(root, scope))

    def _rewrite(self, node: Expr, scope: Scope) -> Calls[Expr]:
        if id(node) not in self.with_kinks:
            return node
        scope = scope.around(node)
        key = (id(node), scope)
        if key in self.done:
            return self.done[key]
        match node:
            case Call() | Reduce() if kinked(node):
                made = yield self._value(node, scope.around(node))
            case Call(args=args):
                made = with_children(node, (yield each(self._rewrite(a, scope) for a in args)))
            case Reduce(binders=binders, condition=condition):
                made = replace(node, body=(yield self._rewrite(node.body, scope.inside(binders, condition))))
            case Stack(binders=binders):
                made = replace(node, body=(yield self._rewrite(node.body, scope.inside(binders, None))))
            case Index(base=base):
                made = replace(node, base=(yield self._rewrite(base, scope)))
            case _:
                raise AssertionError("only these hold kinks that are fit")
        self.done[key] = made
        return made

    def _value(self, node: Call | Reduce, around: Scope) -> Calls[Expr]:
        if (node, around) not in self.held:
            self.held[node, around] = yield self._new_value(node, around)
        return self.held[node, around]

    def _new_value(self, node: Call | Reduce, around: Scope) -> Calls[Expr]:
        match node:
            case Call("norm1", (x,)):
                return total((yield self._value(call(ABS, x, origin=node.origin), around)))
            case Call() if (own := hinge(node)) is not None and id(own.r) not in self.with_kinks:
                return (yield self._hinge(node, own, around))
            case _:
                return (yield self._hold(node, self._fresh(node, around), around))

    def _hinge(self, node: Call, own: Hinge, around: Scope) -> Calls[Expr]:
        key = own.kink, around
        if key in self.hinges:
            other, told, value = self.hinges[key]
            self.additions.note(node, f"is told by `{text(told)}`, which has the same kink")
            return own.told_by(other, value)
        value = yield self._hold(node, self._fresh(node, around), around)
        self.hinges[key] = own, node, value
        return value

    def _fresh(self, node: Call | Reduce, around: Scope) -> Fresh:
        value = isinstance(node, Reduce) or _graph_around(node) is not None
        return lambda shape: self.additions.variable(shape, around, node if shape == node.shape else None, value)

    def _hold(self, node: Call | Reduce, fresh: Fresh, over: Scope) -> Calls[Expr]:
        """The value of a kinked function, held in place by rows over this scope."""
        self.additions.note(node, "is replaced by its graph form")
        if isinstance(node, Reduce):
            t, relation = fresh(node.shape), Relation.GE if node.op == "max" else Relation.LE
            inside = over.inside(node.binders, node.condition)
            yield self._row(Comparison(None, relation, t, node.body), inside, node.origin)
            return t
        extreme = self._is_extreme(node)
        args = node.args if extreme else (yield each(self._rewrite(a, over) for a in node.args))
        graph = _graph(node, fresh, args)
        for constraint in graph.constraints:
            yield self._row(constraint, over, node.origin)
        return graph.value

    def _is_extreme(self, node: Call) -> bool:
        """Is its value the greatest, or the least, of its arguments and of what has no kinks?"""
        graph = _graph_around(node)
        rest = [c for c in graph.constraints if not _bounds_one_of(c, node.args)] if graph is not None else []
        return graph is not None and not any(self._holds_kinks(c) for c in rest)

    def _holds_kinks(self, constraint: Comparison | Membership) -> bool:
        told = constraint.elements if isinstance(constraint, Membership) else (constraint.right,)
        return any(id(part) in self.with_kinks for side in told for part in postorder(side))

    def _row(self, constraint: Comparison | Membership, over: Scope, origin: Span | None) -> Calls[None]:
        """A row of a graph form, `t >= f` or `t <= f`.

        Where f is kinked itself, t serves as its value: one of its own would be free wherever f does not reach t, as
        those of all but the greatest of several, and then the solution is not unique.
        """
        if isinstance(constraint, Comparison) and id(constraint.right) in self.with_kinks:
            t, f = constraint.left, constraint.right
            if kinked(f) and _is_bounded_by(f, t):
                yield self._hold(f, lambda _: t, over)
                return
            constraint = replace(constraint, right=(yield self._rewrite(f, over)))
        self.additions.constrain((constraint,), over, origin)


def _is_bounded_by(node: Expr, t: Expr) -> bool:
    """Do the rows of its graph form say `node <= t`, or `node >= t`, with t in the place of its variable?"""
    fits = t.shape in (SCALAR, node.shape)
    return fits and (isinstance(node, Reduce) or (isinstance(node, Call) and _graph_around(node) is not None))


def _graph_around(node: Call) -> Graph | None:
    """With the function itself for the variable, where there is one only, which is its value."""
    asked = []

    def fresh(shape: Shape) -> Expr:
        asked.append(shape)
        return node if shape == node.shape else Variable("another", shape)

    graph = _graph(node, fresh, node.args)
    return graph if graph.value is node and asked == [node.shape] else None


def _graph(node: Call, fresh: Fresh, args: tuple[Expr, ...]) -> Graph:
    record = find(node.atom)
    assert record is not None and record.graph is not None
    return record.graph(fresh, *args, **dict(node.options))


def _bounds_one_of(constraint: Comparison | Membership, args: tuple[Expr, ...]) -> bool:
    return isinstance(constraint, Comparison) and any(constraint.right is arg for arg in args)
