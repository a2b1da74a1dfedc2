"""More active rows than are independent -> their multipliers of least norm, and rows that are independent.

The method of `verdict/pieces.py`, item by item. All that combines the rows to 0 is spanned by N (d, rows), orthonormal.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.along import copy, dot, fill, largest_entry, subtract
from declarative.backends.kkt.compiled.jit import inner
from declarative.backends.kkt.compiled.nearest import Nearest, nearest, nearest_for
from declarative.backends.kkt.compiled.turned import RANK, ROWS, solve_triangle

NONE = 1e-10  # a multiplier beside the largest, or a move beside the largest, that is none
STILL = 1e-9  # the length of a unit vector's part along N that is none
ALIKE = 1e-9  # multipliers that differ by less, relatively, are alike: the first of them goes
SHARE = 0.5  # of a multiplier that a move leaves at least
MARGIN = 1e-5  # of the largest multiplier: what all have at least in general, and far above WEAK


class Corner(NamedTuple):
    """The active rows (rows,) in order, their signs (0 for equations), the way back from a row's number, and N.

    `w` is of least norm, `inside` has all multipliers positive that can be (both by place); `goes` marks by place what
    is let go, and the others are memory.
    """

    rows: np.ndarray
    sign: np.ndarray
    place: np.ndarray
    N: np.ndarray
    w: np.ndarray
    inside: np.ndarray
    goes: np.ndarray
    move: np.ndarray
    steps: np.ndarray
    zero: np.ndarray
    nearest: Nearest


def corner_for(rows: int, m: int) -> Corner:
    """Memory for `rows` rows, of which m are no bounds."""
    whole = np.int64
    return Corner(
        np.empty(rows, whole), np.empty(rows), np.empty(rows, whole), np.empty((m, rows)), np.empty(rows),
        np.empty(rows), np.empty(rows, np.bool_), np.empty(rows), np.empty(rows), np.empty(rows, whole),
        nearest_for(rows, m),
    )  # fmt: skip


@inner()
def list_active(item, work, state, c):
    """The active rows; gives their number."""
    count, p = 0, len(item.b)
    for r in range(len(state)):
        if r < p or state[r] != 0:
            c.rows[count], c.place[r], c.goes[count] = r, count, False
            c.sign[count] = 0.0 if work.lower[r] == work.upper[r] else 1.0 * state[r]
            count += 1
    return count


@inner()
def put_bounds(item, c, count, target, y):
    """The entries at bounds of `target`, by place, are -C'y, for y by place."""
    p, m = len(item.b), len(item.h)
    for i in range(count):
        r = c.rows[i]
        if r >= p + m:
            target[i] = 0.0
    for i in range(count):
        r = c.rows[i]
        if r < p + m and y[i] != 0:
            row = item.A[r] if r < p else item.G[r - p]
            for l in range(count - 1, -1, -1):
                if c.rows[l] < p + m:
                    break
                target[l] -= y[i] * row[item.bounded[c.rows[l] - p - m]]


@inner()
def span(item, t, c, count):
    """N from the dependent rows of `t`; gives d."""
    rank, rows = t.counts[RANK], t.counts[ROWS]
    for i in range(rank, rows):
        v = c.N[i - rank, :count]
        copy(t.K[i, :rank], t.y)
        solve_triangle(t, t.y)
        fill(v, count, 0.0)
        for l in range(rank):
            v[c.place[t.rows[l]]] = -t.E[l] * t.y[l]
        v[c.place[t.rows[i]]] = t.E[i]
        put_bounds(item, c, count, v, v)
        for _ in range(2):
            for l in range(i - rank):
                other = c.N[l, :count]
                subtract(other, dot(other, v), v)
            length = 1 / np.sqrt(dot(v, v))
            for l in range(count):
                v[l] *= length
    return rows - rank


@inner()
def move_along(c, count, d, t):
    """c.move = N't."""
    fill(c.move, count, 0.0)
    for l in range(d):
        subtract(c.N[l, :count], -t[l], c.move[:count])


