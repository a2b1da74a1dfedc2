"""Expressions to facts, from the leaves up: sign, curvature by the DCP rules, degree, smoothness. No numbers needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from declarative.analysis.forms import call_form
from declarative.analysis.ranges import Range, range_of
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
from declarative.ir.size import Size
from declarative.ir.walk import children, postorder


def facts_of(root: Expr, binders: Iterable[Binder] = ()) -> Facts:
    """The facts of one expression; `binders` range over the indices that are free in it."""
    known = root.__dict__.get(KEPT)
    return FactsTable(root, binders)(root) if known is None else known


KEPT = "_facts"  # on a node without indices: its facts, which are the same wherever it stands


class FactsTable:
    """The facts of an expression and of everything inside it: `table(node)`.

    A program has many nodes and few different facts, so the rules are asked once for equal arguments: facts that are
    equal are mostly one object here, and are told apart by identity.
    """

    def __init__(self, root: Expr, binders: Iterable[Binder] = ()):
        self._facts: dict[int, Facts] = {}
        self._ranges: dict[int, Range] = {}
        self._symbols: dict[Expr, Facts] = {}
        self._ruled: dict[tuple, Facts] = {}
        nodes = tuple(postorder(root))
        self._lowest = _lowest_indices(nodes, binders)
        facts, ranges = self._facts, self._ranges
        for node in nodes:
            ranges[id(node)] = range_of(node, self._range)
            facts[id(node)] = self._node(node)
        if not any(isinstance(node, IndexSymbol) for node in nodes):
            for node in nodes:
                node.__dict__[KEPT] = facts[id(node)]
        self.root = root  # keeps the nodes alive, so that no identity is used twice

    def __call__(self, node: Expr) -> Facts:
        return self._facts[id(node)]

    def _range(self, node: Expr) -> Range:
        return self._ranges[id(node)]

    def _node(self, node: Expr) -> Facts:
        match node:
            case Call():
                return self._call(node)
            case Index():
                return self._index(node)
            case Constant(value):
                return _number(Sign.ZERO if value == 0 else Sign.POS if value > 0 else Sign.NEG)
            case SizeValue(size):
                return _number(_size_sign(size))
            case IndexSymbol():
                return _number(self._lowest.get(node, Sign.NONNEG))
            case Parameter() | Variable():
                return self._symbol(node)
            case Reduce():
                return _reduce(node, self(node.body))
            case Stack(body=body):
                inner = self(body)
                return Facts(node.shape, inner.sign, inner.curvature, inner.degree, inner.smoothness, inner.form)
            case Extern() | Nested():
                return _foreign(node, [self(child) for child in children(node)])
            case Dual() | OptimalValue():
                return Facts(node.shape, Sign.ANY, Curvature.CONSTANT, 0, Smoothness.SMOOTH)
            case _:
                assert_never(node)

    def _index(self, node: Index) -> Facts:
        """A part keeps everything; the form only where it is a whole matrix of a family."""
        base = self(node.base)
        whole = len(node.shape) == 2 and not any(isinstance(s, Slice) for s in node.subscripts)
        key = (Index, whole, node.shape, id(base))
        if key not in self._ruled:
            form = base.form if whole else Sign.ANY
            self._ruled[key] = replace(base, shape=node.shape, form=form)
        return self._ruled[key]

    def _symbol(self, node: Parameter | Variable) -> Facts:
        if node not in self._symbols:
            self._symbols[node] = symbol_facts(node, lambda bound: facts_of(bound).sign)
        return self._symbols[node]

    def _call(self, node: Call) -> Facts:
        within = self._range(node).sign
        form = call_form(node, self) if len(node.shape) == 2 else Sign.ANY
        record, operands, _ = meaning(node)
        args = tuple(map(self, operands))
        key = (record.name, node.options, node.shape, within.value, form.value, *map(id, args))
        if key not in self._ruled:
            self._ruled[key] = _ruled(node, args, within, form)
        return self._ruled[key]


def _lowest_indices(nodes: Iterable[Expr], binders: Iterable[Binder]) -> dict[IndexSymbol, Sign]:
    """Indices start at 0 unless a range says otherwise; siblings may share an index, so all ranges count."""
    found: dict[IndexSymbol, Sign] = {}
    inner = (b for node in nodes if isinstance(node, Reduce | Stack) for b in node.binders)
    for binder in (*binders, *inner):
        found[binder.index] = found.get(binder.index, Sign(0)) | _size_sign(binder.lo)
    return found


def _size_sign(size: Size) -> Sign:
    return Sign.POS if (size - 1).is_nonnegative() else Sign.NONNEG if size.is_nonnegative() else Sign.ANY


def _number(sign: Sign) -> Facts:
    return _NUMBERS[sign.value]


_NUMBERS = tuple(Facts((), Sign(value), Curvature.CONSTANT, 0, Smoothness.SMOOTH) for value in range(8))


# --- calls ----------------------------------------------------------------------------------------


def _ruled(node: Call, args: tuple[Facts, ...], within: Sign, form: Sign) -> Facts:
    """What the record of a function says of a call, from the facts of its operands."""
    record, _, options = meaning(node)
    own = record.sign(args, options) or Sign.ANY
    sign = own & within or own
    degree = record.degree(tuple(f.degree for f in args), options)
    if all(f.curvature is Curvature.CONSTANT for f in args):
        return Facts(node.shape, sign, Curvature.CONSTANT, 0, Smoothness.SMOOTH, form)
    return Facts(node.shape, sign, composed(record, args, options), degree, _smoothness(record, args), form)


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


def _foreign(node: Extern | Nested, args: list[Facts]) -> Facts:
    """A function given from outside: nothing is known but what it depends on."""
    constant = all(f.curvature is Curvature.CONSTANT for f in args)
    curvature = Curvature.CONSTANT if constant else Curvature.UNKNOWN
    kinked = any(f.smoothness is Smoothness.KINKED for f in args)
    smoothness = Smoothness.KINKED if kinked else Smoothness.SMOOTH
    return Facts(node.shape, Sign.ANY, curvature, 0 if constant else None, smoothness)
