"""A problem as data: declarations, objective, constraints, outputs. Equal problems are equal values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

from declarative.ir.condition import Condition
from declarative.ir.expr import Binder, Expr, Parameter, Variable
from declarative.ir.size import Shape, Size
from declarative.source.span import Span


def _beside() -> Any:
    return field(default=None, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True)
class DimDeclaration:
    name: str
    default: Size | None = None
    origin: Span | None = _beside()


@dataclass(frozen=True)
class ParameterDeclaration:
    """A param, const or learn with its default (an expression over earlier data) and its documentation."""

    symbol: Parameter
    default: Expr | None = None
    doc: str | None = field(default=None, compare=False)
    origin: Span | None = _beside()


@dataclass(frozen=True)
class VariableDeclaration:
    symbol: Variable
    doc: str | None = field(default=None, compare=False)
    origin: Span | None = _beside()


@dataclass(frozen=True)
class ExternDeclaration:
    name: str
    domain: tuple[Shape, ...]
    codomain: Shape
    origin: Span | None = _beside()


class Relation(Enum):
    LE = "<="
    GE = ">="
    EQ = "=="


@dataclass(frozen=True)
class Comparison:
    """`name: left relation right for binders if condition`. `part` is "lower" or "upper" in a chain.

    A scalar side broadcasts. In S^n (`symmetric`) an `==` counts as n(n+1)/2 rows.
    """

    name: str | None
    relation: Relation
    left: Expr
    right: Expr
    binders: tuple[Binder, ...] = ()
    condition: Condition | None = None
    part: str = ""
    origin: Span | None = _beside()


@dataclass(frozen=True)
class Membership:
    """`name: X in PSD`, `(t, x) in SOC`: elements in a cone or set of the library, with the set's arguments."""

    name: str | None
    elements: tuple[Expr, ...]
    cone: str
    args: tuple[Expr, ...] = ()
    binders: tuple[Binder, ...] = ()
    condition: Condition | None = None
    origin: Span | None = _beside()


Constraint: TypeAlias = Comparison | Membership


class Sense(Enum):
    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"
    FIND = "find"


@dataclass(frozen=True)
class Objective:
    """`body` is the scalar of minimize and maximize; `unknowns` are the variables of find."""

    sense: Sense
    body: Expr | None = None
    unknowns: tuple[Variable, ...] = ()
    origin: Span | None = _beside()


@dataclass(frozen=True)
class Output:
    """`name` is the field's name (`price`, `u_0`); `body` may hold `Dual` and `OptimalValue`."""

    name: str
    body: Expr
    origin: Span | None = _beside()


@dataclass(frozen=True)
class Method:
    """`solve by newton(tol = 1e-10)`: name, positional and named arguments (numbers, or names as text)."""

    name: str
    args: tuple[float | str, ...] = ()
    options: tuple[tuple[str, float | str], ...] = ()
    origin: Span | None = _beside()


@dataclass(frozen=True)
class Expansion:
    """A call of a `def` put in: where the body stands, where the call, and the texts of the arguments by name."""

    body: Span
    call: Span
    arguments: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Problem:
    name: str
    dims: tuple[DimDeclaration, ...]
    parameters: tuple[ParameterDeclaration, ...]  # param, const and learn in order of declaration
    variables: tuple[VariableDeclaration, ...]
    objective: Objective
    constraints: tuple[Constraint, ...]
    outputs: tuple[Output, ...]
    externs: tuple[ExternDeclaration, ...] = ()
    imports: tuple[Problem, ...] = ()
    promises: tuple[Constraint, ...] = ()  # `assume`
    solve: Method | None = None
    differentiate: Method | None = None
    doc: str | None = field(default=None, compare=False)
    expansions: tuple[Expansion, ...] = field(default=(), compare=False, repr=False)  # for messages
    origin: Span | None = _beside()

    def __new__(cls, *given: object, **named: object) -> Problem:
        """By name only: `Problem(Minimize(f), [...])` is a habit from elsewhere."""
        if given:
            raise TypeError("a problem is made by declarative.problem(declarative.minimize(f), first <= second, ...)")
        return super().__new__(cls)

    def __str__(self) -> str:
        from declarative.elaborate.to_text import problem_to_text  # printing goes back up to the syntax

        return problem_to_text(self)