@inner()
def put_row(c, i, d, number, scale):
    """Row `number` of G is the inequality at place i, times a scale."""
    for l in range(d):
        c.nearest.G[number, l] = scale * c.sign[i] * c.N[l, i]


@inner()
def reach(c, i, d):
    """The length of the part of a unit vector at place i that N spans."""
    total = 0.0
    for l in range(d):
        total += c.N[l, i] ** 2
    return np.sqrt(total)


@inner()
def lift(c, count, d, w, least):
    """w becomes the nearest multipliers of which those that may change have their signs and this size at least; false
    where there are none.
    """
    rows, low = 0, False
    for i in range(count):
        if c.sign[i] != 0 and reach(c, i, d) > STILL:
            put_row(c, i, d, rows, 1.0)
            c.nearest.h[rows] = least - c.sign[i] * w[i]
            low = low or c.nearest.h[rows] > 0
            rows += 1
    if low:
        if not nearest(c.nearest, rows, d):
            return False
        move_along(c, count, d, c.nearest.t)
        for i in range(count):
            w[i] += c.move[i]
    return True


@inner()
def least_norm(c, count, d):
    """c.w, any multipliers, become those of least norm that have their signs; false where there are none."""
    w = c.w[:count]
    for l in range(d):
        subtract(c.N[l, :count], dot(c.N[l, :count], w), w)
    if not lift(c, count, d, w, 0.0):
        return False
    none = NONE * largest_entry(w[:count])
    for i in range(count):
        if c.sign[i] != 0 and c.sign[i] * w[i] <= none:
            if c.sign[i] * w[i] < -none:
                return False
            w[i] = 0.0
    return True


@inner()
def positive(c, count):
    """All multipliers of inequalities in c.inside have their signs, and none is 0."""
    sound = True
    for i in range(count):
        sound = sound and (c.sign[i] == 0 or c.sign[i] * c.inside[i] > 0)
    return sound


@inner()
def step_inside_at_once(c, count, d):
    """c.inside = the nearest multipliers that are not small; false where none is, or where c.w has no zeros."""
    copy(c.w[:count], c.inside)
    if d == 0 or positive(c, count):
        return False
    return lift(c, count, d, c.inside[:count], MARGIN * largest_entry(c.w[:count])) and positive(c, count)


@inner()
def go_inside(c, count, d):
    """c.inside = multipliers that are positive in all inequalities; false where some are 0 whatever the others are.

    A move towards the inside of the cone Z t >= 0, for the rows Z whose multipliers are 0, is the part of Z'1 in it,
    and is 0 where Z's = 0 for some s > 0 (Tucker's alternative). What it leaves at 0 is tried again.
    """
    copy(c.w[:count], c.inside)
    zeros = 0
    for i in range(count):
        if c.sign[i] != 0 and c.w[i] == 0:
            c.zero[zeros] = i
            zeros += 1
    while zeros > 0:
        if d == 0 or not towards(c, d, zeros):
            return False
        move_along(c, count, d, c.nearest.t)
        none, left = NONE * largest_entry(c.move[:count]), 0
        for k in range(zeros):
            i = c.zero[k]
            if c.sign[i] * c.move[i] <= none:
                c.move[i] = 0.0
                c.zero[left] = i
                left += 1
        if left == zeros:
            return False
        zeros = left
        step_inside(c, count)
    return True


@inner()
def towards(c, d, zeros):
    """t, the part of Z'1 for unit rows Z that is in the cone Z t >= 0; false where that is nothing."""
    s = c.nearest
    centre = s.move
    fill(centre, d, 0.0)
    for k in range(zeros):
        size = reach(c, c.zero[k], d)
        if not size > STILL:
            return False
        put_row(c, c.zero[k], d, k, 1 / size)
        subtract(s.G[k, :d], -1.0, centre[:d])
    copy(centre[:d], c.move)  # `nearest` uses the other
    for k in range(zeros):
        s.h[k] = -dot(s.G[k, :d], centre[:d])
    if not nearest(s, zeros, d):
        return False
    size, length = dot(c.move[:d], c.move[:d]), 0.0
    for l in range(d):
        s.t[l] += c.move[l]
    length = dot(s.t[:d], s.t[:d])
    return length > STILL**2 * max(size, 1.0)


