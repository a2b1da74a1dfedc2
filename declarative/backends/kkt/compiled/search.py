"""Lane j of a block: residuals, the step's room, and which trial is taken.

The rules of `nlp.py`, `filter.py` and `step.py` in `methods`, number by number; `a` is the block's memory and `o` says
where its rows are.
"""

import numpy as np

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
def distances(a, o, low, high, j, x, s, v):
    """The distances of the point in rows x and s from the barrier's constraints, into rows v; 1 where there is none."""
    for k in range(o.q):
        a[v + k, j] = a[s + k, j]
    for k in range(len(low)):
        a[v + o.q + k, j] = a[x + low[k], j] - a[o.lower + low[k], j]
    for k in range(len(high)):
        a[v + o.q + len(low) + k, j] = a[o.upper + high[k], j] - a[x + high[k], j]
    for k in range(o.m):
        if a[o.on + k, j] == 0:
            a[v + k, j] = 1.0


@inner()
def apply_rows(a, o, low, high, j, x, k):
    """Entry k of C x for C = [Jg; -I; I]."""
    if k < o.q:
        total = 0.0
        for i in range(o.n):
            total += a[o.Jg + k * o.n + i, j] * a[x + i, j]
        return total
    k -= o.q
    return -a[x + low[k], j] if k < len(low) else a[x + high[k - len(low)], j]


@inner()
def add_adjoint(a, o, low, high, j, z, target):
    """target += C'z, for rows z."""
    for k in range(o.q):
        weight = a[z + k, j]
        if weight != 0:
            for i in range(o.n):
                a[target + i, j] += weight * a[o.Jg + k * o.n + i, j]
    for k in range(len(low)):
        a[target + low[k], j] -= a[z + o.q + k, j]
    for k in range(len(high)):
        a[target + high[k], j] += a[z + o.q + len(low) + k, j]


@inner()
def worse(most, value):
    """The larger one; not a number wins."""
    return most if value <= most or most != most else value


@inner()
def residuals(a, o, low, high, j):
    """The worst residuals of stationarity and feasibility, and the scale of multipliers; tx is used as memory."""
    n, p = o.n, o.p
    for i in range(n):
        a[o.tx + i, j] = a[o.slope + i, j]
        for r in range(p):
            a[o.tx + i, j] += a[o.Jc + r * n + i, j] * a[o.y + r, j]
    add_adjoint(a, o, low, high, j, o.z, o.tx)
    dual, primal, size, rows = 0.0, 0.0, 0.0, p
    for i in range(n):
        dual = worse(dual, abs(a[o.tx + i, j]))
    for r in range(p):
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
        for k in range(FILTER):
            a[o.violations + k, j] = a[o.objectives + k, j] = np.inf


@inner()
def to_the_boundary(a, o, j, v, dv):
    """The largest step up to 1 that leaves v + step dv >= (1 - tau) v."""
    tau, longest = max(1 - a[o.mu, j], 0.99), 1e10
    for k in range(o.m):
        if a[dv + k, j] < 0:
            longest = min(longest, -a[v + k, j] / a[dv + k, j])
    return min(1.0, tau * longest)


@inner()
def right_side(a, o, low, high, j, x):
    """The part in x (n) of the right-hand side for residuals rg of g + s, into rows x."""
    for i in range(o.n):
        a[x + i, j] = 0.0
    for k in range(o.m):
        r = a[o.rg + k, j] if k < o.q else 0.0
        on = a[o.on + k, j] != 0
        a[o.dz + k, j] = a[o.mu, j] * (1 / a[o.v + k, j] - DAMPING) + a[o.sigma + k, j] * r if on else 0.0
    add_adjoint(a, o, low, high, j, o.dz, x)
    for i in range(o.n):
        a[x + i, j] = -a[o.slope + i, j] - a[x + i, j]


@inner()
def finish_direction(a, o, low, high, j):
    """dv and dz of the step dx for residuals rg of g + s."""
    for k in range(o.m):
        if a[o.on + k, j] == 0:
            a[o.dv + k, j] = a[o.dz + k, j] = 0.0
            continue
        r = a[o.rg + k, j] if k < o.q else 0.0
        move = -r - apply_rows(a, o, low, high, j, o.dx, k)
        a[o.dv + k, j] = move
        a[o.dz + k, j] = a[o.mu, j] / a[o.v + k, j] - a[o.sigma + k, j] * move - a[o.z + k, j]


@inner()
def try_at(a, o, j, alpha):
    """The trial point after a part alpha of the step. Towards a wall at distance d: d exp(dx/d), never there."""
    a[o.alpha, j] = alpha
    for i in range(o.n):
        x, move = a[o.x + i, j], alpha * a[o.dx + i, j]
        below, above = x - a[o.wall_lower + i, j], a[o.wall_upper + i, j] - x
        if move < 0 and np.isfinite(below):
            a[o.tx + i, j] = a[o.wall_lower + i, j] + below * np.exp(max(move / below, -FAST))
        elif move > 0 and np.isfinite(above):
            a[o.tx + i, j] = a[o.wall_upper + i, j] - above * np.exp(max(-move / above, -FAST))
        else:
            a[o.tx + i, j] = x + move
    for k in range(o.q):
        a[o.ts + k, j] = a[o.s + k, j] + alpha * a[o.dv + k, j]


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
def merit(a, o, j):
    """Violation and objective at the point, and the objective's slope along the step."""
    slope = 0.0
    for i in range(o.n):
        slope += a[o.slope + i, j] * a[o.dx + i, j]
    for k in range(o.m):
        if a[o.on + k, j] != 0:
            slope -= a[o.mu, j] * a[o.dv + k, j] * (1 / a[o.v + k, j] - DAMPING)
    a[o.violation, j] = violation_of(a, o, j, o.c, o.g, o.s)
    a[o.objective, j] = barrier_of(a, o, j, a[o.f, j], o.v)
    a[o.falling, j] = slope


@inner()
def admits(a, o, j, violation, objective):
    """Not in a forbidden corner."""
    for k in range(FILTER):
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
    k = int(a[o.next, j])
    a[o.violations + k, j] = (1 - MARGIN_VIOLATION) * a[o.violation, j]
    a[o.objectives + k, j] = a[o.objective, j] - MARGIN_OBJECTIVE * a[o.violation, j]
    a[o.next, j] = (k + 1) % FILTER


@inner()
def arrive(a, o, low, high, j):
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
    distances(a, o, low, high, j, o.x, o.s, o.v)
    for k in range(o.m):
        near = a[o.mu, j] / a[o.v + k, j]
        z = a[o.z + k, j] + step * a[o.dz + k, j]
        a[o.z + k, j] = min(max(z, near / REACH), near * REACH) if a[o.on + k, j] != 0 else 0.0
