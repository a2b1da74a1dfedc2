"""Expressions without indices to CVXPY, by the records' own forms: a small evaluator for the tests of the library."""

from __future__ import annotations

from collections.abc import Mapping

import cvxpy as cp

from declarative.atoms.record import Form
from declarative.atoms.registry import find
from declarative.ir.expr import Call, Constant, Expr, SizeValue
from declarative.ir.problem import Comparison, Membership, Relation
from declarative.ir.size import Shape
from declarative.ir.walk import fold


def numbers(shape: Shape) -> tuple[int, ...]:
    return tuple(size.evaluate({}) for size in shape)


def as_cvxpy(root: Expr, values: Mapping[Expr, cp.Expression]):
    """The expression with CVXPY's expressions in the place of its symbols; sizes are numbers."""

    def step(node: Expr, inner: tuple) -> cp.Expression:
        if node in values:
            return values[node]
        match node:
            case Constant(value):
                return cp.Constant(value)
            case SizeValue(size):
                return cp.Constant(size.evaluate({}))
            case Call(atom):
                record = find(atom)
                assert record is not None and record.cvxpy is not None, atom
                form = Form(tuple(numbers(a.shape) for a in node.args), numbers(node.shape), dict(node.options))
                return record.cvxpy(cp, form, *inner)
            case _:
                raise AssertionError(node)

    return fold(root, step)


def constraint_to_cvxpy(row: Comparison | Membership, values: Mapping[Expr, cp.Expression]) -> cp.Constraint:
    assert isinstance(row, Comparison)
    left, right = as_cvxpy(row.left, values), as_cvxpy(row.right, values)
    match row.relation:
        case Relation.LE:
            return left <= right
        case Relation.GE:
            return left >= right
        case Relation.EQ:
            return left == right
