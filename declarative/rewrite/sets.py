"""`x in Box(lo, hi)`, `x in Simplex`, `x in Ball(r)` to equations and inequalities, which every backend takes.

The primal goes back as it is. The user's dual lambda of `x in K` has L = f - <lambda, x>, and rows g_k(x) with
multipliers mu_k have L = f + mu'g(x), so that lambda = -sum_k mu_k grad g_k(x): the `weight` of row k is -grad g_k(x).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from declarative.analysis.facts import facts_of
from declarative.atoms.algebra import filled
from declarative.atoms.apply import apply
from declarative.ir.expr import Constant, Expr
from declarative.rewrite.standard import ConeRow, Row, Standard, difference


def sets_to_rows(standard: Standard, balls: bool) -> Standard:
    """The problem without boxes and simplices; without `balls` too, where squares suit better than a cone."""
    written = ("Box", "Simplex", "Ball") if balls else ("Box", "Simplex")
    sets = [row for row in standard.cones if row.cone in written]
    return replace(
        standard,
        rows=standard.rows + tuple(row for member in sets for row in _rows(member)),
        cones=tuple(row for row in standard.cones if row.cone not in written),
        log=standard.log + tuple(f"`{_text(row)}` is written out as equations and inequalities" for row in sets),
    )


def _rows(member: ConeRow) -> Iterator[Row]:
    (x,) = member.elements
    match member.cone, member.args:
        case "Box", (lo, hi):
            yield _row(member, difference(lo, x), Constant(1.0))
            yield _row(member, difference(x, hi), Constant(-1.0))
        case "Simplex", ():
            yield _row(member, difference(Constant(0.0), x), Constant(1.0))
            total = difference(apply("sum", x), Constant(1.0))
            yield replace(_row(member, total, apply("neg", filled(1.0, x.shape))), equality=True)
        case "Ball", (r,):
            yield from _ball(member, x, r)
        case name, _:
            raise AssertionError(f"no rows for the set {name}")


def _ball(member: ConeRow, x: Expr, r: Expr) -> Iterator[Row]:
    """|x|^2 <= r^2. A ball of negative radius is empty, so a radius of unknown sign has a row of its own."""
    square = apply("power", r, p=2.0)
    yield _row(member, difference(apply("sumsq", x), square), apply("mul", Constant(-2.0), x))
    if not facts_of(r, member.binders).sign.nonneg:
        yield _row(member, apply("neg", r), apply("mul", Constant(0.0), x))


def _row(member: ConeRow, body: Expr, weight: Expr) -> Row:
    family = (member.binders, member.condition)
    return Row(member.path, False, body, *family, weight=weight, origin=member.origin)


def _text(member: ConeRow) -> str:
    return " ".join(member.origin.text.split()) if member.origin is not None else f"in {member.cone}"
