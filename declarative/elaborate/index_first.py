"""`sum(i, p[i])`, as GAMS writes it, to the sum over an index that is meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from declarative.elaborate.context import Context
from declarative.elaborate.indexing import over
from declarative.elaborate.names import Scope
from declarative.elaborate.values import stripped
from declarative.ir.size import ZERO
from declarative.syntax import tree


def sum_over_index(ctx: Context, node: tree.Call, name: str, scope: Scope) -> str | None:
    """What to write where the first of two arguments is an index of the second; None where it is not."""
    if len(node.args) != 2 or not isinstance(index := stripped(node.args[0]), tree.Name):  # pyright: ignore
        return None
    known = ctx.names.get(index.id)
    if index.id in scope.locals or not (known is None or isinstance(known, tree.DimItem)):
        return None
    uses = [found for found in _subscripts(node.args[1]) if any(_is(item, index.id) for item in found.items)]
    if not uses:
        return None
    if known is not None:
        return f"`{name}({_renamed(node.args[1], index.id)} for i in {index.id})`"
    return f"`{name}({node.args[1].span.text} for {index.id} in {_range(ctx, uses[0], index.id, scope)})`"


def _range(ctx: Context, use: tree.Subscript, index: str, scope: Scope) -> str:
    declared = isinstance(use.body, tree.Name) and isinstance(ctx.names.get(use.body.id), tree.Declaration)
    base = ctx.value(use.body, scope) if declared else None
    place = next(k for k, item in enumerate(use.items) if _is(item, index))
    return over(ZERO, base.shape[place]) if base is not None and place < base.rank else "n"


def _is(item: tree.Node, name: str) -> bool:
    return isinstance(item, tree.Name) and item.id == name


def _renamed(node: tree.Node, dim: str) -> str:
    """The text of a node where `i` runs over a dim that stood as its own index."""
    text, start = node.span.text, node.span.start
    places = [item.span for use in _subscripts(node) for item in use.items if _is(item, dim)]
    for span in sorted(places, key=lambda span: -span.start):
        text = text[: span.start - start] + "i" + text[span.end - start :]
    return text


def _subscripts(node: object) -> Iterator[tree.Subscript]:
    if isinstance(node, tree.Subscript):
        yield node
    if isinstance(node, tree.Node):
        for part in fields(node):
            if part.name != "span":
                yield from _subscripts(getattr(node, part.name))
    elif isinstance(node, tuple):
        for part in node:
            yield from _subscripts(part)
