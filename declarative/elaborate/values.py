"""What an expression of the text stands for while it is given its meaning, and how messages speak of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from declarative.ir.expr import Expr
from declarative.ir.problem import Problem
from declarative.ir.size import Shape, Size, shape_text
from declarative.source.span import Span
from declarative.syntax import tree


@dataclass(frozen=True, init=False)
class Value:
    """An expression, and whether it stands as a row: `x'` of R^n is a row, and its expression the vector itself."""

    expr: Expr
    row: bool = False

    def __init__(self, expr: Expr, row: bool = False):
        self.__dict__["expr"], self.__dict__["row"] = expr, row  # as fast as can be: every node of a tree makes one

    @property
    def shape(self) -> Shape:
        return self.expr.shape

    @property
    def rank(self) -> int:
        return len(self.expr.shape)

    @property
    def space(self) -> str:
        return f"a row of {shape_text(self.shape)}" if self.row else shape_text(self.shape)


@dataclass(frozen=True)
class Solved:
    """Another file's problem, called; one of its fields is taken next."""

    problem: Problem
    args: tuple[Expr, ...]
    named: tuple[tuple[str, Expr], ...]
    sizes: tuple[tuple[str, Size], ...]


def stripped(node: tree.Expression) -> tree.Expression:
    """Without the parentheses around it."""
    while isinstance(node, tree.Paren):
        node = node.body
    return node


def shown(node: tree.Node | Span, limit: int = 48) -> str:
    """The user's text of a node, on one line."""
    span = node.span if isinstance(node, tree.Node) else node
    text = " ".join(re.sub(r"#[^\n]*", "", span.text).split())
    return f"`{text}`" if len(text) <= limit else f"`{text[: limit - 3]}...`"


def described(node: tree.Node | Span, value: Value) -> str:
    """ "`F` is R^(k,n)"."""
    return f"{shown(node)} is {value.space}"


def name_span(node: tree.Node, name: str) -> Span:
    """Where a name stands within the statement or part that introduces it."""
    words = re.finditer(r"\w+", node.span.text)  # one pattern for all names: to make one takes a tenth of a millisecond
    found = next((word for word in words if word.group() == name), None)
    if found is None:
        return node.span
    return Span(node.span.source, node.span.start + found.start(), node.span.start + found.end())


def range_text(lo: Size, hi: Size) -> str:
    """The half-open range lo to hi as people write it, both ends included: `0..n-1`."""
    return f"{lo}..{hi - 1}"


def known_integer(node: tree.Expression) -> int | None:
    """The value of a whole number as written."""
    node = stripped(node)
    if isinstance(node, tree.Number) and re.fullmatch(r"\d+", node.text):
        return int(node.text)
    return None
