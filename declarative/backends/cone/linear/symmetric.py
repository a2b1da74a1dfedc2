"""A symmetric indefinite matrix, factored once for many right sides; where it is singular, solutions of least norm.

A singular K = [[H, A'], [A, -T]] is factored as M = K + eps diag(I, -I). What K maps to zero lies in one of the two
parts; K M^-1 takes it out of the right side, and refinement on K itself then converges without a component there.
K is an array, or sparse by columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Protocol, TypeAlias

import numpy as np
import scipy.sparse as sp
from scipy.linalg.lapack import dgecon, dgetrf, dgetrs  # pyright: ignore[reportAttributeAccessIssue]
from scipy.sparse.linalg import SuperLU, splu

from declarative.backends.cone.linear.matrices import with_values

Matrix: TypeAlias = Any  # an array, or a csc_array

SWEEPS = 3  # of balancing
SINGULAR = 1e-13  # reciprocal condition number of the balanced matrix
SHIFT = 1e-8
TINY = 1e-14  # of a sparse matrix always: SuperLU writes outside of its memory where a column has no pivot left
NEAR = 0.25  # with the factors of a matrix this near, relative to the least singular value, refinement converges
NULL = 1e-10  # what K makes of a unit vector that it is said to map to zero
LOST = 1e-5  # and of one in which, after two rounds, no such vector is left
ROUNDS = 6  # at most, of what finds vectors that K maps to zero
STEPS = 25  # even at that rate they are enough


class Solver(Protocol):
    def solve(self, right: np.ndarray) -> np.ndarray: ...


class Factored(Protocol):
    """A symmetric matrix that is factored; where it is singular, solutions of least norm with the least error."""

    @property
    def singular(self) -> bool: ...

    @property
    def K(self) -> Matrix: ...

    def solve(self, right: np.ndarray) -> np.ndarray: ...

    def largest(self, right: np.ndarray) -> float: ...

    def null_sample(self, count: int = 8) -> np.ndarray: ...


@dataclass(frozen=True)
class Dense:
    """P L U of a symmetric array."""

    lu: np.ndarray
    pivots: np.ndarray

    def solve(self, right: np.ndarray) -> np.ndarray:
        return dgetrs(self.lu, self.pivots, right)[0] if len(right) else right

    def reciprocal_condition(self, norm: float) -> float:
        """LAPACK's estimate, or a lower one: it starts from ones, which may be what the inverse does not enlarge."""
        if not len(self.lu):
            return 1.0
        known = float(dgecon(self.lu, norm)[0])
        if not known > 0:
            return known
        first = self.solve(_sample(len(self.lu)))
        second = self.solve(first)
        size, most = np.abs(first).sum(), np.abs(second).sum()
        return min(known, float(size / (norm * most))) if size < np.inf and most < np.inf else 0.0


@dataclass(frozen=True)
class Sparse:
    """P L U Q of a sparse symmetric matrix; None where a pivot is exactly zero."""

    factors: SuperLU | None

    def solve(self, right: np.ndarray) -> np.ndarray:
        assert self.factors is not None
        return self.factors.solve(right)

    def reciprocal_condition(self, norm: float) -> float:
        if self.factors is None:
            return 0.0
        if not self.factors.shape[0]:
            return 1.0
        size = norm_of_inverse(self, self.factors.shape[0])
        return float(1 / (norm * size)) if np.isfinite(size) else 0.0


@lru_cache(maxsize=64)
def _sample(size: int) -> np.ndarray:
    """Not to be written to."""
    found = np.random.default_rng(0).standard_normal(size)
    found.flags.writeable = False
    return found


def norm_of_inverse(factors: Solver, size: int) -> float:
    """An estimate by Hager, "Condition estimates" (1984), for a symmetric matrix; ones may not be enlarged."""
    x, norm = np.linspace(1.0, 2.0, size) / (1.5 * size), 0.0
    for _ in range(5):
        y = factors.solve(x)
        if not np.abs(y).sum() > norm:
            break
        norm = float(np.abs(y).sum())
        slope = np.abs(factors.solve(np.sign(y) + (y == 0)))
        x = np.zeros_like(x)
        x[np.argmax(slope)] = 1.0
    return norm


