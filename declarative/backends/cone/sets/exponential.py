"""Projection onto the exponential cone {(x, y, z) : y exp(x/y) <= z, y > 0} (closed), by a root of one variable.

With p = (r, 1, e^r) on the boundary ray and N = (e^r, (1-r) e^r, -1) normal to it, a point outside the cone and its
polar is a p + b N with a, b > 0; h(r) = 0 below says so, and h increases on the interval where a, b > 0 (Friberg,
"Projection onto the exponential cone: a univariate root-finding problem", 2023). Compiled, since a program has many
such cones of three entries each.
"""

import numpy as np

from declarative.backends.cone.linear.jit import compiled

LARGE = 700.0  # exp of more overflows
STEPS = 200


@compiled
def project_exponential(v, near, s, values, rest, vectors):
    """Projections s (k, 3) of v (k, 3); of the derivatives eigenvalues d and 1 - d (k, 3), and eigenvectors (k, 3, 3).

    The search for the root begins at x/y of `near` (k, 3).
    """
    for k in range(len(v)):
        x, y, z = v[k, 0], v[k, 1], v[k, 2]
        if _inside(x, y, z):
            _set(s, k, x, y, z)
            _along_axes(values, rest, vectors, k, 1.0, 1.0, 1.0)
        elif _polar(x, y, z):
            _set(s, k, 0.0, 0.0, 0.0)
            _along_axes(values, rest, vectors, k, 0.0, 0.0, 0.0)
        elif x <= 0 and y <= 0:
            _set(s, k, x, 0.0, max(z, 0.0))
            _along_axes(values, rest, vectors, k, 1.0, 0.0, 1.0 if z > 0 else 0.0)
        elif y > 0 and x < -LARGE * y:  # exp(x/y) is 0 in floating point
            _set(s, k, x, y, 0.0)
            _along_axes(values, rest, vectors, k, 1.0, 1.0, 0.0)
        elif x > 0 and y < (1 - LARGE) * x:  # beside z > 0 of the projection x and y are 0 in floating point
            _set(s, k, 0.0, 0.0, z)
            _along_axes(values, rest, vectors, k, 0.0, 0.0, 1.0)
        else:
            lo, hi = _bracket(x, y)
            start = near[k, 0] / (near[k, 1] if near[k, 1] > 0 else 1.0)
            r = _root(x, y, z, lo, hi, min(max(start, lo), hi))
            _on_boundary(x, y, z, r, s[k], values[k], rest[k], vectors[k])


@compiled
def _set(s, k, x, y, z):
    s[k, 0], s[k, 1], s[k, 2] = x, y, z


@compiled
def _along_axes(values, rest, vectors, k, first, second, third):
    values[k, 0], values[k, 1], values[k, 2] = first, second, third
    for i in range(3):
        rest[k, i] = 1 - values[k, i]
        for j in range(3):
            vectors[k, i, j] = 1.0 if i == j else 0.0


@compiled
def _inside(x, y, z):
    return (y > 0 and y * np.exp(x / y) <= z) or (x <= 0 and y == 0 and z >= 0)


@compiled
def _polar(x, y, z):
    return (x > 0 and x * np.exp(y / x) <= -np.e * z) or (x == 0 and y <= 0 and z <= 0)


@compiled
def _bracket(x, y):
    """Where a, b > 0, as far as e^r is finite."""
    lo = 1 - y / x if x > 0 else -LARGE
    hi = x / y if y > 0 else LARGE
    lo, hi = min(max(lo, -LARGE), LARGE), min(max(hi, -LARGE), LARGE)
    return lo, max(lo, hi)


@compiled
def _root(x, y, z, lo, hi, r):
    """Newton's method inside a bracket that shrinks; a step that is not half the last one bisects instead."""
    last = hi - lo
    for _ in range(STEPS):
        c, dc = r * r - r + 1, 2 * r - 1
        a, b = ((r - 1) * x + y) / c, (x - r * y) / c
        up, down = np.exp(min(r, LARGE)), np.exp(min(-r, LARGE))
        h = up * a - down * b - z
        slope = up * (a + (x - dc * a) / c) + down * (b - (-y - dc * b) / c)
        if h <= 0:
            lo = r
        if h >= 0:
            hi = r
        newton = r - h / slope
        close = last <= 1e-7 * (1 + abs(r))  # then Newton's step squares this, and its own size is rounding
        usable = lo <= newton <= hi and (close or abs(newton - r) <= last / 2)
        new = newton if usable else (lo + hi) / 2
        last = abs(new - r)
        r = new
        if (close and usable) or last <= 4e-16 * (1 + abs(r)):
            break
    return r


@compiled
def _on_boundary(x, y, z, r, s, values, rest, vectors):
    """The projection a p, and the derivative's eigenpairs: 1 along p, 0 along N, between them the curvature's."""
    e, a = np.exp(r), _height(x, y, z, r)
    s[0], s[1], s[2] = a * r, a, a * e
    shrink = np.exp(-max(r, 0.0))  # p and N times this do not overflow
    p0, p1, p2 = r * shrink, shrink, e * shrink
    length = np.sqrt(p0 * p0 + p1 * p1 + p2 * p2)
    p0, p1, p2 = p0 / length, p1 / length, p2 / length
    n0, n1, n2 = e * shrink, (1 - r) * e * shrink, -shrink
    length = np.sqrt(n0 * n0 + n1 * n1 + n2 * n2)
    n0, n1, n2 = n0 / length, n1 / length, n2 / length
    t0, t1, t2 = n1 * p2 - n2 * p1, n2 * p0 - n0 * p2, n0 * p1 - n1 * p0
    mu = max((x - s[0]) * n0 + (y - s[1]) * n1 + (z - s[2]) * n2, 0.0) / length
    values[0], values[1], values[2] = 1.0, 0.0, 0.0
    rest[0], rest[1], rest[2] = 0.0, 1.0, 1.0
    if a > 0:
        curvature = mu * (shrink * e / a) * (t0 - r * t1) ** 2
        values[1], rest[1] = 1 / (1 + curvature), 1.0 if curvature > 1e300 else curvature / (1 + curvature)
    vectors[0, 0], vectors[1, 0], vectors[2, 0] = p0, p1, p2
    vectors[0, 1], vectors[1, 1], vectors[2, 1] = t0, t1, t2
    vectors[0, 2], vectors[1, 2], vectors[2, 2] = n0, n1, n2


@compiled
def _height(x, y, z, r):
    """a, by its own formula where r <= 0 and else from h(r) = 0, since there the former cancels and e^r is large."""
    c = r * r - r + 1
    if r <= 0:
        return max(((r - 1) * x + y) / c, 0.0)
    down = np.exp(-r)
    return max(down * (z + down * (x - r * y) / c), 0.0)


@compiled
def normal_part(s, z):
    """z (k, 3) = s - v for projections s (k, 3) on the boundary becomes a multiple of (-w/y, (x/y - 1) w/y, 1)."""
    for k in range(len(s)):
        x, y, w = s[k, 0], s[k, 1], s[k, 2]
        if y > 0 and (z[k, 0] != 0 or z[k, 1] != 0 or z[k, 2] != 0):
            if x > 0:  # the same times y/w, since w/y may be too large for its square
                first, second, third = -1.0, x / y - 1, y / w
            else:
                first, second, third = -w / y, (x / y - 1) * (w / y), 1.0
            length = z[k, 0] * first + z[k, 1] * second + z[k, 2] * third
            length /= first * first + second * second + third * third
            z[k, 0], z[k, 1], z[k, 2] = length * first, length * second, length * third
