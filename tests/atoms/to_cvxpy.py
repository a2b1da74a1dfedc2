"""Expressions to CVXPY, by the records' own forms: an evaluator for the tests of the library. Sizes are numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import cvxpy as cp

from declarative.atoms.record import Form
from declarative.atoms.registry import find
from declarative.ir.condition import Condition, Test
from declarative.ir.expr import (
    Binder,
    Call,
    Constant,
    Expr,
    Index,
    IndexSymbol,
    Reduce,
    SizeValue,
    Slice,
    Stack,
)
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
            return cp.reshape(_members(body, binders, values), numbers(node.shape), order="C")
        case Reduce("prod", body, binders, None) if not body.shape:
            return cp.prod(_members(body, binders, values))
        case _:
            raise AssertionError(node)


def _members(body: Expr, binders: tuple[Binder, ...], values: Mapping[Expr, cp.Expression]) -> cp.Expression:
    """The entries of the body at each index tuple, end to end."""
    found = [as_cvxpy(body, {**values, **at}) for at in _index_tuples(binders)]
    return cp.hstack([cp.vec(member, order="C") for member in found])


def _index_tuples(binders: tuple[Binder, ...]) -> Iterator[dict[Expr, cp.Expression]]:
    for members in product(*[range(b.lo.evaluate({}), b.hi.evaluate({})) for b in binders]):
        yield {b.index: cp.Constant(i) for b, i in zip(binders, members, strict=True)}


def _subscript(s: Expr | Slice, values: Mapping[Expr, cp.Expression]):
    if isinstance(s, Slice):
        return slice(s.lo.evaluate({}), s.hi.evaluate({}))
    assert isinstance(s, IndexSymbol | Constant)
    return int(as_cvxpy(s, values).value)


def constraints_to_cvxpy(row: Comparison | Membership, values: Mapping[Expr, cp.Expression]) -> Iterator[cp.Constraint]:
    """One for each index tuple of a family."""
    assert isinstance(row, Comparison)
    for at in _index_tuples(row.binders):
        known = {**values, **at}
        if row.condition is not None and not _holds(row.condition, known):
            continue
        left, right = as_cvxpy(row.left, known), as_cvxpy(row.right, known)
        match row.relation:
            case Relation.LE:
                yield left <= right
            case Relation.GE:
                yield left >= right
            case Relation.EQ:
                yield left == right


def _holds(condition: Condition, values: Mapping[Expr, cp.Expression]) -> bool:
    assert isinstance(condition, Test) and condition.op == "!="
    return bool(as_cvxpy(condition.left, values).value != as_cvxpy(condition.right, values).value)