@dataclass(frozen=True)
class SymmetricMatrix:
    """K with B = diag(balance) K diag(balance) over its nonzero rows `kept`, factored (shifted where `singular`).

    The factors may be those of a matrix near K, `factored`.
    """

    K: Matrix
    kept: np.ndarray
    balance: np.ndarray
    factors: Solver
    singular: bool
    least: float  # 1 / |B^-1|
    factored: Matrix

    @cached_property
    def places(self) -> np.ndarray:
        """Of the nonzero rows."""
        return np.flatnonzero(self.kept)

    def solve(self, right: np.ndarray) -> np.ndarray:
        """K^-1 right, refined; where K is singular, of least norm and with the least error."""
        found = np.zeros(len(right))
        found[self.kept] = self._refined(right[self.kept])
        return found

    def largest(self, right: np.ndarray) -> float:
        """About the most that an entry of K^-1 right can be."""
        if not self.least > 0:
            return np.inf if len(self.balance) else 0.0
        return float(self.balance.max() * np.abs(self.balance * right[self.kept]).max() / self.least)

    def _refined(self, right: np.ndarray) -> np.ndarray:
        if isinstance(self.factors, Dense):
            return self._refined_there(self.factors, right)
        right = self._in_range(right) if self.singular else right
        best, found, left, least = np.zeros_like(right), np.zeros_like(right), right, np.inf
        enough = 1e-15 * np.abs(self.balance * right).max(initial=0.0)
        for _ in range(STEPS):
            found = found + self._once(left)
            left = right - self.K @ found
            error = float(np.abs(self.balance * left).max(initial=0.0))
            if not error < 0.5 * least:
                break
            best, least = found, error
            if error <= enough:
                break
        return best

    def _refined_there(self, factors: Dense, right: np.ndarray) -> np.ndarray:
        """The same, compiled."""
        from declarative.backends.cone.linear.dense import into_range, refined

        found, work = np.empty(len(right)), np.empty(3 * len(right))
        own = self.K, factors.lu.T, factors.pivots, self.balance
        if self.singular:
            into_range(*own, right, work)
        refined(*own, right, found, work)
        return found

    def _in_range(self, right: np.ndarray) -> np.ndarray:
        """The part that K can give: K M^-1 shrinks it by eps / eigenvalue only, which a second pass makes up for."""
        first = self.K @ self._once(right)
        return first + self.K @ self._once(right - first)

    def _once(self, right: np.ndarray) -> np.ndarray:
        return self.balance * self.factors.solve(self.balance * right)

    def null_sample(self, count: int = 8) -> np.ndarray:
        """Up to `count` orthonormal directions (size, k) that K maps to zero, by iteration with M^-1 K."""
        size = len(self.kept)
        zero = np.flatnonzero(~self.kept)[:count]
        units = np.zeros((size, len(zero)))
        units[zero, np.arange(len(zero))] = 1.0
        if not self.singular:
            return units
        count = min(count, len(self.balance))
        block = np.random.default_rng(0).standard_normal((len(self.balance), count))
        mapped = self._balanced_times(block)
        for done in range(1, ROUNDS + 1):  # each takes out what K does not map to zero, as exactly as it is applied
            block = np.linalg.qr(block - self.factors.solve(mapped))[0]
            mapped = self._balanced_times(block)
            left = np.abs(mapped).max(0)
            if done > 1 and ((left < NULL) | (left > LOST)).all():
                break
        found = np.zeros((size, block.shape[1]))
        found[self.kept] = self.balance[:, None] * block
        return np.concatenate([units, found[:, left < NULL]], 1)

    def _balanced_times(self, block: np.ndarray) -> np.ndarray:
        return self.balance[:, None] * (self.K @ (self.balance[:, None] * block))


