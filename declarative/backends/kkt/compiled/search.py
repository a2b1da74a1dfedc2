"""Lanes of a block, j or from `first` to before `last`: residuals, the step's room, and which trial is taken.

The rules of `nlp.py`, `filter.py` and `step.py` in `methods`, number by number; `a` is the block's memory, `o` says
where its rows are, and `task` what the rows of matrices read.
"""

import numpy as np

from declarative.backends.kkt.compiled.certificate import worse
from declarative.backends.kkt.compiled.constants import (
    ARMIJO,
    DAMPING,
    FAST,
    FILTER,
    LEAST_LIFT,
    MARGIN_OBJECTIVE,
    MARGIN_VIOLATION,
    MOST_LIFT,
    REACH,
    ROUNDING,
)
from declarative.backends.kkt.compiled.jit import inner

TRYING, TAKEN, REFUSED, BENDING = 0.0, 1.0, 2.0, 3.0  # stages of a line search


@inner()
def distances(task, a, o, first, last, x, s, v):
    """The distances of the point in rows x and s from the barrier's constraints, into rows v; 1 where there is none."""
    for k in range(o.m):
        row, on = a[v + k], a[o.on + k]
        if k < o.q:
            end, start = a[s + k], a[o.zero]
        elif k < o.q + len(task.low):
            end, start = a[x + task.low[k - o.q]], a[o.lower + task.low[k - o.q]]
        else:
            entry = task.high[k - o.q - len(task.low)]
            end, start = a[o.upper + entry], a[x + entry]
        for j in range(first, last):
            row[j] = end[j] - start[j] if on[j] != 0 else 1.0


@inner()
def apply_rows(task, a, o, first, last, x, target):
    """target (m) = C x for C = [Jg; -I; I]."""
    for k in range(o.m):
        row = a[target + k]
        if k < o.q:
            for j in range(first, last):
                row[j] = 0.0
        else:
            below = k < o.q + len(task.low)
            move = a[x + task.low[k - o.q]] if below else a[x + task.high[k - o.q - len(task.low)]]
            for j in range(first, last):
                row[j] = -move[j] if below else move[j]
    for e in range(len(task.pattern.Jg)):
        row, slope, move = a[target + task.pattern.Jg[e, 0]], a[o.Jg + e], a[x + task.pattern.Jg[e, 1]]
        for j in range(first, last):
            row[j] += slope[j] * move[j]


@inner()
def add_adjoint(task, a, o, first, last, z, target):
    """target += C'z, for rows z."""
    for e in range(len(task.pattern.Jg)):
        weight, slope, row = a[z + task.pattern.Jg[e, 0]], a[o.Jg + e], a[target + task.pattern.Jg[e, 1]]
        for j in range(first, last):
            row[j] += weight[j] * slope[j] if weight[j] != 0 else 0.0
    for k in range(len(task.low)):
        row, weight = a[target + task.low[k]], a[z + o.q + k]
        for j in range(first, last):
            row[j] -= weight[j]
    for k in range(len(task.high)):
        row, weight = a[target + task.high[k]], a[z + o.q + len(task.low) + k]
        for j in range(first, last):
            row[j] += weight[j]


@inner()
def stationarity(task, a, o, count):
    """The gradient of the Lagrangian, into rows tx."""
    for i in range(o.n):
        row, slope = a[o.tx + i], a[o.slope + i]
        for j in range(count):
            row[j] = slope[j]
    for e in range(len(task.pattern.Jc)):
        weight, slope, row = a[o.y + task.pattern.Jc[e, 0]], a[o.Jc + e], a[o.tx + task.pattern.Jc[e, 1]]
        for j in range(count):
            row[j] += slope[j] * weight[j]
    add_adjoint(task, a, o, 0, count, o.z, o.tx)


@inner()
def residuals(a, o, j):
    """The worst residuals of stationarity, which is in rows tx, and feasibility; and the scale of multipliers."""
    dual, primal, size, rows = 0.0, 0.0, 0.0, o.p
    for i in range(o.n):
        dual = worse(dual, abs(a[o.tx + i, j]))
    for r in range(o.p):
        primal = worse(primal, abs(a[o.c + r, j]))
        size += abs(a[o.y + r, j])
    for k in range(o.q):
        if a[o.on + k, j] != 0:
            primal = worse(primal, abs(a[o.g + k, j] + a[o.s + k, j]))
    for k in range(o.m):
        if a[o.on + k, j] != 0:
            size += abs(a[o.z + k, j])
            rows += 1
    a[o.scale, j] = max(1.0, size / (100 * max(1, rows)))
    a[o.dual, j], a[o.primal, j] = dual / a[o.scale, j], primal


