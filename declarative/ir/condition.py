"""Conditions of `for ... if`: they read dims, consts and indices only, so they are known before solving."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from declarative.ir.expr import Expr


@dataclass(frozen=True)
class Test:
    """`left op right` of two scalars."""

    op: Literal["==", "!=", "<", "<=", ">", ">="]
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Truth:
    """A scalar used as a condition: true where it is not 0."""

    body: Expr


@dataclass(frozen=True)
class Negation:
    body: Condition


@dataclass(frozen=True)
class Connective:
    op: Literal["and", "or"]
    items: tuple[Condition, ...]


Condition: TypeAlias = Test | Truth | Negation | Connective
