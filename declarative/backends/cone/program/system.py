"""The linear system that refines a solution of a cone program and differentiates it: one matrix for both.

With v = s - z, s = proj_K(v), z = proj_K(v) - v the optimality conditions are F(x, v) = 0. In the eigenbasis of the
projection's derivative (eigenvalues d) Newton's step, its transpose and the forward derivatives are all of the form

    P y + A' w = g,    (d - 1) A y + d w = (d - 1) h + t.

(t is 0 but for second derivatives.) Rows whose d is not small give w = (1 - d)/d (A y - h) + t/d, the curvature of the
boundary; the others stay, and with theta = d/(1 - d) the matrix is the symmetric
K = [[P + A_I' diag((1 - d)/d) A_I, A_A'], [A_A, -diag(theta)]]: the KKT matrix of the active constraints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from declarative.backends.cone.linear.matrices import Rows
from declarative.backends.cone.linear.quasidefinite import active_matrix
from declarative.backends.cone.linear.stack import Member, are_small, stack_of
from declarative.backends.cone.linear.symmetric import Dense, Factored, SymmetricMatrix, factorise
from declarative.backends.cone.program.item import Item, Items
from declarative.backends.cone.sets.projections import Spectrum

KEPT = 1e-3  # rows with smaller eigenvalues stay in K; the others' curvature is at most 1e3
TINY = 1e-300  # beside it an empty row is one of zeros
PIVOTED = 1500  # a singular matrix of this side has factors with pivots; in a larger one they might fill in


@dataclass(frozen=True)
class System:
    """`A` (m, n) is in the frame of `spectrum`; `active` (m,) marks the rows that K keeps."""

    spectrum: Spectrum
    A: Rows
    active: np.ndarray
    curvature: np.ndarray  # (1 - d)/d, and 0 in the active rows; (m,)
    factors: Factored | Member

    @cached_property
    def matrix(self) -> Factored:
        return self.factors.matrix if isinstance(self.factors, Member) else self.factors

    @cached_property
    def transposed(self) -> Rows:
        return self.A.T

    def solve(self, g: np.ndarray, h: np.ndarray, t: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """y (n,) and w (m,) for g (n,), h and t (m,); h, t and w in the frame."""
        if isinstance(self.A, np.ndarray):
            return self._solved_there(g, h, np.zeros_like(h) if t is None else t)
        n, pushed, right = len(g), 0.0, self._right(g, h)
        if t is not None:
            d, rest = self.spectrum.values, self.spectrum.rest
            pushed = np.where(self.active, 0.0, t / np.where(self.active, 1.0, d))
            right[n:] -= t[self.active] / rest[self.active]
            right[:n] -= self.transposed @ pushed
        found = self.matrix.solve(right)
        y = found[:n]
        w = self.curvature * (self.A @ y - h) + pushed
        w[self.active] = found[n:]
        return y, w

    def _solved_there(self, g: np.ndarray, h: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same, compiled."""
        from declarative.backends.cone.linear.dense import solve

        K, y, w = self.matrix, np.empty(len(g)), np.empty(len(h))
        assert isinstance(K, SymmetricMatrix) and isinstance(K.factors, Dense)
        own = self.transposed, self.active, self.curvature, self.spectrum.values, self.spectrum.rest
        factored = K.K, K.places, K.factors.lu.T, K.factors.pivots, K.balance, K.singular
        solve(*own, *factored, g, h, t, y, w, np.empty(6 * (len(g) + len(h))))
        return y, w

    def largest(self, g: np.ndarray, h: np.ndarray) -> float:
        """About the most that an entry of the solution for g and h can be; no solve is needed to know."""
        return self.matrix.largest(self._right(g, h))

    def _right(self, g: np.ndarray, h: np.ndarray) -> np.ndarray:
        return np.concatenate([g + self.transposed @ (self.curvature * h), h[self.active]])

    def moved(self, y: np.ndarray, w: np.ndarray, h: np.ndarray) -> np.ndarray:
        """h - A y - w (m,), in the frame, for a solution with t = 0: by the division that loses no digits."""
        from declarative.backends.cone.linear.dense import moved

        d, rest = self.spectrum.values, self.spectrum.rest
        if isinstance(self.A, np.ndarray):
            v = np.empty(len(h))
            moved(self.transposed, d, rest, y, w, h, v)
            return v
        low = d < 0.5
        return np.where(low, -w / np.where(low, rest, 1.0), (h - self.A @ y) / np.where(low, 1.0, d))


