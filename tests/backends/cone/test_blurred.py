"""Sums of squares whose rows are of very different size: what their matrix loses is found by what is squared."""

import numpy as np
import pytest
import torch
from scipy.optimize import brentq

import declarative
from declarative import Status
from declarative.backends.cone.program.certificate import ADRIFT

HEAD = "dim m, n\nparam A : R^(m,n)\nparam b : R^m\nvar x : R^n\n"
BALL = "subject to\n  norm(x) <= 2\n"


def drawn(seed: int, size: float) -> tuple[np.ndarray, np.ndarray]:
    """So few rows are of size one that the others, of this size, decide some of x."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 12))
    m = n + int(rng.integers(0, 6))
    A, b = rng.standard_normal((m, n)), rng.standard_normal(m)
    small = rng.permutation(m)[: m - n + 1 + rng.integers(0, n - 1)]
    A[small] *= size
    b[small] *= size
    return A, b


def in_ball(A: np.ndarray, b: np.ndarray, radius: float) -> np.ndarray:
    """(A'A + l)^-1 A'b for the l >= 0 at which its norm is the radius, by singular values of A."""
    U, s, V = np.linalg.svd(A, full_matrices=False)

    def x(multiplier: float) -> np.ndarray:
        return V.T @ ((U.T @ b) / (s + multiplier / s))

    def excess(logarithm: float) -> float:
        return float(np.linalg.norm(x(np.exp(logarithm)))) - radius

    return x(0.0) if excess(-100.0) <= 0 else x(np.exp(brentq(excess, -100.0, 10.0, xtol=1e-14, rtol=1e-15)))


@pytest.mark.parametrize("size", [1e-3, 1e-4, 1e-5])
@pytest.mark.parametrize("seed", range(8))
def test_small_rows_decide_x_in_a_ball(seed, size):
    A, b = drawn(seed, size)
    layer = declarative.compile(declarative.parse(HEAD + "minimize sumsq(A*x - b)\n" + BALL), backend="cone")
    solution, wanted = layer.solve(torch.tensor(A), torch.tensor(b)), in_ball(A, b, 2.0)
    assert solution.status == Status.SOLVED
    assert np.abs(solution["x"].numpy() - wanted).max() <= ADRIFT * np.linalg.norm(wanted)


@pytest.mark.parametrize("seed", range(4))
def test_gradients_are_those_of_rows_for_what_is_squared(seed):
    data = [torch.tensor(part).requires_grad_() for part in drawn(seed, 1e-4)]
    rows = HEAD + "var r : R^m\nminimize sumsq(r)\n" + BALL + "  r == A*x - b"
    found = []
    for text in (HEAD + "minimize sumsq(A*x - b)\n" + BALL, rows + "\nreturn x"):
        x = declarative.compile(declarative.parse(text), backend="cone")(*data)
        found.append(torch.autograd.grad(x.sum(), data))
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=0, atol=1e-4 * float(other.norm()))


def test_a_matrix_that_is_given_is_not_doubted():
    """x = 1/P in each entry, whatever the sizes are beside each other."""
    text = "dim n\nparam P : S^n, psd\nvar x : R^n\nminimize quad(x, P)/2 - sum(x)\nsubject to\n  x <= 1e12"
    P = torch.diag(torch.tensor([1.0, 1e-10]).double())
    solution = declarative.compile(declarative.parse(text), backend="cone").solve(P)
    assert solution.status == Status.SOLVED
    torch.testing.assert_close(solution["x"], 1 / P.diagonal(), rtol=1e-9, atol=0)