@inner()
def step_inside(c, count):
    """c.inside goes along c.move, and keeps a part of each multiplier that falls."""
    step = np.inf
    for i in range(count):
        fall = -c.sign[i] * c.move[i]
        if fall > 0:
            step = min(step, SHARE * c.sign[i] * c.inside[i] / fall)
    if not np.isfinite(step):
        size = largest_entry(c.inside[:count])
        step = (size if size > 0 else 1.0) / largest_entry(c.move[:count])
    for i in range(count):
        c.inside[i] += step * c.move[i]


@inner()
def next_to_go(c, count, d, z):
    """The inequality with the least multiplier of those that N can change, the first of several; -1 without one."""
    least = np.inf
    for i in range(count):
        c.move[i] = np.inf
        if c.sign[i] != 0 and not c.goes[i] and reach(c, i, d) > STILL:
            c.move[i] = c.sign[i] * z[i]
            least = min(least, c.move[i])
    return first_below(c.move, count, least) if least < np.inf else -1


@inner()
def first_below(sizes, count, least):
    """The first place at which a size is the least, or about the same."""
    for i in range(count):
        if sizes[i] <= (1 + ALIKE) * least:
            return i
    return -1


@inner()
def let_go(c, count, d):
    """Mark the inequalities that are let go, one for each independent change of theirs; what is left of d.

    The multipliers walk to a corner of the set of all: each time the least one of those that can change is led to 0 by
    the shortest way, or the first one that is 0 on the way. N becomes what changes none of them.
    """
    z = c.inside[:count]
    copy(c.w[:count], z)
    drop_rounding(c, count, z)
    while d > 0:
        i = next_to_go(c, count, d, z)
        if i < 0:
            break
        if z[i] != 0:
            i = walk(c, count, d, z, i)
        z[i], c.goes[i] = 0.0, True
        d = without(c, count, d, i)
    return d


@inner()
def drop_rounding(c, count, z):
    """Multipliers of inequalities that are none beside the largest, or of the wrong sign, become 0."""
    most = 0.0
    for i in range(count):
        if c.sign[i] != 0:
            most = max(most, c.sign[i] * z[i])
    for i in range(count):
        if c.sign[i] != 0 and c.sign[i] * z[i] <= NONE * most:
            z[i] = 0.0


@inner()
def walk(c, count, d, z, i):
    """z goes along N towards 0 at place i, as far as all keep their signs; the place that is 0 there."""
    t, steps = c.nearest.t, c.steps
    for l in range(d):
        t[l] = -c.sign[i] * c.N[l, i]
    move_along(c, count, d, t)
    least, none = np.inf, NONE * largest_entry(c.move[:count])
    for l in range(count):
        fall = -c.sign[l] * c.move[l]
        steps[l] = c.sign[l] * z[l] / fall if fall > none and not c.goes[l] else np.inf
        least = min(least, steps[l])
    for l in range(count):
        z[l] += least * c.move[l]
    drop_rounding(c, count, z)
    return first_below(steps, count, least)


@inner()
def without(c, count, d, i):
    """N becomes what does not change the multiplier at place i: turned so that its last vector alone does."""
    v = c.nearest.way
    size = 0.0
    for l in range(d):
        v[l] = c.N[l, i]
        size += v[l] ** 2
    size = np.sqrt(size)
    v[d - 1] += size if v[d - 1] >= 0 else -size
    half = dot(v[:d], v[:d]) / 2
    move_along(c, count, d, v)
    for l in range(d - 1):
        subtract(c.move[:count], v[l] / half, c.N[l, :count])
        c.N[l, i] = 0.0
    return d - 1
