"""A convex problem to one whose rows are affine: each nonlinear function f(x) becomes t with f(x) <= t.

By the rules of convexity every convex function stands where less of it is better, so t is tight wherever it matters
(t <= f(x) for a concave one). Squares and quadratic forms in the objective stay: the solver takes them as they are.
What multiplies f, parameters included, then multiplies the plain variable t. The primal goes back by dropping t; the
duals of the user's rows are theirs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from declarative.analysis.facts import FactsTable, facts_of, meaning
from declarative.analysis.words import text
from declarative.atoms.apply import apply
from declarative.atoms.registry import find
from declarative.ir.condition import Condition
from declarative.ir.expr import Binder, Call, Constant, Expr, Index, Reduce, Stack, Variable
from declarative.ir.facts import Curvature
from declarative.ir.recursion import Calls, each, run
from declarative.ir.size import Shape
from declarative.ir.walk import transform, variables, varies
from declarative.rewrite.scope import Additions, Scope
from declarative.rewrite.standard import Row, Standard
from declarative.source.span import Span


@dataclass(frozen=True)
class AtomRow:
    """`call <= value` where `convex`, else `call >= value`, for binders if condition; all arguments affine."""

    call: Call
    value: Expr
    convex: bool
    binders: tuple[Binder, ...]
    condition: Condition | None
    origin: Span | None
    row: Row | None = None  # the user's row that this is, whose dual is that of `value`


@dataclass(frozen=True)
class Conic:
    """`standard` with affine rows and an objective of degree two at most; `curved` are the variables squared in it."""

    standard: Standard
    atoms: tuple[AtomRow, ...]
    curved: tuple[Variable, ...]


def to_epigraphs(standard: Standard) -> Conic:
    """The conic form of a problem that is convex by the rules."""
    walker = _Walker(Additions(count=len(standard.auxiliaries)))
    objective = walker.walk(standard.objective, Scope(), quadratic=True)
    rows = [left for row in standard.rows if (left := _row(walker, row)) is not None]
    rows += [left for row in walker.described.rows if (left := _row(walker, row)) is not None]
    additions = walker.additions
    changed = replace(
        standard,
        objective=objective,
        variables=standard.variables + tuple(a.variable for a in additions.variables),
        rows=(*rows, *additions.rows),
        auxiliaries=standard.auxiliaries + tuple(additions.variables),
        log=standard.log + tuple(walker.log.values()),
    )
    return Conic(changed, tuple(walker.atoms), tuple(dict.fromkeys(walker.curved)))


def _row(walker: _Walker, row: Row) -> Row | None:
    """With an affine body; None for `f(x) + e <= 0`, which bounds f(x) by -e as it stands, without a new variable."""
    scope = Scope().inside(row.binders, row.condition)
    if not (row.equality or row.symmetric or row.weight is not None) and walker.bounds(row, scope):
        return None
    return replace(row, body=walker.walk(row.body, scope))


@dataclass
class _Walker:
    additions: Additions
    described: Additions = field(default_factory=Additions)  # rows of graph forms, not yet walked
    atoms: list[AtomRow] = field(default_factory=list)
    curved: list[Variable] = field(default_factory=list)
    log: dict[Expr, str] = field(default_factory=dict)
    done: dict[tuple[int, Scope, bool], Expr] = field(default_factory=dict)  # of the expression under way
    held: dict[tuple[Call, bool, Scope], Expr] = field(default_factory=dict)  # functions that have a variable

    def walk(self, root: Expr, scope: Scope, quadratic: bool = False) -> Expr:
        return run(self._walk(self._begin(root, scope), scope, quadratic))

    def _begin(self, root: Expr, scope: Scope) -> Expr:
        root = transform(root, self._without_squared_norm)
        self.look = FactsTable(root, scope.binders)  # which keeps the nodes alive
        self.done = {}
        return root

    def _without_squared_norm(self, node: Expr) -> Expr:
        """norm(x)^2 as sumsq(x): the objective takes it as it is, and at x = 0 a norm is at the apex of its cone."""
        match node:
            case Call("square", (Call("norm" | "normfro", (x,)),)) if varies(x):
                pass
            case Call("power", (Call("norm" | "normfro", (x,)),)) if varies(x) and node.option("p") == 2:
                pass
            case _:
                return node
        self.log[node] = f"`{text(node)}` is a sum of squares"
        return replace(apply("sumsq", x), origin=node.origin)

    def bounds(self, row: Row, scope: Scope) -> bool:
        """Is the row a bound on one function? Then it is noted as such. Of several functions the first is taken.

        A function that has a variable already, since the objective knows it, is bounded by that.
        """
        body = self._begin(row.body, scope)
        terms = body.args if isinstance(body, Call) and body.atom == "add" else (body,)
        for k, term in enumerate(terms):
            others = terms[:k] + terms[k + 1 :]
            alike = term.shape == body.shape and any(e.shape == term.shape for e in others)
            if alike and isinstance(term, Call) and self._curved(term) and not _by_graph(term):
                if self._is_held(term, scope):
                    return False
                rest = apply("neg", apply("add", *run(each(self._walk(e, scope, False) for e in others))))
                call = run(self._affine(term, scope))
                self.atoms.append(AtomRow(call, rest, True, row.binders, row.condition, term.origin, row))
                return True
        return False

    def _walk(self, node: Expr, scope: Scope, quadratic: bool) -> Calls[Expr]:
        """Once for a node that stands in several places, as what a `let` names may: its bound is one."""
        if not varies(node):
            return node
        key = (id(node), scope, quadratic)
        if key in self.done:
            return self.done[key]
        match node:
            case Call():
                made = yield self._call(node, scope, quadratic)
            case Reduce(op="max" | "min", body=body, binders=binders, condition=condition):
                inner = yield self._walk(body, scope.inside(binders, condition), False)
                made = self._extreme(node, replace(node, body=inner), scope)
            case Reduce(op="logsumexp", body=body, binders=binders, condition=condition):
                inner = yield self._walk(body, scope.inside(binders, condition), False)
                made = self._log_sum(node, replace(node, body=inner), scope)
            case Reduce(body=body, binders=binders, condition=condition):
                made = replace(node, body=(yield self._walk(body, scope.inside(binders, condition), quadratic)))
            case Stack(body=body, binders=binders):
                made = replace(node, body=(yield self._walk(body, scope.inside(binders, None), quadratic)))
            case Index(base=base):
                made = replace(node, base=(yield self._walk(base, scope, quadratic)))
            case _:
                made = node
        self.done[key] = made
        return made

    def _call(self, node: Call, scope: Scope, quadratic: bool) -> Calls[Expr]:
        own = self._own(node)
        if own.affine:
            return replace(node, args=(yield each(self._walk(a, scope, quadratic) for a in node.args)))
        degree = self.look(node).degree
        if quadratic and degree is not None and degree <= 2:
            self.curved.extend(variables(node))
            return node
        call = yield self._affine(node, scope)
        if _by_graph(call):
            return self._described(node, call, scope)
        if not (quadratic and own.convex and _has_squares(call, scope)):
            return self._epigraph(node, call, own.convex, scope)
        value = self._described(node, call, scope)
        self.curved.extend(variables(value))
        return value

    def _own(self, node: Call) -> Curvature:
        """That of the function itself, of affine arguments."""
        record, operands, options = meaning(node)
        facts = tuple(map(self.look, operands))
        flat = tuple(f if f.curvature is Curvature.CONSTANT else replace(f, curvature=Curvature.AFFINE) for f in facts)
        return record.curvature(flat, options)

    def _curved(self, node: Call) -> bool:
        return varies(node) and not self._own(node).affine and self._own(node).convex

    def _affine(self, node: Call, scope: Scope) -> Calls[Call]:
        """The function of arguments made affine."""
        record, operands, _ = meaning(node)
        args = yield each(self._walk(a, scope, False) for a in operands)
        return Call(record.name, args, node.shape, node.options, origin=node.origin)

    def _is_held(self, node: Call, scope: Scope) -> bool:
        """Has the function, of affine arguments, a variable?"""
        if not all(self.look(argument).curvature.affine for argument in meaning(node)[1]):
            return False
        call = run(self._affine(node, scope))
        return (call, True, scope.around(call)) in self.held

    def _epigraph(self, node: Call | Reduce, call: Call, convex: bool, scope: Scope) -> Expr:
        """One variable for all places where the function stands: where one holds it, it serves all."""
        around = scope.around(call)
        if (call, convex, around) in self.held:
            return self.held[call, convex, around]
        t = self.held[call, convex, around] = self.additions.variable(node.shape, around, node)
        self.atoms.append(AtomRow(call, t, convex, around.binders, around.condition, node.origin))
        self.log[node] = f"`{text(node)}` is bounded {'above' if convex else 'below'} by a new variable, in a cone"
        return t

    def _described(self, node: Call, call: Call, scope: Scope) -> Expr:
        """The value in a graph form, whose rows are walked when those of the problem are."""
        around = scope.around(call)

        def fresh(shape: Shape) -> Expr:
            return self.additions.variable(shape, around, node if shape == node.shape else None)

        record = find(call.atom)
        assert record is not None and record.graph is not None
        graph = record.graph(fresh, *call.args, **dict(call.options))
        self.described.constrain(graph.constraints, around, node.origin)
        self.log[node] = f"`{text(node)}` is replaced by its graph form"
        return graph.value

    def _extreme(self, node: Reduce, rebuilt: Reduce, scope: Scope) -> Expr:
        """max over an index: t with t >= body for every index; min: t <= body."""
        around = scope.around(rebuilt)
        t = self.additions.variable(node.shape, around, node)
        over = around.inside(node.binders, node.condition)
        less, more = (rebuilt.body, t) if node.op == "max" else (t, rebuilt.body)
        body = apply("add", less, apply("neg", more))
        self.additions.rows.append(Row((), False, body, over.binders, over.condition, origin=node.origin))
        return t

    def _log_sum(self, node: Reduce, rebuilt: Reduce, scope: Scope) -> Expr:
        """logsumexp over an index: t with sum exp(body - t) <= 1."""
        around = scope.around(rebuilt)
        t = self.additions.variable(node.shape, around, node)
        over = around.inside(node.binders, node.condition)
        gap = apply("exp", apply("add", rebuilt.body, apply("neg", t)), origin=node.origin)
        assert isinstance(gap, Call)
        total = replace(rebuilt, op="sum", body=self._epigraph(node, gap, True, over))
        row = apply("add", total, Constant(-1.0))
        self.additions.rows.append(Row((), False, row, around.binders, around.condition, origin=node.origin))
        return t


def _has_squares(call: Call, scope: Scope) -> bool:
    """Has it a graph form whose value is quadratic, as that of `huber` is?

    In the objective squares stay as they are; a bound t of u^2 is 1e-12 where u is 1e-6, a rounding error of its cone.
    """
    record = find(call.atom)
    if record is None or record.graph is None:
        return False
    graph = record.graph(lambda shape: Variable("another", shape), *call.args, **dict(call.options))
    return facts_of(graph.value, scope.binders).degree == 2


def _by_graph(call: Call) -> bool:
    """Is it a function of which CVXPY has no form, and the library a graph form?"""
    record = find(call.atom)
    return record is not None and record.cvxpy is None and record.graph is not None
