"""`x in Ball(r)` and the cones to a chunk of cone rows.

The dual lambda of `e in K` has L = f - <lambda, e>: each row's multiplier enters with the weight that makes it so.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from declarative.backends.cone.rows.chunks import Chunk, ChunkBuilder, DualPlaces
from declarative.backends.cone.sets.cones import Kind
from declarative.rewrite.standard import ConeRow


def membership_chunk(row: ConeRow, builder: ChunkBuilder) -> Chunk:
    """A ball is a second-order cone; a cone is itself."""
    match row.cone:
        case "PSD":
            return builder.semidefinite(row)
        case "SOC":
            return builder.second_order(row)
        case "EXP":
            return builder.three_dimensional(row, Kind.EXP)
        case "POW":
            return builder.three_dimensional(row, Kind.POWER)
        case "Ball":
            ball = builder.second_order(replace(row, elements=(row.args[0], *row.elements), args=()))
            return _without_first(ball)
        case _:
            raise AssertionError(f"no rows for the set {row.cone}")


def _without_first(ball: Chunk) -> Chunk:
    """The multiplier of (r, x) is that of x."""
    assert ball.dual is not None
    *lead, size = ball.dual.shape
    kept = np.flatnonzero(ball.dual.places % size)
    places = ball.dual.places[kept]
    places = places // size * (size - 1) + places % size - 1
    return replace(ball, dual=DualPlaces((*lead, size - 1), kept, places, np.ones(len(kept))))
