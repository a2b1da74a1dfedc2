"""Expressions to facts, from the leaves up: sign, curvature by the DCP rules, degree, smoothness. No numbers needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple, assert_never

from declarative.analysis.forms import call_form
from declarative.analysis.ranges import EVERYTHING, Range, range_of
from declarative.analysis.symbols import symbol_facts
from declarative.atoms.record import Atom, Facts, Options
from declarative.atoms.registry import find
from declarative.ir.expr import (
    Binder,
    Call,
    Constant,
    Dual,
    Expr,
    Extern,
    Index,
    IndexSymbol,
    Nested,
    OptimalValue,
    Parameter,
    Reduce,
    SizeValue,
    Slice,
    Stack,
    Variable,
)
from declarative.ir.facts import Curvature, Monotonicity, Sign, Smoothness
from declarative.ir.size import Shape, Size
from declarative.ir.walk import children, postorder


def facts_of(root: Expr, binders: Iterable[Binder] = ()) -> Facts:
    """The facts of one expression; `binders` range over the indices that are free in it."""
    known = root.__dict__.get(KEPT)
    return FactsTable(root, binders)(root) if known is None else known.facts


def least_of(root: Expr) -> float:
    """What no entry is below, as far as numbers tell."""
    known = root.__dict__.get(KEPT)
    return (FactsTable(root).known(root) if known is None else known).range.lo


class Known(NamedTuple):
    """What is known of a node. `kind` is a node that is like it to every rule, as `2*x` is like `3*x`."""

    facts: Facts
    range: Range
    kind: Expr


KEPT = "_known"  # on a node without indices: what is known of it, which is the same wherever it stands


class FactsTable:
    """The facts of an expression and of everything inside it: `table(node)`.

    A program has many nodes of few kinds, so the rules are asked once for each kind; `other` is a table of the same
    problem, whose kinds are known.
    """

    def __init__(self, root: Expr, binders: Iterable[Binder] = (), other: FactsTable | None = None):
        self._found: dict[int, Known] = {}
        self._symbols: dict[Expr, Known] = other._symbols if other else {}
        self._kinds: dict[tuple, tuple[Facts, Expr]] = other._kinds if other else {}
        nodes = tuple(postorder(root, _is_new))
        self._lowest = _lowest_indices(nodes, binders)
        found = self._found
        for node in nodes:
            found[id(node)] = self._node(node) if _is_new(node) else node.__dict__[KEPT]
        if not any(isinstance(node, IndexSymbol) for node in nodes):
            for node in nodes:
                node.__dict__[KEPT] = found[id(node)]
        self.root = root  # keeps the nodes alive, so that no identity is used twice

    def __call__(self, node: Expr) -> Facts:
        return self.known(node).facts

    def kind(self, node: Expr) -> Expr:
        """One node for all those to which the same rules apply, all the way down."""
        return self.known(node).kind

    def known(self, node: Expr) -> Known:
        return self._found.get(id(node)) or node.__dict__[KEPT]

    def _range(self, node: Expr) -> Range:
        return self.known(node).range

    def _node(self, node: Expr) -> Known:
        match node:
            case Call():
                return self._call(node)
            case Index():
                return self._index(node)
            case Constant(value):
                return _number(Sign.ZERO if value == 0 else Sign.POS if value > 0 else Sign.NEG, Range(value, value))
            case SizeValue(size):
                return _number(_size_sign(size))
            case IndexSymbol():
                return _number(self._lowest.get(node, Sign.NONNEG))
            case Parameter() | Variable():
                return self._symbol(node)
            case Reduce(op=op, body=body):
                empty = not _never_empty(node)
                return self._of_kind(node, (op, empty, node.shape), (body,), lambda f: _reduce(node, f[0]))
            case Stack(body=body):
                return self._of_kind(node, (Stack, node.shape), (body,), lambda f: replace(f[0], shape=node.shape))
            case Extern() | Nested():
                return self._of_kind(node, (Extern, node.shape), children(node), lambda f: _foreign(node, f))
            case Dual() | OptimalValue():
                return Known(Facts(node.shape, Sign.ANY, Curvature.CONSTANT, 0, Smoothness.SMOOTH), EVERYTHING, node)
            case _:
                assert_never(node)

    def _of_kind(
        self,
        node: Expr,
        head: tuple,
        operands: Sequence[Expr],
        rule: Callable[[tuple[Facts, ...]], Facts],
        range_: Range = EVERYTHING,
    ) -> Known:
        """What is known of a node whose kind is told by `head` and the kinds of its operands."""
        key = (*head, *[id(self.known(o).kind) for o in operands])
        found = self._kinds.get(key)
        if found is None:
            found = self._kinds[key] = rule(tuple(map(self, operands))), node
        return Known(found[0], range_, found[1])

    def _index(self, node: Index) -> Known:
        """A part keeps everything; the form only where it is a whole matrix of a family."""
        whole = len(node.shape) == 2 and not any(isinstance(s, Slice) for s in node.subscripts)

        def part(f: tuple[Facts, ...]) -> Facts:
            return replace(f[0], shape=node.shape, form=f[0].form if whole else Sign.ANY)

        return self._of_kind(node, (Index, whole, node.shape), (node.base,), part, self._range(node.base))

    def _symbol(self, node: Parameter | Variable) -> Known:
        if node not in self._symbols:
            facts = symbol_facts(node, lambda bound: facts_of(bound).sign)
            _, kind = self._kinds.setdefault((type(node), facts), (facts, node))
            self._symbols[node] = Known(facts, range_of(node, self._range), kind)
        return self._symbols[node]

    def _call(self, node: Call) -> Known:
        range_ = range_of(node, self._range)
        form = call_form(node, self) if len(node.shape) == 2 else Sign.ANY
        record, operands, options = meaning(node)
        within = range_.sign
        head = (node.atom, record.name, node.options, node.shape, within.value, form.value)

        def rule(facts: tuple[Facts, ...]) -> Facts:
            return _ruled(node.shape, record, options, facts, within, form)

        return self._of_kind(node, head, operands, rule, range_)


def _is_new(node: Expr) -> bool:
    return KEPT not in node.__dict__


def _lowest_indices(nodes: Iterable[Expr], binders: Iterable[Binder]) -> dict[IndexSymbol, Sign]:
    """Indices start at 0 unless a range says otherwise; siblings may share an index, so all ranges count."""
    found: dict[IndexSymbol, Sign] = {}
    inner = (b for node in nodes if isinstance(node, Reduce | Stack) for b in node.binders)
    for binder in (*binders, *inner):
        found[binder.index] = found.get(binder.index, Sign(0)) | _size_sign(binder.lo)
    return found


def _size_sign(size: Size) -> Sign:
    return Sign.POS if (size - 1).is_nonnegative() else Sign.NONNEG if size.is_nonnegative() else Sign.ANY


def _number(sign: Sign, range_: Range = EVERYTHING) -> Known:
    facts, kind = _NUMBERS[sign.value]
    return Known(facts, range_, kind)


_NUMBERS = tuple(
    (Facts((), Sign(value), Curvature.CONSTANT, 0, Smoothness.SMOOTH), Constant(float(value))) for value in range(8)
)


# --- calls ----------------------------------------------------------------------------------------


def _ruled(shape: Shape, record: Atom, options: Options, args: tuple[Facts, ...], within: Sign, form: Sign) -> Facts:
    """What the record of a function says of a call, from the facts of its operands."""
    own = record.sign(args, options) or Sign.ANY
    sign = own & within or own
    degree = record.degree(tuple(f.degree for f in args), options)
    if all(f.curvature is Curvature.CONSTANT for f in args):
        return Facts(shape, sign, Curvature.CONSTANT, 0, Smoothness.SMOOTH, form)
    return Facts(shape, sign, composed(record, args, options), degree, _smoothness(record, args), form)


def meaning(node: Call) -> tuple[Atom, tuple[Expr, ...], Options]:
    """The record whose rules hold for a call, with its operands: the square for `e*e`, else the call's own."""
    squared = node.atom == "mul" and node.args[0] == node.args[1]
    record = find("square" if squared else node.atom)
    assert record is not None, f"no function is called {node.atom}"
    return record, node.args[:1] if squared else node.args, dict(node.options)


