"""Problem to standard form: minimise, subject to rows `body == 0` and `body <= 0`, and memberships in cones.

The way back is the identity for the variables and, with the signs below, for the duals too:
L = f + lambda'(body), so a row made of `lhs <= rhs` as lhs - rhs, of `lhs >= rhs` as rhs - lhs and of `lhs == rhs` as
lhs - rhs has the dual that the user means, and `maximize f` is `minimize -f`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from declarative.atoms.algebra import filled
from declarative.atoms.apply import apply
from declarative.atoms.symmetric import is_symmetric
from declarative.ir.condition import Condition
from declarative.ir.expr import Attribute, Binder, Constant, Expr, Index, IndexSymbol, Variable
from declarative.ir.problem import Comparison, Constraint, Membership, Problem, Relation, Sense
from declarative.ir.size import Size
from declarative.source.span import Span


@dataclass(frozen=True)
class Row:
    """`body == 0` (equality) or `body <= 0`, for binders if condition.

    `path` is where users find the dual: the sum, over the rows with this path, of their multipliers, each times its
    `weight` (an expression of the variables, entry by entry; of a scalar row it may be an array; None: 1). Over its
    last `summed` axes, binders first, a row says the same thing of several values, and its dual is their sum.
    `symmetric` rows count once for i <= j. `open_domain` rows only say where the objective is defined, and are never
    active.
    """

    path: tuple[str, ...]
    equality: bool
    body: Expr
    binders: tuple[Binder, ...] = ()
    condition: Condition | None = None
    symmetric: bool = False
    open_domain: bool = False
    weight: Expr | None = None
    summed: int = 0
    origin: Span | None = None


@dataclass(frozen=True)
class ConeRow:
    """`elements in cone(args)`, for binders if condition."""

    path: tuple[str, ...]
    cone: str
    elements: tuple[Expr, ...]
    args: tuple[Expr, ...] = ()
    binders: tuple[Binder, ...] = ()
    condition: Condition | None = None
    origin: Span | None = None


@dataclass(frozen=True)
class Auxiliary:
    """A variable that a rewrite has added; it stands for `stands_for` at each index tuple of its leading axes.

    `value`: that is its value, and not only about as large, as where one of two stands for a sum of both.
    """

    variable: Variable
    stands_for: Expr | None
    binders: tuple[Binder, ...]
    value: bool


@dataclass(frozen=True)
class Standard:
    """A problem to minimise. `sign` is -1 where the user maximises: value = sign * minimum."""

    problem: Problem
    objective: Expr
    sign: int
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    cones: tuple[ConeRow, ...]
    auxiliaries: tuple[Auxiliary, ...] = ()
    log: tuple[str, ...] = ()


def problem_to_standard(problem: Problem) -> Standard:
    """The standard form of a problem with an objective (not `find`)."""
    assert problem.objective.body is not None
    minimise = problem.objective.sense is not Sense.MAXIMIZE
    body = problem.objective.body if minimise else apply("neg", problem.objective.body)
    rows: list[Row] = []
    cones: list[ConeRow] = []
    for declaration in problem.variables:
        for attribute in declaration.symbol.attributes:
            _attribute_rows(declaration.symbol, attribute, rows, cones)
    for number, constraint in enumerate(problem.constraints, start=1):
        _constraint_rows(constraint, number, rows, cones)
    variables = tuple(declaration.symbol for declaration in problem.variables)
    return Standard(problem, body, 1 if minimise else -1, variables, tuple(rows), tuple(cones))


def declared_paths(problem: Problem) -> Iterator[tuple[str, ...]]:
    """Where duals are found, in the order of declaration: of attributes, then of constraints."""
    rows: list[Row] = []
    cones: list[ConeRow] = []
    for declaration in problem.variables:
        for attribute in declaration.symbol.attributes:
            _attribute_rows(declaration.symbol, attribute, rows, cones)
            yield from (row.path for row in (*rows, *cones))
            rows.clear()
            cones.clear()
    for number, constraint in enumerate(problem.constraints, start=1):
        yield constraint_path(constraint, number)


def constraint_path(constraint: Constraint, number: int) -> tuple[str, ...]:
    """Where the duals of a constraint are found; constraints without a name are numbered from 1."""
    name = constraint.name or f"constraint_{number}"
    part = constraint.part if isinstance(constraint, Comparison) else ""
    return (name, part) if part else (name,)


def _constraint_rows(constraint: Constraint, number: int, rows: list[Row], cones: list[ConeRow]) -> None:
    path = constraint_path(constraint, number)
    family = (constraint.binders, constraint.condition)
    match constraint:
        case Comparison(relation=relation, left=left, right=right):
            body = difference(right, left) if relation is Relation.GE else difference(left, right)
            symmetric = len(body.shape) == 2 and is_symmetric(left) and is_symmetric(right)
            rows.append(
                Row(path, relation is Relation.EQ, body, *family, symmetric=symmetric, origin=constraint.origin)
            )
        case Membership(elements=elements, cone=cone, args=args):
            cones.append(ConeRow(path, cone, elements, args, *family, origin=constraint.origin))
        case _:
            assert_never(constraint)


def difference(left: Expr, right: Expr) -> Expr:
    """left - right, without a zero on the right."""
    if isinstance(right, Constant) and right.value == 0 and left.shape:
        return left
    return apply("add", left, apply("neg", right))


# --- attributes of variables --------------------------------------------------------------------


def _attribute_rows(variable: Variable, attribute: Attribute, rows: list[Row], cones: list[ConeRow]) -> None:
    origin = attribute.origin or variable.origin
    match attribute.name, attribute.args:
        case ("nonneg" | "pos", _):
            rows.append(_side(variable, "lower", Constant(0.0), origin))
        case "between", (lo, hi):
            rows.extend(
                _side(variable, side, bound, origin)
                for side, bound in (("lower", lo), ("upper", hi))
                if not _infinite(bound)
            )
        case "binary", _:
            rows.append(_side(variable, "lower", Constant(0.0), origin))
            rows.append(_side(variable, "upper", Constant(1.0), origin))
        case "simplex", _:
            member, binders = one_member(variable)
            rows.append(_side(variable, "lower", Constant(0.0), origin))
            total = difference(apply("sum", member), Constant(1.0))
            rows.append(Row((variable.name, "simplex"), True, total, binders, origin=origin))
        case "unit", _:
            member, binders = one_member(variable)
            length = difference(apply("sumsq", member), Constant(1.0))
            rows.append(Row((variable.name, "unit"), True, length, binders, origin=origin))
        case "orthonormal", _:
            rows.append(_orthonormal(variable, origin))
        case ("psd" | "pd", _):
            member, binders = one_member(variable)
            cones.append(ConeRow((variable.name, "psd"), "PSD", (member,), binders=binders, origin=origin))
        case _:
            pass  # start says where to begin, and constrains nothing


def _side(variable: Variable, side: str, bound: Expr, origin: Span | None) -> Row:
    body = difference(bound, variable) if side == "lower" else difference(variable, bound)
    return Row((variable.name, side), False, body, symmetric=variable.symmetric and is_symmetric(bound), origin=origin)


def _infinite(e: Expr) -> bool:
    return isinstance(e, Constant) and e.value in (float("inf"), float("-inf"))


def _orthonormal(variable: Variable, origin: Span | None) -> Row:
    """U'U == I, k(k+1)/2 rows."""
    member, binders = one_member(variable)
    gram = apply("matmul", apply("transpose", member), member)
    identity = apply("diag", filled(1.0, member.shape[1:]))
    body = difference(gram, identity)
    return Row((variable.name, "orthonormal"), True, body, binders, symmetric=True, origin=origin)


def one_member(variable: Variable) -> tuple[Expr, tuple[Binder, ...]]:
    """One member of a family, and the binders that run over all; the variable itself where it is none."""
    if not variable.family:
        return variable, ()
    indices = tuple(IndexSymbol(k, f"k{k}") for k in range(variable.family))
    binders = tuple(Binder(i, Size.of(0), n) for i, n in zip(indices, variable.shape, strict=False))
    return Index(variable, indices, variable.shape[variable.family :]), binders
