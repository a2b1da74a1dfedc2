"""A cone program -> a direction in which it may have its infimum at infinity only.

Where no direction of recession (Pd = 0, q'd <= 0, -Ad in K) moves the slack of a curved cone, every infimum is attained
(Rockafellar, "Convex Analysis", theorem 27.3: half-lines alone have no such directions to fear). Whether one does is a
cone program itself, with a ray to prove that it has no point.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import lsqr

from declarative.backends.cone.linear.matrices import Rows, pattern_of
from declarative.backends.cone.methods.faces import zero_with
from declarative.backends.cone.program.item import Items
from declarative.backends.cone.sets.cones import Block, Cones, Kind, interior
from declarative.backends.cone.sets.within import within

EXACT = 1e-9  # of the largest term of its row
NOISE = 1e-7  # of the largest entry
RANK = 1e-9
DENSE = 1 << 18  # entries of a matrix that may be an array


def curved_recession(item: Items, steepest: bool = False) -> Items:
    """The least d with Pd = 0, q'd <= 0, Ad + s = 0, s in K, and curved parts of s of size one; for a batch of one.

    Or that with the least q'd: where q'd >= 0 for all of them, those with q'd = 0 are found to more digits so, since
    the bound on q'd would only touch the cones.
    """
    size = -(item.A.one(0, sparse=True).T @ curved_size(item.cones))
    bound = item.q[:0] if steepest else item.q
    return _directions(item, size[None], 1.0, bound, steepest)


def falling(item: Items) -> Items:
    """The least d with Pd = 0, q'd = -1, Ad + s = 0, s in K, for a batch of one."""
    return _directions(item, item.q, -1.0, item.q[:0], steepest=False)


def _directions(item: Items, measure: np.ndarray, amount: float, bound: np.ndarray, steepest: bool) -> Items:
    """d with Pd = 0, measure'd = amount, bound'd <= 0, Ad + s = 0, s in K: the least, or that with the least q'd."""
    n, cones = item.q.shape[1], item.cones
    P, A = item.P.one(0, sparse=True), item.A.one(0, sparse=True)
    curves = np.diff(P.indptr) > 0
    whole = sp.coo_array(sp.vstack([P[curves], measure, bound, A]))
    count = int(curves.sum())
    shape = (count + 1 + len(bound) + cones.rows, n)
    b = np.zeros((1, shape[0]))
    b[0, count] = amount
    bounds = (Block(Kind.NONNEG, 1),) * len(bound)
    cones = Cones((Block(Kind.ZERO, count + 1), *bounds, *cones.blocks))
    matrix = pattern_of(np.stack(whole.coords), shape).matrices(whole.data[None])
    one = pattern_of(np.tile(np.arange(n), (2, 1)), (n, n)).matrices(np.full((1, n), 0.0 if steepest else 1.0))
    return Items(one, item.q if steepest else 0 * item.q, matrix, b, cones)


def curved_size(cones: Cones) -> np.ndarray:
    """(m,): a linear measure of the curved parts of s, positive in K but where they are 0."""
    size = interior(cones)  # in every dual cone too
    for kind in (Kind.ZERO, Kind.NONNEG):
        size[cones.of_kind(kind)] = 0.0
    return size


def cleaned(item: Items, d: np.ndarray) -> np.ndarray | None:
    """d (n,) without rounding errors, if it is a direction of recession to the digits of each sum's own terms."""
    weight = np.abs(d) * np.maximum(item.A.largest_by_column(np.ones_like(item.b))[0], 1.0)
    near = np.where(weight > NOISE * weight.max(initial=0.0), d, 0.0)
    return next((ray for ray in (near, _on_faces(item, near)) if recedes(item, ray)), None)


def recedes(item: Items, d: np.ndarray, error: float = EXACT) -> bool:
    """Is d (n,) a direction of recession, where each sum may miss by `error` of its largest term?"""
    size, slope = np.abs(d)[None], item.q[0] * d
    curved, moved = item.P.largest_by_row(size)[0], item.A.largest_by_row(size)[0]
    still = (np.abs(item.P.times(d[None])[0]) <= error * curved).all()
    falls = slope.sum() <= error * np.abs(slope).max(initial=0.0)
    return bool(still and falls and moved.any() and within(item.cones, -item.A.times(d[None])[0], error * moved))


def _on_faces(item: Items, d: np.ndarray) -> np.ndarray:
    """d with the least change that makes slacks 0 which are nearly so, and those that are 0 with them."""
    size = np.abs(item.A.times(d[None])[0])
    idle = zero_with(item.cones, size <= NOISE * size.max(initial=0.0), dual=False)
    R = sp.csr_array(sp.vstack([item.A.one(0, sparse=True)[idle], item.P.one(0, sparse=True)]))
    return d - least_squares(R, R @ d)


def least_squares(R: Rows, right: np.ndarray) -> np.ndarray:
    """The least solution."""
    if R.shape[0] * R.shape[1] > DENSE:
        return lsqr(R, right, atol=1e-14, btol=1e-14)[0]
    return np.linalg.lstsq(R.toarray(), right, rcond=RANK)[0]