def composed(record: Atom, facts: tuple[Facts, ...], options: Options) -> Curvature:
    """The composition rule: f convex, and each argument affine, or convex where f rises, or concave where it falls."""
    own = record.curvature(facts, options)
    moves = record.monotonicity(facts, options)
    if own is Curvature.CONSTANT or (own.affine and all(f.curvature.affine for f in facts)):
        return own
    if own.convex and all(_keeps(f.curvature, m) for f, m in zip(facts, moves, strict=True)):
        return Curvature.CONVEX
    if own.concave and all(_keeps(-f.curvature, m) for f, m in zip(facts, moves, strict=True)):
        return Curvature.CONCAVE
    return Curvature.UNKNOWN


def _keeps(argument: Curvature, move: Monotonicity) -> bool:
    match move:
        case Monotonicity.INCREASING:
            return argument.convex
        case Monotonicity.DECREASING:
            return argument.concave
        case Monotonicity.NONE:
            return argument.affine
        case _:
            assert_never(move)


def _smoothness(record: Atom, facts: tuple[Facts, ...]) -> Smoothness:
    kinked = record.smoothness is Smoothness.KINKED or any(f.smoothness is Smoothness.KINKED for f in facts)
    return Smoothness.KINKED if kinked else Smoothness.SMOOTH


