"""The primal-dual barrier method (`methods/nlp.py`) for a batch of small programs, block by block, all of it compiled.

The functions are lists of scalar operations. What costs most (functions, matrices) is done for all items of a block
side by side; decisions are an item's own. An item that is done gives its lane to the next one.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.constants import CORRECTIONS, FAR, HALVINGS, PATIENCE, SHORT, SHRINKING
from declarative.backends.kkt.compiled.interpret import BLOCK, number_at
from declarative.backends.kkt.compiled.jit import inner, large, once
from declarative.backends.kkt.compiled.model import Function, call, evaluate, newton_matrix, scale_values
from declarative.backends.kkt.compiled.newton import convexify, solve
from declarative.backends.kkt.compiled.pattern import Pattern
from declarative.backends.kkt.compiled.search import (
    BENDING,
    REFUSED,
    TAKEN,
    TRYING,
    acceptable,
    arrive,
    barrier_of,
    distances,
    error,
    finish_direction,
    lower_barrier,
    merit,
    residuals,
    right_side,
    stationarity,
    to_the_boundary,
    try_at,
    try_step,
    violation_of,
)

EXACT = 1e-15  # what cannot be better
PROGRESS = 0.1  # a Newton step that leaves more of the error has met rounding
GOING, CONVERGED, STUCK, DIVERGED = range(4)


class Task(NamedTuple):
    """Which entries are not 0, which variables have bounds below and above, the functions, where the parameters are
    (as in `run_blocks`), and what is done about negative curvature, as in `convexify`.
    """

    pattern: Pattern
    low: np.ndarray
    high: np.ndarray
    local: Function
    values: Function
    arguments: np.ndarray
    reflects: bool


@inner()
def arrived(a, o, j, tolerance):
    """Is the error small enough? Where nothing bounds x, Newton's steps go on to rounding error: one or two more."""
    worst, last = error(a, o, j, 0.0), a[o.last, j]
    a[o.last, j] = worst
    if vanished(a, o, j):
        return True
    return worst <= tolerance and (o.m > 0 or worst <= EXACT or worst > PROGRESS * last)


@inner()
def vanished(a, o, j):
    """The objective, and what the rows miss, are nothing beside the goal, and its root."""
    if not a[o.f, j] <= a[o.goal, j]:
        return False
    missed = 0.0
    for k in range(o.q):
        if a[o.on + k, j] != 0:
            missed += abs(a[o.g + k, j] + a[o.s + k, j])
    return missed <= np.sqrt(a[o.goal, j])


@inner()
def begin(task, a, o, tolerance, count):
    """Residuals, barrier parameter and right-hand side of all items, and whether each has converged."""
    distances(task, a, o, 0, count, o.x, o.s, o.v)
    stationarity(task, a, o, count)
    for j in range(count):
        residuals(a, o, j)
        converged = arrived(a, o, j, tolerance)
        lower_barrier(a, o, j, tolerance)
        a[o.stage, j], a[o.why, j] = (REFUSED, CONVERGED) if converged else (TRYING, GOING)
    for k in range(o.m):
        sigma, z, v, on = a[o.sigma + k], a[o.z + k], a[o.v + k], a[o.on + k]
        for j in range(count):
            sigma[j] = z[j] / v[j] if on[j] != 0 else 0.0
    original_residual(a, o, 0, count)


@inner()
def set_right(task, system, a, o, first, last):
    """The right-hand side of the Newton step for residuals rc of c and rg of g + s."""
    right_side(task, a, o, first, last, o.bx)
    for i in range(o.n):
        target, row = system.rx[i], a[o.bx + i]
        for j in range(first, last):
            target[j] = row[j]
    for r in range(o.p):
        target, row = system.rc[r], a[o.rc + r]
        for j in range(first, last):
            target[j] = -row[j]


