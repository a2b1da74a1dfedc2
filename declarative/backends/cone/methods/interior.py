"""Cone programs to Clarabel, and its answers as they stand: a point or a ray, not yet believed."""

# clarabel is compiled, and has no stubs:
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

import clarabel
import numpy as np
import scipy.sparse as sp

from declarative.backends.cone.methods.plain import plain, turned_rows
from declarative.backends.cone.program.item import Items, Point
from declarative.backends.cone.sets.cones import Block, Kind, psd_side

ROUGH = 1e-6  # a tolerance that is enough where Newton's method converges from the point
REFINED = 1e-8  # steps are exact to about this, by Clarabel's regularisation, if nothing refines them
SMALL = 20_000  # entries of A: of larger programs the memory is worth more than the order of elimination
PANIC = "PanicException"  # where eigenvalues are asked of a matrix that holds no numbers
RAY = 1e-12  # the tolerance for rays, where steps are refined
DEEP = 1e-20  # a tolerance that only ends where no step helps: parts of the objective may be that small
FEASIBLE, EXACT, TINY = 1e-16, 1e-16, 1e-30  # what is feasible then, and steps: relative, or that small
SHIFT, REFINEMENTS = 1e-12, 50  # of pivots, then, and how often a step is refined
ROUNDING = 1e-30  # of slacks times multipliers, where both are rounding errors of one


class Claim(Enum):
    POINT = "a point"
    INFEASIBLE = "a ray z with A'z = 0 and b'z < 0"
    UNBOUNDED = "a ray x with Px = 0, q'x < 0 and -Ax in K"


@dataclass(frozen=True)
class Answer:
    """`close`: near the end of the central path, which leads to the inside of the set of solutions."""

    claim: Claim
    point: Point
    iterations: int
    close: bool = False


_CLAIMS = {
    "PrimalInfeasible": Claim.INFEASIBLE,
    "AlmostPrimalInfeasible": Claim.INFEASIBLE,
    "DualInfeasible": Claim.UNBOUNDED,
    "AlmostDualInfeasible": Claim.UNBOUNDED,
}


def interior_points(items: Items, tolerance: float) -> list[Answer]:
    """Clarabel's homogeneous embedding for each item; they should be scaled.

    One solver serves all, and later calls too: its memory and the order of elimination depend on the pattern only. It
    starts afresh each time, and keeps nothing of the numbers since it neither scales nor presolves.
    """
    given, items = items.cones, plain(items)
    (P_order, *_), (A_order, *_) = items.P.pattern.upper_by_column, items.A.pattern.by_column_compressed
    P, A = items.P.values[:, P_order], items.A.values[:, A_order]
    found, solver = [], _taken(items, tolerance)
    for k in range(len(items)):
        if solver is None:
            solver = _solver(items, P[k], A[k], k, tolerance)
        else:
            solver.update(P=P[k].tolist(), q=items.q[k].tolist(), A=A[k].tolist(), b=items.b[k].tolist())
        try:
            result = solver.solve()
        except BaseException as raised:  # Rust's panics are no `Exception`
            if type(raised).__name__ != PANIC:
                raise
            n, m = items.q.shape[1], items.b.shape[1]
            solver, nothing = None, Point(*(np.full(size, np.nan) for size in (n, m, m)))
            found.append(Answer(Claim.POINT, nothing, 0))
            continue
        point = Point(np.array(result.x), *(turned_rows(given, np.array(v)) for v in (result.s, result.z)))
        found.append(Answer(_CLAIMS.get(str(result.status), Claim.POINT), point, result.iterations))
    _keep(items, tolerance, solver)
    return found


def _solver(items: Items, P: np.ndarray, A: np.ndarray, k: int, tolerance: float) -> clarabel.DefaultSolver:
    """For the item k, with these values of P and A column by column."""
    _, *P_places = items.P.pattern.upper_by_column
    _, *A_places = items.A.pattern.by_column_compressed
    first = sp.csc_matrix((P, *P_places), shape=items.P.pattern.shape)
    other = sp.csc_matrix((A, *A_places), shape=items.A.pattern.shape)
    blocks = [clarabel_cone(block) for block in items.cones.blocks]
    solver = clarabel.DefaultSolver(first, items.q[k], other, items.b[k], blocks, _settings(tolerance))
    if len(items.cones.of_kind(Kind.PSD)):
        solver.set_termination_callback(_nowhere_to_go)
    return solver


def _taken(items: Items, tolerance: float) -> clarabel.DefaultSolver | None:
    """One that an earlier call has left for programs of this form: no other thread has it at the same time."""
    known = items.A.pattern.beside.pop(("solver", tolerance), None)
    if known is None or known[0] is not items.cones or known[1] is not items.P.pattern:
        return None
    return known[2]


def _keep(items: Items, tolerance: float, solver: clarabel.DefaultSolver | None) -> None:
    if solver is not None and tolerance >= REFINED and len(items.A.pattern.rows) <= SMALL:
        items.A.pattern.beside["solver", tolerance] = items.cones, items.P.pattern, solver


def _nowhere_to_go(info: clarabel.DefaultInfo) -> bool:
    """Steps from there end where matrices hold no numbers, and the panic is printed."""
    return info.mu < ROUNDING


def _settings(tolerance: float) -> clarabel.DefaultSettings:
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_iter = 200
    settings.max_threads = 1
    settings.presolve_enable = False
    settings.equilibrate_enable = False
    settings.chordal_decomposition_enable = False
    settings.iterative_refinement_enable = tolerance < REFINED
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    if settings.iterative_refinement_enable:
        settings.tol_infeas_abs = settings.tol_infeas_rel = RAY
    if tolerance <= DEEP:
        _dig(settings)
    return settings


def _dig(settings: clarabel.DefaultSettings) -> None:
    """Steps with all their digits, as far as rounding lets them lead."""
    settings.tol_feas = FEASIBLE
    settings.iterative_refinement_reltol, settings.iterative_refinement_abstol = EXACT, TINY
    settings.iterative_refinement_max_iter = REFINEMENTS
    settings.static_regularization_constant, settings.static_regularization_proportional = SHIFT, 0.0


def clarabel_cone(block: Block):
    match block.kind:
        case Kind.ZERO:
            return clarabel.ZeroConeT(block.rows)
        case Kind.NONNEG:
            return clarabel.NonnegativeConeT(block.rows)
        case Kind.SOC | Kind.ROTATED:
            return clarabel.SecondOrderConeT(block.rows)
        case Kind.PSD:
            return clarabel.PSDTriangleConeT(psd_side(block.rows))
        case Kind.EXP:
            return clarabel.ExponentialConeT()
        case Kind.POWER:
            return clarabel.PowerConeT(block.power)
        case _:
            assert_never(block.kind)
