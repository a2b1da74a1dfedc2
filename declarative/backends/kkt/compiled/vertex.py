"""The active set of a linear program and the data of a similar one -> the vertex that solves that: the simplex method.

Rows and variables are alike: each has two sides, infinite ones maybe, and those that stand at a side, as many as there
are variables, give all others (Tucker's condensed tableau). An exchange of two, O(m n), is a step of the simplex method
(Dantzig 1963), dual or primal. Costs are shifted until the reduced ones have their signs, dual steps lead to values
within their sides, and primal ones from there to the minimum for the costs as they are.

What is found is only where a certificate begins. Too many steps, or a pivot that is nothing, and it gives up.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.along import copy, largest_entry, subtract
from declarative.backends.kkt.compiled.item import item_of, read_sides
from declarative.backends.kkt.compiled.jit import inner, large
from declarative.backends.kkt.compiled.kernel import DEPENDENT_ROWS, LOST

PIVOT = 1e-9  # beside the largest entry that could be one: less is nothing
OUTSIDE = 1e-9  # beside the terms of a value: farther out of its sides is outside
WRONG = 1e-9  # beside the largest cost: a reduced cost of the wrong sign
MOVES = 2  # times the number of rows and variables: more steps take as long as beginning afresh


class Tableau(NamedTuple):
    """T (m + 2, n): the m rows, the reduced costs as they are shifted, and those as they are, by what stands at a side.

    Numbers: the n variables, then the m rows. `inside` (m,) and `standing` (n,) say which of them each row and column
    of T is; `low`, `high`, `value` (n + m,) are the sides and values; `side` (n + m,) is -1 for what stands at its low
    one, 1 at its upper one, and 0 for what is inside; `size` (m,) of the terms of a row.
    """

    T: np.ndarray
    inside: np.ndarray
    standing: np.ndarray
    low: np.ndarray
    high: np.ndarray
    value: np.ndarray
    side: np.ndarray
    size: np.ndarray


def tableau_for(n: int, m: int) -> Tableau:
    """Memory for one item with n variables and m rows that are no bounds."""
    whole, low, high, value = np.int64, np.empty(n + m), np.empty(n + m), np.empty(n + m)
    sides = np.empty(n + m, np.int8)
    return Tableau(np.empty((m + 2, n)), np.empty(m, whole), np.empty(n, whole), low, high, value, sides, np.empty(m))


@inner()
def set_up(item, work, state, t):
    """All variables stand, whatever `side` says, and all rows are inside."""
    n, p, m = len(item.q), len(item.b), len(item.b) + len(item.h)
    for i in range(m):
        copy(item.A[i] if i < p else item.G[i - p], t.T[i])
        t.inside[i], t.side[n + i] = n + i, state[i]
        t.low[n + i], t.high[n + i] = work.lower[i], work.upper[i]
    for j in range(n):
        t.standing[j], t.side[j] = j, 0
        t.low[j], t.high[j] = -np.inf, np.inf
    for k in range(len(item.bounded)):
        j = item.bounded[k]
        t.low[j], t.high[j], t.side[j] = work.lower[m + k], work.upper[m + k], state[m + k]
    copy(item.q, t.T[m])
    copy(item.q, t.T[m + 1])


@inner()
def exchange(t, i, j, side):
    """What row i gives goes to a side and stands in column j; what stood there goes inside and is row i."""
    row, scale = t.T[i], 1 / t.T[i, j]
    for l in range(len(row)):
        row[l] *= -scale
    row[j] = scale
    for k in range(len(t.T)):
        factor = t.T[k, j]
        if k != i and factor != 0:
            t.T[k, j] = 0.0
            subtract(row, -factor, t.T[k])
    t.side[t.inside[i]], t.side[t.standing[j]] = side, 0
    t.inside[i], t.standing[j] = t.standing[j], t.inside[i]


@inner()
def standing_row(t, j):
    """The row to go inside for column j: of those that stand, the largest there; -1 without one."""
    chosen, most, largest = -1, 0.0, 0.0
    for i in range(len(t.inside)):
        size = abs(t.T[i, j])
        largest = max(largest, size)
        if size > most and t.side[t.inside[i]] != 0:
            chosen, most = i, size
    return chosen if most > PIVOT * largest else -1


@inner()
def any_row(t, j):
    """The same of all rows that have a side to stand at."""
    chosen, most, largest = -1, 0.0, 0.0
    for i in range(len(t.inside)):
        size, e = abs(t.T[i, j]), t.inside[i]
        largest = max(largest, size)
        if size > most and e >= len(t.standing) and (np.isfinite(t.low[e]) or np.isfinite(t.high[e])):
            chosen, most = i, size
    return chosen if most > PIVOT * largest else -1


@inner()
def nearest_side(low, high, cost):
    """The side at which to stand that is there; of two that which the cost wants, 0 without one."""
    if np.isfinite(low) and np.isfinite(high):
        return 1 if cost < 0 else -1
    return -1 if np.isfinite(low) else 1 if np.isfinite(high) else 0


@inner()
def take_known(t):
    """Variables that no side holds go inside, for rows that stand; false where one without sides is left."""
    m = len(t.inside)
    for j in range(len(t.standing)):
        if t.side[j] == 0:
            i = standing_row(t, j)
            if i < 0:
                t.side[j] = nearest_side(t.low[j], t.high[j], t.T[m, j])
            if t.side[j] == 0:
                i = i if i >= 0 else any_row(t, j)
                if i < 0:
                    return False
                e = t.inside[i]
                exchange(t, i, j, t.side[e] if t.side[e] != 0 else nearest_side(t.low[e], t.high[e], 0.0))
    for i in range(m):
        t.side[t.inside[i]] = 0
    return True


@inner()
def evaluate(t):
    """The values of all, and the sizes of the terms of what is inside."""
    for j in range(len(t.standing)):
        e = t.standing[j]
        t.value[e] = t.high[e] if t.side[e] > 0 else t.low[e]
    for i in range(len(t.inside)):
        value, size = 0.0, 0.0
        for j in range(len(t.standing)):
            term = t.T[i, j] * t.value[t.standing[j]]
            value += term
            size = max(size, abs(term))
        t.value[t.inside[i]], t.size[i] = value, size


@inner()
def shift(t):
    """Reduced costs of the wrong sign count as 0."""
    costs = t.T[len(t.inside)]
    for j in range(len(costs)):
        if costs[j] * t.side[t.standing[j]] > 0:
            costs[j] = 0.0


@inner()
def farthest_outside(t):
    """The row whose value is farthest out of its sides, and which side it has to go to; -1 without one."""
    chosen, most, side = -1, OUTSIDE, 0
    for i in range(len(t.inside)):
        e = t.inside[i]
        low, high = t.low[e] - t.value[e], t.value[e] - t.high[e]
        out, edge = (low, t.low[e]) if low > high else (high, t.high[e])
        if out > most * max(t.size[i], abs(edge)):
            chosen, most, side = i, out / max(t.size[i], abs(edge)), -1 if low > high else 1
    return chosen, side


@inner()
def first_to_change_sign(t, i, side):
    """The column whose reduced cost is the first to change its sign as row i goes to a side; -1 without one."""
    row, costs = t.T[i], t.T[len(t.inside)]
    least, chosen, steepest = PIVOT * largest_entry(row), -1, 0.0
    ratio = np.inf
    for j in range(len(row)):
        e = t.standing[j]
        if t.low[e] < t.high[e] and abs(row[j]) > least and side * row[j] * t.side[e] > 0:
            own = abs(costs[j] / row[j])
            if own < ratio or (own == ratio and abs(row[j]) > steepest):
                ratio, chosen, steepest = own, j, abs(row[j])
    return chosen


@inner()
def most_wrong(t, least):
    """The column whose reduced cost is farthest on the wrong side of 0, by more than `least`; -1 without one."""
    costs, chosen, most = t.T[len(t.inside) + 1], -1, least
    for j in range(len(costs)):
        e = t.standing[j]
        if t.low[e] < t.high[e] and costs[j] * t.side[e] > most:
            chosen, most = j, costs[j] * t.side[e]
    return chosen


@inner()
def first_to_stand(t, j):
    """(row, side, step) of the first value that comes to a side as what stands in column j goes inside; -1 and its way
    to its own other side without one.
    """
    e, m = t.standing[j], len(t.inside)
    largest, chosen, side, step = 0.0, -1, 0, t.high[e] - t.low[e]
    for i in range(m):
        largest = max(largest, abs(t.T[i, j]))
    for i in range(m):
        rate, own = -t.side[e] * t.T[i, j], t.inside[i]
        if abs(rate) > PIVOT * largest:
            room = t.high[own] - t.value[own] if rate > 0 else t.value[own] - t.low[own]
            if max(room, 0.0) < step * abs(rate):
                chosen, side, step = i, 1 if rate > 0 else -1, max(room, 0.0) / abs(rate)
    return chosen, side, step


@inner()
def walk(t, least, moves):
    """Steps to the vertex for the costs, of reduced costs right to `least`; their number, -1 where it gives up."""
    shift(t)
    feasible = False
    for number in range(moves):
        evaluate(t)
        i, side = farthest_outside(t)
        if i >= 0:
            if feasible:
                return -1
            j = first_to_change_sign(t, i, side)
            if j < 0:
                return -1
            exchange(t, i, j, side)
            continue
        feasible = True
        j = most_wrong(t, least)
        if j < 0:
            return number
        i, side, step = first_to_stand(t, j)
        if i >= 0:
            exchange(t, i, j, side)
        elif np.isfinite(step):
            t.side[t.standing[j]] *= -1
        else:
            return -1
    return -1


@inner()
def store(item, work, state, t, x):
    """The point and the active set; equations belong to it, whether or not they stand."""
    n, m = len(x), len(t.inside)
    for j in range(n):
        x[j] = t.value[j]
    for r in range(len(state)):
        e = n + r if r < m else item.bounded[r - m]
        state[r] = 1 if work.lower[r] == work.upper[r] else t.side[e]


@large("linear and degenerate programs")
def find_vertices(data, work, t, answers, first, last):
    """The vertices of the items from `first` to before `last`, from their active sets in `answers`, which get the new
    ones and the points. The verdict is DEPENDENT_ROWS where one is found, which `settle_dependent` then has to certify.
    """
    for b in range(first, last):
        item, state = item_of(data, b), answers.state[b]
        answers.verdict[b] = LOST
        if not read_sides(item, work.lower, work.upper, state):
            continue
        set_up(item, work, state, t)
        if take_known(t):
            steps = walk(t, WRONG * largest_entry(item.q), MOVES * len(t.side))
            if steps >= 0:
                store(item, work, state, t, answers.x[b])
                answers.verdict[b], answers.rounds[b] = DEPENDENT_ROWS, steps