@inner()
def start_search(task, a, o, count):
    """The whole directions, how far they may go, and the first trials."""
    finish_direction(task, a, o, 0, count)
    for j in range(count):
        a[o.longest, j] = a[o.alpha, j] = to_the_boundary(a, o, j, o.v, o.dv)
        a[o.bent, j] = 0.0
    merit(a, o, count)
    try_step(a, o, 0, count)


@inner()
def original_residual(a, o, first, last):
    """rc = c and rg = g + s."""
    for r in range(o.p):
        row, c = a[o.rc + r], a[o.c + r]
        for j in range(first, last):
            row[j] = c[j]
    for k in range(o.q):
        row, g, s = a[o.rg + k], a[o.g + k], a[o.s + k]
        for j in range(first, last):
            row[j] = g[j] + s[j]


@inner()
def residual_after(task, system, a, o, j, violation):
    """The right-hand side for what the trial has left, beside a share of the residuals that its direction was for."""
    alpha = a[o.alpha, j]
    for r in range(o.p):
        a[o.rc + r, j] = alpha * a[o.rc + r, j] + a[o.there + 1 + r, j]
    for k in range(o.q):
        a[o.rg + k, j] = alpha * a[o.rg + k, j] + a[o.there + 1 + o.p + k, j] + a[o.ts + k, j]
    set_right(task, system, a, o, j, j + 1)
    a[o.left, j] = violation


@inner()
def copy_direction(a, o, source, target, j):
    """A direction, dx or ox or bx, with the multipliers that follow."""
    for i in range(o.n):
        a[target[0] + i, j] = a[source[0] + i, j]
    for r in range(o.p):
        a[target[1] + r, j] = a[source[1] + r, j]


@once()
def judge(task, system, a, o, j):
    """What the trial shows: taken, to be bent, or to be halved. Gives the stage."""
    violation = violation_of(a, o, j, o.there + 1, o.there + 1 + o.p, o.ts)
    distances(task, a, o, j, j + 1, o.tx, o.ts, o.bv)
    objective = barrier_of(a, o, j, a[o.there, j], o.bv)
    bending, alpha = a[o.stage, j] == BENDING, a[o.alpha, j]
    if bending:
        a[o.alpha, j] = a[o.longest, j]
    taken = acceptable(a, o, j, violation, objective)
    a[o.alpha, j] = alpha
    if taken:
        arrive(task, a, o, j)
        return TAKEN
    if bending:
        if a[o.bent, j] < CORRECTIONS and violation <= SHRINKING * a[o.left, j]:
            residual_after(task, system, a, o, j, violation)
            return BENDING
        copy_direction(a, o, (o.ox, o.oy), (o.dx, o.ny), j)
        original_residual(a, o, j, j + 1)
        finish_direction(task, a, o, j, j + 1)
        a[o.bent, j], alpha = 0.0, a[o.longest, j]
    elif alpha == a[o.longest, j] and violation >= a[o.violation, j]:
        copy_direction(a, o, (o.dx, o.ny), (o.ox, o.oy), j)
        residual_after(task, system, a, o, j, violation)
        return BENDING
    alpha = alpha / 2
    if alpha < a[o.longest, j] * 2.0**-HALVINGS:
        return REFUSED
    try_at(a, o, j, alpha)
    return TRYING


@inner()
def bend(task, system, a, o, count):
    """The steps of second-order corrections, where they are wanted."""
    solve(task.pattern, system, a[o.bx :], a[o.by :], count)
    for j in range(count):
        if a[o.stage, j] == BENDING:
            copy_direction(a, o, (o.bx, o.by), (o.dx, o.ny), j)
            a[o.bent, j] += 1.0
            finish_direction(task, a, o, j, j + 1)
            try_at(a, o, j, to_the_boundary(a, o, j, o.v, o.dv))


