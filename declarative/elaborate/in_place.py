"""Expressions put in the place of indices: with 0 for i, `(i + 1)*x[i]` becomes what `(0 + 1)*x[0]` is read as."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import is_not

from declarative.atoms.apply import apply
from declarative.atoms.canonical import REWRITES
from declarative.atoms.literals import written_out
from declarative.elaborate.integers import normal
from declarative.ir.expr import Call, Expr, Index, SizeValue, Slice
from declarative.ir.walk import children, fold, with_children

CANONICAL = (*REWRITES, "pow")  # operators whose form depends on what they are applied to


def in_place(body: Expr, values: Mapping[Expr, Expr], is_closed: Callable[[Expr], bool] = lambda node: False) -> Expr:
    """Raises ShapeMismatch where a sum becomes too long. `is_closed`: what holds none of the indices."""
    moving = {index: _written(e) for index, e in values.items() if e != index}
    if not moving:
        return body

    def step(node: Expr, new: tuple[Expr, ...]) -> Expr:
        return moving[node] if node in moving else _rebuilt(node, new)

    return fold(body, step, lambda node: node if is_closed(node) else None)


def _written(e: Expr) -> Expr:
    """A subscript as a value: the size n-1 is n less 1 there."""

    def step(node: Expr, new: tuple[Expr, ...]) -> Expr:
        return written_out(apply, node.size, node.origin) if isinstance(node, SizeValue) else _rebuilt(node, new)

    return fold(e, step)


def _rebuilt(node: Expr, new: tuple[Expr, ...]) -> Expr:
    if not any(map(is_not, children(node), new)):
        return node
    match node:
        case Index():
            made = with_children(node, new)
            assert isinstance(made, Index)
            return replace(made, subscripts=tuple(s if isinstance(s, Slice) else normal(s) for s in made.subscripts))
        case Call(atom, _, _, options) if atom in CANONICAL:
            return apply(atom, *new, origin=node.origin, **dict(options))
        case _:
            return with_children(node, new)
