"""What an expression stands in: the nodes of the tree around it, the statement first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from declarative.syntax import tree


def path_to(file: tree.File | None, node: tree.Node) -> list[tree.Node]:
    """From the statement down to the node itself, without parentheses; the node alone where it is in no statement."""
    found: list[tree.Node] = []
    at: tree.Node | None = file
    while at is not None and at is not node:
        at = next((child for child in _children(at) if child is node or _holds(child, node)), None)
        if at is not None and not isinstance(at, tree.Paren):
            found.append(at)
    return found if at is node else [node]


def within(node: tree.Node) -> Iterator[tree.Node]:
    """The node and all that is in it."""
    pending = [node]
    while pending:
        yield (top := pending.pop())
        pending += reversed([*_children(top)])


def _holds(outer: tree.Node, inner: tree.Node) -> bool:
    return outer.span.start <= inner.span.start and inner.span.end <= outer.span.end


def _children(node: tree.Node) -> Iterator[tree.Node]:
    yield from (child for f in fields(node) for child in _nodes(getattr(node, f.name)))


def _nodes(value: Any) -> Iterator[tree.Node]:
    if isinstance(value, tree.Node):
        yield value
    elif isinstance(value, tuple):
        yield from (child for part in value for child in _nodes(part))
