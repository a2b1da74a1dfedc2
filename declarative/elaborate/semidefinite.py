"""`X >= 0` for a symmetric matrix: it holds entry by entry, where `X in PSD` may be meant."""

from __future__ import annotations

from collections.abc import Iterable

from declarative.atoms.symmetric import is_symmetric
from declarative.elaborate.report import Report
from declarative.elaborate.values import shown
from declarative.ir.expr import Constant, Expr, Variable
from declarative.ir.problem import Comparison, Constraint, Membership, Relation
from declarative.ir.walk import postorder
from declarative.source.span import Span

HINTS = (
    "`X in PSD` says that X is positive semidefinite, and `-X in PSD` that it is negative semidefinite",
    "where entries are meant, `vec(X) >= 0` says so without doubt, or `nonneg`, `between(-inf, 0)` in the declaration",
)


def warn_of_entries(report: Report, constraints: Iterable[tuple[Span, Constraint]]) -> None:
    """For each such constraint, unless something says of its variables that they are semidefinite."""
    constraints = tuple(constraints)
    known = {v for _, c in constraints if isinstance(c, Membership) and c.cone == "PSD" for v in _variables(c.elements)}
    for span, c in constraints:
        variables = _variables(_compared_with_zero(c))
        if variables and not any(v in known or _is_declared_semidefinite(v) for v in variables):
            report.warn("W203", span, f"{shown(span)} holds entry by entry: it is no matrix inequality", hints=HINTS)


def _compared_with_zero(c: Constraint) -> tuple[Expr, ...]:
    """The matrix in `X >= 0`, `0 <= X`, ... alone; a chain of bounds means entries."""
    if not isinstance(c, Comparison) or c.relation is Relation.EQ or c.part:
        return ()
    sides = (c.left, c.right)
    matrices = tuple(e for e in sides if len(e.shape) == 2 and is_symmetric(e))
    zero = any(isinstance(e, Constant) and e.value == 0 for e in sides)
    return matrices if zero else ()


def _variables(of: Iterable[Expr]) -> set[Variable]:
    return {n for e in of for n in postorder(e) if isinstance(n, Variable)}


def _is_declared_semidefinite(variable: Variable) -> bool:
    return any(attribute.name == "psd" for attribute in variable.attributes)
