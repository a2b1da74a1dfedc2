"""Convex quadratic programs -> points near their solutions, item by item: `methods/interior.py`, compiled.

The same method from the same start, with the same rules to stop by.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.along import copy, fill
from declarative.backends.kkt.compiled.condensed import (
    add_row,
    add_rows,
    add_sizes_of_rows,
    curvature_times,
    factor,
    reduced,
    row_times,
    rows_times,
    system_for,
)  # fmt: skip
from declarative.backends.kkt.compiled.constants import (
    AWAY,
    CENTRE,
    CONVERGED,
    DEPARTURES,
    GIVE_UP,
    HARM,
    HASTE,
    HELP,
    HEMMED,
    IN_A_ROW,
    NEARLY,
    PROGRESS,
    ROW,
    STALLED,
)  # fmt: skip
from declarative.backends.kkt.compiled.diagonal import is_light
from declarative.backends.kkt.compiled.item import item_of
from declarative.backends.kkt.compiled.jit import inner, large
from declarative.backends.kkt.compiled.units import to_units, units_for


class Iterate(NamedTuple):
    """x (n,), y (p,), s and z (m,), a step of each, the residuals of stationarity (n,), equations (p,), rows (m,); the
    complement that a step removes (m,), terms of rows and memory (n,), (p,), (m,); the best x, y, s, z.
    """

    x: np.ndarray
    y: np.ndarray
    s: np.ndarray
    z: np.ndarray
    dx: np.ndarray
    dy: np.ndarray
    ds: np.ndarray
    dz: np.ndarray
    dual: np.ndarray
    equal: np.ndarray
    unequal: np.ndarray
    complement: np.ndarray
    terms: np.ndarray
    row_terms: np.ndarray
    right: np.ndarray
    right_y: np.ndarray
    best_x: np.ndarray
    best_y: np.ndarray
    best_s: np.ndarray
    best_z: np.ndarray


class Found(NamedTuple):
    """x (B, n), y (B, p), z (B, m), which rows seem active (B, m), in the user's units; iterations (B,)."""

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    active: np.ndarray
    iterations: np.ndarray


def room(n: int, p: int, g: int, low: np.ndarray, high: np.ndarray):
    """Memory for one item at a time."""
    m = g + len(low) + len(high)
    sizes = [n, p, m, m, n, p, m, m, n, p, m, m, n, p + m, n, p, n, p, m, m]
    return units_for(n, p, g, low, high), system_for(n, p, g, m), Iterate(*(np.empty(size) for size in sizes))


@inner()
def share(residual, terms, most):
    """|residual| beside its row's terms, or beside a small part of the largest row's where these are smaller."""
    return 0.0 if residual == 0 else abs(residual) / max(terms, ROW * most)


@inner()
def measure(u, at):
    """The residuals at the point, and the worst of them beside the products of its row; infinite for no number."""
    n, p, m = len(at.x), len(at.y), len(at.s)
    fill(at.right, n, 0.0)  # A'y
    for r in range(p):
        add_row(u, r, at.y[r], at.right)
        value = row_times(u, r, at.x)
        at.equal[r] = value - u.b[r]
        at.row_terms[r] = abs(value) + abs(u.b[r])
    copy(at.right, at.dual)
    add_rows(u, at.z, at.dual)
    fill(at.terms, n, 0.0)
    add_sizes_of_rows(u, at.z, at.terms)
    work = 0.0
    for i in range(n):
        Px = curvature_times(u, i, at.x)
        pull = abs(Px) + abs(u.q[i])
        at.dual[i] += Px + u.q[i]
        at.terms[i] += pull + abs(at.right[i])
        work += pull * abs(at.x[i])
    rows_times(u, at.x, at.unequal)
    gap = 0.0
    for r in range(p):
        work += abs(u.b[r] * at.y[r])
    for r in range(m):
        value, d, s = at.unequal[r], u.d[r], at.s[r] if u.on[r] else 0.0
        at.unequal[r] = value + s - d
        at.row_terms[p + r] = abs(value) + s + abs(d)
        gap += at.s[r] * at.z[r]
        work += abs(d) * at.z[r]
    return worst(at, gap, work)


