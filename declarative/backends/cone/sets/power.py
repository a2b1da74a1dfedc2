"""Projection onto the power cone {(x, y, z) : x^a y^(1-a) >= |z|, x, y >= 0}, by a root of one variable.

Outside the cone and its polar the projection has |z| = r for the root r in (0, |z_0|) of x(r)^a y(r)^(1-a) = r, with
x(r) = (x_0 + sqrt(x_0^2 + 4 a r (|z_0| - r))) / 2 and y alike with 1 - a (Hien, "Differential properties of Euclidean
projection onto power cone", 2015).
"""

from __future__ import annotations

import numpy as np

from declarative.backends.cone.linear.jit import compiled

BISECTIONS = 100  # from |z_0| to a root that is 1e-30 of it


def project_power(v: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Projections (k, 3) of v (k, 3), with the eigenvalues (k, 3) and eigenvectors (k, 3, 3) of the derivatives."""
    x, y, z = v[:, 0], v[:, 1], np.abs(v[:, 2])
    s, values, vectors = v.copy(), np.ones_like(v), np.broadcast_to(np.eye(3), (*v.shape, 3)).copy()
    inside = (x >= 0) & (y >= 0) & (_product(x, y, alpha) >= z)
    polar = (x <= 0) & (y <= 0) & (_product(-x / alpha, -y / (1 - alpha), alpha) >= z)
    flat = ~inside & ~polar & (z == 0)
    rest = ~(inside | polar | flat)
    s[polar], values[polar] = 0.0, 0.0
    s[flat, :2] = np.maximum(v[flat, :2], 0.0)
    values[flat, :2], values[flat, 2] = v[flat, :2] > 0, _across(v[flat], alpha[flat])
    if rest.any():
        s[rest], values[rest], vectors[rest] = _on_boundary(v[rest], alpha[rest])
    return s, values, vectors


def _across(v: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The slope of z at 0 on the face x = 0, where x = (|z| / y^(1-a))^(1/a), or y = 0."""
    low, high = np.minimum(v[:, 0], v[:, 1]), np.maximum(v[:, 0], v[:, 1])
    power = np.where(v[:, 0] < 0, alpha, 1 - alpha)
    with np.errstate(divide="ignore", invalid="ignore"):
        curved = 1 / (1 - 2 * low / high)  # x = z^2 / y
    return np.where(high > 0, np.where(power == 0.5, curved, power < 0.5), 0.0)


def _product(x: np.ndarray, y: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0.0) ** alpha * np.maximum(y, 0.0) ** (1 - alpha)


@compiled
def _roots(v, alpha, r, x, y):
    """r with x(r) and y(r), (k,) each: bisection, until no number lies between."""
    for k in range(len(v)):
        a, z = alpha[k], abs(v[k, 2])
        lo, hi = 0.0, z
        for _ in range(BISECTIONS):
            middle = (lo + hi) / 2
            if not lo < middle < hi:
                break
            lift = 4 * middle * (z - middle)
            one, other = _positive_root(v[k, 0], a * lift) / 2, _positive_root(v[k, 1], (1 - a) * lift) / 2
            if one**a * other ** (1 - a) > middle:
                lo = middle
            else:
                hi = middle
        r[k] = (lo + hi) / 2
        lift = 4 * r[k] * (z - r[k])
        x[k], y[k] = _positive_root(v[k, 0], a * lift) / 2, _positive_root(v[k, 1], (1 - a) * lift) / 2


@compiled
def _positive_root(x, c):
    """x + sqrt(x^2 + c) without cancellation where x < 0."""
    root = np.sqrt(x * x + c)
    if x >= 0:
        return x + root
    return c / (root - x) if root > x else 0.0


def _on_boundary(v: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The root, then the eigenpairs: 1 along s, 0 along the normal, the curvature's between.

    The normal is that of |z| - x^a y^(1-a), times xy/r, which stays finite as x or y tends to 0. Along the third
    direction that function has the second derivative a (1 - a) |s|^2 / (r |N|^2).
    """
    r, x, y = np.empty((3, len(v)))
    _roots(v, alpha, r, x, y)
    x, y = _exact_sides(v, alpha, r, x, y)
    sign = np.sign(v[:, 2])
    s = np.stack([x, y, sign * r], -1)
    length = np.linalg.norm(s, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y, r = x / length, y / length, r / length
        N = np.stack([-alpha * y, -(1 - alpha) * x, sign * x * (y / r)], -1)
        p, n = _unit(s), _unit(N)
        gap = np.maximum(np.einsum("ki,ki->k", v - s, n), 0.0) / length
        curvature = gap * alpha * (1 - alpha) * (x / r) * (y / r) / np.linalg.norm(N, axis=-1) ** 3
        middle = np.where(r > 0, 1 / (1 + curvature), 0.0)
    return s, np.stack([0 * r + 1, middle, 0 * r], -1), np.stack([p, np.cross(n, p), n], -1)


def _exact_sides(v: np.ndarray, alpha: np.ndarray, r: np.ndarray, x: np.ndarray, y: np.ndarray):
    """Where r is near |z| the lift has lost its digits; the side that rests on it is that of x^a y^(1-a) = r."""
    near = 2 * r > np.abs(v[:, 2])
    with np.errstate(divide="ignore", invalid="ignore"):
        x_of_y = r * (r / y) ** ((1 - alpha) / alpha)
        y_of_x = r * (r / x) ** (alpha / (1 - alpha))
    low_x, low_y = near & (v[:, 0] < 0) & (v[:, 1] > 0), near & (v[:, 1] < 0) & (v[:, 0] > 0)
    return np.where(low_x, x_of_y, x), np.where(low_y, y_of_x, y)


def _unit(w: np.ndarray) -> np.ndarray:
    return w / np.linalg.norm(w, axis=-1, keepdims=True)
