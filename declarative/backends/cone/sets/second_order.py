"""Projections onto half-lines and second-order cones with the eigenvalues of their derivatives, compiled.

The cones of a group have their rows in `places` (count, d) of v (B, m). The numbers of a second-order cone are those of
its spectral values t + |w| and t - |w|, for (t, w); see Fukushima, Luo, Tseng (2002).
"""

import numpy as np

from declarative.backends.cone.linear.jit import compiled

HALF = np.sqrt(0.5)


@compiled
def project_half_lines(places, v, s, values, rest):
    """s = max(v, 0)."""
    for k in range(len(v)):
        for number in range(len(places)):
            r = places[number, 0]
            s[k, r] = 0.0 if v[k, r] <= 0 else v[k, r]
            values[k, r] = 1.0 if v[k, r] > 0 else 0.0
            rest[k, r] = 1 - values[k, r]


@compiled
def project_second_order(places, v, rotated, s, values, rest, first, parts):
    """Of plain cones or of rotated ones; the units of the plain cones go into `parts` (B, l), from `first` on."""
    count, d = places.shape
    for k in range(len(v)):
        for number in range(count):
            start, at = places[number, 0], first + number * (d - 1)
            top, second = v[k, start], v[k, start + 1] if d > 1 else 0.0
            if rotated:
                top, second = (top + second) * HALF, (top - second) * HALF
            norm = second * second
            for i in range(2, d):
                norm += v[k, start + i] ** 2
            norm = np.sqrt(norm)
            for i in range(d - 1):
                own = second if i == 0 else v[k, start + 1 + i]
                parts[k, at + i] = (own / norm) if norm > 0 else (1.0 if i == 0 else 0.0)
            _one(v[k], start, d, top, norm, parts[k], at, s[k], values[k], rest[k])
            if rotated and not top >= norm:
                high, low = s[k, start], s[k, start + 1]
                s[k, start], s[k, start + 1] = (high + low) * HALF, (high - low) * HALF


@compiled
def _one(v, start, d, top, norm, unit, at, s, values, rest):
    """Of the plain cone at (top, norm unit); v as it stands where that is inside."""
    inside = top >= norm  # to the last bit: 1e-16 of a multiplier or of curvature would count as some
    high, low = _positive(top + norm), _positive(top - norm)
    between = (high - low) / (2 * norm) if norm > 0 else (1.0 if high > 0 else 0.0)
    between = 1.0 if inside else min(max(between, 0.0), 1.0)
    for i in range(d):
        s[start + i] = v[start + i] if inside else (high - low) / 2 * unit[at + i - 1] if i else (high + low) / 2
        values[start + i] = between
    values[start] = 1.0 if top + norm > 0 else 0.0
    if d > 1:
        values[start + 1] = 1.0 if top - norm > 0 else 0.0
    for i in range(d):
        rest[start + i] = 1 - values[start + i]


@compiled
def _positive(a):
    """No number stays none."""
    return 0.0 if a <= 0 else a
