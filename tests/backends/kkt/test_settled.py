"""Products of kinked functions: what is called solved is a minimum of the user's function, not of its epigraph form."""

import pytest
import torch

import declarative

COSTS = {  # with the function that the text says
    "abs(x)*abs(x - 1)": lambda x: x.abs() * (x - 1).abs(),
    "pos(x)*abs(x + 1)": lambda x: x.clamp(min=0) * (x + 1).abs(),
    "pos(x)*exp(abs(x - 1))": lambda x: x.clamp(min=0) * (x - 1).abs().exp(),
    "norm1(x)*sqrt(abs(x))": lambda x: x.abs() ** 1.5,
    "abs(x)*sqrt(abs(2*x))": lambda x: 2**0.5 * x.abs() ** 1.5,
    "abs(x)*sqrt(max(x, -x))": lambda x: x.abs() ** 1.5,
    "abs(x)*sqrt(pos(x) + negpart(x))": lambda x: x.abs() ** 1.5,
    "sqrt(abs(x))": lambda x: x.abs() ** 0.5,
}


@pytest.mark.parametrize("cost", COSTS)
def test_what_is_called_solved_is_a_local_minimum(cost):
    """Of t*s with t >= |x|, s >= |x - 1| every x = t = 0 with s large is stationary."""
    layer = declarative.compile(declarative.parse(f"param y : R; var x : R; minimize (x - y)^2 + {cost}"))
    y = torch.tensor([2.0, 0.6, 0.3, 0.1, 0.05, 0.01, -0.01, -0.3, -0.8, -3.0], dtype=torch.float64)
    solution = layer.solve(y)
    x, data = solution.x[solution.solved], y[solution.solved]
    here, up, down = ((z - data) ** 2 + COSTS[cost](z) for z in (x, x + 1e-5, x - 1e-5))
    assert (torch.minimum(up, down) >= here - 1e-12).all()
    assert len(x) >= 4
