"""Newton's method in a trust region (`methods/trust_region.py`) for a batch of functions, block by block, compiled.

The functions are lists of scalar operations, run for all items of a block side by side; steps and decisions are an
item's own. An item that is done gives its lane to the next one.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.along import largest_entry
from declarative.backends.kkt.compiled.ball import minimise, norm
from declarative.backends.kkt.compiled.barrier import CONVERGED, DIVERGED, GOING, STUCK, load_parameters, move_lane
from declarative.backends.kkt.compiled.blas import fortran
from declarative.backends.kkt.compiled.constants import ACCEPT, FAR, GOOD, POOR, ROUNDING, SMALLEST
from declarative.backends.kkt.compiled.idle import hold, seek_idle, without
from declarative.backends.kkt.compiled.interpret import BLOCK
from declarative.backends.kkt.compiled.jit import inner, large, once
from declarative.backends.kkt.compiled.model import Function
from declarative.backends.kkt.compiled.vectors import multiply


class Task(NamedTuple):
    """f with its gradient and the lower triangle of its Hessian, row by row; f alone; where the parameters are (as in
    `run_blocks`); and memory of idle directions, in rows, of each item of a block (BLOCK, n, n).
    """

    local: Function
    values: Function
    arguments: np.ndarray
    idle: np.ndarray


class Spots(NamedTuple):
    """The first row, in a column of a block's memory, of the number of unknowns n, x (n), the units of x (n) and of f,
    and the item; then f, the radius, the size of the start, and its iterations; where its idle directions are, how many
    there are, and how large g and H were at the start, which are kept too; what the model promises, the length of the
    step, and why the item stops; and the trial point tx (n).
    """

    n: int
    x: int
    x_unit: int
    f_unit: int
    given: int
    item: int
    f: int
    radius: int
    size: int
    rounds: int
    place: int
    count: int
    steep: int
    bent: int
    kept: int
    promised: int
    length: int
    why: int
    tx: int
    rows: int


def spots(n: int) -> Spots:
    """The rows for n unknowns."""
    given = 2 * n + 1
    item, f, radius, size, rounds, place, count, steep, bent, kept = range(given, given + 10)
    own = item, f, radius, size, rounds, place, count, steep, bent
    promised, length, why, tx = range(kept, kept + 4)
    return Spots(n, 0, n, 2 * n, given, *own, kept, promised, length, why, tx, tx + n)


@inner()
def evaluate(function, a, o, x, count):
    """A function at rows x, in the user's units."""
    memory, operations = function.memory, function.operations
    for i in range(o.n):
        multiply(memory[function.x[i]], a[x + i], a[o.x_unit + i], count)
    for r in range(len(function.weights)):
        for j in range(count):
            memory[function.weights[r], j] = a[o.f_unit, j]
    fortran(function.interpreter, (operations, np.int64(len(operations)), memory, np.int64(count)))


@inner()
def read_model(function, ball, a, o, j):
    """g and H of lane j in the method's units, and of g the rounding errors of H x; whether all of H is finite."""
    memory, results, finite, e = function.memory, function.results, True, 1 + o.n
    for i in range(o.n):
        ball.g[i], ball.noise[i] = memory[results[1 + i], j] * a[o.x_unit + i, j] * a[o.f_unit, j], 0.0
        for k in range(i + 1):
            ball.H[i, k] = memory[results[e], j] * a[o.x_unit + i, j] * a[o.x_unit + k, j]
            finite = finite and np.isfinite(ball.H[i, k])
            ball.noise[i] += ROUNDING * abs(ball.H[i, k] * a[o.x + k, j])
            if k < i:
                ball.noise[k] += ROUNDING * abs(ball.H[i, k] * a[o.x + i, j])
            e += 1
    return finite


@once()
def propose(routines, task, ball, a, o, tolerance, j):
    """The trial point of lane j, and what the model promises there."""
    sound = read_model(task.local, ball, a, o, j)
    if a[o.rounds, j] == 0:
        a[o.f, j] = task.local.memory[task.local.results[0], j] * a[o.f_unit, j]
    a[o.why, j] = GOING
    for i in range(o.n):
        sound = sound and np.isfinite(ball.g[i])
        a[o.tx + i, j] = a[o.x + i, j]
    if sound_slope(ball.g) <= tolerance:
        a[o.why, j] = CONVERGED
    elif not (sound and minimise_without(routines, task, ball, a, o, j)):
        a[o.why, j] = STUCK
    else:
        promise(ball, a, o, j)


