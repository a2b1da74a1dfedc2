"""Sums of exponentials of large numbers, which turn within a small part of x: a point far from the minimum is none."""

import numpy as np
import pytest
import torch

import declarative
from declarative import Status

HEAD = "param A : R^(6,4); param b : R^6; param c : R^4; var x : R^4; "
TEXT = HEAD + "minimize logsumexp(A*x + b) + sumsq(x)/2 + c'*x"


@pytest.mark.parametrize("backend", ["auto", "kkt"])
@pytest.mark.parametrize("scale", [1e2, 1e4, 1e6])
def test_what_is_solved_has_hardly_a_slope(backend, scale):
    """The curvature is at least 1, so that a point is above the minimum by |slope|^2/2 at most."""
    items = [np.random.default_rng(seed) for seed in range(12)]
    data = [(scale * rng.normal(size=(6, 4)), rng.normal(size=6), rng.normal(size=4)) for rng in items]
    A, b, c = (torch.tensor(np.array(part)) for part in zip(*data, strict=True))
    solution = declarative.compile(declarative.parse(TEXT), backend=backend, on_failure="mask").solve(A, b, c)
    x, answered = solution["x"].detach(), solution.status == Status.SOLVED
    slope = (A.mT @ ((A @ x[..., None])[..., 0] + b).softmax(-1)[..., None])[..., 0] + x + c
    least = (slope**2).sum(-1) / 2 <= 1e-6 * solution.value.abs()
    assert (least | ~answered | solution.degenerate).all()
    assert backend == "kkt" or (answered & least).all()
