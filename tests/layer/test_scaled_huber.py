"""Huber's penalty of residuals that are all far below its threshold: least squares, in any units, on both backends."""

import pytest
import torch

import declarative
from declarative import Status

TEXT = """dim m, n
param A : R^(m,n)
param b : R^m
var x : R^n
minimize 0.5*sum(huber(A*x - b, 1)){}
subject to
  box: -100 <= x <= 100
"""
SUMS = ("", " + 0.5*sum(huber(A[i,:]'*x - b[i], 1) for i in m)")


def draw(seed: int, scale: float):
    generator = torch.Generator().manual_seed(seed)
    A, b = (torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((8, 12, 3), (8, 12)))
    return (scale * A).requires_grad_(), (scale * b).requires_grad_()


@pytest.mark.parametrize("scale", [1e-2, 1e-3, 1e-6, 1e-8, 1e-9])
@pytest.mark.parametrize("backend", ["cone", "kkt"])
@pytest.mark.parametrize("more", SUMS)
def test_small_residuals_are_least_squares(scale, backend, more):
    A, b = draw(0, scale)
    found = declarative.compile(declarative.parse(TEXT.format(more)), backend=backend).solve(A, b)
    expected = torch.linalg.lstsq(A / scale, b / scale).solution
    assert (found.status == Status.SOLVED).all()
    assert not (found.degenerate | found.nonunique).any()
    assert torch.allclose(found["x"], expected, rtol=0, atol=1e-6)
    weight = torch.linspace(1, 2, expected.numel(), dtype=torch.float64).reshape(expected.shape)
    own = torch.autograd.grad((weight * found["x"]).sum(), (A, b))
    right = torch.autograd.grad((weight * expected).sum(), (A, b))
    for one, other in zip(own, right, strict=True):
        assert torch.allclose(one * scale, other * scale, rtol=1e-5, atol=1e-6)
