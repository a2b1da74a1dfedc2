"""An item whose objective is no finite number is never solved, and spoils no other."""

import pytest
import torch

import declarative
from declarative import Status

TOO_LARGE = [
    ("param c : R; var x : R; minimize x^2 + exp(c)", 1000.0),
    ("param c : R; var x : R; minimize exp(x) - x + c*c", 1e200),
    ("param c : R; var x : R^2; minimize norm(x - 1) + c*c - c*c", 1e200),
    ("param c : R; var x : R; maximize c*x - x^2", 1e155),
    ("param c : R; var x : R; minimize (x - c)^2", 1e200),
    ("param c : R; var x : R; minimize x^2 + c*sum(exp(1000*i) for i in 0..2)", 1.0),
]


@pytest.mark.parametrize("text, c", TOO_LARGE)
def test_what_is_too_large_is_never_solved(text, c):
    solution = declarative.compile(declarative.parse(text), on_failure="mask").solve(c)
    assert solution.status == Status.FAILED and solution.value.isnan()
    assert "no finite number" in solution.messages[()]


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_other_items_are_what_they_are_alone(backend):
    text = "dim n; param y : R^n; param c : R; var x : R^n, simplex; minimize sumsq(x - y) + exp(c)"
    layer = declarative.compile(declarative.parse(text), backend=backend, on_failure="mask")
    double = {"dtype": torch.float64, "requires_grad": True}

    def gradients(c: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
        y, level = torch.tensor([0.2, 0.5, 0.7], **double), torch.tensor(c, **double)
        solution = layer.solve(y, level)
        (solution.x.square().nansum() + solution.value.nansum()).backward()
        assert y.grad is not None and level.grad is not None
        return y.grad, level.grad

    (shared, own), (alone, both) = gradients([1.0, 1000.0, 2.0]), gradients([1.0, 2.0])
    assert torch.equal(shared, alone)
    assert torch.equal(own[[0, 2]], both) and own[1] == 0


def test_an_infinite_side_is_no_part_of_the_objective():
    layer = declarative.compile(
        declarative.parse("param c : R; var x : R; minimize (x - 1)^2; subject to; x <= exp(c)")
    )
    assert layer(1000.0) == 1.0
