"""Values of objectives whose quadratic forms cancel are those of what is written."""

import pytest
import torch

import declarative

SIZES = torch.tensor([0.0, 1.0, 1e4, 1e6, 1e8, 1e9]).double()
PROGRAMS = {
    "square": ("minimize (x - c)^2\nsubject to\n  x <= c - 1", 1.0),
    "above": ("maximize 3 - (x - c)^2\nsubject to\n  x <= c - 1", 2.0),
    "sum": ("minimize sumsq([x - c, 2*x - 2*c])\nsubject to\n  x <= c - 1", 5.0),
    "product": ("minimize (x - c)^2 + 2*x - 2*c + 4\nsubject to\n  x <= c - 2", 4.0),
    "linear": ("minimize 3*x - 3*c\nsubject to\n  x >= c - 1", -3.0),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_value_is_the_same_wherever_the_program_is(name):
    text, value = PROGRAMS[name]
    layer = declarative.compile(declarative.parse("param c : R\nvar x : R\n" + text), backend="cone")
    c = SIZES.clone().requires_grad_()
    solution = layer.solve(c)
    torch.testing.assert_close(solution.value, torch.full_like(SIZES, value), rtol=1e-7, atol=0)
    (slope,) = torch.autograd.grad(solution.value.sum(), c)
    assert (slope.abs() <= 1e-15 * (1 + SIZES)).all()


def test_the_derivative_of_the_value_goes_both_ways():
    """(a - c)^2 for x <= a: its derivatives at a = c - 1 are -2 and 2."""
    text = "param a : R\nparam c : R\nvar x : R\nminimize (x - c)^2\nsubject to\n  x <= a\nreturn v = value"
    layer = declarative.compile(declarative.parse(text), backend="cone")
    c = torch.tensor(1e8).double()
    value, moved = torch.func.jvp(layer, (c - 1, c), (torch.ones_like(c), torch.zeros_like(c)))
    assert value.item() == pytest.approx(1.0, rel=1e-7)
    assert moved.item() == pytest.approx(-2.0, rel=1e-6)
    slopes = torch.func.grad(layer, argnums=(0, 1))(c - 1, c)
    assert [slope.item() for slope in slopes] == pytest.approx([-2.0, 2.0], rel=1e-6)
