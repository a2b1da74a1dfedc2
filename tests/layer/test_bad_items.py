"""Items without an answer leave no trace in any gradient, whatever stands between the data and the solver."""

import pytest
import torch
from torch import Tensor

import declarative
from declarative import Solution, Status


def masked(text: str, backend: str = "auto"):
    return declarative.compile(declarative.parse(text, name="bad"), backend=backend, on_failure="mask")


def gradients(solution: Solution, inputs: list[Tensor]) -> tuple[Tensor, ...]:
    """Of everything that a solution gives, where it is a number."""
    parts = [*solution.values.values(), *solution.duals.values(), solution.value]
    return torch.autograd.grad(sum(part.nan_to_num().sum() for part in parts), inputs)


QUOTIENT = (
    "param d : R; param s : R; var x : R; minimize (x - 1/(d*s))^2 + x^2; subject to; c: x <= 9; return x, e = x/d"
)


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_a_quotient_by_zero_spoils_no_shared_gradient(backend):
    """x = 1/(2ds)."""
    layer = masked(QUOTIENT, backend)
    s = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    d = torch.tensor([1.0, 0.0, 2.0], dtype=torch.float64, requires_grad=True)
    solution = layer.solve(d, s)
    assert solution.status.tolist() == [0, Status.FAILED, 0]
    assert torch.allclose(solution.x[[0, 2]], torch.tensor([0.25, 0.125]).double(), atol=1e-9)
    own, shared = gradients(solution, [d, s])
    good = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    expected, sum_ = gradients(layer.solve(good, s), [good, s])
    assert own[1] == 0 and torch.allclose(own[[0, 2]], expected, rtol=1e-9)
    assert torch.allclose(shared, sum_, rtol=1e-9)


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_a_quotient_by_zero_in_every_item(backend):
    d, s = (torch.zeros(k, dtype=torch.float64, requires_grad=True) for k in (2, 1))
    assert all((g == 0).all() for g in gradients(masked(QUOTIENT, backend).solve(d, s), [d, s]))


def test_the_value_of_an_item_that_has_no_solution_has_no_gradient():
    layer = masked("param h : R; var x : R, start(1); minimize x; subject to; a: x^2 == h")
    h = torch.tensor([-1.0, 4.0], dtype=torch.float64, requires_grad=True)
    solution = layer.solve(h)
    assert solution.status.tolist() == [Status.INFEASIBLE, 0]
    # x = -2 = -sqrt(h), dual = 1/(2 sqrt(h)) at h = 4: slopes -1/4, -1/4 and -1/32
    (slope,) = gradients(solution, [h])
    assert slope[0] == 0 and float(slope[1]) == pytest.approx(-0.25 - 0.25 - 1 / 32, abs=1e-8)


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_a_row_of_small_numbers_is_not_taken_for_rounding(backend):
    text = "param h : R; var x : R^2; minimize sumsq(x); subject to; 1e8*x[0] + 1e-8*x[1] == h; 1e-6*x[1] >= 2e-6"
    solution = masked(text, backend).solve(torch.tensor(1e8, dtype=torch.float64))
    assert solution.status == Status.SOLVED
    assert torch.allclose(solution.x, torch.tensor([1.0, 2.0]).double(), atol=1e-7)


def test_a_broken_promise_of_data_with_a_gradient_is_only_reported():
    layer = masked("param a : R, nonneg; var x : R; minimize (x - a)^2")
    a = torch.tensor(-1.0, requires_grad=True)
    solution = layer.solve(a)
    assert "`a` is -1" in solution.messages[()]
