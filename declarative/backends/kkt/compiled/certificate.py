"""A point and its active set -> refined, and how well it satisfies the optimality conditions: see `program/certify.py`.

The same measures without the allowance for rounding made there: what these pass, those pass.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.along import add, copy
from declarative.backends.kkt.compiled.constants import SOUND, WEAK
from declarative.backends.kkt.compiled.item import block_sizes
from declarative.backends.kkt.compiled.jit import inner
from declarative.backends.kkt.compiled.kept import solve_system
from declarative.backends.kkt.compiled.rows import curvature, row_gather, row_heaviest, row_measured

REFINEMENTS = 12  # as long as each leaves GAIN of the error at most
EXACT = 1e-13
ROUNDING = 1e-6  # of a block's largest term: a row without a side is told from rounding error beside no less
GAIN = 0.5
TOLD = 1e-9  # a slack that is told from rounding, beside the terms of whole blocks
NOTHING = 1e-14  # an entry smaller than this, beside the largest, may be rounding


class Point(NamedTuple):
    """A point x (n,) and memory for what is measured there."""

    x: np.ndarray
    rx: np.ndarray
    rows: np.ndarray
    sizes: np.ndarray
    forces: np.ndarray
    value: np.ndarray
    terms: np.ndarray
    kept_x: np.ndarray
    kept_w: np.ndarray
    most: np.ndarray
    spare: np.ndarray


def point_memory(n, rows, kinds):
    """A Point."""
    return Point(
        np.empty(n), np.empty(n), np.empty(rows), np.empty(n), np.empty(n), np.empty(rows), np.empty(rows),
        np.empty(n), np.empty(rows), np.empty(kinds), np.empty(n),
    )  # fmt: skip


@inner()
def stationarity(item, x, active, w, rx, terms):
    """rx = -(Px + q + C'w) and the largest term of each of its entries."""
    n, p, m = len(x), len(item.b), len(item.h)
    for i in range(n):
        rx[i], terms[i] = curvature(item, i, x)
        terms[i] = max(terms[i], abs(item.q[i]), abs(rx[i] + item.q[i]))
        rx[i] += item.q[i]
    for i in range(len(active)):
        r = active[i]
        if r < p + m:
            row_gather(item, r, w[i], rx, terms)
        else:
            j = item.bounded[r - p - m]
            rx[j] += w[i]
            terms[j] = max(terms[j], abs(w[i]))
    for i in range(n):
        rx[i] = -rx[i]


@inner()
def row_terms(item, x, sizes, value, terms):
    """c'x of every row and its largest entry times its block's size; the sides are for the caller to add."""
    p, m = len(item.b), len(item.h)
    for r in range(p + m):
        value[r], terms[r] = row_measured(item, r, x, sizes)
    for k in range(len(item.bounded)):
        j = item.bounded[k]
        value[p + m + k], terms[p + m + k] = x[j], sizes[j]


@inner()
def beside(value, terms):
    """|value| / terms with 0/0 = 0."""
    return 0.0 if value == 0 else abs(value) / terms


@inner()
def worse(most, value):
    """The larger one; not a number wins."""
    return most if value <= most or most != most else value


@inner()
def share(gap, terms):
    """gap / terms with its sign, 0/0 = 0; an infinite gap is infinite."""
    return 0.0 if gap == 0 else gap / terms if np.isfinite(gap) else gap


@inner()
def slack(value, lower, upper, terms):
    """How far a value is inside the nearer side, beside its terms."""
    low, high = value - lower, upper - value
    if low < high:
        return share(low, max(terms, abs(lower)))
    return share(high, max(terms, abs(upper)) if np.isfinite(upper) else terms)


@inner()
def clearly_out(item, r, x, value, lower, upper, terms):
    """Is the slack of row r not small? Beside `terms`, those of whole blocks; or beside its own, where it is far more
    than rounding: columns of a matrix may have units of their own. Where the side is 0, a row may have nothing else.
    """
    room = slack(value, lower, upper, terms)
    if room > WEAK:
        return True
    side = lower if value - lower < upper - value else upper
    if r >= len(item.b) + len(item.h) or side == 0 or not room > TOLD:
        return False
    return slack(value, lower, upper, row_heaviest(item, r, x)) > WEAK


@inner()
def own_share(item, r, x, excess, side, terms):
    """How much a row is violated beside its own terms: entries of x that it does not read count nothing.

    `terms` are those of whole blocks, and beside a side that is not 0 an exact row needs no look at its entries.
    """
    if excess == 0:
        return 0.0
    if excess <= EXACT * abs(side):
        return excess / abs(side)
    p, m = len(item.b), len(item.h)
    if r < p + m:
        own = row_heaviest(item, r, x)
    else:
        own = abs(x[item.bounded[r - p - m]])
    return beside(excess, max(own, abs(side)) if side != 0 else max(own, ROUNDING * terms))


@inner()
def force_of(item, r, inverse):
    """The largest share that row r has in a stationarity row, for a multiplier of 1; `inverse` of their terms."""
    p, m = len(item.b), len(item.h)
    if r >= p + m:
        return inverse[item.bounded[r - p - m]]
    return row_heaviest(item, r, inverse)


@inner()
def stationary(at):
    """The worst residual of stationarity; `at.forces` becomes the reciprocal of its terms."""
    worst, rx, forces = 0.0, at.rx, at.forces
    for j in range(len(rx)):
        worst = worse(worst, beside(rx[j], forces[j]))
        forces[j] = 1 / forces[j] if forces[j] > 0 else 0.0
    return worst


@inner()
def shares(item, work, at, state, active, w):
    """(primal, dual, gap, clear): the worst residuals, and whether every row is clearly in the active set or out.

    Leaves in `at` the right-hand sides of a correction: `rx`, and `rows` for the active ones.
    """
    primal, gap, clear = 0.0, 0.0, True
    lower, upper, value, terms = work.lower, work.upper, at.value, at.terms
    block_sizes(at.x, item.blocks, at.most, at.sizes)
    row_terms(item, at.x, at.sizes, value, terms)
    stationarity(item, at.x, active, w, at.rx, at.forces)
    dual = stationary(at)
    for i in range(len(active)):
        r = active[i]
        d = upper[r] if state[r] > 0 else lower[r]
        at.rows[i] = d - value[r]
        residual = beside(at.rows[i], max(terms[r], abs(d)))
        primal = worse(primal, own_share(item, r, at.x, abs(at.rows[i]), d, terms[r]))
        if lower[r] != upper[r]:
            force = abs(w[i]) * force_of(item, r, at.forces)
            dual = worse(dual, 0.0 if w[i] * state[r] >= 0 else force)
            gap = worse(gap, min(residual, force))
            clear = clear and force > WEAK and force > residual
    for r in range(len(state)):
        if state[r] == 0:
            room = slack(value[r], lower[r], upper[r], terms[r])
            if not room >= 0:
                d = lower[r] if value[r] < lower[r] else upper[r]
                primal = worse(primal, own_share(item, r, at.x, abs(value[r] - d), d, terms[r]))
            clear = clear and clearly_out(item, r, at.x, value[r], lower[r], upper[r], terms[r])
    return primal, dual, gap, clear


@inner()
def worst_of(measures):
    """The largest of the three residuals."""
    return worse(worse(measures[0], measures[1]), measures[2])


@inner()
def refine(routines, item, work, L, kept, b, at, state, active, w):
    """Newton steps on the equations of the active set, as long as they help; the measures of the point kept."""
    k = len(active)
    stand_at_bounds(item, work, at.x, state)
    measures = shares(item, work, at, state, active, w)
    for _ in range(REFINEMENTS):
        error = worst_of(measures)
        if not error > EXACT:
            break
        copy(at.x, at.kept_x)
        copy(w, at.kept_w)
        solve_system(routines, item, L, kept, b, at.rx, at.rows, at.spare)
        add(at.rx, at.x)
        add(at.rows[:k], w)
        stand_at_bounds(item, work, at.x, state)
        found = shares(item, work, at, state, active, w)
        if not worst_of(found) < error:
            copy(at.kept_x, at.x)
            copy(at.kept_w[:k], w)
            break
        measures = found
        if worst_of(found) > GAIN * error:
            break
    if worst_of(measures) > SOUND:
        copy(at.x, at.kept_x)
        copy(w, at.kept_w)
        forget_rounding(item, work, at, state, w)
        found = shares(item, work, at, state, active, w)
        if worst_of(found) < worst_of(measures):
            return found
        copy(at.kept_x, at.x)
        copy(at.kept_w[:k], w)
    return measures


@inner()
def forget_rounding(item, work, at, state, w):
    """Entries of x that are nothing beside their block are 0, and multipliers (k,) that are nothing beside the largest.

    A state that nothing observes or drives stays where it is and feels no force. Where all terms of its rows are
    rounding, only zeros satisfy them.
    """
    most = 0.0
    for i in range(len(w)):
        most = max(most, abs(w[i]))
    for i in range(len(w)):
        if abs(w[i]) < NOTHING * most:
            w[i] = 0.0
    block_sizes(at.x, item.blocks, at.most, at.sizes)
    for j in range(len(at.x)):
        if abs(at.x[j]) < NOTHING * at.sizes[j]:
            at.x[j] = 0.0
    stand_at_bounds(item, work, at.x, state)


@inner()
def stand_at_bounds(item, work, x, state):
    """Variables whose bound is active are there to the last bit."""
    first = len(item.b) + len(item.h)
    for r in range(first, len(state)):
        if state[r] != 0:
            x[item.bounded[r - first]] = work.upper[r] if state[r] > 0 else work.lower[r]