@inner()
def minimise_without(routines, task, ball, a, o, j):
    """The step of lane j, which has no part in idle directions; false where there is none."""
    N = task.idle[int(a[o.place, j])]
    if a[o.rounds, j] == 0:
        a[o.count, j], a[o.steep, j], a[o.bent, j] = seek_idle(routines, ball, N), largest_entry(ball.g), 0.0
        for i in range(o.n):
            a[o.bent, j] = max(a[o.bent, j], largest_entry(ball.H[i, : i + 1]))
    count = hold(ball, N, int(a[o.count, j]), a[o.steep, j], a[o.bent, j])
    found = minimise(routines, ball, a[o.radius, j])
    without(ball.s, N, count)
    return found


@inner()
def sound_slope(g):
    """The largest absolute entry; infinite where one is not a number."""
    for i in range(len(g)):
        if np.isnan(g[i]):
            return np.inf
    return largest_entry(g)


@inner()
def promise(ball, a, o, j):
    """The trial point x + s, the length of s, and how much the model falls; an item that cannot move is stuck."""
    falls, moves = 0.0, False
    for i in range(o.n):
        bend = ball.H[i, i] * ball.s[i] / 2
        for k in range(i):
            bend += ball.H[i, k] * ball.s[k]
        falls -= (ball.g[i] + bend) * ball.s[i]
        a[o.tx + i, j] += ball.s[i]
        moves = moves or a[o.tx + i, j] != a[o.x + i, j]
    a[o.promised, j], a[o.length, j] = falls, norm(ball.s)
    if not moves:
        a[o.why, j] = STUCK


@once()
def judge(task, a, o, j):
    """Is the trial taken? The next radius, and whether the item is stuck or on its way to infinity."""
    new, old = task.values.memory[task.values.results[0], j] * a[o.f_unit, j], a[o.f, j]
    slack, length, ratio = ROUNDING * abs(old), a[o.length, j], -1.0
    if np.isfinite(new):
        ratio = (old - new + slack) / max(a[o.promised, j] + slack, 1e-300)
    if ratio < POOR:
        a[o.radius, j] = length / 4
    elif ratio > GOOD and length > 0.9 * a[o.radius, j]:
        a[o.radius, j] *= 3
    taken, most = ratio > ACCEPT, 0.0
    if taken:
        a[o.f, j] = new
    for i in range(o.n):
        if taken:
            a[o.x + i, j] = a[o.tx + i, j]
        most = max(most, abs(a[o.x + i, j]))
    if not taken and a[o.radius, j] < SMALLEST * max(most, SMALLEST):
        a[o.why, j] = STUCK
    elif most > FAR * a[o.size, j] or a[o.f, j] < -FAR * a[o.size, j]:
        a[o.why, j] = DIVERGED


@inner()
def load(task, given, a, o, item, j):
    """An item into a lane."""
    most = 0.0
    for r in range(o.given):
        a[r, j] = given[item, r]
    for i in range(o.n):
        most = max(most, abs(a[o.x + i, j]))
    a[o.item, j], a[o.rounds, j] = item, 0.0
    a[o.radius, j] = a[o.size, j] = max(most, 1.0)
    load_parameters(task.local, task.arguments, item, j)
    load_parameters(task.values, task.arguments, item, j)


@large("smooth programs without constraints")
def walk_block(routines, task, ball, a, o, given, why, rounds, tolerance, limit, first, last):
    """Items from `first` to before `last`; `given` (B, rows) has their start and units, and in the end the last x."""
    count, following = 0, first
    while following < last and count < BLOCK:
        load(task, given, a, o, following, count)
        a[o.place, count] = count
        following, count = following + 1, count + 1
    while count > 0:
        evaluate(task.local, a, o, o.x, count)
        for j in range(count):
            propose(routines, task, ball, a, o, tolerance, j)
        evaluate(task.values, a, o, o.tx, count)
        for j in range(count - 1, -1, -1):
            if a[o.why, j] == GOING:
                judge(task, a, o, j)
            a[o.rounds, j] += 1.0
            if a[o.why, j] != GOING or a[o.rounds, j] >= limit:
                item = int(a[o.item, j])
                why[item], rounds[item] = int(a[o.why, j]), int(a[o.rounds, j])
                for i in range(o.n):
                    given[item, i] = a[o.x + i, j]
                if following < last:
                    load(task, given, a, o, following, j)
                    following += 1
                else:
                    count -= 1
                    move_lane(task, a, o, count, j)
