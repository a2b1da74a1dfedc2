"""A problem -> the names of the dims that something in it reads. The others may have any value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from declarative.ir.expr import Binder, Expr, Index, Parameter, Reduce, SizeValue, Slice, Stack, Variable
from declarative.ir.problem import Comparison, Constraint, Problem
from declarative.ir.size import Size
from declarative.ir.walk import condition_expressions, postorder


def dims_read(problem: Problem) -> frozenset[str]:
    names = {name for size in _sizes(problem) for name in size.names}
    defaults = {d.name: d.default.names for d in problem.dims if d.default is not None}
    while more := {name for read in names & defaults.keys() for name in defaults[read]} - names:
        names |= more
    return frozenset(names)


def _sizes(problem: Problem) -> Iterator[Size]:
    for declaration in (*problem.parameters, *problem.variables):
        yield from _of_symbol(declaration.symbol)
    for extern in problem.externs:
        yield from (size for shape in (*extern.domain, extern.codomain) for size in shape)
    for constraint in (*problem.constraints, *problem.promises):
        yield from _of_binders(constraint.binders)
    for root in _roots(problem):
        for node in postorder(root):
            yield from _of_node(node)


def _of_symbol(symbol: Parameter | Variable) -> Iterator[Size]:
    yield from symbol.shape
    if isinstance(symbol, Parameter) and symbol.index_range is not None:
        yield symbol.index_range


def _roots(problem: Problem) -> Iterator[Expr]:
    """All expressions of a problem that do not stand in another one."""
    yield from (d.default for d in problem.parameters if d.default is not None)
    for declaration in (*problem.parameters, *problem.variables):
        yield from (e for attribute in declaration.symbol.attributes for e in attribute.args)
    if problem.objective.body is not None:
        yield problem.objective.body
    for constraint in (*problem.constraints, *problem.promises):
        yield from _of_constraint(constraint)
    yield from (output.body for output in problem.outputs)


def _of_constraint(constraint: Constraint) -> Iterator[Expr]:
    yield from condition_expressions(constraint.condition)
    if isinstance(constraint, Comparison):
        yield from (constraint.left, constraint.right)
    else:
        yield from (*constraint.elements, *constraint.args)


def _of_node(node: Expr) -> Iterator[Size]:
    yield from node.shape
    match node:
        case SizeValue(size):
            yield size
        case Index(_, subscripts):
            yield from (end for s in subscripts if isinstance(s, Slice) for end in (s.lo, s.hi))
        case Reduce(binders=binders) | Stack(binders=binders):
            yield from _of_binders(binders)


def _of_binders(binders: Iterable[Binder]) -> Iterator[Size]:
    yield from (end for binder in binders for end in (binder.lo, binder.hi))
