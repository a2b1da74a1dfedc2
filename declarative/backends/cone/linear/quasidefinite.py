"""The KKT matrices [[P, A'], [A, -D]] of one sparse pattern, factored as L D L' after a small shift, one after another.

Shifted by diag(I, -I) the matrix is quasidefinite: it has such factors in any order, without pivots (Vanderbei,
"Symmetric quasidefinite matrices", 1995), so that one order of elimination serves all numbers. Refinement takes the
effect of the shift out again. QDLDL does the work.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import qdldl
import scipy.sparse as sp

from declarative.backends.cone.linear.matrices import Pattern, Rows
from declarative.backends.cone.linear.symmetric import SymmetricMatrix, norm_of_inverse

if TYPE_CHECKING:
    from declarative.backends.cone.linear.regular import Ordered, Regular

SHIFT = 1e-9
SHIFTS = (SHIFT, 1e-6, 1e-12)  # a larger one keeps more digits, a smaller one tells more matrices from singular ones
SWEEPS = 3  # of balancing
ROUNDS, REFINED = 8, 1e-4  # of refinement, and what they may leave
REGULAR = 1e2  # a least singular value of so many shifts is not the shift's doing, and refinement converges


@dataclass(frozen=True, eq=False)
class Factors:
    """Of one shifted matrix; the workspace is for the next matrix once nobody holds them."""

    workspace: qdldl.Solver

    def solve(self, right: np.ndarray) -> np.ndarray:
        return self.workspace.solve(right)


@dataclass(frozen=True, eq=False)
class KktPattern:
    """Of P (n, n), symmetric, and A (m, n), row by row: where their values are in the upper triangle of the matrix."""

    P: Pattern
    A: Pattern
    _free: list[qdldl.Solver] = field(default_factory=list, repr=False)

    @cached_property
    def _upper(self) -> tuple[np.ndarray, np.ndarray]:
        """P's values on and above the diagonal, and the places of these, of A's values, and of the diagonal."""
        n, size = self.P.shape[0], self.P.shape[0] + self.A.shape[0]
        upper, diagonal = np.flatnonzero(self.P.rows <= self.P.columns), np.arange(size)
        rows = np.concatenate([self.P.rows[upper], self.A.columns, diagonal])
        columns = np.concatenate([self.P.columns[upper], n + self.A.rows, diagonal])
        return upper, columns * size + rows

    @cached_property
    def _compressed(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows and starts of the columns, and the place of each value among those of the matrix."""
        size = self.P.shape[0] + self.A.shape[0]
        flat, place = np.unique(self._upper[1], return_inverse=True)
        starts = np.concatenate([[0], np.cumsum(np.bincount(flat // size, minlength=size))])
        return (flat % size).astype(np.int32), starts.astype(np.int32), place

    def values(self, P: np.ndarray, A: np.ndarray) -> np.ndarray:
        """Of the matrix with D = 0, from those of P and A."""
        upper, (rows, _, place) = self._upper[0], self._compressed
        found = np.zeros(len(rows))
        found[place[: len(upper)]] = P[upper]
        found[place[len(upper) : len(upper) + len(A)]] = A
        return found

    @cached_property
    def ordered(self) -> Ordered:
        from declarative.backends.cone.linear.regular import ordered

        rows, starts, _ = self._compressed
        return ordered(starts, rows, np.repeat([1.0, -1.0], [self.P.shape[0], self.A.shape[0]]))

    @cached_property
    def work(self) -> float:
        """About how many operations a factorisation takes."""
        return float(np.square(np.diff(self.ordered.begin).astype(float)).sum())

    def with_corner(self, values: np.ndarray, D: np.ndarray) -> np.ndarray:
        """Of the matrix with this D (m,), from those with D = 0."""
        place = self._compressed[2]
        values[place[len(place) - len(D) :]] -= D
        return values

    def factors(self, values: np.ndarray, D: np.ndarray, shift: float = SHIFT) -> Factors | None:
        """Of the matrix with these values and D (m,) >= 0; None where rounding leaves a pivot of zero."""
        return self.shifted(values, np.concatenate([np.full(self.P.shape[0], shift), -D - shift]))

    def shifted(self, values: np.ndarray, diagonal: np.ndarray) -> Factors | None:
        """Of the matrix with these values and a diagonal (n + m,) added, > 0 in P's part and < 0 in the other."""
        rows, starts, place = self._compressed
        values, size = values.copy(), len(diagonal)
        values[place[-size:]] += diagonal
        upper = sp.csc_matrix((values, rows, starts), shape=(size, size))
        try:
            if self._free:
                workspace = self._free.pop()
                workspace.update(upper, upper=True)
            else:
                workspace = qdldl.Solver(upper, upper=True)
        except RuntimeError:
            return None
        found = Factors(workspace)
        weakref.finalize(found, self._free.append, workspace).atexit = False
        return found


def kkt_pattern(P: Pattern, A: Pattern) -> KktPattern:
    """A's pattern keeps the last one."""
    known = A.beside.get("kkt")
    if known is None or known.P is not P:
        known = A.beside["kkt"] = KktPattern(P, A)
    return known


@dataclass(frozen=True, eq=False)
class Bordered:
    """[[P, A'], [A, -diag(theta)]], not put together; theta (m,), 0 where none is given."""

    P: Rows
    A: Rows
    theta: np.ndarray | float = 0.0

    @cached_property
    def transposed(self) -> Rows:
        return self.A.T

    def __matmul__(self, u: np.ndarray) -> np.ndarray:
        n = self.P.shape[0]
        x, z = u[:n], u[n:]
        return np.concatenate([self.P @ x + self.transposed @ z, self.A @ x - (self.theta * z.T).T])


@dataclass(frozen=True, eq=False)
class Within:
    """Factors of a matrix that is the identity, but for its rows `places`: for these rows."""

    whole: Factors
    places: np.ndarray
    size: int

    def solve(self, right: np.ndarray) -> np.ndarray:
        """For right sides (k,), or (k, r)."""
        if right.ndim > 1:
            return np.stack([self.solve(column) for column in right.T], axis=1)
        spread = np.zeros(self.size)
        spread[self.places] = right
        return self.whole.solve(spread)[self.places]


@dataclass(frozen=True, eq=False)
class Refined:
    """What `matrix` with this `shift`, balanced, is solved by to the last digits, its own factors being less exact.

    Where it is nearly singular, an error is one of those vectors that K maps to zero, and they are to stay apart.
    """

    matrix: SymmetricMatrix
    shift: np.ndarray | float

    def solve(self, right: np.ndarray) -> np.ndarray:
        """For right sides (k,), or (k, r)."""
        if right.ndim > 1:
            return np.stack([self.solve(column) for column in right.T], axis=1)
        best, found, left, least = np.zeros_like(right), np.zeros_like(right), right, np.inf
        for _ in range(ROUNDS):
            found = found + self.matrix.factors.solve(left)
            left = self.left(right, found)
            error = np.abs(left).max(initial=0.0)
            if not error < least / 2:
                break
            best, least = found, error
        return best

    def left(self, right: np.ndarray, found: np.ndarray) -> np.ndarray:
        balance = self.matrix.balance
        return right - balance * (self.matrix.K @ (balance * found)) - self.shift * found


def active_matrix(
    pattern: KktPattern, P: Rows, A: Rows, active: np.ndarray, theta: np.ndarray
) -> Regular | SymmetricMatrix | None:
    """[[P, A'], [A, -diag(theta)]] for the rows of A that are `active` (m,); None where its factors are no good.

    theta (m,) is 0 in the others. It is singular where no shift finds it regular, and one finds it singular.
    """
    from declarative.backends.cone.linear.regular import regular_matrix

    (n, m), held = (pattern.P.shape[0], pattern.A.shape[0]), A.data * active[pattern.A.rows]
    signs, own = np.repeat([1.0, -1.0], [n, m]), np.concatenate([np.arange(n), n + np.flatnonzero(active)])
    values = pattern.with_corner(pattern.values(P.data, held), theta)
    found = regular_matrix(pattern.ordered, values, signs, own, np.array(SHIFTS), REGULAR, REFINED)
    return found or _singular(pattern, P, A, active, theta)


def _singular(pattern: KktPattern, P: Rows, A: Rows, active: np.ndarray, theta: np.ndarray) -> SymmetricMatrix | None:
    (p, a), held = (pattern.P, pattern.A), A.data * active[pattern.A.rows]
    c, d = _balance(pattern, P.data, held, theta)
    values = pattern.values(c[p.rows] * P.data * c[p.columns], d[a.rows] * held * c[a.columns])
    filled = np.concatenate([np.zeros(len(c), dtype=bool), theta > 0])
    filled[p.rows[P.data != 0]] = filled[a.columns[held != 0]] = filled[len(c) + a.rows[held != 0]] = True
    signs, places = np.repeat([1.0, -1.0], [len(c), len(d)]), np.flatnonzero(filled)
    own = np.concatenate([np.ones(len(c), dtype=bool), active])
    K = Bordered(P, A[active], theta[active])
    if not filled[own].all():
        x, z = filled[: len(c)], filled[len(c) :]
        K = Bordered(P[x][:, x], A[z][:, x], theta[z])
    corner = np.concatenate([np.zeros(len(c)), d * theta * d])
    singular, balance = None, np.concatenate([c, d])[filled]
    for shift in SHIFTS:
        factors = pattern.shifted(values, signs * np.where(filled, shift, 1.0) - corner)
        if factors is None:
            continue
        within, least = Within(factors, places, len(filled)), 1 / norm_of_inverse(factors, len(filled))
        found = SymmetricMatrix(K, filled[own], balance, within, singular=False, least=least, factored=K)
        good = least <= REGULAR * shift and _solves(found, shift * signs[filled])
        if good and (singular is None or shift > SHIFT):
            singular = replace(found, singular=True, factors=Refined(found, shift * signs[filled]))
    return singular


def _solves(matrix: SymmetricMatrix, shift: np.ndarray | float) -> bool:
    """Does refinement converge, with the matrix shifted so and factors that no pivots keep exact?

    One vector of zeros among thousands takes part in no right side enough to be seen before the last rounds.
    """
    right, refined = np.random.default_rng(0).standard_normal(len(matrix.balance)), Refined(matrix, shift)
    left = refined.left(right, refined.solve(right))
    return bool(np.linalg.norm(left) <= REFINED * np.linalg.norm(right))


def _balance(pattern: KktPattern, P: np.ndarray, A: np.ndarray, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Factors (n,), (m,) that bring the rows' largest entries near one (Ruiz), for values of P and A; 1 where none."""
    p, a = pattern.P, pattern.A
    P, A, c, d = np.abs(P)[None], np.abs(A)[None], np.ones(p.shape[0]), np.ones(a.shape[0])
    for _ in range(SWEEPS):
        columns = p.by_row.reduce(np.maximum, P * c[p.columns]), a.by_column.reduce(np.maximum, A * d[a.rows])
        rows = np.maximum(a.by_row.reduce(np.maximum, A * c[a.columns])[0], d * theta)
        columns, rows = c * np.maximum(*columns)[0], d * rows
        c, d = (part / np.sqrt(np.where(size > 0, size, 1.0)) for part, size in ((c, columns), (d, rows)))
    return c, d
