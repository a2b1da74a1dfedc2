"""Projection onto the exponential cone {(x, y, z) : y exp(x/y) <= z, y > 0} (closed), by a root of one variable.

With p = (r, 1, e^r) on the boundary ray and N = (e^r, (1-r) e^r, -1) normal to it, a point outside the cone and its
polar is a p + b N with a, b > 0; h(r) = 0 below says so, and h increases on the interval where a, b > 0 (Friberg,
"Projection onto the exponential cone: a univariate root-finding problem", 2023).
"""

from __future__ import annotations

import numpy as np

LARGE = 700.0  # exp of more overflows


def project_exponential(v: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Projections (k, 3) of v (k, 3), with the eigenvalues (k, 3) and eigenvectors (k, 3, 3) of the derivatives.

    The search for the root begins at x/y of `near` (k, 3).
    """
    s, values, vectors = v.copy(), np.ones_like(v), np.broadcast_to(np.eye(3), (*v.shape, 3)).copy()
    inside, polar = _inside(v), _polar(v)
    corner = ~inside & ~polar & (v[:, 0] <= 0) & (v[:, 1] <= 0)
    flat = ~inside & ~polar & (v[:, 1] > 0) & (v[:, 0] < -LARGE * v[:, 1])  # exp(x/y) is 0 in floating point
    rest = ~(inside | polar | corner | flat)
    s[polar], values[polar] = 0.0, 0.0
    s[corner, 1], s[corner, 2] = 0.0, np.maximum(v[corner, 2], 0.0)
    values[corner, 1], values[corner, 2] = 0.0, v[corner, 2] > 0
    s[flat, 2], values[flat, 2] = 0.0, 0.0
    if rest.any():
        r = _root(v[rest], near[rest])
        s[rest], values[rest], vectors[rest] = _on_boundary(v[rest], r)
    return s, values, vectors


def _inside(v: np.ndarray) -> np.ndarray:
    x, y, z = v.T
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        smooth = (y > 0) & (y * np.exp(x / np.where(y > 0, y, 1.0)) <= z)
    return smooth | ((x <= 0) & (y == 0) & (z >= 0))


def _polar(v: np.ndarray) -> np.ndarray:
    x, y, z = v.T
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        smooth = (x > 0) & (x * np.exp(y / np.where(x > 0, x, 1.0)) <= -np.e * z)
    return smooth | ((x == 0) & (y <= 0) & (z <= 0))


def _residual(v: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """h and its derivative."""
    x, y, z = v.T
    c, dc = r * r - r + 1, 2 * r - 1
    a, b = ((r - 1) * x + y) / c, (x - r * y) / c
    with np.errstate(over="ignore", invalid="ignore"):
        up, down = np.exp(np.minimum(r, LARGE)), np.exp(np.minimum(-r, LARGE))
        h = up * a - down * b - z
        slope = up * (a + (x - dc * a) / c) + down * (b - (-y - dc * b) / c)
    return h, slope


def _root(v: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Newton's method inside a bracket that shrinks; a step that is not half the last one bisects instead."""
    lo, hi = _bracket(v)
    x, y, _ = near.T
    r = np.clip(x / np.where(y > 0, y, 1.0), lo, hi)
    last = hi - lo
    for _ in range(200):
        h, slope = _residual(v, r)
        lo, hi = np.where(h <= 0, r, lo), np.where(h >= 0, r, hi)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = r - h / slope
        close = last <= 1e-7 * (1 + np.abs(r))  # then Newton's step squares this, and its own size is rounding
        usable = (newton >= lo) & (newton <= hi) & (close | (np.abs(newton - r) <= last / 2))
        new = np.where(usable, newton, (lo + hi) / 2)
        last = np.abs(new - r)
        r = new
        if (close & usable | (last <= 4e-16 * (1 + np.abs(r)))).all():
            break
    return r


def _bracket(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a, b > 0, as far as e^r is finite."""
    x, y, _ = v.T
    with np.errstate(over="ignore"):
        lo = np.where(x > 0, 1 - y / np.where(x > 0, x, 1.0), -LARGE)
        hi = np.where(y > 0, x / np.where(y > 0, y, 1.0), LARGE)
    lo, hi = np.clip(lo, -LARGE, LARGE), np.clip(hi, -LARGE, LARGE)
    return lo, np.maximum(lo, hi)


def _on_boundary(v: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The projection a p, and the derivative's eigenpairs: 1 along p, 0 along N, between them the curvature's."""
    e, one = np.exp(r), np.ones_like(r)
    a = _height(v, r)
    s = a[:, None] * np.stack([r, one, e], -1)
    shrink = np.exp(-np.maximum(r, 0.0))  # p and N times this do not overflow
    p = _unit(np.stack([r, one, e], -1) * shrink[:, None])
    N = np.stack([e, (1 - r) * e, -one], -1) * shrink[:, None]
    n = _unit(N)
    t = np.cross(n, p)
    mu = np.maximum(np.einsum("ki,ki->k", v - s, n), 0.0) / np.linalg.norm(N, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        curvature = mu * (shrink * e / a) * (t[:, 0] - r * t[:, 1]) ** 2
    middle = np.where(a > 0, 1 / (1 + curvature), 0.0)
    return s, np.stack([one, middle, 0 * one], -1), np.stack([p, t, n], -1)


def _height(v: np.ndarray, r: np.ndarray) -> np.ndarray:
    """a, by its own formula where r <= 0 and else from h(r) = 0, since there the former cancels and e^r is large."""
    x, y, z = v.T
    c = r * r - r + 1
    direct = ((r - 1) * x + y) / c
    down = np.exp(np.minimum(-r, 0.0))
    return np.maximum(np.where(r <= 0, direct, down * (z + down * (x - r * y) / c)), 0.0)


def _unit(w: np.ndarray) -> np.ndarray:
    return w / np.linalg.norm(w, axis=-1, keepdims=True)
