"""A batch of strictly convex quadratic programs -> their solutions, certified, with what the adjoint needs of each.

What the items share comes with a leading axis of one and is factored once: rows seen by one item are known to the next.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.along import copy, fill
from declarative.backends.kkt.compiled.certificate import clearly_out, point_memory, refine, worst_of
from declarative.backends.kkt.compiled.constants import SOUND
from declarative.backends.kkt.compiled.diagonal import is_light
from declarative.backends.kkt.compiled.dual import STEPS, direction, find_set
from declarative.backends.kkt.compiled.item import item_of, memory, read_sides
from declarative.backends.kkt.compiled.jit import inner, large, outer
from declarative.backends.kkt.compiled.kept import factor_curvature, keep, lower, safely_definite
from declarative.backends.kkt.compiled.pivot import DEPENDENT, FOUND, forget, learn, pull_known
from declarative.backends.kkt.compiled.systems import root
from declarative.backends.kkt.compiled.tiles import cholesky

DEFINITE = 1e-13  # the square of a pivot of P beside its diagonal, from which on P counts as positive definite
TINY = 1e-12
FEW = 8  # equations: with more, a diagonal P and more than CLIMB, or PIVOT, variables
CLIMB, PIVOT = 64, 128  # interior points are there before the dual method, or block pivoting, unless all is narrow
CLEAR, DOUBTFUL, DEPENDENT_ROWS, NOT_CONVEX, LOST = range(5)


def memory_for(n, rows, kinds):
    """The Work and the Point of one solver, for `kinds` blocks; in m >> n the rows ever active are few."""
    return memory(n, rows, min(rows, 4 * n + 64), kinds), point_memory(n, rows, kinds)


class Answers(NamedTuple):
    """x (B, n), multipliers w (B, rows), value (B,), state (B, rows), measures (B, 3), verdict and rounds (B,)."""

    x: np.ndarray
    w: np.ndarray
    value: np.ndarray
    state: np.ndarray
    measures: np.ndarray
    verdict: np.ndarray
    rounds: np.ndarray


@outer
def find_convex(routines, P, shift, L, info, found):
    """Which matrices P (B, n, n) are positive definite once `shift` is added, in units in which their diagonals are one
    (a small or no entry counts as a 1e-12th part of the largest); L (n, n) is memory.
    """
    n = P.shape[1]
    for b in range(len(P)):
        most = 0.0
        for i in range(n):
            most = max(most, abs(P[b, i, i]))
        for i in range(n):
            own = root(max(abs(P[b, i, i]), TINY * most))
            for j in range(i + 1):
                entry = own * P[b, i, j] * root(max(abs(P[b, j, j]), TINY * most))
                L[i, j] = entry if np.isfinite(entry) else 0.0
            L[i, i] += shift
        found[b] = cholesky(routines, L, n, n, info) == 0


@inner()
def dependent_rows(routines, item, L, work, at, state, k):
    """Does an inequality hold that is not in the active set because it depends on the rows there?"""
    for r in range(len(state)):
        if (
            state[r] == 0
            and work.lower[r] < work.upper[r]
            and not clearly_out(item, r, at.x, at.value[r], work.lower[r], work.upper[r], at.terms[r])
        ):
            state[r] = 1
            room = learn(routines, item, L, work, state)
            state[r] = 0
            place = work.place[r]
            if not room or not direction(routines, item, work, k, place, 1) > DEPENDENT * work.gram[place, place]:
                return True
    return False


@inner()
def value_at(item, work, x, state, w):
    """The objective at a solution with multipliers w (rows,): x'Px = -q'x - w'Cx."""
    pull = 0.0
    for r in range(len(state)):
        if state[r] != 0:
            pull -= w[r] * (work.upper[r] if state[r] > 0 else work.lower[r])
    for i in range(len(x)):
        pull += item.q[i] * x[i]
    return pull / 2


@inner()
def settle(routines, item, L, work, at, kept, answers, b, k):
    """The answer of item b from its active set of k rows: refined, measured, judged and stored."""
    state, rows = answers.state[b], answers.state.shape[1]
    keep(item, work, kept, b, k)
    w = work.multiplier[:k]
    copy(work.x, at.x)
    primal, dual, gap, clear = refine(routines, item, work, L, kept, b, at, state, kept.rows[b, :k], w)
    copy(at.x, answers.x[b])
    fill(answers.w[b], rows, 0.0)
    for i in range(k):
        answers.w[b, kept.rows[b, i]] = w[i]
    answers.value[b] = value_at(item, work, at.x, state, answers.w[b])
    answers.measures[b, 0], answers.measures[b, 1], answers.measures[b, 2] = primal, dual, gap
    sound = worst_of((primal, dual, gap)) < SOUND
    answers.verdict[b] = CLEAR if clear and sound else DOUBTFUL
    if not clear and dependent_rows(routines, item, L, work, at, state, k):
        answers.verdict[b] = DEPENDENT_ROWS if sound else LOST


@large("strictly convex quadratic programs")
def solve_items(routines, data, work, at, kept, answers, first, last):
    """Solve the items from `first` to before `last`. `answers.state` holds a first guess of each active set."""
    n, rows = answers.x.shape[1], answers.state.shape[1]
    same_P, same_rows = len(data.P) == 1, len(data.A) == 1 and len(data.G) == 1
    definite, known, light = False, False, False
    for b in range(first, last):
        item = item_of(data, b)
        if b == first or not (same_P and same_rows):
            light = n > CLIMB and len(item.A) > FEW and is_light(item.P, item.A, item.G)
        if light and n > PIVOT and not item.outline.thin:
            answers.verdict[b] = LOST
            continue
        L = kept.L[b % len(kept.L)]
        if not (same_P and known):
            fill(at.rx, n, 0.0)
            definite = factor_curvature(routines, item, at.rx, L, work.info) and safely_definite(item, L)
            known = True
        if not definite:
            answers.verdict[b] = NOT_CONVEX
            continue
        state = answers.state[b]
        if not read_sides(item, work.lower, work.upper, state):
            answers.verdict[b] = LOST
            continue
        copy(item.q, work.yq)
        lower(routines, item, L, work.yq)
        if same_P and same_rows:
            pull_known(routines, item, work, 0)
        else:
            forget(work)
        outcome, k, answers.rounds[b] = find_set(
            routines, item, L, work, state, 0 if light and not item.outline.thin else STEPS * rows
        )
        if outcome != FOUND or k > kept.V.shape[1]:
            answers.verdict[b] = LOST
            continue
        settle(routines, item, L, work, at, kept, answers, b, k)
