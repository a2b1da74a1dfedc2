"""What a handle was made of: declarations by identity, numbered in order of creation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

from declarative.elaborate.embedded.place import Place
from declarative.ir.problem import (
    DimDeclaration,
    ExternDeclaration,
    ParameterDeclaration,
    Problem,
    VariableDeclaration,
)

Declaration: TypeAlias = DimDeclaration | ParameterDeclaration | VariableDeclaration | ExternDeclaration | Problem

_creation = count()


@dataclass(frozen=True, eq=False)
class Declared:
    """One declaration. `needs`: the dims of its shape, the data in its attributes and default."""

    declaration: Declaration
    place: Place
    needs: frozenset[Declared] = frozenset()
    order: int = field(default_factory=_creation.__next__)

    @property
    def name(self) -> str:
        match self.declaration:
            case ParameterDeclaration(symbol=symbol) | VariableDeclaration(symbol=symbol):
                return symbol.name
            case DimDeclaration(name=name) | ExternDeclaration(name=name) | Problem(name=name):
                return name


NOTHING: frozenset[Declared] = frozenset()


def closure(found: Iterable[Declared]) -> list[Declared]:
    """These declarations and all that they need, in order of creation."""
    seen: set[Declared] = set()
    stack = list(found)
    while stack:
        item = stack.pop()
        if item not in seen:
            seen.add(item)
            stack.extend(item.needs)
    return sorted(seen, key=lambda item: item.order)
