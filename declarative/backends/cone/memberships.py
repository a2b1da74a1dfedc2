"""`x in Box(lo, hi)`, `x in Simplex`, `x in Ball(r)`, and the cones, to chunks of cone rows.

The dual lambda of `e in K` has L = f - <lambda, e>: each row's multiplier enters with the weight that makes it so.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from declarative.atoms.apply import apply
from declarative.backends.cone.chunks import Chunk, ChunkBuilder, DualPlaces
from declarative.backends.cone.cones import Kind
from declarative.ir.expr import Constant, Expr
from declarative.rewrite.standard import ConeRow, Row, difference


def membership_chunks(row: ConeRow, builder: ChunkBuilder) -> list[Chunk]:
    """Linear rows for the sets that they describe; a ball is a second-order cone; a cone is itself."""
    x = row.elements[0]
    match row.cone:
        case "PSD":
            return [builder.semidefinite(row)]
        case "SOC":
            return [builder.second_order(row)]
        case "EXP":
            return [builder.three_dimensional(row, Kind.EXP)]
        case "POW":
            return [builder.three_dimensional(row, Kind.POWER)]
        case "Ball":
            ball = builder.second_order(replace(row, elements=(row.args[0], x), args=()))
            return [_without_first(ball)]
        case "Box":
            lo, hi = row.args
            lower, upper = builder.affine(_at_most(row, lo, x)), builder.affine(_at_most(row, x, hi))
            return [lower, _negated(upper)]
        case "Simplex":
            lower = builder.affine(_at_most(row, Constant(0.0), x))
            total = difference(apply("sum", x), Constant(1.0))
            one = builder.affine(Row(row.path, True, total, row.binders, row.condition, origin=row.origin))
            return [lower, _negated(_spread(one, lower))]
        case _:
            raise AssertionError(f"no rows for the set {row.cone}")


def _at_most(row: ConeRow, less: Expr, more: Expr) -> Row:
    return Row(row.path, False, difference(less, more), row.binders, row.condition, origin=row.origin)


def _negated(chunk: Chunk) -> Chunk:
    assert chunk.dual is not None
    return replace(chunk, dual=replace(chunk.dual, weights=-chunk.dual.weights))


def _without_first(ball: Chunk) -> Chunk:
    """The multiplier of (r, x) is that of x."""
    assert ball.dual is not None
    *lead, size = ball.dual.shape
    kept = np.flatnonzero(ball.dual.places % size)
    places = ball.dual.places[kept]
    places = places // size * (size - 1) + places % size - 1
    return replace(ball, dual=DualPlaces((*lead, size - 1), kept, places, np.ones(len(kept))))


def _spread(total: Chunk, entries: Chunk) -> Chunk:
    """The multiplier of sum(x) == 1 belongs to every entry of x."""
    assert total.dual is not None and entries.dual is not None
    size = entries.dual.shape[-1]
    rows = np.repeat(total.dual.rows, size)
    places = (total.dual.places[:, None] * size + np.arange(size)).reshape(-1)
    return replace(total, dual=DualPlaces(entries.dual.shape, rows, places, np.ones(len(rows))))
