"""Rows that nearly repeat each other at a corner, threads at one solution, neighbours of another kind."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

import declarative
from declarative.backends.kkt.compiled.batch import Data, solve_batch

CORNER = """
dim m
param G : R^(m,6)
var x : R^6
minimize sumsq(x)
subject to
  G*x <= 0
  x[0:3] >= 0
  x[3:6] <= 0
"""
STOCHASTIC = """
dim k
param c : R^(k,k)
param a : R^k
var X : R^(k,k), nonneg
minimize sumsq(X)/2 + sum(c[i,j]*X[i,j] for i in k, j in k)
subject to
  sum(X[i,j] for j in k) == a[i] for i in k
  sum(X[i,j] for i in k) == a[j] for j in k
"""


def test_rows_that_nearly_repeat_each_other_stay_within_their_memory():
    """More of them than directions: rounding leaves of the last one a remainder that is none."""
    layer = declarative.compile(declarative.parse(CORNER, name="corner"), backend="kkt", on_failure="mask")
    rng = np.random.default_rng(0)
    for m in (2, 2, 3, 3):
        near = 10 ** rng.uniform(-7, -3, (500, 1, 1)) * rng.normal(size=(500, m, 6))
        G = (rng.normal(size=(500, m, 1)) + near) * 10 ** rng.uniform(-3, 3, (500, 1, 1))
        solution = layer.solve(torch.tensor(G))
        assert (solution.x[solution.solved].abs() < 1e-9).all() and solution.solved.sum() > 450


def test_two_threads_differentiate_one_solution():
    layer = declarative.compile(declarative.parse(STOCHASTIC, name="stochastic"), backend="kkt")
    generator = torch.Generator().manual_seed(0)
    c = torch.rand(32, 8, 8, dtype=torch.float64, generator=generator).requires_grad_()
    X = layer(c, torch.ones(8, dtype=torch.float64))
    weights = [torch.randn(X.shape, dtype=torch.float64, generator=generator) for _ in range(2)]

    def gradient(k: int) -> torch.Tensor:
        return torch.autograd.grad((X * weights[k % 2]).sum(), c, retain_graph=True)[0]

    alone = [gradient(0), gradient(1)]
    with ThreadPoolExecutor(2) as pool:
        for k, found in enumerate(pool.map(gradient, range(200))):
            torch.testing.assert_close(found, alone[k % 2], rtol=0, atol=0)


def test_a_neighbour_that_is_left_to_another_method_says_nothing_about_a_shared_matrix():
    rng, n, p = np.random.default_rng(0), 130, 70
    A, q, none = rng.normal(size=(2, p, n)), rng.normal(size=(2, n)), np.zeros((1, 0))
    A[0] *= rng.random((p, n)) < 0.1

    def clear(items: list[int]) -> list[bool]:
        ends = np.full((1, n), -np.inf), np.full((1, n), np.inf)
        sides = np.zeros((len(items), p)), np.zeros((1, 0, n)), none
        whole = np.zeros(0, np.int64), np.zeros(n, np.int64)
        data = Data(np.eye(n)[None], q[items], A[items], *sides, *ends, *whole)
        return solve_batch(data, np.zeros((len(items), p), np.int8), 1).clear.tolist()

    assert clear([1]) == [True]
    assert clear([0, 1])[1] and clear([1, 0])[0]


MIXED = """
dim n, m
param F : R^(2,n)
param q : R^n
param G : R^(m,n)
param r : R, pos
var x : R^n
minimize sumsq(F*x)/2 + q'*x
subject to
  sum(x) == 0
  G*x <= 1
  -r <= x <= r
"""


def test_items_at_many_bounds_and_at_few_take_their_own_ways_in_one_batch():
    """In narrow boxes nearly all entries are held, in wide ones hardly any: x, iterations and flags as alone."""
    layer = declarative.compile(declarative.parse(MIXED, name="mixed"), backend="kkt", on_failure="mask")
    g = torch.Generator().manual_seed(0)
    data = {k: torch.randn(12, *s, generator=g, dtype=torch.float64) for k, s in (("F", (2, 8)), ("q", (8,)))}
    data |= {
        "G": torch.randn(12, 10, 8, generator=g, dtype=torch.float64),
        "r": torch.tensor([1e-2, 10.0] * 6).double(),
    }
    together = layer.solve(**data)
    assert together.solved.all()
    for k in range(12):
        alone = layer.solve(**{name: part[k : k + 1] for name, part in data.items()})
        torch.testing.assert_close(together.x[k], alone.x[0], rtol=0, atol=1e-13)
        assert together.iterations[k] == alone.iterations[0] and together.degenerate[k] == alone.degenerate[0]
