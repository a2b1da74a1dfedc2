"""A geometric program to a convex one: x = exp(u), and the logarithm of the objective and of both sides of each row.

With F the positive objective and s = lhs = rhs where a row is active, the conditions of optimality
    F_x + lambda (lhs_x - rhs_x) = 0   and   F_u/F + mu (lhs_u/lhs - rhs_u/rhs) = 0
are the same for lambda = mu F/s, since f_u = x f_x: that is the way back for the duals, whatever their signs; the one
for the variables is x = exp(u), and for the value exp.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from declarative.analysis.facts import facts_of
from declarative.analysis.geometric import Geometric, geometric
from declarative.atoms.apply import apply
from declarative.atoms.loglog import Indices
from declarative.elaborate.to_text import expression_to_text
from declarative.ir.condition import Condition
from declarative.ir.expr import Attribute, Binder, Constant, Expr, Variable
from declarative.ir.facts import Sign
from declarative.ir.problem import Comparison, Objective, Problem, Relation, Sense
from declarative.ir.walk import substitute
from declarative.rewrite.logarithm import logarithm, may_be_zero
from declarative.rewrite.standard import constraint_path


@dataclass(frozen=True)
class Pair:
    """`less <= more`, or `==`, of the user's problem, whose dual stands at `path`; `less` is None where it is 0."""

    path: tuple[str, ...]
    less: Expr | None
    more: Expr
    equality: bool = False
    binders: tuple[Binder, ...] = ()
    condition: Condition | None = None

    @property
    def shape(self):
        """Of one member."""
        return self.more.shape or (self.less.shape if self.less is not None else ())


@dataclass(frozen=True)
class LogProblem:
    """`problem` has the variables u = log x under the names of the x, and constraints at the paths of the user's.

    `pairs` are all the user's rows; those without `less` hold by themselves and are not in `problem`. `zeros` are the
    data that weigh terms and may be 0.
    """

    problem: Problem
    source: Geometric
    pairs: tuple[Pair, ...]
    zeros: tuple[Expr, ...]
    log: tuple[str, ...]


def to_log_problem(problem: Problem, reach: float = math.inf) -> LogProblem | None:
    """None where the problem is no geometric program. Logarithms are kept between -reach and reach."""
    found = geometric(problem)
    return _Logarithms(found, reach).problem() if found is not None and found.holds else None


class _Logarithms:
    def __init__(self, source: Geometric, reach: float):
        self.source, self.original, self.indices = source, source.problem, Indices()
        self.variables = tuple(
            replace(d, symbol=replace(d.symbol, attributes=tuple(_attributes(d.symbol, reach))))
            for d in self.original.variables
        )
        self.logs: dict[Expr, Expr] = {
            d.symbol: new.symbol for d, new in zip(self.original.variables, self.variables, strict=True)
        }

    def problem(self) -> LogProblem:
        pairs = tuple(self._pairs())
        by_path = {pair.path: pair for pair in pairs}
        rows = []
        for number, row in enumerate(self.original.constraints, start=1):
            assert isinstance(row, Comparison)
            pair = by_path[constraint_path(row, number)]
            if pair.less is not None:
                rows.append(self._row(row, pair))
        objective = self._objective()
        convex = replace(
            self.original,
            variables=self.variables,
            objective=objective,
            constraints=tuple(rows),
            outputs=(),
            promises=(),
        )
        roots = [
            e for e in (objective.body, *(side for row in rows for side in (row.left, row.right))) if e is not None
        ]
        zeros = tuple(dict.fromkeys(data for root in roots for data in may_be_zero(root)))
        return LogProblem(convex, self.source, pairs, zeros, tuple(self._lines(objective, rows)))

    def _pairs(self) -> Iterator[Pair]:
        bounds = {pair.path: pair for d in self.original.variables for pair in _bounds(d.symbol)}
        yield from bounds.values()
        for number, (row, sides) in enumerate(zip(self.original.constraints, self.source.sides, strict=True), start=1):
            assert isinstance(row, Comparison) and sides.more is not None
            equality = row.relation is Relation.EQ
            yield Pair(constraint_path(row, number), sides.less, sides.more, equality, row.binders, row.condition)

    def _row(self, row: Comparison, pair: Pair) -> Comparison:
        assert pair.less is not None
        relation = Relation.EQ if pair.equality else Relation.LE
        left, right = (logarithm(side, self.logs, self.indices) for side in (pair.less, pair.more))
        return replace(row, name=pair.path[0], relation=relation, left=left, right=right)

    def _objective(self) -> Objective:
        """A negative objective is minimised by making its positive part large."""
        old = self.original.objective
        turned = {Sense.MINIMIZE: Sense.MAXIMIZE, Sense.MAXIMIZE: Sense.MINIMIZE}
        sense = old.sense if self.source.sign > 0 else turned[old.sense]
        return replace(old, sense=sense, body=logarithm(self.source.core, self.logs, self.indices))

    def _lines(self, objective: Objective, rows: list[Comparison]) -> Iterator[str]:
        names = ", ".join(f"`{d.symbol.name}`" for d in self.variables)
        yield f"a geometric program, convex in the logarithms of {names}"
        assert objective.body is not None
        yield f"objective: `{objective.sense.value} {self._text(objective.body)}`"
        for row in rows:
            yield f"`{row.name}`: `{self._text(row.left)} {row.relation.value} {self._text(row.right)}`"

    def _text(self, e: Expr) -> str:
        return expression_to_text(substitute(e, {new: apply("log", old) for old, new in self.logs.items()}))


def _attributes(variable: Variable, reach: float) -> Iterator[Attribute]:
    """The attributes of log x: bounds, and the start where it is known to be positive."""
    lower, upper = Constant(-reach), Constant(reach)
    for attribute in variable.attributes:
        match attribute.name, attribute.args:
            case "between", (lo, hi):
                lower = lower if facts_of(lo).sign in Sign.ZERO else apply("log", lo)
                upper = upper if hi == Constant(math.inf) else apply("log", hi)
            case "start", (point,) if facts_of(point).sign in Sign.POS:
                yield replace(attribute, args=(apply("log", point),))
            case _:
                pass
    yield Attribute("between", (lower, upper))


def _bounds(variable: Variable) -> Iterator[Pair]:
    """What the attributes ask of a variable; a lower bound 0 holds by itself."""
    for attribute in variable.attributes:
        lower, upper = (variable.name, "lower"), (variable.name, "upper")
        match attribute.name, attribute.args:
            case (("pos" | "nonneg"), _):
                yield Pair(lower, None, variable)
            case "between", (lo, hi):
                yield Pair(lower, None if facts_of(lo).sign in Sign.ZERO else lo, variable)
                if hi != Constant(math.inf):
                    yield Pair(upper, variable, hi)
            case _:
                pass
