"""Where an expression has kinks."""

from __future__ import annotations

from typing import TypeGuard

from declarative.atoms.registry import find
from declarative.ir.expr import Call, Expr, Reduce, Variable
from declarative.ir.facts import Smoothness
from declarative.ir.walk import children, postorder


def kinked(node: Expr) -> TypeGuard[Call | Reduce]:
    """Is it a function with a kink, whatever its arguments are?"""
    match node:
        case Call(atom=name):
            record = find(name)
            assert record is not None
            return record.smoothness is Smoothness.KINKED
        case Reduce(op=op):
            return op in ("max", "min")
        case _:
            return False


def nodes_with_kinks(root: Expr) -> frozenset[int]:
    """The nodes, by identity, that hold a kinked function of the variables."""
    moving: set[int] = set()
    found: set[int] = set()
    for node in postorder(root):
        inner = [id(child) for child in children(node)]
        if isinstance(node, Variable) or not moving.isdisjoint(inner):
            moving.add(id(node))
            if kinked(node) or not found.isdisjoint(inner):
                found.add(id(node))
    return frozenset(found)
