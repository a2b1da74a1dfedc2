"""A symmetric indefinite matrix, factored once for many right sides; where it is singular, solutions of least norm.

A singular K = [[H, A'], [A, -T]] is factored as M = K + eps diag(I, -I). What K maps to zero lies in one of the two
parts; K M^-1 takes it out of the right side, and refinement on K itself then converges without a component there.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgWarning, get_lapack_funcs, lu_factor, lu_solve

SINGULAR = 1e-13  # reciprocal condition number of the balanced matrix
SHIFT = 1e-8


@dataclass(frozen=True)
class SymmetricMatrix:
    """K with B = diag(balance) K diag(balance) over its nonzero rows `kept`, factored (shifted where `singular`)."""

    K: np.ndarray
    kept: np.ndarray
    balance: np.ndarray
    lu: tuple[np.ndarray, np.ndarray]
    singular: bool

    def solve(self, right: np.ndarray) -> np.ndarray:
        """K^-1 right, refined; where K is singular, of least norm and with the least error."""
        found = np.zeros(len(right))
        found[self.kept] = self._refined(right[self.kept])
        return found

    def _refined(self, right: np.ndarray) -> np.ndarray:
        K, right = self.K, self._in_range(right) if self.singular else right
        found, left = np.zeros_like(right), right
        best, least = found, np.inf
        for _ in range(8 if self.singular else 3):
            found = found + self._once(left)
            left = right - K @ found
            error = float(np.abs(self.balance * left).max(initial=0.0))
            if not error < 0.5 * least:
                break
            best, least = found, error
        return best

    def _in_range(self, right: np.ndarray) -> np.ndarray:
        """The part that K can give: K M^-1 shrinks it by eps / eigenvalue only, which a second pass makes up for."""
        first = self.K @ self._once(right)
        return first + self.K @ self._once(right - first)

    def _once(self, right: np.ndarray) -> np.ndarray:
        return self.balance * lu_solve(self.lu, self.balance * right, check_finite=False)

    def null_sample(self, count: int = 8) -> np.ndarray:
        """Up to `count` orthonormal directions (size, k) that K maps to zero, by inverse iteration."""
        size = len(self.kept)
        zero = np.flatnonzero(~self.kept)[:count]
        units = np.zeros((size, len(zero)))
        units[zero, np.arange(len(zero))] = 1.0
        if not self.singular:
            return units
        count = min(count, len(self.balance))
        block = np.random.default_rng(0).standard_normal((len(self.balance), count))
        for _ in range(3):
            block = np.linalg.qr(lu_solve(self.lu, block, check_finite=False))[0]
        found = np.zeros((size, block.shape[1]))
        found[self.kept] = self.balance[:, None] * block
        mapped = self.balance[:, None] * (self.K @ found[self.kept])
        return np.concatenate([units, found[:, np.abs(mapped).max(0) < 1e-10]], 1)


def factorise(K: np.ndarray, positive: int) -> SymmetricMatrix:
    """The first `positive` rows are H's."""
    kept = np.abs(K).max(1, initial=0.0) > 0
    signs = np.where(np.arange(len(K)) < positive, 1.0, -1.0)[kept]
    K = K[np.ix_(kept, kept)]
    balance = _balance(K)
    B = balance[:, None] * K * balance
    lu, singular = _lu(B)
    if singular:
        lu, _ = _lu(B + SHIFT * np.diag(signs))
    return SymmetricMatrix(K, kept, balance, lu, singular)


def _lu(B: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], bool]:
    if not len(B):
        return (B, np.zeros(0, dtype=np.int32)), False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LinAlgWarning)
        lu = lu_factor(B, check_finite=False)
    return lu, not _reciprocal_condition(lu[0], np.abs(B).sum(0).max()) > SINGULAR


def _reciprocal_condition(lu: np.ndarray, norm: float) -> float:
    (gecon,) = get_lapack_funcs(("gecon",), (lu,))
    return float(gecon(lu, norm, norm="1")[0])


def _balance(K: np.ndarray, sweeps: int = 3) -> np.ndarray:
    """Powers of the rows' largest entries that bring them all near one (Ruiz)."""
    scale, size = np.ones(len(K)), np.abs(K)
    for _ in range(sweeps):
        step = 1 / np.sqrt(size.max(1, initial=0.0))
        scale, size = scale * step, step[:, None] * size * step
    return scale
