"""One quadratic program with P = LL' -> its active set, in the dual, by block principal pivoting.

With the rows C of the active set, M = (L^-1 C')'(L^-1 C') and y = L^-1 q, the point at which these rows hold is

    M w = -(d + (L^-1 C')'y),    x = -L'^-1 (y + L^-1 C' w).

A round solves for one set, takes out the rows whose multiplier has the wrong sign and takes in those that are violated,
all at once (Judice and Pires 1994; Kim and Park 2011). Where their number no longer falls, `dual.py` goes on.
"""

import numpy as np

from declarative.backends.kkt.compiled import blas, envelope
from declarative.backends.kkt.compiled.along import copy, dot, fill
from declarative.backends.kkt.compiled.blas import times, transposed_times
from declarative.backends.kkt.compiled.envelope import factor_envelope
from declarative.backends.kkt.compiled.item import copy_row, visit_rows
from declarative.backends.kkt.compiled.jit import inner
from declarative.backends.kkt.compiled.kept import upper
from declarative.backends.kkt.compiled.tiles import cholesky, products, solve_rows

ROUNDED = 1e-13  # a row violated by less than this part of its terms holds
CONSISTENT = 1e-9  # the same for an equation that depends on others, whose data are rounded
DEPENDENT = 1e-11  # the square of a row's distance from the span of the others, beside its own, that counts as none
PATIENCE = 1  # rounds without progress; at m = 2n the dual method then ends sooner than more of them (3: 12 % slower)
PATIENT = 4  # the same where entries are few, and a round is little work
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
    work.known[0] = last
    if last > first:
        if item.outline.thin:
            for place in range(first, last):
                solve_row(item, L, work, place)
                multiply_row(item, work, place)
        else:
            solve_rows(routines, L, n, work.V[first:], last - first)
            products(routines, work.V, first, last, n, work.gram, cap)
        pull_known(routines, item, work, first)
    return True


@inner()
def solve_row(item, L, work, place):
    """A row of V, of few entries, from that of C."""
    n, outline, v = len(item.q), item.outline, work.V[place]
    r = work.seen[place]
    for e in range(outline.many[r]):
        j = outline.spots[r, e]
        low = outline.span[0, j]
        v[j] = (v[j] - dot(L[j * n + low : j * n + j], v[low:j])) / L[j * n + j]


@inner()
def multiply_row(item, work, place):
    """The products of a row of V, of few entries, with those before it and itself."""
    outline, V, gram, r = item.outline, work.V, work.gram[place], work.seen[place]
    fill(gram, place + 1, 0.0)
    for e in range(outline.many[r]):
        j = outline.spots[r, e]
        for a in range(outline.start[j], outline.start[j + 1]):
            other = work.place[outline.users[a]]
            if 0 <= other <= place:
                gram[other] += V[place, j] * V[other, j]


@inner()
def pull_known(routines, item, work, first):
    """vq of the rows that are known, from number `first` on."""
    n, outline, known = len(item.q), item.outline, work.known[0]
    if not outline.thin:
        times(routines, work.V[first:], known - first, n, work.yq, 1.0, work.vq[first:], 0.0)
        return
    for place in range(first, known):
        r, total = work.seen[place], 0.0
        for e in range(outline.many[r]):
            j = outline.spots[r, e]
            total += work.V[place, j] * work.yq[j]
        work.vq[place] = total


@inner()
def forget(work):
    """No row is known."""
    work.known[0] = 0
    fill(work.place, len(work.place), -1)


@inner()
def factor(routines, item, work, state):
    """K = the Cholesky factor of the active part of gram, (k, k); dependent rows leave the active set. Gives k.

    Equations that depend on each other are found among equations alone: row by row that is less work than among all.
    """
    k, p = factor_at_once(routines, item, work, state), len(item.A)
    if k >= 0:
        return k
    equations = list_active(work, state, p)
    if equations > 0 and factor_in_order(routines, item, work, state, equations) < equations:
        k = factor_at_once(routines, item, work, state)
        if k >= 0:
            return k
    k = list_active(work, state, len(state))
    if item.outline.thin:
        fill(work.first, k, 0)
    return factor_independent(work.gram, work.order, work.seen, work.K, work.full, state, k)


@inner()
def factor_at_once(routines, item, work, state):
    """The same where no row depends on others, or else -1."""
    if item.outline.thin:
        k = list_narrow(item, work, state)
        return k if factor_narrow(work, k) else -1
    k = list_active(work, state, len(state))
    return k if factor_whole(routines, work, k) else -1


