"""What kind of program this is for the engine: quadratic, quadratic on a sphere, or any smooth one."""

from __future__ import annotations

from typing import Literal

from declarative.analysis.facts import facts_of
from declarative.ir.expr import Call, Constant, Expr, Variable
from declarative.ir.facts import Sign
from declarative.ir.walk import varies
from declarative.rewrite.standard import Row, Standard

Kind = Literal["qp", "nlp", "sphere"]


def kind_of(standard: Standard) -> Kind:
    """`qp`: a convex quadratic objective under affine rows. `sphere`: a quadratic one on one sphere or ball."""
    objective = facts_of(standard.objective)
    if objective.degree is None or objective.degree > 2:
        return "nlp"
    if has_affine_rows(standard) and objective.curvature.convex:
        return "qp"
    rows = standard.rows
    if len(rows) == 1 and not rows[0].binders and _is_ball(rows[0], standard.variables):
        return "sphere"
    return "nlp"


def has_affine_rows(standard: Standard) -> bool:
    """All constraints are affine in the variables."""
    return all(facts_of(row.body).degree in (0, 1) for row in standard.rows)


def _is_ball(row: Row, symbols: tuple[Variable, ...]) -> bool:
    """Is the row a sum of positive definite forms, one of each variable, against what holds no variable?"""
    terms = row.body.args if isinstance(row.body, Call) and row.body.atom == "add" else (row.body,)
    squared = [_squared(term) for term in terms if varies(term)]
    return len(squared) == len(symbols) and set(squared) == set(symbols)


def _squared(term: Expr) -> Variable | None:
    """v in `sumsq(v)`, `v^2` of a scalar, `v'*B*v` of a positive definite B, or such a term times a positive factor."""
    match term:
        case Call(atom="quad", args=(Variable() as v, B)) if not varies(B) and facts_of(B).form in Sign.POS:
            return v
        case Call(atom="sumsq", args=(Variable() as v,)):
            return v
        case Call(atom="power", args=(Variable(shape=()) as v,)) if term.option("p") == 2:
            return v
        case Call(atom="square", args=(Variable(shape=()) as v,)):
            return v
        case Call(atom="mul", args=(factor, rest)) if _positive(factor):
            return _squared(rest)
        case Call(atom="div", args=(rest, factor)) if _positive(factor):
            return _squared(rest)
        case _:
            return None


def _positive(e: Expr) -> bool:
    if isinstance(e, Constant):
        return e.value > 0
    return not varies(e) and facts_of(e).sign in Sign.POS