@inner()
def error(a, o, j, mu):
    """The worst of all residuals for a barrier parameter."""
    gap = 0.0
    for k in range(o.m):
        if a[o.on + k, j] != 0:
            gap = worse(gap, abs(a[o.v + k, j] * a[o.z + k, j] - mu))
    return worse(worse(a[o.dual, j], a[o.primal, j]), gap / a[o.scale, j])


@inner()
def lower_barrier(a, o, j, tolerance):
    """A smaller mu, and an empty filter, where the problem for the present one is solved well enough."""
    for _ in range(4):
        mu = a[o.mu, j]
        if not (mu > tolerance / 10 and error(a, o, j, mu) <= 10 * mu):
            break
        a[o.mu, j] = max(min(0.2 * mu, mu**1.5), tolerance / 11)
        a[o.pairs, j] = 0.0


@inner()
def to_the_boundary(a, o, j, v, dv):
    """The largest step up to 1 that leaves v + step dv >= (1 - tau) v."""
    tau, longest = max(1 - a[o.mu, j], 0.99), 1e10
    for k in range(o.m):
        if a[dv + k, j] < 0:
            longest = min(longest, -a[v + k, j] / a[dv + k, j])
    return min(1.0, tau * longest)


@inner()
def right_side(task, a, o, first, last, x):
    """The part in x (n) of the right-hand side for residuals rg of g + s, into rows x."""
    mu = a[o.mu]
    for i in range(o.n):
        for j in range(first, last):
            a[x + i, j] = 0.0
    for k in range(o.m):
        r = a[o.rg + k] if k < o.q else a[o.zero]
        row, v, sigma, on = a[o.dz + k], a[o.v + k], a[o.sigma + k], a[o.on + k]
        for j in range(first, last):
            row[j] = mu[j] * (1 / v[j] - DAMPING) + sigma[j] * r[j] if on[j] != 0 else 0.0
    add_adjoint(task, a, o, first, last, o.dz, x)
    for i in range(o.n):
        row, slope = a[x + i], a[o.slope + i]
        for j in range(first, last):
            row[j] = -slope[j] - row[j]


@inner()
def finish_direction(task, a, o, first, last):
    """dv and dz of the step dx for residuals rg of g + s."""
    mu = a[o.mu]
    apply_rows(task, a, o, first, last, o.dx, o.dv)
    for k in range(o.m):
        r = a[o.rg + k] if k < o.q else a[o.zero]
        dv, dz, v, sigma, z, on = a[o.dv + k], a[o.dz + k], a[o.v + k], a[o.sigma + k], a[o.z + k], a[o.on + k]
        for j in range(first, last):
            dv[j] = -r[j] - dv[j] if on[j] != 0 else 0.0
            dz[j] = mu[j] / v[j] - sigma[j] * dv[j] - z[j] if on[j] != 0 else 0.0


@inner()
def try_step(a, o, first, last):
    """The trial point after a part alpha of the step. Towards a wall at distance d: d exp(dx/d), never there."""
    alpha = a[o.alpha]
    for i in range(o.n):
        target, x, dx = a[o.tx + i], a[o.x + i], a[o.dx + i]
        lower, upper = a[o.wall_lower + i], a[o.wall_upper + i]
        for j in range(first, last):
            move, below, above = alpha[j] * dx[j], x[j] - lower[j], upper[j] - x[j]
            if move < 0 and below < np.inf:
                target[j] = lower[j] + below * np.exp(max(move / below, -FAST))
            elif move > 0 and above < np.inf:
                target[j] = upper[j] - above * np.exp(max(-move / above, -FAST))
            else:
                target[j] = x[j] + move
    for k in range(o.q):
        target, s, dv = a[o.ts + k], a[o.s + k], a[o.dv + k]
        for j in range(first, last):
            target[j] = s[j] + alpha[j] * dv[j]


@inner()
def try_at(a, o, j, alpha):
    """The same for one lane and this part."""
    a[o.alpha, j] = alpha
    try_step(a, o, j, j + 1)


@inner()
def violation_of(a, o, j, c, g, s):
    """The sum of |c| and |g + s|."""
    total = 0.0
    for r in range(o.p):
        total += abs(a[c + r, j])
    for k in range(o.q):
        if a[o.on + k, j] != 0:
            total += abs(a[g + k, j] + a[s + k, j])
    return total


