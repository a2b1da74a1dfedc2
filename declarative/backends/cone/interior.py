"""A cone program to Clarabel, and its answer as it stands: a point or a ray, not yet believed."""

# clarabel is compiled, and has no stubs:
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

import clarabel
import numpy as np
import scipy.sparse as sp

from declarative.backends.cone.cones import Block, Kind, psd_side
from declarative.backends.cone.item import Item, Point


class Claim(Enum):
    POINT = "a point"
    INFEASIBLE = "a ray z with A'z = 0 and b'z < 0"
    UNBOUNDED = "a ray x with Px = 0, q'x < 0 and -Ax in K"


@dataclass(frozen=True)
class Answer:
    claim: Claim
    point: Point
    iterations: int


_CLAIMS = {
    "PrimalInfeasible": Claim.INFEASIBLE,
    "AlmostPrimalInfeasible": Claim.INFEASIBLE,
    "DualInfeasible": Claim.UNBOUNDED,
    "AlmostDualInfeasible": Claim.UNBOUNDED,
}


def interior_point(item: Item, tolerance: float = 1e-11) -> Answer:
    """Clarabel's homogeneous embedding; `item` should be scaled. Its own presolve and decompositions stay off."""
    blocks = [clarabel_cone(block) for block in item.cones.blocks]
    P = sp.triu(sp.csc_matrix(item.P)).tocsc()
    solver = clarabel.DefaultSolver(P, item.q, sp.csc_matrix(item.A), item.b, blocks, _settings(tolerance))
    found = solver.solve()
    claim = _CLAIMS.get(str(found.status), Claim.POINT)
    return Answer(claim, Point(np.array(found.x), np.array(found.s), np.array(found.z)), found.iterations)


def _settings(tolerance: float) -> clarabel.DefaultSettings:
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_iter = 200
    settings.max_threads = 1
    settings.presolve_enable = False
    settings.chordal_decomposition_enable = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    return settings


def clarabel_cone(block: Block):
    match block.kind:
        case Kind.ZERO:
            return clarabel.ZeroConeT(block.rows)
        case Kind.NONNEG:
            return clarabel.NonnegativeConeT(block.rows)
        case Kind.SOC:
            return clarabel.SecondOrderConeT(block.rows)
        case Kind.PSD:
            return clarabel.PSDTriangleConeT(psd_side(block.rows))
        case Kind.EXP:
            return clarabel.ExponentialConeT()
        case Kind.POWER:
            return clarabel.PowerConeT(block.power)
        case _:
            assert_never(block.kind)
