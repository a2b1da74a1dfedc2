"""Is a vector in a cone, where each of its entries is only known within an error of its own?

Errors are by entry, not beside the largest: of (x, y, z) with y exp(x/y) <= z the third may decide at 1e-18 of the
others. A cone holds the vector if it holds one that lies no farther away.
"""

from __future__ import annotations

from typing import assert_never

import numpy as np

from declarative.backends.cone.sets.cones import Cones, Group, Kind, psd_side, triangle

ROUNDING = 1e-14  # of the largest term of a comparison


def within(cones: Cones, v: np.ndarray, errors: np.ndarray) -> bool:
    """v (m,) in K, within `errors` (m,)."""
    return all(_group_within(group, v[group.places], errors[group.places]) for group in cones.groups)


def within_dual(cones: Cones, z: np.ndarray, errors: np.ndarray) -> bool:
    """z (m,) in the dual cone of K, within `errors` (m,)."""
    z, errors = z.copy(), errors.copy()
    for group in cones.groups:
        match group.kind:
            case Kind.ZERO:
                z[group.places] = 0.0
            case Kind.EXP:  # (u, v, w) with -u exp(v/u) <= e w, u <= 0: (u - v, -u, w) is in the cone itself
                (u, v, w), (du, dv, dw) = z[group.places].T, errors[group.places].T
                z[group.places], errors[group.places] = np.stack([u - v, -u, w], -1), np.stack([du + dv, du, dw], -1)
            case Kind.POWER:
                by = np.stack([group.powers, 1 - group.powers, np.ones_like(group.powers)], -1)
                z[group.places], errors[group.places] = z[group.places] / by, errors[group.places] / by
            case Kind.NONNEG | Kind.SOC | Kind.ROTATED | Kind.PSD:
                pass
            case _:
                assert_never(group.kind)
    return within(cones, z, errors)


def _group_within(group: Group, v: np.ndarray, errors: np.ndarray) -> bool:
    """Entries and errors (count, d)."""
    match group.kind:
        case Kind.ZERO:
            return bool((np.abs(v) <= errors).all())
        case Kind.NONNEG:
            return bool((v >= -errors).all())
        case Kind.SOC:
            least = np.maximum(np.abs(v[:, 1:]) - errors[:, 1:], 0.0)
            return bool((np.linalg.norm(least, axis=-1) * (1 - ROUNDING) <= v[:, 0] + errors[:, 0]).all())
        case Kind.ROTATED:
            high, least = v[:, :2] + errors[:, :2], np.maximum(np.abs(v[:, 2:]) - errors[:, 2:], 0.0)
            inside = np.linalg.norm(least, axis=-1) * (1 - ROUNDING) <= np.sqrt(2 * np.maximum(high, 0.0).prod(-1))
            return bool((inside & (high >= 0).all(-1)).all())
        case Kind.PSD:
            return all(_semidefinite(one, own) for one, own in zip(v, errors, strict=True))
        case Kind.EXP:
            return bool(_exponential(v, errors).all())
        case Kind.POWER:
            x, y = np.maximum(v[:, :2] + errors[:, :2], 0.0).T
            z = np.abs(v[:, 2]) - errors[:, 2]
            inside = x**group.powers * y ** (1 - group.powers) >= z * (1 - ROUNDING)
            return bool((inside & (v[:, :2] >= -errors[:, :2]).all(-1)).all())
        case _:
            assert_never(group.kind)


def _exponential(v: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """(count,): in logarithms, so that no size is lost. y exp(x/y) is least at y = x, and at y = 0 where x <= 0."""
    x, z = v[:, 0] - errors[:, 0], v[:, 2] + errors[:, 2]
    low, high = np.maximum(v[:, 1] - errors[:, 1], 0.0), v[:, 1] + errors[:, 1]
    y = np.minimum(np.maximum(x, low), high)
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = x / y + np.log(y) - np.log(z)
        inside = excess <= ROUNDING * (np.abs(x / y) + np.abs(np.log(z)))
    return (high >= 0) & np.where(y > 0, (z > 0) & inside, (x <= 0) & (z >= 0))


def _semidefinite(v: np.ndarray, errors: np.ndarray) -> bool:
    """By the matrix whose diagonal is one, where an error of the diagonal shifts all eigenvalues."""
    side = psd_side(len(v))
    row, column, factor = triangle(side)
    S = np.zeros((side, side))
    S[row, column] = S[column, row] = np.where(np.abs(v) <= errors, 0.0, v) / factor
    size = S.diagonal() + errors[row == column]
    if (size < 0).any() or S[size == 0].any():
        return False
    kept = size > 0
    root = np.sqrt(size[kept])
    unit = S[np.ix_(kept, kept)] / root / root[:, None]
    np.fill_diagonal(unit, 1.0)
    return bool(np.linalg.eigvalsh(unit)[0] >= -ROUNDING * side) if kept.any() else True
