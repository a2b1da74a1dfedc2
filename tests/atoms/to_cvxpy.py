"""Expressions to CVXPY, by the records' own forms: an evaluator for the tests of the library. Sizes are numbers."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import cvxpy as cp

from declarative.atoms.record import Form
from declarative.atoms.registry import find
from declarative.ir.expr import Call, Constant, Expr, Index, IndexSymbol, SizeValue, Slice, Stack
from declarative.ir.problem import Comparison, Membership, Relation
from declarative.ir.size import Shape


def numbers(shape: Shape) -> tuple[int, ...]:
    return tuple(size.evaluate({}) for size in shape)


def as_cvxpy(node: Expr, values: Mapping[Expr, cp.Expression]):
    """The expression with CVXPY's expressions in the place of its symbols."""
    if node in values:
        return values[node]
    match node:
        case Constant(value):
            return cp.Constant(value)
        case SizeValue(size):
            return cp.Constant(size.evaluate({}))
        case Call(atom, args):
            record = find(atom)
            assert record is not None and record.cvxpy is not None, atom
            form = Form(tuple(numbers(a.shape) for a in args), numbers(node.shape), dict(node.options))
            return record.cvxpy(cp, form, *(as_cvxpy(a, values) for a in args))
        case Index(base, subscripts):
            return as_cvxpy(base, values)[tuple(_subscript(s, values) for s in subscripts)]
        case Stack(body, binders):
            ranges = [range(b.lo.evaluate({}), b.hi.evaluate({})) for b in binders]
            members = [
                as_cvxpy(body, {**values, **{b.index: cp.Constant(i) for b, i in zip(binders, tuple_, strict=True)}})
                for tuple_ in product(*ranges)
            ]
            return cp.reshape(cp.hstack([cp.vec(m, order="C") for m in members]), numbers(node.shape), order="C")
        case _:
            raise AssertionError(node)


def _subscript(s: Expr | Slice, values: Mapping[Expr, cp.Expression]):
    if isinstance(s, Slice):
        return slice(s.lo.evaluate({}), s.hi.evaluate({}))
    assert isinstance(s, IndexSymbol | Constant)
    return int(as_cvxpy(s, values).value)


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