@inner()
def list_active(work, state, rows):
    """The active ones of the first rows, in their order; gives their number."""
    k = 0
    for r in range(rows):
        if state[r] != 0:
            work.order[k] = work.place[r]
            k += 1
    return k


@inner()
def list_narrow(item, work, state):
    """The active rows in the order in which their envelope is narrow, and where it begins; gives their number."""
    k, outline, before = 0, item.outline, work.count
    for a in range(len(state)):
        r = outline.order[a]
        before[a] = k
        if state[r] != 0:
            work.order[k], work.first[k] = work.place[r], before[outline.low[a]]
            k += 1
    return k


@inner()
def factor_narrow(work, k):
    """The same within the envelope of the rows that `work.order` lists; false where rows depend on each other."""
    K, gram, order, first = work.K, work.gram, work.order, work.first
    for i in range(k):
        for j in range(first[i], i + 1):
            K[i * k + j] = gram[max(order[i], order[j]), min(order[i], order[j])]
    return factor_envelope(first, K, k) and regular(K, gram, order, k)


@inner()
def factor_in_order(routines, item, work, state, k):
    """The same for the rows that `work.order` lists."""
    if item.outline.thin:
        fill(work.first, k, 0)
    if factor_whole(routines, work, k):
        return k
    return factor_independent(work.gram, work.order, work.seen, work.K, work.full, state, k)


@inner()
def factor_whole(routines, work, k):
    """The same, of all of these; false where rows depend on each other."""
    K, gram, order = work.K, work.gram, work.order
    for i in range(k):
        for j in range(i + 1):
            K[i * k + j] = gram[max(order[i], order[j]), min(order[i], order[j])]
    return k == 0 or (cholesky(routines, K, k, k, work.info) == 0 and regular(K, gram, order, k))


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
def solve_set(routines, item, L, work, state):
    """The multipliers and the point of the active set; gives the number of its rows."""
    k = factor(routines, item, work, state)
    locate(routines, item, L, work, state, k)
    return k


@inner()
def solve_gram_lower(routines, item, work, k, x):
    """The first entries of x (k,) become K^-1 times them."""
    if item.outline.thin:
        envelope.solve_lower(work.first, work.K, x[:k])
    else:
        blas.solve_lower(routines, work.K, k, k, x)


@inner()
def solve_gram_upper(routines, item, work, k, x):
    """The first entries of x (k,) become K'^-1 times them."""
    if item.outline.thin:
        envelope.solve_upper(work.first, work.K, x[:k])
    else:
        blas.solve_upper(routines, work.K, k, k, x)


@inner()
def locate(routines, item, L, work, state, k):
    """The multipliers and the point of the active set that K factors."""
    n, known = len(work.x), work.known[0]
    for i in range(k):
        place = work.order[i]
        r = work.seen[place]
        d = work.upper[r] if state[r] > 0 else work.lower[r]
        work.multiplier[i] = -(d + work.vq[place])
    copy(work.yq, work.x)
    if k > 0:
        solve_gram_lower(routines, item, work, k, work.multiplier)
        solve_gram_upper(routines, item, work, k, work.multiplier)
        add_known(routines, item, work, known, k)
    for j in range(n):
        work.x[j] = -work.x[j]
    upper(routines, item, L, work.x)


@inner()
def add_known(routines, item, work, known, k):
    """work.x += V'w for the multipliers of the active rows."""
    if item.outline.thin:
        for i in range(k):
            place = work.order[i]
            r = work.seen[place]
            for e in range(item.outline.many[r]):
                j = item.outline.spots[r, e]
                work.x[j] += work.V[place, j] * work.multiplier[i]
        return
    fill(work.full, known, 0.0)
    for i in range(k):
        work.full[work.order[i]] = work.multiplier[i]
    transposed_times(routines, work.V, known, len(work.x), work.full, 1.0, work.x, 1.0)


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
    most = PATIENT if item.outline.thin else PATIENCE
    best, patience, k, rounds = len(state) + 1, most, 0, 0
    while True:
        if not learn(routines, item, L, work, state):
            return FULL, 0, rounds
        k = solve_set(routines, item, L, work, state)
        rounds += 1
        wrong = leaving(work, state, k) + entering(item, work, state)
        if wrong == 0:
            return FOUND, k, rounds
        if wrong < best:
            best, patience = wrong, most
            copy(state, work.best)
        else:
            patience -= 1
        if patience < 0:
            copy(work.best, state)
            return GAVE_UP, k, rounds
        copy(work.move, state)