@inner()
def barrier_of(a, o, j, f, v):
    """f - mu sum (log v - DAMPING v); infinite outside the domain."""
    total = 0.0
    for k in range(o.m):
        if a[o.on + k, j] != 0:
            total += np.log(max(a[v + k, j], 0.0)) - DAMPING * a[v + k, j]
    value = f - a[o.mu, j] * total if o.m > 0 else f
    return value if value < np.inf else np.inf


@inner()
def merit(a, o, count):
    """Violation and objective at the point, and the objective's slope along the step."""
    falling, mu = a[o.falling], a[o.mu]
    for j in range(count):
        falling[j] = 0.0
    for i in range(o.n):
        slope, dx = a[o.slope + i], a[o.dx + i]
        for j in range(count):
            falling[j] += slope[j] * dx[j]
    for k in range(o.m):
        dv, v, on = a[o.dv + k], a[o.v + k], a[o.on + k]
        for j in range(count):
            falling[j] -= mu[j] * dv[j] * (1 / v[j] - DAMPING) if on[j] != 0 else 0.0
    for j in range(count):
        a[o.violation, j] = violation_of(a, o, j, o.c, o.g, o.s)
        a[o.objective, j] = barrier_of(a, o, j, a[o.f, j], o.v)


@inner()
def admits(a, o, j, violation, objective):
    """Not in a forbidden corner."""
    for k in range(min(int(a[o.pairs, j]), FILTER)):
        if violation >= a[o.violations + k, j] and objective >= a[o.objectives + k, j]:
            return False
    return violation <= a[o.limit, j]


@inner()
def acceptable(a, o, j, violation, objective):
    """Is the trial taken? Sets whether that is by Armijo's rule."""
    before, value, alpha = a[o.violation, j], a[o.objective, j], a[o.alpha, j]
    gain = -alpha * a[o.falling, j]
    falls = gain > 0 and gain**2.3 > alpha**1.3 * max(before, 0.0) ** 1.1 and before <= 1e-4 * a[o.limit, j]
    slack = ROUNDING * abs(value)
    armijo = objective <= value - ARMIJO * gain + slack
    either = violation <= (1 - MARGIN_VIOLATION) * before or objective <= value - MARGIN_OBJECTIVE * before + slack
    a[o.armijo, j] = 1.0 if falls and armijo else 0.0
    sound = np.isfinite(violation) and np.isfinite(objective)
    return sound and admits(a, o, j, violation, objective - slack) and (armijo if falls else either)


@inner()
def remember(a, o, j):
    """A corner more in the filter."""
    k = int(a[o.pairs, j]) % FILTER
    a[o.violations + k, j] = (1 - MARGIN_VIOLATION) * a[o.violation, j]
    a[o.objectives + k, j] = a[o.objective, j] - MARGIN_OBJECTIVE * a[o.violation, j]
    a[o.pairs, j] += 1.0


@inner()
def arrive(task, a, o, j):
    """The trial point is the next: slacks are raised to -g where that is larger, multipliers kept near mu / v."""
    if a[o.armijo, j] == 0:
        remember(a, o, j)
    if a[o.lifted, j] != 0:
        full = a[o.alpha, j] == a[o.longest, j] and a[o.bent, j] == 0
        lift = a[o.lift, j] / 4 if full else a[o.lift, j] * 4
        a[o.lift, j] = max(LEAST_LIFT, min(lift, MOST_LIFT))
    step = to_the_boundary(a, o, j, o.z, o.dz)
    for i in range(o.n):
        a[o.x + i, j] = a[o.tx + i, j]
    for r in range(o.p):
        a[o.y + r, j] += a[o.alpha, j] * (a[o.ny + r, j] - a[o.y + r, j])
    for k in range(o.q):
        g, s = a[o.there + 1 + o.p + k, j], a[o.ts + k, j]
        a[o.s + k, j] = max(s, -g) if a[o.on + k, j] != 0 and g > -np.inf else s
    distances(task, a, o, j, j + 1, o.x, o.s, o.v)
    for k in range(o.m):
        near = a[o.mu, j] / a[o.v + k, j]
        z = a[o.z + k, j] + step * a[o.dz + k, j]
        a[o.z + k, j] = min(max(z, near / REACH), near * REACH) if a[o.on + k, j] != 0 else 0.0
