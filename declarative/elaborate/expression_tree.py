"""An IR expression to the tree that a text would have for it; the printer puts brackets where they are needed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isinf
from typing import Any, TypeAlias, assert_never

from declarative.atoms.perspectives import OF, PERSPECTIVES
from declarative.elaborate.indexing import family_axes
from declarative.elaborate.size_tree import binder_tree, size_tree
from declarative.ir.condition import Condition, Connective, Negation, Test, Truth
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
from declarative.ir.size import SCALAR, Size
from declarative.ir.walk import condition_expressions, fold
from declarative.source.span import Span
from declarative.syntax import tree

Trees: TypeAlias = tuple[tree.Expression, ...]

# Records that share a name with others in a text, which tells them apart by their arguments.
WRITTEN = {
    "maximum": "max",
    "minimum": "min",
    "diag_matrix": "diag",
    "tv_image": "tv",
    "geo_mean_weighted": "geo_mean",
}


@dataclass(frozen=True)
class Printing:
    """names: bound index number -> the name that it is written with. lets: expressions that have a name.

    span: where a node without an origin is said to stand.
    """

    span: Span
    names: Mapping[int, str]
    lets: Mapping[Expr, str]


def expression_tree(e: Expr, printing: Printing, written_out: bool = False) -> tree.Expression:
    """With names for what has one; `written_out`: but for the expression itself."""

    def named(node: Expr) -> tree.Expression | None:
        name = None if written_out and node is e else printing.lets.get(node)
        return None if name is None else tree.Name(name, span=_span(node, printing))

    def step(node: Expr, parts: Trees) -> tree.Expression:
        span = _span(node, printing)
        return _Node(printing, span).build(node, tuple(_placed(part, span) for part in parts))

    return _placed(fold(e, step, named), printing.span)


def _span(node: Expr, printing: Printing) -> Span:
    """A symbol's origin is its declaration, so it takes its place from where it is used."""
    if isinstance(node, Parameter | Variable | Constant | SizeValue | IndexSymbol):
        return printing.span
    return node.origin or printing.span


def _placed(part: tree.Expression, span: Span) -> tree.Expression:
    """Names and numbers are placed within the text of the operation that they stand in."""
    match part:
        case tree.Name(id=name):
            found = re.search(rf"(?<![\w.\"']){re.escape(name)}(?![\w\"'])", span.text)
            inner = Span(span.source, span.start + found.start(), span.start + found.end()) if found else span
            return replace(part, span=inner)
        case tree.Number():
            return replace(part, span=span)
        case _:
            return part


