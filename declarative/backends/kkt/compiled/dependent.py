"""Quadratic programs whose active rows are known, dependent or not -> their solutions and multipliers of least norm.

P need not be strictly convex where the active rows hold x. What is not clear (weak activity, several solutions, rows
that nearly depend on each other) is left to others.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.along import copy, dot, fill, subtract
from declarative.backends.kkt.compiled.certificate import (
    clearly_out,
    forget_rounding,
    row_terms,
    shares,
    stand_at_bounds,
    worst_of,
)  # fmt: skip
from declarative.backends.kkt.compiled.constants import SOUND
from declarative.backends.kkt.compiled.corner import (
    go_inside,
    least_norm,
    let_go,
    list_active,
    put_bounds,
    span,
    step_inside_at_once,
)
from declarative.backends.kkt.compiled.item import block_sizes, copy_row, item_of, read_sides
from declarative.backends.kkt.compiled.jit import inner, large
from declarative.backends.kkt.compiled.kernel import CLEAR, value_at
from declarative.backends.kkt.compiled.turned import ROWS, solve_turned, turn

CORRECTIONS = 3
OPPOSITE = 1e-10


class Left(NamedTuple):
    """Of each item: which rows (B, rows) are in the system of one piece, and what combines equations to 0, as the first
    `count` (B,) vectors of `ways` (B, d, rows), orthonormal; whether rows were let go that turn the solution, and
    whether there are other multipliers (B,).
    """

    held: np.ndarray
    ways: np.ndarray
    count: np.ndarray
    bent: np.ndarray
    several: np.ndarray


@inner()
def add_near(item, work, at, state):
    """Rows that hold, or nearly, are active too."""
    block_sizes(at.x, item.blocks, at.most, at.sizes)
    row_terms(item, at.x, at.sizes, at.value, at.terms)
    for r in range(len(state)):
        low, high = work.lower[r], work.upper[r]
        if state[r] == 0 and not clearly_out(item, r, at.x, at.value[r], low, high, at.terms[r]):
            state[r] = 1 if high - at.value[r] <= at.value[r] - low else -1


@inner()
def residual(item, work, at, state, t, y):
    """at.rx = -(Px + q + C'y) of the variables that no bound holds, at.rows = d - Cx; y by row's number."""
    n, p = len(item.q), len(item.b)
    for i in range(n):
        at.rx[i] = -item.q[i] - dot(item.P[i], at.x)
    for i in range(t.counts[ROWS]):
        r = t.rows[i]
        row = item.A[r] if r < p else item.G[r - p]
        subtract(row, y[r], at.rx)
        at.rows[r] = (work.upper[r] if state[r] > 0 else work.lower[r]) - dot(row, at.x)


@inner()
def find_point(item, work, at, state, t, y):
    """at.x and y, by row's number, with the equations of the active rows; those of dependent rows are 0."""
    fill(y, len(y), 0.0)
    stand_at_bounds(item, work, at.x, state)
    for _ in range(1 + CORRECTIONS):
        residual(item, work, at, state, t, y)
        solve_turned(t, at.rx, at.rows)
        for j in range(len(at.x)):
            if t.held[j] < 0:
                at.x[j] += at.rx[j]
        for i in range(t.counts[ROWS]):
            y[t.rows[i]] += at.rows[t.rows[i]]


@inner()
def multipliers(item, at, c, count, y):
    """c.w by place: y, and what stationarity leaves for the bounds."""
    p, m = len(item.b), len(item.h)
    for i in range(count):
        c.w[i] = y[c.rows[i]]
    put_bounds(item, c, count, c.w, c.w)
    for i in range(count - 1, -1, -1):
        if c.rows[i] < p + m:
            break
        j = item.bounded[c.rows[i] - p - m]
        c.w[i] -= item.q[j] + dot(item.P[j], at.x)


@inner()
def opposite(item, c, i, l, first, second):
    """Do the active rows i and l push in opposite directions? `first` and `second` (n,) are memory."""
    copy_row(item, c.rows[i], first)
    copy_row(item, c.rows[l], second)
    return c.sign[i] * c.sign[l] * dot(first, second) < -(1 - OPPOSITE) * np.sqrt(
        dot(first, first) * dot(second, second)
    )


@inner()
def turns(item, c, count, first, second):
    """Is a row let go that is not opposite to one that stays, as one side of an equation is to the other?"""
    bounds = len(item.b) + len(item.h)
    for i in range(count):
        if c.goes[i]:
            alone = True
            for l in range(count):
                if c.sign[l] != 0 and not c.goes[l] and (c.rows[i] < bounds or c.rows[l] < bounds):
                    alone = alone and not opposite(item, c, i, l, first, second)
            if alone:
                return True
    return False


@inner()
def felt(item, work, at, state, c, count):
    """Are all rows clearly active or not, with the multipliers inside?"""
    _, _, _, clear = shares(item, work, at, state, c.rows[:count], c.inside[:count])
    return clear


@inner()
def clear_inside(item, work, at, state, c, count, d):
    """The same, with the nearest multipliers that are not small, or those to which many moves lead."""
    if step_inside_at_once(c, count, d) and felt(item, work, at, state, c, count):
        return True
    return go_inside(c, count, d) and felt(item, work, at, state, c, count)


@inner()
def settle(item, work, at, t, c, answers, left, b, again):
    """The answer of item b, whose active rows are known, if it is clear; the second time, `again`, without entries
    that may be rounding.
    """
    state, w = answers.state[b], answers.w[b]
    add_near(item, work, at, state)
    if not turn(item, state, t):
        return False
    find_point(item, work, at, state, t, w)
    if again:
        forget_rounding(item, work, at, state, w)
    count = list_active(item, work, state, c)
    multipliers(item, at, c, count, w)
    d = span(item, t, c, count)
    if not (least_norm(c, count, d) and clear_inside(item, work, at, state, c, count, d)):
        return False
    primal, dual, gap, _ = shares(item, work, at, state, c.rows[:count], c.w[:count])
    if not worst_of((primal, dual, gap)) < SOUND:
        return False
    answers.measures[b, 0], answers.measures[b, 1], answers.measures[b, 2] = primal, dual, gap
    copy(at.x, answers.x[b])
    fill(w, len(w), 0.0)
    for i in range(count):
        w[c.rows[i]] = c.w[i]
    answers.value[b] = value_at(item, work, at.x, state, w)
    left.several[b] = d > 0
    rest = let_go(c, count, d)
    left.bent[b] = turns(item, c, count, at.rx, at.kept_x)
    store(c, count, rest, left, b)
    return True


@inner()
def level(work, state):
    """Are the sides of all active rows 0? Then so may x be, which a point nearby has only to rounding."""
    for r in range(len(state)):
        if state[r] != 0 and (work.upper[r] if state[r] > 0 else work.lower[r]) != 0:
            return False
    return True


@inner()
def store(c, count, rest, left, b):
    """Which rows stay, and what combines the equations among them to 0."""
    fill(left.held[b], left.held.shape[1], 0)
    for i in range(count):
        left.held[b, c.rows[i]] = 0 if c.goes[i] else 1 if c.sign[i] == 0 else c.sign[i]
    left.count[b] = rest
    for l in range(rest):
        fill(left.ways[b, l], left.ways.shape[2], 0.0)
        for i in range(count):
            left.ways[b, l, c.rows[i]] = c.N[l, i]


@large("linear and degenerate programs")
def settle_dependent(data, work, at, t, c, answers, left, items, first, last):
    """Those of the `items` (K,) from `first` to before `last`; `answers` has the points and active rows, and what is
    clear of these gets its answer there.
    """
    for place in range(first, last):
        b = items[place]
        item = item_of(data, b)
        state, w = answers.state[b], answers.w[b]
        copy(answers.x[b], at.x)
        copy(state, work.best)
        copy(w, at.kept_w)
        settled, sound = False, read_sides(item, work.lower, work.upper, state)
        for again in range(2):
            if sound and not settled:
                settled = settle(item, work, at, t, c, answers, left, b, again > 0)
                if not settled:
                    copy(work.best, state)
                    copy(at.kept_w, w)
                    if level(work, state):
                        fill(at.x, len(at.x), 0.0)
        if settled:
            answers.verdict[b] = CLEAR
        else:
            copy(work.best, state)