@inner()
def worst(at, gap, work):
    """The worst share of a residual."""
    p, most, error = len(at.y), 0.0, abs(gap) / max(work, ROW)
    for i in range(len(at.x)):
        most = max(most, at.terms[i])
    for i in range(len(at.x)):
        found = share(at.dual[i], at.terms[i], most)
        error = found if not found <= error else error
    most = 0.0
    for r in range(len(at.row_terms)):
        most = max(most, at.row_terms[r])
    for r in range(len(at.row_terms)):
        found = share(at.equal[r] if r < p else at.unequal[r - p], at.row_terms[r], most)
        error = found if not found <= error else error
    return error if error == error else np.inf


@inner()
def inside(on, v):
    """v shifted so that its entries are at least a fair share of its size."""
    size, low = 1e-8, np.inf
    for r in range(len(v)):
        if on[r]:
            size, low = max(size, abs(v[r])), min(low, v[r])
    if low > 1e-4 * size:
        return
    shift = 0.1 * size + 1e-2 - min(low, 0.0)
    for r in range(len(v)):
        v[r] += shift


@inner()
def start(routines, u, system, at):
    """The least-squares point: s and z from one solve with W = 1, then moved inside the orthant; gives its error."""
    n, m = len(at.x), len(at.s)
    for r in range(m):
        system.W[r] = 1.0 if u.on[r] else 0.0
    if not factor(routines, u, system):
        return np.inf
    fill(at.right, n, 0.0)
    add_rows(u, u.d, at.right)
    for i in range(n):
        at.right[i] -= u.q[i]
    reduced(routines, u, system, at.right, u.b, at.x, at.y)
    rows_times(u, at.x, at.s)
    for r in range(m):
        at.s[r] = u.d[r] - at.s[r] if u.on[r] else 1.0
        at.z[r] = -at.s[r] if u.on[r] else 0.0
    inside(u.on, at.s)
    inside(u.on, at.z)
    for r in range(m):
        if not u.on[r]:
            at.s[r], at.z[r] = 1.0, 0.0
    return measure(u, at)


@inner()
def step(routines, u, system, at):
    """The Newton step for the residuals of the point and z ds + s dz = -complement."""
    n, p, m = len(at.x), len(at.y), len(at.s)
    for r in range(m):
        at.dz[r] = at.complement[r] / at.s[r] - system.W[r] * at.unequal[r] if u.on[r] else 0.0
    for i in range(n):
        at.right[i] = -at.dual[i]
    add_rows(u, at.dz, at.right)
    for r in range(p):
        at.right_y[r] = -at.equal[r]
    reduced(routines, u, system, at.right, at.right_y, at.dx, at.dy)
    rows_times(u, at.dx, at.ds)
    for r in range(m):
        at.ds[r] = -at.unequal[r] - at.ds[r] if u.on[r] else 0.0
        at.dz[r] = -(at.complement[r] + at.z[r] * at.ds[r]) / at.s[r] if u.on[r] else 0.0


@inner()
def longest(at):
    """The largest step that keeps s and z >= 0, up to 1e10."""
    length = 1e10
    for r in range(len(at.s)):
        if at.ds[r] < 0:
            length = min(length, -at.s[r] / at.ds[r])
        if at.dz[r] < 0:
            length = min(length, -at.z[r] / at.dz[r])
    return length


@inner()
def gap_after(at, length):
    """(s + length ds)'(z + length dz)."""
    total = 0.0
    for r in range(len(at.s)):
        total += (at.s[r] + length * at.ds[r]) * (at.z[r] + length * at.dz[r])
    return total


@inner()
def least_gap(at):
    """The step at which the gap is least, where it falls at first and has a minimum."""
    slope, curvature = 0.0, 0.0
    for r in range(len(at.s)):
        slope += at.s[r] * at.dz[r] + at.z[r] * at.ds[r]
        curvature += at.ds[r] * at.dz[r]
    return -slope / (2 * curvature) if slope < 0 and curvature > 0 else np.inf


@inner()
def finite(step):
    """All entries are numbers."""
    total = 0.0
    for k in range(len(step)):
        total += 0.0 * step[k]
    return total == 0