# --- the closed nodes -------------------------------------------------------------------------------


def _reduce(node: Reduce, body: Facts) -> Facts:
    constant = body.curvature is Curvature.CONSTANT
    match node.op:
        case "sum":
            empty = Sign(0) if _never_empty(node) else Sign.ZERO
            sign, form = body.sign + body.sign | empty, body.form + body.form | empty
            return Facts(node.shape, sign, body.curvature, body.degree, body.smoothness, form)
        case "max" | "min" as op:
            curvature = body.curvature + (Curvature.CONVEX if op == "max" else Curvature.CONCAVE)
            smoothness = Smoothness.SMOOTH if constant else Smoothness.KINKED
            known = Curvature.CONSTANT if constant else curvature
            return Facts(node.shape, body.sign, known, 0 if constant else None, smoothness)
        case "logsumexp":
            curvature = Curvature.CONSTANT if constant else body.curvature + Curvature.CONVEX
            sign = body.sign if body.sign.nonneg and _never_empty(node) else Sign.ANY
            return Facts(node.shape, sign, curvature, 0 if constant else None, body.smoothness)
        case "prod":
            curvature = Curvature.CONSTANT if constant else Curvature.UNKNOWN
            sign = Sign.POS if body.sign is Sign.POS else Sign.NONNEG if body.sign.nonneg else Sign.ANY
            return Facts(node.shape, sign, curvature, 0 if constant else None, body.smoothness)
        case op:
            raise AssertionError(f"no rule for the reduction {op}")


def _never_empty(node: Reduce) -> bool:
    return node.condition is None and all((b.length - 1).is_nonnegative() for b in node.binders)


def _foreign(node: Extern | Nested, args: tuple[Facts, ...]) -> Facts:
    """A function given from outside: nothing is known but what it depends on."""
    constant = all(f.curvature is Curvature.CONSTANT for f in args)
    curvature = Curvature.CONSTANT if constant else Curvature.UNKNOWN
    kinked = any(f.smoothness is Smoothness.KINKED for f in args)
    smoothness = Smoothness.KINKED if kinked else Smoothness.SMOOTH
    return Facts(node.shape, Sign.ANY, curvature, 0 if constant else None, smoothness)
