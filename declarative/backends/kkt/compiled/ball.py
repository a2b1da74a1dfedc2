"""A quadratic in a ball, convex or not -> its global minimum: by Cholesky factors, else by eigenvalues.

Where H is positive definite and Newton's step ends in the ball, that is all. Else the minimum is -(H + sigma I)^-1 g on
the sphere, and Newton's method on 1/|s(sigma)| finds sigma between bounds (More and Sorensen 1983), a factor a step.
The hard case, in which g has no part, or hardly one, along the lowest curvature, and matrices that are nearly singular
are left to eigenvalues, as in `methods/spherical.py`.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.along import copy, largest_entry
from declarative.backends.kkt.compiled.blas import SYEV, UPPER, VECTORS, fortran, solve_lower, solve_upper
from declarative.backends.kkt.compiled.constants import FAINT, MULTIPLE, NOTHING, SECULAR
from declarative.backends.kkt.compiled.jit import inner, once
from declarative.backends.kkt.compiled.tiles import cholesky

SINGULAR = 1e-10  # the square of a pivot beside the largest diagonal entry
EDGE = 1e-7  # how near to the sphere, beside its radius
FACTORS = 20  # before the hard case is taken for granted
NARROW = 1e-9  # bounds of sigma this near, beside their size, tell the hard case


class Ball(NamedTuple):
    """Memory of one quadratic: H (n, n), of which the lower triangle is read, g (n), the rounding errors of g (n), and
    the minimum s (n); a factor, or eigenvectors in rows (n, n), vectors (n), and what LAPACK wants.
    """

    H: np.ndarray
    g: np.ndarray
    noise: np.ndarray
    s: np.ndarray
    L: np.ndarray
    w: np.ndarray
    values: np.ndarray
    slope: np.ndarray
    work: np.ndarray
    info: np.ndarray


def ball_memory(n: int) -> Ball:
    """A Ball."""
    g, noise, s, w, values, slope = (np.empty(n) for _ in range(6))
    H, L, work, info = np.empty((n, n)), np.empty((n, n)), np.empty(4 * n), np.zeros(1, np.int32)
    return Ball(H, g, noise, s, L, w, values, slope, work, info)


@inner()
def norm(x):
    """Its length."""
    total = 0.0
    for i in range(len(x)):
        total += x[i] * x[i]
    return np.sqrt(total)


@inner()
def minimise(routines, ball, radius):
    """s = the minimum of s'Hs/2 + g's on |s| <= radius; false where none is found, as eigenvalues may fail."""
    return by_factors(routines, ball, radius) or by_eigenvalues(routines, ball, radius)


@inner()
def step(routines, ball, sigma):
    """s = -(H + sigma I)^-1 g and w = L^-1 s; false where the matrix is not safely positive definite."""
    n, most, least = len(ball.g), 0.0, np.inf
    for i in range(n):
        for k in range(i + 1):
            ball.L[i, k] = ball.H[i, k]
        ball.L[i, i] += sigma
        most = max(most, abs(ball.L[i, i]))
    if cholesky(routines, ball.L, n, n, ball.info) != 0:
        return False
    for i in range(n):
        least = min(least, ball.L[i, i] * ball.L[i, i])
        ball.s[i] = -ball.g[i]
    if not least > SINGULAR * most:
        return False
    solve_lower(routines, ball.L, n, n, ball.s)
    solve_upper(routines, ball.L, n, n, ball.s)
    copy(ball.s, ball.w)
    solve_lower(routines, ball.L, n, n, ball.w)
    return True


@once()
def by_factors(routines, ball, radius):
    """The minimum, where it is not a hard case, and no matrix on the way is nearly singular."""
    size, lowest, pull = 0.0, np.inf, norm(ball.g)
    for i in range(len(ball.g)):
        for k in range(i):
            size += 2 * ball.H[i, k] * ball.H[i, k]
        size += ball.H[i, i] * ball.H[i, i]
        lowest = min(lowest, ball.H[i, i])
    size = np.sqrt(size)
    low, high = max(0.0, -lowest, pull / radius - size), pull / radius + size
    sigma = 0.0 if lowest > 0 else between(low, high)
    if not (pull > 0 and high < np.inf):
        return False
    for _ in range(FACTORS):
        if step(routines, ball, sigma):
            length = norm(ball.s)
            if (length <= radius and sigma == 0) or abs(length - radius) <= EDGE * radius:
                return True
            if length < radius:
                high = sigma
            ratio = length / norm(ball.w)
            sigma += ratio * ratio * (length - radius) / radius  # never beyond the root, from either side
            low = max(low, sigma)
        else:
            low = max(low, sigma)
            sigma = 0.0
        if not high - low > NARROW * high:
            return False
        if not low <= sigma < high or sigma == 0:
            sigma = between(low, high)
    return False


@inner()
def between(low, high):
    """A number between two bounds, nearer to the lower."""
    return max(np.sqrt(low * high), low + 0.01 * (high - low))


@inner()
def by_eigenvalues(routines, ball, radius):
    """The minimum in every case; false where there are no eigenvalues."""
    n, V, slope, s = len(ball.g), ball.L, ball.slope, ball.s
    if not eigenvectors(routines, ball):
        return False
    for k in range(n):
        total, noise = 0.0, 0.0
        for i in range(n):
            total += V[k, i] * ball.g[i]
            noise += abs(V[k, i]) * ball.noise[i]
        slope[k], s[k] = total, noise
    if not inside(ball, radius):
        on_the_sphere(ball, radius)
    for i in range(n):
        s[i] = 0.0
    for k in range(n):
        for i in range(n):
            s[i] += V[k, i] * ball.w[k]
    return True


@inner()
def eigenvectors(routines, ball):
    """Those of H, in the rows of L, with their values; false where LAPACK finds none."""
    n = len(ball.g)
    for i in range(n):
        for k in range(i + 1):
            ball.L[i, k] = ball.H[i, k]
    size, length = np.int32(n), np.int32(len(ball.work))
    fortran(routines[SYEV], (VECTORS, UPPER, size, ball.L, size, ball.values, ball.work, length, ball.info))
    return ball.info[0] == 0


@once()
def inside(ball, radius):
    """Is the minimum without a ball in it? Then w is that, in terms of eigenvectors, and 0 along flat ones; s is the
    noise in these terms. A flat slope that may be noise is none, where it would hardly add to the fall.
    """
    values, slope, w, total, fall, faint = ball.values, ball.slope, ball.w, 0.0, 0.0, 0.0
    size, terms = largest_entry(values), largest_entry(slope)
    if not values[0] >= -MULTIPLE * size:
        return False
    for k in range(len(w)):
        if values[k] <= MULTIPLE * size:
            if abs(slope[k]) > max(NOTHING * terms, ball.s[k]):
                return False
            w[k] = 0.0
            faint += abs(slope[k]) * radius if abs(slope[k]) > NOTHING * terms else 0.0
        else:
            w[k] = -slope[k] / values[k]
            fall -= w[k] * slope[k] / 2
        total += w[k] * w[k]
    return total <= radius * radius and faint <= FAINT * fall


@once()
def on_the_sphere(ball, radius):
    """w = the minimum on the sphere, in terms of eigenvectors."""
    values, slope, w, n = ball.values, ball.slope, ball.w, len(ball.w)
    size, terms, total, hard = largest_entry(values), largest_entry(slope), 0.0, True
    if values[0] < -MULTIPLE * size:  # else a slope tells, however small, where the ball is large
        terms = max(terms, size * radius)
    for k in range(n):
        gap = values[k] - values[0]
        if gap > MULTIPLE * size:
            w[k] = -slope[k] / gap
            total += w[k] * w[k]
        else:
            w[k] = 0.0
            if abs(slope[k]) <= NOTHING * terms:
                slope[k] = 0.0
            hard = hard and slope[k] == 0
    if hard and total <= radius * radius:
        fill_up(ball, np.sqrt(radius * radius - total), MULTIPLE * size)
    else:
        shift = secular(values, slope, radius)
        for k in range(n):
            w[k] = -slope[k] / (values[k] - values[0] + shift)


@inner()
def fill_up(ball, length, multiple):
    """w gets a part of such a length along the lowest eigenvectors, on the side of (1, ..., 1)."""
    V, values, n, total = ball.L, ball.values, len(ball.w), 0.0
    for k in range(n):
        if values[k] - values[0] <= multiple:
            for i in range(n):
                ball.w[k] += V[k, i]
            total += ball.w[k] * ball.w[k]
    seen = np.sqrt(total) > NOTHING * np.sqrt(n)
    for k in range(n):
        if values[k] - values[0] <= multiple:
            ball.w[k] = length * ball.w[k] / np.sqrt(total) if seen else 0.0
    if not seen:
        ball.w[0] = length


@inner()
def secular(values, slope, radius):
    """s > 0 with |slope / (values - values[0] + s)| = radius; as in `methods/spherical.py`."""
    n, below = len(slope), 0.0
    for k in range(n):
        if values[k] == values[0]:
            below += slope[k] * slope[k]
    high = norm(slope) / radius
    low = max(high - (values[n - 1] - values[0]), np.sqrt(below) / radius, 0.0)
    s = low if low > 0 else high / 2
    for _ in range(SECULAR):
        square, falling = 0.0, 0.0
        for k in range(n):
            gap = values[k] - values[0] + s
            part = (slope[k] / gap) ** 2
            square += part
            falling += part / gap
        length = np.sqrt(square)
        if length > radius:
            low = s
        else:
            high = s
        new = s + (length / radius - 1) * square / falling
        if not (new >= low and new <= high):
            new = (low + high) / 2
        if not (np.isfinite(new) and abs(new - s) > 4e-16 * s):
            break
        s = new
    return s
