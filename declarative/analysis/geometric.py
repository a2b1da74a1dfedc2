"""A problem to the geometric program that it is, row by row, or to what bars it from being one.

Every row is brought to posynomial <= monomial, or more generally log-log convex <= log-log concave, by moving what is
subtracted to the other side; the objective is a log-log convex function to minimise or a concave one to maximise, but
for a constant that may be added.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from declarative.analysis.facts import facts_of
from declarative.analysis.loglog import LogBlame, LogLogTable, log_blame
from declarative.analysis.signomial import excess, signomial
from declarative.atoms.apply import apply
from declarative.ir.expr import Attribute, Binder, Expr, Index, Variable
from declarative.ir.facts import Curvature, Sign
from declarative.ir.problem import Comparison, Constraint, Membership, Objective, Problem, Relation, Sense
from declarative.ir.walk import substitute, varies

POSITIVE = Attribute("pos")
DESCRIBED = ("nonneg", "pos", "between", "start")  # attributes of a variable that logarithms can describe


@dataclass(frozen=True)
class Sides:
    """`less <= more`, or `less == more`; None where nothing stands on a side."""

    less: Expr | None
    more: Expr | None


@dataclass(frozen=True)
class Obstacle:
    """Why a part of the problem does not fit: `blame` for an expression, else the attribute, the side or the cone."""

    owner: Objective | Constraint | Variable
    blame: LogBlame | None = None
    attribute: Attribute | None = None


@dataclass(frozen=True)
class Geometric:
    """`sign * core + offset` is the objective, `sides` has an entry for each of the `rows`, which compare.

    Everything is found with all variables positive, and only when it is asked for: a variable that nothing makes
    positive already bars most problems.
    """

    problem: Problem
    rows: tuple[Comparison, ...]

    @property
    def holds(self) -> bool:
        return not self.lacking and not self.obstacles

    @property
    def core(self) -> Expr:
        return self._goal[0]

    @property
    def sign(self) -> int:
        return self._goal[1]

    @property
    def offset(self) -> Expr | None:
        return self._goal[2]

    @cached_property
    def _goal(self) -> tuple[Expr, int, Expr | None]:
        assert self.problem.objective.body is not None
        return _goal(self.problem.objective.body)

    @cached_property
    def sides(self) -> tuple[Sides, ...]:
        return tuple(_sides(row) for row in self.rows)

    @cached_property
    def lacking(self) -> tuple[Variable, ...]:
        """The variables that nothing makes positive."""
        bounded = {symbol for row in self.rows if (symbol := _bounded_below(row)) is not None}
        symbols = [d.symbol for d in self.problem.variables]
        return tuple(v for v in symbols if not _is_declared_positive(v) and v not in bounded)

    @cached_property
    def obstacles(self) -> tuple[Obstacle, ...]:
        found = [*self._attributes(), *self._objective()]
        for row, sides in zip(self.rows, self.sides, strict=True):
            found.extend(self._row(row, sides))
        return tuple(found)

    @cached_property
    def _positive(self) -> dict[Expr, Expr]:
        """Each variable that is not declared positive, declared so."""
        symbols = [d.symbol for d in self.problem.variables]
        return {v: replace(v, attributes=(*v.attributes, POSITIVE)) for v in symbols if POSITIVE not in v.attributes}

    def _attributes(self) -> list[Obstacle]:
        symbols = [d.symbol for d in self.problem.variables]
        return [Obstacle(v, attribute=a) for v in symbols for a in v.attributes if not _describable(a)]

    def _objective(self) -> list[Obstacle]:
        minimised = (self.problem.objective.sense is Sense.MINIMIZE) == (self.sign > 0)
        wanted = Curvature.CONVEX if minimised else Curvature.CONCAVE
        return self._blame(self.problem.objective, self.core, wanted, ())

    def _row(self, row: Comparison, sides: Sides) -> list[Obstacle]:
        equation = row.relation is Relation.EQ
        if sides.more is None or (equation and sides.less is None):
            return [Obstacle(row)]
        wanted = (Curvature.AFFINE, Curvature.AFFINE) if equation else (Curvature.CONVEX, Curvature.CONCAVE)
        less = [] if sides.less is None else self._blame(row, sides.less, wanted[0], row.binders)
        return less + self._blame(row, sides.more, wanted[1], row.binders, exceeds=sides.less is not None)

    def _blame(
        self,
        owner: Objective | Comparison,
        side: Expr,
        wanted: Curvature,
        binders: tuple[Binder, ...],
        exceeds: bool = False,
    ) -> list[Obstacle]:
        positive = substitute(side, self._positive) if self._positive else side
        blame = log_blame(LogLogTable(positive, binders, exceeds), wanted)
        return [Obstacle(owner, blame)] if blame else []


def geometric(problem: Problem) -> Geometric | None:
    """None where there is nothing to compare with a geometric program: `find`, cones, an objective of both signs."""
    if problem.objective.body is None or problem.objective.sense is Sense.FIND:
        return None
    if not problem.variables or any(isinstance(c, Membership) for c in problem.constraints):
        return None
    return Geometric(problem, tuple(c for c in problem.constraints if isinstance(c, Comparison)))


def _goal(body: Expr) -> tuple[Expr, int, Expr | None]:
    """The objective as a positive function, its sign, and the constant added to it."""
    found = signomial(body)
    plus, minus = (tuple(t for t in terms if varies(t)) for terms in (found.plus, found.minus))
    constants = [t for t in found.plus if not varies(t)]
    constants += [apply("neg", t) for t in found.minus if not varies(t)]
    offset = _total(tuple(constants)) if constants else None
    if minus and not plus:
        return _total(minus), -1, offset
    if minus or offset is None or not plus:
        return body, 1, None
    return _total(plus), 1, offset


def _total(terms: tuple[Expr, ...]) -> Expr:
    return terms[0] if len(terms) == 1 else apply("add", *terms)


def _sides(row: Comparison) -> Sides:
    """A side from which nothing is moved stays as it is written."""
    found = excess(row)
    less, more = (row.right, row.left) if row.relation is Relation.GE else (row.left, row.right)
    whole = (found.plus, found.minus) == (signomial(less).plus, signomial(more).plus)
    pairs = zip((found.plus, found.minus), (less, more), strict=True)
    return Sides(*(None if not terms else side if whole else _total(terms) for terms, side in pairs))


def _describable(attribute: Attribute) -> bool:
    """Bounds have logarithms where they are positive; a lower bound 0 says no more than that the variable is."""
    if attribute.name != "between":
        return attribute.name in DESCRIBED
    lo, hi = (facts_of(bound).sign for bound in attribute.args)
    return (lo in Sign.POS or lo in Sign.ZERO) and hi in Sign.POS


def _is_declared_positive(variable: Variable) -> bool:
    return any(a.name == "pos" or (a.name == "between" and _positive(a.args[0])) for a in variable.attributes)


def _bounded_below(row: Comparison) -> Variable | None:
    """The variable that a row bounds below by something positive, entry by entry."""
    if row.relation is Relation.EQ or row.condition is not None:
        return None
    more, less = (row.right, row.left) if row.relation is Relation.LE else (row.left, row.right)
    variable = _whole(more, row)
    return variable if variable is not None and not varies(less) and _positive(less, row.binders) else None


def _whole(e: Expr, row: Comparison) -> Variable | None:
    """The variable that this is itself, or is the entry of at the row's indices, which run over all of them."""
    match e:
        case Variable():
            return None if row.binders else e
        case Index(base=Variable() as base, subscripts=subscripts):
            ranges = [(b.lo.constant, b.hi) for b in row.binders]
            lengths = [(0, length) for length in base.shape[: len(subscripts)]]
            return base if subscripts == tuple(b.index for b in row.binders) and ranges == lengths else None
        case _:
            return None


def _positive(e: Expr, binders: tuple[Binder, ...] = ()) -> bool:
    return facts_of(e, binders).sign in Sign.POS