@dataclass(frozen=True)
class _Node:
    """The tree of one node at its place, from the trees of its parts."""

    printing: Printing
    span: Span

    def build(self, e: Expr, parts: Trees) -> tree.Expression:
        match e:
            case Constant(value):
                return self.number(value)
            case SizeValue(size):
                return size_tree(size, self.span)
            case IndexSymbol(number, name):
                return self.name(self.printing.names.get(number, name))
            case Parameter(name=name) | Variable(name=name):
                return self.name(name)
            case Call():
                return self.operation(e, parts)
            case Index():
                return self.index(e, parts)
            case Reduce(op=op, binders=binders, condition=condition):
                fors = self.fors(binders, condition_with(condition, parts[1:], self.span))
                return tree.Call(self.name(op), parts[:1], fors, span=self.span)
            case Stack(binders=binders):
                return tree.Call(self.name("stack"), parts, self.fors(binders, None), span=self.span)
            case Extern(name=name):
                return self.call(name, parts)
            case Nested():
                return self.nested(e, parts)
            case Dual(path=path):
                return self.field(self.name(path[0]), *path[1:], "dual")
            case OptimalValue():
                return self.name("value")
            case _:
                assert_never(e)

    def name(self, name: str) -> tree.Name:
        return tree.Name(name, span=self.span)

    def number(self, value: float) -> tree.Expression:
        if value < 0:
            return tree.Unary("-", self.number(-value), span=self.span)
        if isinf(value):
            return tree.Infinity(span=self.span)
        return tree.Number(_digits(value), span=self.span)

    def call(self, name: str, args: tuple[tree.Expression | tree.Keyword, ...]) -> tree.Call:
        return tree.Call(self.name(name), args, span=self.span)

    def field(self, body: tree.Expression, *names: str) -> tree.Expression:
        for name in names:
            body = tree.Attribute(body, name, span=self.span)
        return body

    def fors(self, binders: tuple[Binder, ...], condition: tree.Expression | None) -> tree.Fors:
        loops = tuple(binder_tree(b, self.printing.names[b.index.number], self.span) for b in binders)
        return tree.Fors(loops, condition, span=self.span)

    def nested(self, e: Nested, parts: Trees) -> tree.Expression:
        names = [name for name, _ in e.consts]
        keywords = [
            tree.Keyword(name, value, span=self.span) for name, value in zip(names, parts[len(e.args) :], strict=True)
        ]
        return self.field(self.call(e.problem, (*parts[: len(e.args)], *keywords)), *e.field.split("."))

    def index(self, e: Index, parts: Trees) -> tree.Expression:
        """A matrix takes all its indices, so whole axes that the node leaves out are written."""
        integers, given = iter(parts[1:]), len(e.subscripts)
        whole = () if given == family_axes(e.base) else e.base.shape[given:]
        subscripts = (*e.subscripts, *(Slice(Size.of(0), length) for length in whole))
        items = tuple(
            self.slice(s, e.base.shape[axis]) if isinstance(s, Slice) else next(integers)
            for axis, s in enumerate(subscripts)
        )
        return tree.Subscript(parts[0], items, span=self.span)

    def slice(self, s: Slice, length: Size) -> tree.Slice:
        lo = None if s.lo == Size.of(0) else size_tree(s.lo, self.span)
        hi = None if s.hi == length else size_tree(s.hi, self.span)
        return tree.Slice(lo, hi, span=self.span)

    def operation(self, e: Call, parts: Trees) -> tree.Expression:
        scalar = [arg.shape == SCALAR for arg in e.args]
        match e.atom:
            case "add":
                return self.sum(parts)
            case "neg":
                return tree.Unary("-", parts[0], span=self.span)
            case "mul":
                return self.product("*" if any(scalar) else ".*", parts[0], parts[1])
            case "div":
                return self.product("/" if scalar[1] else "./", parts[0], parts[1])
            case "matmul":
                return self.product("*", parts[0], parts[1], flat=not _is_scaled(e.args[0]))
            case "dot":
                return self.product("*", self.transpose(parts[0]), parts[1])
            case "outer":
                return self.product("*", parts[0], self.transpose(parts[1]), flat=not _is_scaled(e.args[0]))
            case "transpose":
                return self.transpose(parts[0])
            case "power":
                return self.power(e, parts[0], self.number(e.option("p")))
            case "pow":
                return self.power(e, *parts)
            case "concat":
                return tree.Array((parts,), span=self.span)
            case "block":
                return tree.Array(_rows(parts, e.option("rows")), span=self.span)
            case "pnorm" | "norm_below_one":
                return self.call("norm", (*parts, self.number(e.option("p"))))
            case name if name in PERSPECTIVES:
                inner = Call(name.removeprefix(OF), e.args[:1], e.args[0].shape, e.options)
                return self.call("perspective", (self.operation(inner, parts[:1]), parts[1]))
            case _:
                return self.call(WRITTEN.get(e.atom, e.atom), (*parts, *self.options(e)))

    def sum(self, parts: Trees) -> tree.Expression:
        """`a - b` for a sum with a negated term, and `a - 1` for one with a negative number."""
        rest = []
        for part in parts[1:]:
            negative = isinstance(part, tree.Unary) and part.op == "-"
            body = part.body if negative else part  # pyright: ignore[reportAttributeAccessIssue]
            rest.append(("-" if negative else "+", body))
        return tree.Sum(parts[0], tuple(rest), span=self.span)

    def product(self, op: Any, left: tree.Expression, right: tree.Expression, flat: bool = True) -> tree.Expression:
        """Read from the left, so `a*b*c` needs no brackets."""
        if isinstance(left, tree.Product) and flat:
            return tree.Product(left.first, (*left.rest, (op, right)), span=self.span)
        return tree.Product(left, ((op, right),), span=self.span)

    def transpose(self, body: tree.Expression) -> tree.Transpose:
        return tree.Transpose(body, span=self.span)

    def power(self, e: Call, base: tree.Expression, exponent: tree.Expression) -> tree.Power:
        op = "^" if all(arg.shape == SCALAR for arg in e.args) else ".^"
        return tree.Power(op, base, exponent, span=self.span)

    def options(self, e: Call) -> tuple[tree.Expression | tree.Keyword, ...]:
        """Options by name; several sizes, as of a `reshape`, stand in its brackets."""
        sizes = [self.literal(size) for _, value in e.options if isinstance(value, tuple) for size in value]
        named = [(name, value) for name, value in e.options if not isinstance(value, tuple)]
        return (*sizes, *(tree.Keyword(name, self.literal(value), span=self.span) for name, value in named))

    def literal(self, value: float | str | Size) -> tree.Expression:
        match value:
            case Size():
                return size_tree(value, self.span)
            case str():
                return self.name(value)
            case _:
                return self.number(float(value))


def _is_scaled(e: Expr) -> bool:
    """`(c*A)*x` keeps its brackets: a scalar that leads a product without them multiplies the whole."""
    return isinstance(e, Call) and e.atom == "mul"


def _digits(value: float) -> str:
    return str(int(value)) if value == int(value) and value < 1e16 else repr(value)


def _rows(parts: Trees, lengths: tuple[int, ...]) -> tuple[Trees, ...]:
    rows, start = [], 0
    for length in lengths:
        rows.append(parts[start : start + length])
        start += length
    return tuple(rows)


# --- conditions --------------------------------------------------------------------------------


def condition_with(condition: Condition | None, parts: Trees, span: Span) -> tree.Expression | None:
    """The tree of a condition, from the trees of the expressions that it reads."""
    match condition:
        case None:
            return None
        case Test(op, _, _):
            return tree.Compare(parts[0], ((op, parts[1]),), span=span)
        case Truth():
            return parts[0]
        case Negation(body):
            inner = condition_with(body, parts, span)
            assert inner is not None
            return tree.Not(inner, span=span)
        case Connective(op, items):
            return tree.Logic(op, _joined(items, parts, span), span=span)
        case _:
            assert_never(condition)


def _joined(items: tuple[Condition, ...], parts: Trees, span: Span) -> Trees:
    found, start = [], 0
    for item in items:
        count = len(condition_expressions(item))
        inner = condition_with(item, parts[start : start + count], span)
        assert inner is not None
        found.append(inner)
        start += count
    return tuple(found)
