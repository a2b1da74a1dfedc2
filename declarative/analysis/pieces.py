"""A problem to the expressions that convexity asks something of: the objective, each side of each constraint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from declarative.ir.expr import Binder, Expr
from declarative.ir.facts import Curvature
from declarative.ir.problem import Comparison, Constraint, Membership, Objective, Problem, Relation, Sense

# What `left relation right` needs of its two sides to describe a convex set.
SIDES = {
    Relation.LE: (Curvature.CONVEX, Curvature.CONCAVE),
    Relation.GE: (Curvature.CONCAVE, Curvature.CONVEX),
    Relation.EQ: (Curvature.AFFINE, Curvature.AFFINE),
}
PRESSURE = {Curvature.CONVEX: 1, Curvature.CONCAVE: -1, Curvature.AFFINE: 0}


@dataclass(frozen=True)
class Piece:
    """An expression of `owner` that must have the `wanted` curvature. `number` counts the constraints from 1."""

    owner: Objective | Constraint
    root: Expr
    wanted: Curvature
    binders: tuple[Binder, ...] = ()
    number: int = 0

    @property
    def pressure(self) -> int:
        """1 where the problem wants the expression small, -1 where large, 0 where it is fixed."""
        return PRESSURE[self.wanted]


def pieces(problem: Problem) -> Iterator[Piece]:
    """In the order of the text."""
    objective = problem.objective
    if objective.body is not None:
        minimise = objective.sense is Sense.MINIMIZE
        yield Piece(objective, objective.body, Curvature.CONVEX if minimise else Curvature.CONCAVE)
    for number, constraint in enumerate(problem.constraints, start=1):
        match constraint:
            case Comparison(relation=relation, left=left, right=right, binders=binders):
                for side, wanted in zip((left, right), SIDES[relation], strict=True):
                    yield Piece(constraint, side, wanted, binders, number)
            case Membership(elements=elements, binders=binders):
                for element in elements:
                    yield Piece(constraint, element, Curvature.AFFINE, binders, number)
