"""How far x may be off because rounding decides a row of the optimality conditions.

Rows are met beside the terms of the whole program. One whose own terms are 1e-9 of others may miss by all of them, as
does the slope of 1/x beside 1e6 y where x is 1e8. That is wrong where x rests on that row: by Newton's step for what
such rows miss. Rows that are met beside their own terms are right, however far a step for their rounding would lead.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from declarative.backends.cone.program.certificate import ADRIFT, ROUNDING, TOLERANCE, Blocks, block_norm
from declarative.backends.cone.program.item import Items, Point
from declarative.backends.cone.program.lost import EPS
from declarative.backends.cone.program.scaling import Scaling
from declarative.backends.cone.program.system import System
from declarative.backends.cone.sets.cones import Kind

MARGIN = 3.0  # errors of other signs may lead farther
MOVING = 1e-6  # of the largest entry of a direction, or term of a row
NOISE = 1e-10  # of the largest entry of a direction and its multipliers
EXACT = 1e-13  # of the largest term of all rows, which turning cones leaves of a 0


def adrift(
    scaled: Items, at: Point, rough: np.ndarray, systems: list[System], scaling: Scaling, blocks: Blocks
) -> np.ndarray:
    """(B,): the largest share of the norm of its variable by which an entry of x may be off; `at` is scaled.

    Points that are `rough` (B,) are as far off as the next of Newton's steps would lead.
    """
    slope, gap, hidden, pushing = _missed(scaled, at)
    found = np.zeros(len(scaled))
    for k in np.flatnonzero(slope.any(1) | gap.any(1)):
        E = scaling.E[k]
        found[k] = moved_share(systems[k], slope[k], gap[k], E, E * at.x[k], blocks)
        suspect = blocks.shown & hidden[k] & systems[k].matrix.singular
        if suspect.any() and (suspect & _free(systems[k], pushing[k])).any():
            found[k] = np.inf
    left = np.flatnonzero(rough & (found <= ADRIFT))
    if len(left):
        slope, gap = scaled.stationarity(at.x, at.z), scaled.feasibility(at.x, at.s)
        for k in left:
            share = _share(scaling.E[k], scaling.E[k] * at.x[k], blocks)
            dx = systems[k].solve(-slope[k], systems[k].spectrum.to_frame(-gap[k]))[0]
            step = np.abs(dx * share).max(initial=0.0)
            found[k] = max(found[k], float(step) if step >= 0 else np.inf)  # no number is no answer
    return found


def moved_share(
    system: System, slope: np.ndarray, gap: np.ndarray, E: np.ndarray, x: np.ndarray, blocks: Blocks
) -> float:
    """The largest share of the norm of its variable by which errors of these sizes, of scaled rows, move an x (n,)."""
    return _moved(system, slope, gap, MARGIN * _share(E, x, blocks))


def _share(E: np.ndarray, x: np.ndarray, blocks: Blocks) -> np.ndarray:
    """(n,): what moves of one in scaled units are, beside the norm of the variable, where that is shown."""
    norms = block_norm(x[None], blocks.columns)[0]
    return np.where(blocks.shown, E / np.maximum(norms, ROUNDING * E), 0.0)


def _missed(scaled: Items, at: Point) -> tuple[np.ndarray, ...]:
    """(B, n) and (B, m): what rows may miss where that is much beside their own terms, and 0 elsewhere.

    (B, n): where that are rounding errors of multipliers that second-order cones push with; (B, m): in their rows.
    """
    x, s, z, A = np.abs(at.x), np.abs(at.s), np.abs(at.z), scaled.A
    error_s, error_z = _rounding(scaled, at)
    pushed = A.largest_by_column(error_z)
    slope = np.maximum(np.abs(scaled.stationarity(at.x, at.z)), pushed)
    gap = np.maximum(np.abs(scaled.feasibility(at.x, at.s)), error_s)
    columns = np.maximum.reduce([scaled.P.largest_by_row(x), A.largest_by_column(z), np.abs(scaled.q)])
    rows = np.maximum.reduce([A.largest_by_row(x), np.abs(scaled.b), s])
    hidden = slope > TOLERANCE * columns
    error_z[:, scaled.cones.of_kind(Kind.PSD)] = 0.0
    turned = hidden & (A.largest_by_column(error_z) > TOLERANCE * columns)
    return np.where(hidden, slope, 0.0), np.where(gap > TOLERANCE * rows, gap, 0.0), turned, error_z > 0


def _rounding(scaled: Items, at: Point) -> tuple[np.ndarray, np.ndarray]:
    """(B, m): errors of s and of z where both are parts of one v, beside its largest entry."""
    parts = [scaled.cones.by_cone(np.maximum, np.abs(part)) for part in (at.s, at.z)]
    error = np.where((parts[0] > 0) & (parts[1] > 0), EPS * np.maximum(*parts), 0.0)
    for kind in (Kind.ZERO, Kind.NONNEG, Kind.EXP, Kind.POWER):  # exact entry by entry
        error[:, scaled.cones.of_kind(kind)] = 0.0
    return error, error.copy()


def _moved(system: System, slope: np.ndarray, gap: np.ndarray, share: np.ndarray) -> float:
    """The largest of dx (n,) times `share`, for errors of these sizes and either sign; a bound where that is enough."""
    signs = _signs(len(slope) + len(gap))
    top, bottom = signs[: len(slope)] * slope, system.spectrum.to_frame(signs[len(slope) :] * gap)
    bound = system.largest(top, bottom) * share.max(initial=0.0)
    return bound if bound <= ADRIFT else float(np.abs(system.solve(top, bottom)[0] * share).max(initial=0.0))


@lru_cache(maxsize=16)
def _signs(count: int) -> np.ndarray:
    """Not to be written to."""
    found = np.random.default_rng(0).choice([-1.0, 1.0], count)
    found.flags.writeable = False
    return found


def _free(system: System, pushing: np.ndarray) -> np.ndarray:
    """(n,): the columns that a direction moves which the system does not feel, though rows do that push (m,).

    What moves none of them, or slacks along their face, makes no difference: solutions are many, as of
    `quad_over_lin(A*x, y)` with Ax = 0.
    """
    whole, bent = system.matrix.null_sample(), pushing & (system.spectrum.values < 1)
    null, rows = whole[: system.A.shape[1]], system.A[np.flatnonzero(bent)]
    null = np.where(np.abs(null) > NOISE * np.abs(whole).max(0, initial=0.0), null, 0.0)  # or multipliers alone move
    terms = abs(rows) @ np.abs(null)
    felt = (np.abs(rows @ null) > np.maximum(MOVING * terms, EXACT * terms.max(0, initial=0.0))).any(0)
    null = np.abs(null[:, felt])
    return (null > MOVING * null.max(0, initial=0.0)).any(1)
