"""Cholesky factors, triangular solutions and products from tiles: against numpy, at all sizes around a tile's."""

import numpy as np
import pytest

from declarative.backends.kkt.compiled.blas import ROUTINES
from declarative.backends.kkt.compiled.jit import outer
from declarative.backends.kkt.compiled.tiles import (
    LARGEST,
    TILE,
    cholesky,
    products,
    solve_rows,
    solve_step,
    tiled_cholesky,
    tiled_products,
)  # fmt: skip
from declarative.backends.kkt.compiled.tiles import memory as numbers


@outer
def chosen(routines, info, A, V, C, first):
    found = cholesky(routines, A, len(A), len(A), info)
    solve_rows(routines, A, len(A), V, len(V))
    products(routines, V, first, len(V), len(A), C, len(V))
    return found


@outer
def tiled(A, V, C, first):
    n = len(A)
    found = tiled_cholesky(numbers(A), n, n)
    for j in range(0, n, TILE):
        solve_step(numbers(A), n, j, min(TILE, n - j), numbers(V), 0, n, len(V))
    tiled_products(numbers(V), first, len(V), n, numbers(C), len(V))
    return found


def by_size(*args):
    return chosen(ROUTINES, np.zeros(1, np.int32), *args)


def matrices(n: int, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A positive definite matrix with nothing above its diagonal, rows, and room for their products."""
    g = np.random.default_rng(n + 100 * k)
    A = g.standard_normal((n, n))
    A = A @ A.T + n * np.eye(n)
    A[np.triu_indices(n, 1)] = np.nan
    return A, g.standard_normal((k, n)), np.full((k, k), np.nan)


def is_right(A: np.ndarray, V: np.ndarray, C: np.ndarray, first: int, run) -> None:
    L, W, own = A.copy(), V.copy(), C.copy()
    assert run(L, W, own, first) == 0
    lower = np.tril(np.nan_to_num(A))
    exact = np.linalg.cholesky(lower + np.tril(lower, -1).T)
    np.testing.assert_allclose(L[np.tril_indices(len(A))], exact[np.tril_indices(len(A))], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(W @ exact.T, V, atol=1e-12)
    i, j = np.tril_indices(len(V))
    mine = i >= first
    np.testing.assert_allclose(own[i, j][mine], (W @ W.T)[i, j][mine], atol=1e-12)
    assert np.isnan(own[i, j][~mine]).all()


@pytest.mark.parametrize("n", [*range(1, 10), 16, 31, 50, 129])
@pytest.mark.parametrize("k, first", [(1, 0), (4, 0), (7, 3), (13, 8)])
def test_factors_solutions_and_products_of_new_rows(n, k, first):
    is_right(*matrices(n, k), first, tiled)
    is_right(*matrices(n, k), first, by_size)


def test_beyond_the_largest_size_it_is_left_to_blas():
    is_right(*matrices(LARGEST + 1, 5), 2, by_size)


@pytest.mark.parametrize("n", [1, 4, 6, 20])
@pytest.mark.parametrize("pivot", [0.0, -1.0, np.nan])
def test_what_is_not_positive_definite_is_told(n, pivot):
    for place in {0, n // 2, n - 1}:
        A, V, C = matrices(n, 2)
        A[place, place] = pivot
        assert tiled(A, V, C, 0) != 0
