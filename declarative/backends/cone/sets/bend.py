"""How the derivative of the projection onto a cone changes: D''(v)[a, b], the second derivative along a and b.

The projection is the gradient of 1/2 |proj(v)|^2, so that a'D''(v)[b, c] is symmetric in a, b and c. It is 0 inside
the cone, inside its polar, and wherever the cone is polyhedral.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import numpy as np

from declarative.backends.cone.sets.cones import Cones, Group, Kind, psd_side, triangle, turned
from declarative.backends.cone.sets.projections import project_explicit


def bend(cones: Cones, v: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """D''(v)[a, b] for v, a and b (rows,)."""
    found = np.zeros_like(v)
    for group in cones.groups:
        at = group.places
        match group.kind:
            case Kind.ZERO | Kind.NONNEG:
                pass
            case Kind.SOC:
                found[at] = bend_second_order(v[at], a[at], b[at])
            case Kind.ROTATED:
                found[at] = turned(bend_second_order(*(turned(c[at]) for c in (v, a, b))))
            case Kind.PSD:
                found[at] = bend_semidefinite(v[at], a[at], b[at])
            case Kind.EXP | Kind.POWER:
                found[at] = _bend_surface(group, v[at], a[at], b[at])
            case _:
                assert_never(group.kind)
    return found


def bend_second_order(v: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where |t| < |w| the projection is the gradient of (t + |w|)^2 / 4; v = (t, w), all (k, d)."""
    found = np.zeros_like(v)
    norm = np.linalg.norm(v[:, 1:], axis=-1)
    between = np.abs(v[:, 0]) < norm
    v, a, b, r = v[between], a[between], b[between], norm[between, None]
    u, height = v[:, 1:] / r, v[:, :1] + r

    def parts(c: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        along = (u * c[:, 1:]).sum(-1, keepdims=True)
        return c[:, :1] + along, along, c[:, 1:] - along * u  # the slope of t + |w|, along u, across u

    (slope_a, along_a, across_a), (slope_b, along_b, across_b) = parts(a), parts(b)
    both = (across_a * across_b).sum(-1, keepdims=True) / r  # the curvature of |w|
    found[between, :1] = both / 2
    sideways = (slope_a - height / r * along_a) * across_b + (slope_b - height / r * along_b) * across_a
    found[between, 1:] = (both * u * (1 - height / r) + sideways / r) / 2
    return found


def bend_semidefinite(v: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """In the eigenbasis of v the sum over k of h(i, k, j) (A_ik B_kj + B_ik A_kj), for all (k, d) in vector form.

    h, the second divided difference of max(., 0), is 0 unless one of the three eigenvalues differs in sign from the
    others; then it is the size of that one by its distances to the other two (Higham, "Functions of Matrices", 3.2).
    """
    side = psd_side(v.shape[1])
    row, column, factor = triangle(side)

    def matrix(c: np.ndarray) -> np.ndarray:
        full = np.zeros((len(c), side, side))
        full[:, row, column] = full[:, column, row] = c / factor
        return full

    eigenvalues, Q = np.linalg.eigh(matrix(v))
    A, B = (Q.transpose(0, 2, 1) @ matrix(c) @ Q for c in (a, b))
    positive, size = eigenvalues > 0, np.abs(eigenvalues)
    opposite = positive[:, :, None] != positive[:, None, :]
    distance = np.where(opposite, size[:, :, None] + size[:, None, :], 1.0)
    G = np.where(opposite, 1 / np.where(distance > 0, distance, 1.0), 0.0)
    odd_row = size[:, :, None] * G * ((G * A) @ B + (G * B) @ A)
    odd_between = (G * A * size[:, None, :]) @ (G * B)
    T = odd_row + odd_row.transpose(0, 2, 1) + odd_between + odd_between.transpose(0, 2, 1)
    return (Q @ T @ Q.transpose(0, 2, 1))[:, row, column] * factor


@dataclass(frozen=True)
class Surface:
    """g = 0 at points of a cone's boundary, scaled such that its gradient has length 1, with g'' and g'''[a, b]."""

    gradient: np.ndarray  # (k, 3)
    hessian: np.ndarray  # (k, 3, 3)
    third: np.ndarray  # (k, 3, 3, 3)


def _bend_surface(group: Group, v: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Twice the implicit function theorem on p - v + mu g'(p) = 0, g(p) = 0, where p is on a smooth boundary."""
    found = np.zeros_like(v)
    p, values, _, _ = project_explicit(group, v, v)
    curved = (values[:, 2] == 0) & (p[:, 2] != 0) & (p[:, 1] > 0) & ((p[:, 0] > 0) | (group.kind is Kind.EXP))
    if not curved.any():
        return found
    size = np.linalg.norm(v[curved], axis=-1, keepdims=True)
    p, v, a, b = p[curved] / size, v[curved] / size, a[curved], b[curved]
    surface = exponential_surface(p) if group.kind is Kind.EXP else power_surface(p, group.powers[curved])
    mu = ((v - p) * surface.gradient).sum(-1)
    K = np.zeros((len(p), 4, 4))
    K[:, :3, :3] = np.eye(3) + mu[:, None, None] * surface.hessian
    K[:, :3, 3] = K[:, 3, :3] = surface.gradient
    first = np.linalg.solve(K, np.stack([_extended(a, 0.0), _extended(b, 0.0)], -1))
    (da, db), (mu_a, mu_b) = (first[:, :3, 0], first[:, :3, 1]), (first[:, 3, :1], first[:, 3, 1:])
    Ha, Hb = (np.einsum("kij,kj->ki", surface.hessian, c) for c in (da, db))
    force = mu[:, None] * np.einsum("kijl,kj,kl->ki", surface.third, da, db) + mu_a * Hb + mu_b * Ha
    right = _extended(force, (Ha * db).sum(-1))
    found[curved] = -np.linalg.solve(K, right[..., None])[:, :3, 0] / size  # homogeneous of degree -1
    return found


def _extended(a: np.ndarray, last) -> np.ndarray:
    return np.concatenate([a, np.broadcast_to(last, len(a))[:, None]], -1)


def exponential_surface(p: np.ndarray) -> Surface:
    """g = x + y log(y/z), convex and of degree one."""
    _, y, z = p.T
    gradient, H, T = np.ones_like(p), np.zeros((len(p), 3, 3)), np.zeros((len(p), 3, 3, 3))
    gradient[:, 1], gradient[:, 2] = 1 + np.log(y / z), -y / z
    H[:, 1, 1], H[:, 2, 2] = 1 / y, y / z**2
    H[:, 1, 2] = H[:, 2, 1] = -1 / z
    T[:, 1, 1, 1], T[:, 2, 2, 2] = -1 / y**2, -2 * y / z**3
    T[:, 1, 2, 2] = T[:, 2, 1, 2] = T[:, 2, 2, 1] = 1 / z**2
    return _scaled(gradient, H, T)


def power_surface(p: np.ndarray, alpha: np.ndarray) -> Surface:
    """g = |z| - m with m = x^alpha y^(1-alpha).

    With l = log m: m' = m l', m'' = m (l'l' + l''), and m''' = m (l'l'l' + l'l'' in three ways + l''').
    """
    x, y, z = p.T
    weights, m = np.stack([alpha, 1 - alpha, 0 * x], -1), x**alpha * y ** (1 - alpha)
    inverse = np.stack([1 / x, 1 / y, 0 * x], -1)
    l1, eye = weights * inverse, np.eye(3)
    l2 = -(weights * inverse**2)[:, :, None] * eye
    l3 = 2 * np.einsum("ki,ij,il->kijl", weights * inverse**3, eye, eye)
    mixed = np.einsum("ki,kjl->kijl", l1, l2)
    H = m[:, None, None] * (l1[:, :, None] * l1[:, None, :] + l2)
    cube = np.einsum("ki,kj,kl->kijl", l1, l1, l1)
    T = m[:, None, None, None] * (cube + mixed + mixed.transpose(0, 2, 1, 3) + mixed.transpose(0, 3, 2, 1) + l3)
    gradient = -m[:, None] * l1
    gradient[:, 2] = np.sign(z)
    return _scaled(gradient, -H, -T)


def _scaled(gradient: np.ndarray, H: np.ndarray, T: np.ndarray) -> Surface:
    length = np.linalg.norm(gradient, axis=-1)
    return Surface(gradient / length[:, None], H / length[:, None, None], T / length[:, None, None, None])
