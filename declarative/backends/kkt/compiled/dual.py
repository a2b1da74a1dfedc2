"""One quadratic program -> its active set: block pivoting, and the dual active-set method where that gives up.

Goldfarb and Idnani (1983): the multipliers keep their signs, and the most violated row enters with a multiplier that
grows until the row holds; a row whose multiplier falls to 0 on the way leaves. Each row that has entered makes the dual
objective larger, so that it ends; a row that cannot be made to hold contradicts the active ones.
"""

import numpy as np

from declarative.backends.kkt.compiled.jit import inner
from declarative.backends.kkt.compiled.pivot import (
    CONTRADICTORY,
    DEPENDENT,
    FOUND,
    FULL,
    GAVE_UP,
    entering,
    factor_in_order,
    learn,
    leaving,
    locate,
    pivot,
    solve_gram_lower,
    solve_gram_upper,
    solve_set,
)  # fmt: skip

STEPS = 5  # times the number of rows: more is a cycle that rounding makes


@inner()
def find_set(routines, item, L, work, state, most):
    """From a first guess `state` to the active set: (outcome, active rows, rounds); at most so many by the last one."""
    outcome, k, rounds = pivot(routines, item, L, work, state)
    if outcome == GAVE_UP and most > 0:
        outcome, k, more = climb(routines, item, L, work, state, most)
        rounds += more
    return outcome, k, rounds


@inner()
def climb(routines, item, L, work, state, most):
    """The same by the dual active-set method, from the rows whose multipliers have their signs."""
    k = release(routines, item, L, work, state)
    for number in range(most):
        if entering(item, work, state) == 0:
            return FOUND, k, number
        r, missing = most_violated(work, state)
        outcome, k = enter(routines, item, L, work, state, k, r, missing)
        if outcome != FOUND:
            return outcome, 0, number
        locate(routines, item, L, work, state, k)
    return GAVE_UP, k, most


@inner()
def release(routines, item, L, work, state):
    """Take out rows until every multiplier has its sign; gives the number of those that stay."""
    k = solve_set(routines, item, L, work, state)
    while leaving(work, state, k) > 0:
        for r in range(len(state)):
            state[r] = work.move[r]
        k = solve_set(routines, item, L, work, state)
    return k


@inner()
def most_violated(work, state):
    """The row with the largest violation beside its terms, and that violation."""
    chosen, most, missing = -1, 0.0, 0.0
    for r in range(len(state)):
        if state[r] == 0 and work.move[r] != 0:
            d = work.upper[r] if work.move[r] > 0 else work.lower[r]
            excess = abs(work.value[r] - d)
            share = excess / (work.size[r] + abs(d))
            if share > most:
                chosen, most, missing = r, share, excess
    return chosen, missing


@inner()
def enter(routines, item, L, work, state, k, r, missing):
    """Make row r hold; rows that stand in the way leave. FOUND where it entered, and the number of active rows."""
    sign = work.move[r]
    state[r] = sign
    if not learn(routines, item, L, work, state):
        return FULL, k
    state[r] = 0
    place = work.place[r]
    while True:
        rest = direction(routines, item, work, k, place, sign)
        step, at = longest(work, state, k)
        free = rest > DEPENDENT * work.gram[place, place]
        if free and missing <= step * rest:
            state[r] = sign
            append(work, k, place, sign, rest)
            return FOUND, k + 1
        if at < 0:
            return CONTRADICTORY, k
        missing -= step * rest if free else 0.0
        remove(work, state, k, at, step)
        k -= 1
        if factor_in_order(routines, item, work, state, k) != k:
            return GAVE_UP, k


@inner()
def direction(routines, item, work, k, place, sign):
    """The fall of the multipliers as that of a row grows, in `work.way`; gives how fast the row's excess falls.

    Leaves the row's part of the factor in `work.full`.
    """
    way, gram, order = work.way, work.gram, work.order
    rest = gram[place, place]
    for i in range(k):
        way[i] = sign * gram[max(order[i], place), min(order[i], place)]
    if k > 0:
        solve_gram_lower(routines, item, work, k, way)
        for i in range(k):
            rest -= way[i] ** 2
            work.full[i] = way[i]
        solve_gram_upper(routines, item, work, k, way)
    return rest


@inner()
def append(work, k, place, sign, rest):
    """The row at a place, after `direction`, as the last of the active ones and of their factor."""
    K, most = work.K, k + 1
    for i in range(k - 1, 0, -1):
        for j in range(i, -1, -1):
            K[i * most + j] = K[i * k + j]
    for j in range(k):
        K[k * most + j] = sign * work.full[j]
    K[k * most + k] = rest**0.5
    work.order[k], work.first[k] = place, 0


@inner()
def remove(work, state, k, at, step):
    """A step along `work.way`, at whose end the active row number `at` leaves."""
    state[work.seen[work.order[at]]] = 0
    for i in range(k):
        work.multiplier[i] -= step * work.way[i]
    for i in range(at, k - 1):
        work.multiplier[i], work.order[i] = work.multiplier[i + 1], work.order[i + 1]


@inner()
def longest(work, state, k):
    """The step at which the first multiplier of an inequality is 0, and its number; infinite and -1 without one."""
    step, at = np.inf, -1
    for i in range(k):
        r = work.seen[work.order[i]]
        if work.way[i] * state[r] > 0 and work.lower[r] != work.upper[r]:
            ratio = max(work.multiplier[i] / work.way[i], 0.0)
            if ratio < step:
                step, at = ratio, i
    return step, at