@inner()
def advance(routines, u, system, at, bend):
    """One predictor-corrector step: (error, bend, its length)."""
    m, count = len(at.s), 0
    for r in range(m):
        count += u.on[r]
        system.W[r] = at.z[r] / at.s[r] if u.on[r] else 0.0
        at.complement[r] = at.s[r] * at.z[r] if u.on[r] else 0.0
    gap = gap_after(at, 0.0) if m > 0 else 0.0
    count = max(count, 1)
    mu = gap / count
    if not factor(routines, u, system):
        return np.inf, bend, 0.0
    step(routines, u, system, at)
    affine = gap_after(at, min(longest(at), 1.0)) / count
    sigma = min(max(affine / mu, 0.0), 1.0) ** 3 if mu > 0 else 0.0
    sigma = max(sigma, CENTRE * (1 - bend))
    for r in range(m):
        if u.on[r]:
            at.complement[r] += bend * at.ds[r] * at.dz[r] - sigma * mu
    step(routines, u, system, at)
    length = min(longest(at) * min(max(1 - mu, 0.99), 0.9999), 1.0)
    if bend == 0:
        length = min(length, least_gap(at))
    if not (finite(at.dx) and finite(at.dy) and finite(at.ds) and finite(at.dz)):
        return np.inf, bend, 0.0
    move(at, length)
    left = gap_after(at, 0.0)
    left = abs(left) / gap if left != 0 else 0.0
    bend = 0.0 if left > HARM else (1.0 if left < HELP else bend)
    return measure(u, at), bend, length


@inner()
def move(at, length):
    """The point, a step further."""
    for i in range(len(at.x)):
        at.x[i] += length * at.dx[i]
    for r in range(len(at.y)):
        at.y[r] += length * at.dy[r]
    for r in range(len(at.s)):
        at.s[r] += length * at.ds[r]
        at.z[r] += length * at.dz[r]


@inner()
def remember(at):
    """The point is the best one so far."""
    copy(at.x, at.best_x)
    copy(at.y, at.best_y)
    copy(at.s, at.best_s)
    copy(at.z, at.best_z)


@inner()
def grow(on, v):
    """Further inside the orthant: each entry of v becomes larger by AWAY times the largest."""
    most = 0.0
    for r in range(len(v)):
        if on[r]:
            most = max(most, v[r])
    for r in range(len(v)):
        if on[r]:
            v[r] += AWAY * most


@inner()
def approach(routines, u, system, at, iterations):
    """The best point, and how many iterations were taken.

    Where s or z are far smaller than at the solution, each step soon meets a wall of the orthant; from further inside
    the steps are long again, and what does not hold is mended on the way.
    """
    fill(at.ds, len(at.s), 0.0)
    fill(at.dz, len(at.s), 0.0)
    best, since, bend, hemmed, departures = start(routines, u, system, at), 0, 1.0, 0, 0
    remember(at)
    for k in range(iterations):
        error, bend, length = advance(routines, u, system, at, bend)
        since = 0 if error < PROGRESS * best else since + 1
        if error < best:
            best = error
            remember(at)
        if not (length > GIVE_UP and error > CONVERGED and since < (HASTE if best < NEARLY else STALLED)):
            return k + 1
        hemmed = hemmed + 1 if length < HEMMED else 0
        if hemmed == IN_A_ROW and departures < DEPARTURES and error > NEARLY:
            grow(u.on, at.s)
            grow(u.on, at.z)
            measure(u, at)
            since, bend, hemmed, departures = 0, 1.0, 0, departures + 1
    return iterations


@inner()
def to_user(u, at, sigma, kappa, x, y, z, active):
    """The best point in the user's units."""
    p = len(y)
    g, rho = len(u.E) - p, sigma * kappa
    for j in range(len(x)):
        x[j] = sigma * u.D[j] * at.best_x[j]
    for r in range(p):
        y[r] = rho * u.E[r] * at.best_y[r]
    for r in range(len(z)):
        active[r] = at.best_z[r] > at.best_s[r]
        if r < g:
            unit = u.E[p + r]
        else:
            unit = 1 / u.D[u.low[r - g] if r < g + len(u.low) else u.high[r - g - len(u.low)]]
        z[r] = rho * unit * at.best_z[r]


@large("quadratic programs that are not strictly convex")
def find_points(routines, data, memory, found, iterations, first, last):
    """Points of the items from `first` to before `last`."""
    u, system, at = memory
    for b in range(first, last):
        item = item_of(data, b)
        if b == first or len(data.P) > 1 or len(data.A) > 1:
            u.diagonal[0] = is_light(item.P, item.A, item.G)
        sigma, kappa = to_units(item, u, at.right)
        found.iterations[b] = approach(routines, u, system, at, iterations)
        to_user(u, at, sigma, kappa, found.x[b], found.y[b], found.z[b], found.active[b])