def newton_steps(systems: Sequence[System], g: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """y (B, n) and v = h - A y - w (B, m) in the frames, for g (B, n) and h (B, m) with t = 0."""
    y, v, stacks = np.empty(g.shape), np.empty(h.shape), {}
    for k, system in enumerate(systems):
        own = system.factors
        if isinstance(own, Member) and own.stack.clear[own.number]:
            stack, numbers, rows = stacks.setdefault(id(own.stack), (own.stack, [], []))
            numbers.append(own.number)
            rows.append(k)
        else:
            y[k], w = system.solve(g[k], h[k])
            v[k] = system.moved(y[k], w, h[k])
    for stack, numbers, rows in stacks.values():
        stack.solve(np.array(numbers), np.array(rows), g, h, y, v)
    return y, v


def conic_systems(
    items: Items, spectrum: Spectrum, known: Sequence[System | None], steps: np.ndarray | None = None
) -> list[System]:
    """K of each item, where its projection has this derivative; `known` may be systems at points nearby.

    `steps` (n,) may tell how far each column can be expected to move, for dense K of one item. Sparse K keep all rows
    that they can, since eliminating them would fill them. Equalities that are implied have no place in any.
    """
    if items.implied is not None:
        spectrum = spectrum.freed(items.implied)
    if not items.sparse:
        return _dense(items, spectrum, known, steps)
    return [_sparse(items.one(k), spectrum.some(k), own) for k, own in enumerate(known)]


def _dense(items: Items, spectrum: Spectrum, known: Sequence[System | None], steps: np.ndarray | None) -> list[System]:
    from declarative.backends.cone.linear.dense import bordered, curved, filled, split

    d, rest, (B, n), m = spectrum.values, spectrum.rest, items.q.shape, items.b.shape[1]
    P, A, columns = items.P.pattern, items.A.pattern, np.empty((B, n, m))
    filled(A.rows, A.columns, items.A.values, columns)
    spectrum.each_to_frame(columns)
    active, curvature, theta = np.empty((B, m), dtype=bool), np.empty((B, m)), np.empty((B, m))
    split(d, rest, KEPT, active, curvature, theta)
    small = are_small(n, active, curvature) if steps is None else np.zeros(B, dtype=bool)
    factors = _small(items, spectrum, (columns, active, curvature, theta), small)
    root = np.empty((n, m))
    for k in np.flatnonzero(~small).tolist():
        old, size = known[k], n + np.count_nonzero(active[k])
        bent, K = root[:, : curved(columns[k], curvature[k], root)], np.empty((size, size))
        bordered(bent @ bent.T, P.rows, P.columns, items.P.values[k], columns[k], active[k], theta[k], K)
        near = old.matrix if old is not None and np.array_equal(active[k], old.active) and steps is None else None
        assert near is None or isinstance(near, SymmetricMatrix)
        scale = None
        if steps is not None:
            scale = np.concatenate([steps, 1 / (np.abs(columns[k].T[active[k]]) * steps).max(1, initial=TINY)])
        factors[k] = factorise(K, n, near, scale)
    return [System(spectrum.some(k), columns[k].T, active[k], curvature[k], factors[k]) for k in range(B)]


def _small(
    items: Items, spectrum: Spectrum, frame: tuple[np.ndarray, ...], small: np.ndarray
) -> dict[int, Factored | Member]:
    """Those of the items that are `small` (B,), made together from columns of A, active, curvature and theta."""
    chosen = np.flatnonzero(small)
    if not len(chosen):
        return {}
    own = *frame, spectrum.values, spectrum.rest
    own = own if len(chosen) == len(small) else tuple(part[chosen] for part in own)
    stack = stack_of(items.P.some(chosen), *own)
    return {k: Member(stack, number) for number, k in enumerate(chosen.tolist())}


def _sparse(item: Item, spectrum: Spectrum, known: System | None) -> System:
    A = item.framed.rows(spectrum, item.A) if item.framed else spectrum.rows_to_frame(item.A)
    d, rest, n = spectrum.values, spectrum.rest, len(item.q)
    active = d < 1
    curvature = np.where(active, 0.0, rest / np.where(active, 1.0, d))
    theta = np.where(active, d / np.where(active, rest, 1.0), 0.0)
    if item.kkt is not None:
        matrix = active_matrix(item.kkt, item.P, A, active, theta)
        if matrix is not None and (n + np.count_nonzero(active) > PIVOTED or not matrix.singular):
            return System(spectrum, A, active, curvature, matrix)
        known = None
    held = np.flatnonzero(active)
    near = known.matrix if known is not None and np.array_equal(active, known.active) else None
    near = near if isinstance(near, SymmetricMatrix) else None
    return System(spectrum, A, active, curvature, factorise(_bordered(item.P, A, held, theta[held]), n, near))


def _bordered(P: Rows, A: Rows, held: np.ndarray, theta: np.ndarray) -> sp.csc_array:
    n, size = P.shape[0], P.shape[0] + len(held)
    number = np.full(A.shape[0], -1)
    number[held] = np.arange(n, size)
    row = np.repeat(number, np.diff(A.indptr))
    kept = row >= 0
    row, column, values = row[kept], A.indices[kept], A.data[kept]
    diagonal = np.arange(n, size)
    rows = np.concatenate([np.repeat(np.arange(n), np.diff(P.indptr)), row, column, diagonal])
    columns = np.concatenate([P.indices, column, row, diagonal])
    return sp.csc_array((np.concatenate([P.data, values, values, -theta]), (rows, columns)), shape=(size, size))
