"""Rows of a matrix -> which of them are combinations of others, and of which.

Flow conservation and the marginals of a transport plan are such: the rows of one side add up to those of the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from scipy.linalg import cho_solve
from scipy.linalg.lapack import dpstrf  # pyright: ignore[reportAttributeAccessIssue]
from scipy.sparse.linalg import SuperLU, splu

CLOSE = 1e-10  # the squared distance, at most, of a row of length one from others where it may depend on them
RANK = 1e-10  # of its terms, is left at most of a row that depends on others
EXACT = 1e-13  # the same for rows, and right sides, that follow from others
REFINEMENTS = 3
SHIFT = 1e-13  # of products of sparse rows, which have factors then
DENSE = 500  # rows: the factors of so many are full

Rows: TypeAlias = Any  # an array, or a csr_array
Solve: TypeAlias = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Dependence:
    """Of rows (p, n): the rows `left` (k,) are `weights` (k, r) times the rows `kept` (r,), `exact` or nearly.

    Those that are kept are independent. Rows of zeros are neither.
    """

    size: int
    kept: np.ndarray
    left: np.ndarray
    weights: np.ndarray
    exact: bool

    @cached_property
    def null(self) -> np.ndarray:
        """(p, k): orthonormal combinations of rows that vanish."""
        found = np.zeros((self.size, len(self.left)))
        found[self.left, np.arange(len(self.left))] = 1.0
        found[self.kept] = -self.weights.T
        return np.linalg.qr(found)[0]

    def part(self, z: np.ndarray) -> np.ndarray:
        """The part of z (p,) in what the rows times some x can be."""
        return z - self.null @ (self.null.T @ z)

    def follow(self, b: np.ndarray) -> bool:
        """Do the rows that are left hold, with these right sides (p,), wherever those that are kept do?"""
        off = np.abs(b[self.left] - self.weights @ b[self.kept])
        terms = np.abs(b[self.left]) + np.abs(self.weights) @ np.abs(b[self.kept])
        return self.exact and bool((off <= EXACT * terms).all())


def dependence(E: Rows) -> Dependence | None:
    """Of rows (p, n). Those near to others are found by Cholesky's factors of E E', and their weights refined on E."""
    size = np.sqrt((E * E).sum(1))
    rows = np.flatnonzero(size > 0)
    if len(rows) < 2:
        return None
    even = sp.csr_array(sp.diags_array(1 / size[rows]) @ E[rows]) if sp.issparse(E) else E[rows] / size[rows, None]
    kept, solve = _independent(even @ even.T)
    left = np.setdiff1d(np.arange(len(rows)), kept)
    if not len(left):
        return None
    base, others, weights = even[kept].T, _array(even[left].T), np.zeros((len(kept), len(left)))
    for _ in range(REFINEMENTS):
        weights = weights + solve(base.T @ (others - base @ weights))
    off = np.abs(others - base @ weights).max(0)
    terms = (np.abs(others) + abs(base) @ np.abs(weights)).max(0)
    near = off <= RANK * terms
    if not near.any():
        return None
    exact = bool((off[near] <= EXACT * terms[near]).all())
    kept, left, weights = rows[kept], rows[left[near]], weights[:, near].T
    return Dependence(len(size), kept, left, size[left, None] * weights / size[kept], exact)


def _independent(products: Rows) -> tuple[np.ndarray, Solve]:
    """Rows that are apart from each other, in some order, and what solves for their products."""
    if products.shape[0] <= DENSE or not sp.issparse(products):
        factors, order, rank, _ = dpstrf(_array(products), tol=CLOSE, lower=1)
        inner = factors[:rank, :rank]
        return order[:rank] - 1, lambda right: cho_solve((inner, True), right)
    distance = _pivots(products)
    kept = np.flatnonzero(distance > CLOSE)
    return kept, _factored(products[kept][:, kept]).solve


def _pivots(products: Rows) -> np.ndarray:
    """The squared distance of each row from those before it, in an order that keeps the factors sparse."""
    factors = _factored(products)
    return factors.U.diagonal()[factors.perm_c]


def _factored(products: Rows) -> SuperLU:
    shifted = sp.csc_array(products + SHIFT * sp.eye_array(products.shape[0]))
    return splu(shifted, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})


def _array(rows: Rows) -> np.ndarray:
    return rows.toarray() if sp.issparse(rows) else rows
