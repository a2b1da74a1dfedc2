"""Minima at 0: all terms of the optimality conditions vanish there, and Newton's steps shrink x without end."""

import pytest
import torch

import declarative
from declarative import Status

SIZES = [1e-10, 1e-6, 1e-3, 1.0, 10.0]
OBJECTIVES = {
    "a double sum": "sum(H[i,j]*x[i]*x[j] for i in n, j in n)",
    "a quartic": "x'*H*x + sum(x)^4",
    "hyperbolic": "sum(exp(x[i]) + exp(-x[i]) - 2 for i in n) + x'*H*x",
    "a logarithm": "sum(log(1 + x[i]^2) for i in n) + x'*H*x",
    "an exponential": "sum(exp(x[i]) - x[i] - 1 for i in n) + 0.1*x'*H*x",
    "a product": "x'*H*x + (x[0]*x[1])^2",
}
ROWS = {"free": "", "equation": "sum(x) == 0", "far": "sum(x) <= 1", "box": "-20 <= x <= 20", "curve": "x[0] == x[1]^2"}


def data(n: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """H (n, n), and a start of each size (items, n)."""
    g = torch.Generator().manual_seed(3)
    R = torch.randn(n, n, generator=g, dtype=torch.float64)
    sizes = torch.tensor(SIZES, dtype=torch.float64)
    return R.T @ R + 0.1 * torch.eye(n), sizes[:, None] * torch.randn(len(SIZES), n, generator=g, dtype=torch.float64)


def layer(objective: str, rows: str = ""):
    text = "dim n; param H : S^n, psd; param c : R^n; param s : R^n; var x : R^n, start(s)"
    rows = f"; subject to; {rows}" if rows else ""
    return declarative.compile(declarative.parse(f"{text}; minimize {objective} + c'*x{rows}"), backend="kkt")


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_minima_at_zero_are_solved_from_near_and_far(objective, rows):
    H, start = data()
    found = layer(OBJECTIVES[objective], ROWS[rows]).solve(H, torch.zeros(4, dtype=torch.float64), start)
    assert (found.status == Status.SOLVED).all(), found.messages
    assert found.values["x"].abs().max() < 1e-9
    assert not found.degenerate.any()


@pytest.mark.parametrize("objective", ["a double sum", "a quartic", "a product"])
def test_their_derivatives_are_those_of_the_quadratic_part(objective):
    H, start = data()
    c = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    x = layer(OBJECTIVES[objective])(H, c, start[3])
    (slope,) = torch.autograd.grad(x[0], c)
    torch.testing.assert_close(slope, -torch.linalg.inv(2 * H)[0], rtol=1e-9, atol=1e-9)


def test_constants_that_cancel_but_for_rounding_do_not_hide_a_minimum_near_zero():
    text = "var x : R, start(1); minimize (x + 0.1 + 0.2 - 0.3)^2 + (x + 0.1 + 0.2 - 0.3)^4"
    found = declarative.compile(declarative.parse(text), backend="kkt").solve()
    assert found.status == Status.SOLVED
    assert found.values["x"].abs() < 1e-12


def test_the_way_to_a_point_does_not_hide_that_it_is_no_minimum():
    """The slope at the end of a long way, e^-x, is small beside the way, but so is all else."""
    text = "param s : R; var x : R^2, start(s); minimize exp(-x[0]) + x[1]^2 + x[1]^4"
    found = declarative.compile(declarative.parse(text), backend="kkt").solve(torch.tensor([-30.0, -1.0, 0.0, 1.0]))
    assert (found.status != Status.SOLVED).all()