@once()
def search(task, system, a, o, count):
    """Trials until each item has taken one or gives up."""
    pending = True
    while pending:
        call(task.values, a, o, o.tx, o.there, False, count)
        scale_values(a, o, o.there, o.there + 1, count)
        pending, bending = False, False
        for j in range(count):
            stage = a[o.stage, j]
            if stage in (TRYING, BENDING):
                stage = judge(task, system, a, o, j)
                a[o.stage, j] = stage
                pending = pending or stage in (TRYING, BENDING)
                bending = bending or stage == BENDING
        if bending:
            bend(task, system, a, o, count)


@once()
def iterate(routines, task, system, a, o, tolerance, count):
    """One iteration of all lanes, and why each stops, if it does."""
    evaluate(task, a, o, count)
    begin(task, a, o, tolerance, count)
    newton_matrix(task, system, a, o, count)
    convexify(routines, task.pattern, system, a[o.lift], a[o.lifted], task.reflects, count)
    set_right(task, system, a, o, 0, count)
    solve(task.pattern, system, a[o.dx :], a[o.ny :], count)
    for j in range(count):
        if a[o.stage, j] == TRYING and system.sound[0, j] == 0:
            a[o.stage, j] = REFUSED
    start_search(task, a, o, count)
    search(task, system, a, o, count)
    for j in range(count):
        if a[o.why, j] == GOING:
            a[o.why, j] = how_it_goes_on(a, o, j, tolerance)


@inner()
def how_it_goes_on(a, o, j, tolerance):
    """Why an item stops after this iteration, if it does."""
    most = 0.0
    for i in range(o.n):
        most = max(most, abs(a[o.x + i, j]))
    a[o.short, j] = a[o.short, j] + 1.0 if a[o.alpha, j] < SHORT else 0.0
    if a[o.stage, j] == REFUSED:
        return CONVERGED if a[o.last, j] <= tolerance else STUCK
    if a[o.short, j] > PATIENCE:
        return STUCK
    return DIVERGED if most > FAR * a[o.size, j] or a[o.f, j] < -FAR * a[o.size, j] else GOING


@inner()
def load(task, given, a, o, item, j):
    """An item into a lane."""
    for r in range(o.kept):
        a[r, j] = given[item, r] if r < o.given else 0.0
    a[o.last, j], a[o.item, j], a[o.zero, j] = np.inf, item, 0.0
    load_parameters(task.local, task.arguments, item, j)
    load_parameters(task.values, task.arguments, item, j)


@inner()
def load_parameters(function, arguments, item, j):
    """An item's parameters into its lane of a function's memory."""
    for k in range(len(function.parameters)):
        which, entry, place = function.parameters[k]
        function.memory[place, j] = number_at(arguments[which, 0], item * arguments[which, 1] + entry)


@inner()
def move_lane(task, a, o, source, target):
    """An item from one lane to another."""
    for r in range(o.kept):
        a[r, target] = a[r, source]
    for k in range(len(task.local.parameters)):
        place = task.local.memory[task.local.parameters[k, 2]]
        place[target] = place[source]
    for k in range(len(task.values.parameters)):
        place = task.values.memory[task.values.parameters[k, 2]]
        place[target] = place[source]


@large("smooth programs with constraints")
def solve_block(routines, task, system, a, o, given, why, rounds, tolerance, limit, first, last):
    """Items from `first` to before `last`; `given` (B, rows) has their start, and in the end the last x, y, s, z."""
    count, following = 0, first
    while following < last and count < BLOCK:
        load(task, given, a, o, following, count)
        following, count = following + 1, count + 1
    while count > 0:
        iterate(routines, task, system, a, o, tolerance, count)
        for j in range(count - 1, -1, -1):
            a[o.rounds, j] += a[o.why, j] == GOING
            if a[o.why, j] != GOING or a[o.rounds, j] >= limit:
                item = int(a[o.item, j])
                why[item], rounds[item] = int(a[o.why, j]), int(a[o.rounds, j])
                for r in range(o.mu):
                    given[item, r] = a[r, j]
                if following < last:
                    load(task, given, a, o, following, j)
                    following += 1
                else:
                    count -= 1
                    move_lane(task, a, o, count, j)
