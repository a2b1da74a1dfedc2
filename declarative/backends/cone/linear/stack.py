"""The matrices K of small systems of a batch, factored together; one by itself is a `SymmetricMatrix`.

How far a matrix is from singular is asked of those only that are looked at by themselves, as are those with a small
pivot: the others are solved with as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from declarative.backends.cone.linear.matrices import Matrices
from declarative.backends.cone.linear.symmetric import SINGULAR, Dense, SymmetricMatrix, factorise

SMALL = 100  # rows of K: larger ones are LAPACK's
WORK = 1e6  # operations for the part of K that curves: so are these
CLEAR = 1e-6  # a pivot of a balanced matrix


def are_small(columns: int, active: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    """(B,): for A with so many columns, and `active` and `curvature` (B, m) of its rows."""
    curved = np.count_nonzero(curvature, axis=1)
    return (columns + np.count_nonzero(active, axis=1) <= SMALL) & (columns * columns * curved <= WORK)


@dataclass(frozen=True, eq=False)
class Stack:
    """See `System` for columns (B, n, m) of A, active, curvature, values and rest (B, m), `stacked` for the others."""

    columns: np.ndarray
    active: np.ndarray
    curvature: np.ndarray
    values: np.ndarray
    rest: np.ndarray
    K: np.ndarray
    B: np.ndarray
    pivots: np.ndarray
    scale: np.ndarray
    places: np.ndarray
    sizes: np.ndarray
    norms: np.ndarray
    least: np.ndarray

    @cached_property
    def clear(self) -> list[bool]:
        """Of each item: are no pivots small?"""
        return (self.least > CLEAR).tolist()

    def solve(
        self, which: np.ndarray, rows: np.ndarray, g: np.ndarray, h: np.ndarray, y: np.ndarray, v: np.ndarray
    ) -> None:
        """Newton's steps y and v for the items `which` (k,) in their `rows` (k,) of g and y (., n), h and v (., m)."""
        from declarative.backends.cone.linear.stacked import solved

        n, m = self.columns.shape[1:]
        own = self.columns, self.active, self.curvature, self.values, self.rest
        factors = self.K, self.B, self.pivots, self.scale, self.places, self.sizes
        solved(which, *own, *factors, rows, g, h, np.zeros(m), y, v, np.empty(7 * (n + m)))

    def matrix(self, k: int) -> SymmetricMatrix:
        size, n = int(self.sizes[k]), self.columns.shape[1]
        K, places = np.ascontiguousarray(self.K[k, :size, :size]), self.places[k, :size]
        kept = np.zeros(n + np.count_nonzero(self.active[k]), dtype=bool)
        kept[places] = True
        factors = Dense(np.ascontiguousarray(self.B[k, :size, :size]).T, self.pivots[k, :size])
        norm = float(self.norms[k])
        reciprocal = factors.reciprocal_condition(norm)
        if reciprocal > SINGULAR:
            return SymmetricMatrix(K, kept, self.scale[k, :size], factors, False, reciprocal * norm, K)
        whole = np.zeros((len(kept), len(kept)))
        whole[np.ix_(places, places)] = K
        return factorise(whole, n)


@dataclass(frozen=True, eq=False)
class Member:
    """One of the matrices of a stack."""

    stack: Stack
    number: int

    @cached_property
    def matrix(self) -> SymmetricMatrix:
        return self.stack.matrix(self.number)


def stack_of(
    P: Matrices,
    columns: np.ndarray,
    active: np.ndarray,
    curvature: np.ndarray,
    theta: np.ndarray,
    values: np.ndarray,
    rest: np.ndarray,
) -> Stack:
    from declarative.backends.cone.linear.stacked import factored

    B, n, m = columns.shape
    most = n + int(np.count_nonzero(active, axis=1).max(initial=0))
    (K, factors), scale, found = np.empty((2, B, most, most)), np.empty((B, most)), np.empty((2, B))
    pivots, places, sizes = np.empty((B, most), np.int32), np.empty((B, most), np.int64), np.empty(B, np.int64)
    own, pattern = (columns, active, curvature, theta), P.pattern
    at = pattern.rows, pattern.columns, np.ascontiguousarray(P.values)
    factored(*own, *at, K, factors, pivots, scale, places, sizes, found, np.empty((m + 1, most)))
    return Stack(columns, active, curvature, values, rest, K, factors, pivots, scale, places, sizes, *found)