def factorise(
    K: Matrix, positive: int, known: SymmetricMatrix | None = None, scale: np.ndarray | None = None
) -> SymmetricMatrix:
    """The first `positive` rows are H's. The factors of a matrix that is `known` serve again where it is near.

    Balancing begins at `scale`: where rows of different sizes are coupled by ones, it would leave them all as they are.
    """
    kept = _largest(K) > 0
    whole = K if kept.all() else K[np.ix_(kept, kept)]
    if known is not None and not known.singular and np.array_equal(kept, known.kept) and _near(whole, known):
        return replace(known, K=whole)
    balance, B, norm = _balanced(whole, np.ones(len(kept))[kept] if scale is None else scale[kept])
    signs = np.where(np.flatnonzero(kept) < positive, 1.0, -1.0)
    factors = _factors(B if isinstance(B, np.ndarray) else _shifted(B, TINY * signs))
    reciprocal = factors.reciprocal_condition(norm)
    singular = not reciprocal > SINGULAR
    if singular:
        factors = _factors(_shifted(B, SHIFT * signs))
    return SymmetricMatrix(whole, kept, balance, factors, singular, reciprocal * norm, whole)


def _near(K: Matrix, known: SymmetricMatrix) -> bool:
    from declarative.backends.cone.linear.dense import distance

    if isinstance(K, np.ndarray):
        return distance(K, known.factored, known.balance, np.empty(len(K))) <= NEAR * known.least
    return _norm(_difference(K, known.factored), known.balance) <= NEAR * known.least


def _difference(K: Matrix, L: Matrix) -> Matrix:
    """Of sparse matrices."""
    if not (np.array_equal(K.indptr, L.indptr) and np.array_equal(K.indices, L.indices)):
        return K - L
    return with_values(K, K.data - L.data)


def _shifted(B: Matrix, shift: np.ndarray) -> Matrix:
    return B + (np.diag(shift) if isinstance(B, np.ndarray) else sp.diags_array(shift, format="csc"))


def _factors(B: Matrix) -> Dense | Sparse:
    if isinstance(B, np.ndarray):
        lu, pivots, _ = dgetrf(B.T) if len(B) else (B, np.zeros(0, np.int32), 0)
        return Dense(lu, pivots)
    try:  # minimum degree on B + B', with pivots off the diagonal only where those on it are small
        options = {"SymmetricMode": True}
        return Sparse(splu(B, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.1, options=options))
    except RuntimeError:
        return Sparse(None)


def _largest(K: Matrix) -> np.ndarray:
    """The largest entry of each row, which is also that of its column."""
    from declarative.backends.cone.linear.dense import largest

    if isinstance(K, np.ndarray):
        found = np.empty(len(K))
        largest(K, found)
        return found
    return _by_column(np.maximum, np.abs(K.data), K)


def _by_column(operation: np.ufunc, values: np.ndarray, K: Matrix) -> np.ndarray:
    """`values` at the places of a sparse K, reduced within each column; 0 where that is empty."""
    found = np.zeros(K.shape[1])
    filled = np.flatnonzero(np.diff(K.indptr))
    if len(filled):
        found[filled] = operation.reduceat(values, K.indptr[filled])
    return found


def _balanced(K: Matrix, start: np.ndarray) -> tuple[np.ndarray, Matrix, float]:
    """From `start` on factors that bring the rows' largest entries near one (Ruiz), the matrix with them, its norm."""
    from declarative.backends.cone.linear.dense import balance

    if isinstance(K, np.ndarray):
        scale, B = start.copy(), np.empty_like(K)
        return scale, B, balance(K, scale, B, np.empty(len(K)))
    scale, size = start, _scaled(np.abs(K.data), K, start)
    for _ in range(SWEEPS):
        step = 1 / np.sqrt(_by_column(np.maximum, size, K))
        scale, size = scale * step, _scaled(size, K, step)
    return scale, with_values(K, _scaled(K.data, K, scale)), _norm(K, scale)


def _norm(K: Matrix, scale: np.ndarray) -> float:
    """The largest sum of absolute entries in a column of diag(scale) K diag(scale), sparse."""
    return float(_by_column(np.add, np.abs(_scaled(K.data, K, scale)), K).max(initial=0.0))


def _scaled(values: np.ndarray, K: Matrix, scale: np.ndarray) -> np.ndarray:
    return values * scale[K.indices] * np.repeat(scale, np.diff(K.indptr))
