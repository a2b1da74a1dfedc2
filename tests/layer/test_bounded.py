"""What the rules of signs bound is never called unbounded, however little of its curvature rounding leaves."""

import pytest
import torch

import declarative
from declarative import Status
from declarative.backends.bounded import has_bound

SQUARES = """
dim n = 4, m
param Q : R^(m,n)
param h : R^m
var x : R^n
minimize sumsq(Q*x - h)
subject to
  e: sum(x) == 1
  f: 2*sum(x) == 2
"""


@pytest.mark.parametrize("backend", ["kkt", "cone", "auto"])
@pytest.mark.parametrize("small", [1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9])
def test_a_sum_of_squares_is_not_unbounded(backend, small):
    """Its Q'Q has eigenvalues of `small` squared, along which it falls in proportion to `small`."""
    layer = declarative.compile(declarative.parse(SQUARES, name="squares"), backend=backend, on_failure="mask")
    generator = torch.Generator().manual_seed(0)
    Q = torch.randn(20, 2, 4, generator=generator, dtype=torch.float64)
    Q[:, 1] *= small
    solution = layer.solve(Q, torch.tensor([1.0, 2.0], dtype=torch.float64))
    assert (solution.status != Status.UNBOUNDED).all() and (solution.status != Status.INFEASIBLE).all()
    assert all("its sign excludes" in told for told in solution.messages.values() if "decrease" in told)


@pytest.mark.parametrize(
    ("objective", "bound"),
    [
        ("minimize sumsq(x)", True),
        ("minimize x[0]", False),
        ("maximize -sumsq(x)", True),
        ("maximize sumsq(x)", False),
        ("minimize -sumsq(x)", False),
        ("minimize sum(exp(x)) + norm(x)", True),
        ("minimize sumsq(x) - 1", False),
    ],
)
def test_which_objectives_have_a_bound(objective, bound):
    assert has_bound(declarative.parse(f"var x : R^2; {objective}", name="bound")) == bound


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_what_falls_without_end_is_still_unbounded(backend):
    text = "var x : R^2; minimize sumsq(x[0]) + x[1]"
    layer = declarative.compile(declarative.parse(text, name="fall"), backend=backend, on_failure="mask")
    assert layer.solve().status == Status.UNBOUNDED
