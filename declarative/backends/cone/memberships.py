"""`x in Box(lo, hi)`, `x in Simplex`, `x in Ball(r)`, and the cones, to the rows that say it.

A weight turns a row's multiplier into a part of the dual lambda of `e in K`, for which L = f - <lambda, e>.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from declarative.atoms.apply import apply
from declarative.ir.expr import Constant
from declarative.rewrite.standard import ConeRow, Row, difference


@dataclass(frozen=True)
class Part:
    """A row or cone that is part of a membership."""

    row: Row | ConeRow
    weight: float = 1.0


def membership_parts(row: ConeRow) -> list[Part]:
    """Rows for the sets that linear rows describe; a ball is a second-order cone; a cone is itself."""
    x = row.elements[0]
    match row.cone:
        case "Box":
            lo, hi = row.args
            return [Part(_inequality(row, lo, x)), Part(_inequality(row, x, hi), -1.0)]
        case "Simplex":
            total = difference(apply("sum", x), Constant(1.0))
            spread = apply("mul", total, Constant(1.0))
            equality = Row((), True, spread, row.binders, row.condition, origin=row.origin)
            return [Part(_inequality(row, Constant(0.0), x)), Part(equality)]
        case "Ball":
            return [Part(replace(row, cone="SOC", elements=(row.args[0], x), args=(), path=()))]
        case _:
            return [Part(row)]


def _inequality(row: ConeRow, less, more) -> Row:
    return Row(row.path, False, difference(less, more), row.binders, row.condition, origin=row.origin)
