"""The reference path: cvxpylayers on CVXPY's own canonical form, SCS and diffcp in its exact mode."""

import warnings

import cvxpy as cp
import numpy as np
import pytest
import torch

import declarative

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from cvxpylayers.torch import CvxpyLayer

EXACT = {"solve_method": "SCS", "eps": 1e-10, "max_iters": 100_000, "mode": "dense"}
TEXTS = {
    "second-order": "dim m, n\nparam A : R^(m,n)\nparam b : R^m\nvar x : R^n\n"
    "minimize norm(A*x - b) + sum(x)/4\nsubject to\n  ball: norm(x) <= 1",
    "exponential": "dim m, n\nparam A : R^(m,n)\nparam b : R^m\nvar x : R^n\n"
    "minimize sum(logistic(A*x - b)) + norm1(x)/10 + sumsq(x)/20",
}


def reference(kind: str, m: int, n: int) -> CvxpyLayer:
    A, b, x = cp.Parameter((m, n)), cp.Parameter(m), cp.Variable(n)
    if kind == "second-order":
        problem = cp.Problem(cp.Minimize(cp.norm(A @ x - b) + cp.sum(x) / 4), [cp.norm(x) <= 1])
    else:
        objective = cp.sum(cp.logistic(A @ x - b)) + cp.norm1(x) / 10 + cp.sum_squares(x) / 20
        problem = cp.Problem(cp.Minimize(objective))
    return CvxpyLayer(problem, parameters=[A, b], variables=[x])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", TEXTS)
def test_solutions_and_gradients_agree(kind):
    rng = np.random.default_rng(2)
    A, b, g = (torch.tensor(rng.standard_normal(s)) for s in ((6, 4), (6,), (4,)))
    layer = declarative.compile(declarative.parse(TEXTS[kind]), backend="cone")
    results = []
    for solve in (layer, lambda *data: reference(kind, 6, 4)(*data, solver_args=EXACT)[0]):
        data = [t.clone().requires_grad_() for t in (A, b)]
        x = solve(*data)
        results.append((x.detach(), *torch.autograd.grad(x @ g, data)))
    for own, theirs in zip(*results, strict=True):
        assert torch.allclose(own, theirs, rtol=1e-5, atol=1e-6)
