"""One quadratic program with P = LL' -> its active set, in the dual, by block principal pivoting.

With the rows C of the active set, M = (L^-1 C')'(L^-1 C') and y = L^-1 q, the point at which these rows hold is

    M w = -(d + (L^-1 C')'y),    x = -L'^-1 (y + L^-1 C' w).

A round solves for one set, takes out the rows whose multiplier has the wrong sign and takes in those that are violated,
all at once (Judice and Pires 1994; Kim and Park 2011). Where their number no longer falls, `dual.py` goes on.
"""

import numpy as np

from declarative.backends.kkt.compiled.blas import solve_lower, solve_upper, times, transposed_times
from declarative.backends.kkt.compiled.item import copy, copy_row, fill, visit_rows
from declarative.backends.kkt.compiled.jit import inner
from declarative.backends.kkt.compiled.tiles import cholesky, products, solve_rows

ROUNDED = 1e-13  # a row violated by less than this part of its terms holds
CONSISTENT = 1e-9  # the same for an equation that depends on others, whose data are rounded
DEPENDENT = 1e-11  # the square of a row's distance from the span of the others, beside its own, that counts as none
PATIENCE = 1  # rounds without progress; at m = 2n the dual method then ends sooner than more of them (3: 12 % slower)
FOUND, FULL, GAVE_UP, CONTRADICTORY = range(4)


@inner()
def learn(routines, item, L, work, state):
    """V, gram and vq of the rows that are active for the first time; false where there is no room for them."""
    n, first, cap = len(item.q), work.known[0], len(work.seen)
    last = first
    for r in range(len(state)):
        if state[r] != 0 and work.place[r] < 0:
            if last == cap:
                return False
            copy_row(item, r, work.V[last])
            work.seen[last], work.place[r] = r, last
            last += 1
    if last > first:
        new = work.V[first:]
        solve_rows(routines, L, n, new, last - first)
        products(routines, work.V, first, last, n, work.gram, cap)
        times(routines, new, last - first, n, work.yq, 1.0, work.vq[first:], 0.0)
    work.known[0] = last
    return True


@inner()
def factor(routines, work, state):
    """K = the Cholesky factor of the active part of gram, (k, k); dependent rows leave the active set. Gives k."""
    k = 0
    for r in range(len(state)):
        if state[r] != 0:
            work.order[k] = work.place[r]
            k += 1
    return factor_in_order(routines, work, state, k)


@inner()
def factor_in_order(routines, work, state, k):
    """The same for the rows that `work.order` lists."""
    K, gram, order = work.K, work.gram, work.order
    for i in range(k):
        for j in range(i + 1):
            K[i * k + j] = gram[max(order[i], order[j]), min(order[i], order[j])]
    if k == 0 or (cholesky(routines, K, k, k, work.info) == 0 and regular(K, gram, order, k)):
        return k
    return factor_independent(gram, order, work.seen, K, work.full, state, k)


@inner()
def regular(K, gram, order, k):
    """All pivots tell the rows from the span of those before them."""
    margin = np.inf
    for i in range(k):
        margin = min(margin, K[i * k + i] ** 2 / gram[order[i], order[i]])
    return margin > DEPENDENT


@inner()
def factor_independent(gram, order, seen, K, row, state, most):
    """The same row by row, leaving out the rows that depend on those before them; `row` (most,) is memory."""
    k = 0
    for candidate in range(most):
        place = order[candidate]
        pivot = gram[place, place]
        for j in range(k):
            dot = gram[max(place, order[j]), min(place, order[j])]
            for l in range(j):
                dot -= row[l] * K[j * most + l]
            row[j] = dot / K[j * most + j]
            pivot -= row[j] ** 2
        if pivot > DEPENDENT * gram[place, place]:
            copy(row[:k], K[k * most :])
            K[k * most + k] = pivot**0.5
            order[k] = place
            k += 1
        else:
            state[seen[place]] = 0
    for i in range(k):
        copy(K[i * most : i * most + i + 1], K[i * k :])
    return k


@inner()
def solve_set(routines, L, work, state):
    """The multipliers and the point of the active set; gives the number of its rows."""
    k = factor(routines, work, state)
    locate(routines, L, work, state, k)
    return k


@inner()
def locate(routines, L, work, state, k):
    """The multipliers and the point of the active set that K factors."""
    n, known = len(work.x), work.known[0]
    for i in range(k):
        place = work.order[i]
        r = work.seen[place]
        d = work.upper[r] if state[r] > 0 else work.lower[r]
        work.multiplier[i] = -(d + work.vq[place])
    copy(work.yq, work.x)
    if k > 0:
        solve_lower(routines, work.K, k, k, work.multiplier)
        solve_upper(routines, work.K, k, k, work.multiplier)
        fill(work.full, known, 0.0)
        for i in range(k):
            work.full[work.order[i]] = work.multiplier[i]
        transposed_times(routines, work.V, known, n, work.full, 1.0, work.x, 1.0)
    for j in range(n):
        work.x[j] = -work.x[j]
    solve_upper(routines, L, n, n, work.x)


@inner()
def leaving(work, state, k):
    """How many active inequalities have a multiplier of the wrong sign; `work.move` is 0 for them."""
    wrong = 0
    copy(state, work.move)
    for i in range(k):
        r = work.seen[work.order[i]]
        if work.multiplier[i] * state[r] < 0 and work.lower[r] != work.upper[r]:
            work.move[r] = 0
            wrong += 1
    return wrong


@inner()
def entering(item, work, state):
    """How many of the other rows are violated at x; `work.move` is their state when they hold."""
    visit_rows(item, work.x, work.noise, work.most, work.value, work.size)
    lower, upper, value, size, move = work.lower, work.upper, work.value, work.size, work.move
    wrong = 0
    for r in range(len(state)):
        if state[r] == 0:
            move[r] = 0
            tolerance = CONSISTENT if lower[r] == upper[r] else ROUNDED
            if value[r] - upper[r] > tolerance * (size[r] + abs(upper[r])):
                move[r] = 1
            elif lower[r] - value[r] > tolerance * (size[r] + abs(lower[r])):
                move[r] = -1
            wrong += move[r] != 0
    return wrong


@inner()
def pivot(routines, item, L, work, state):
    """From a first guess `state` to the active set, or the best set seen: (outcome, active rows, rounds)."""
    best, patience, k, rounds = len(state) + 1, PATIENCE, 0, 0
    while True:
        if not learn(routines, item, L, work, state):
            return FULL, 0, rounds
        k = solve_set(routines, L, work, state)
        rounds += 1
        wrong = leaving(work, state, k) + entering(item, work, state)
        if wrong == 0:
            return FOUND, k, rounds
        if wrong < best:
            best, patience = wrong, PATIENCE
            copy(state, work.best)
        else:
            patience -= 1
        if patience < 0:
            copy(work.best, state)
            return GAVE_UP, k, rounds
        copy(work.move, state)
