"""Along a narrow curved valley, Newton's steps lead to larger residuals first; the minimum is found all the same."""

import pytest
import torch

import declarative

VALLEY = """
param q : R
param steep : R
var x : R^2, start([-1.2, 1])
minimize steep*(x[1] - x[0]^2)^2 + (1 - x[0])^2 + q*x[0]
"""
TILTS = [0.0, 1e-5, 1e-4, 1e-3, 1e-2]


@pytest.mark.parametrize("steep", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("warm", [False, True])
def test_the_bottom_of_a_valley(steep, warm):
    """At x_0 = 1 - q/2, x_1 = x_0^2: a slope that is small beside the terms of its row is still a way to go."""
    layer = declarative.compile(declarative.parse(VALLEY), backend="kkt", on_failure="mask")
    q, one = torch.tensor(TILTS, dtype=torch.float64), torch.full((5,), steep, dtype=torch.float64)
    solution = layer.solve(q, one, warm=layer.solve(0 * q, one) if warm else None)
    exact = 1 - q / 2
    assert solution.solved.all()
    torch.testing.assert_close(solution.x, torch.stack([exact, exact**2], -1), rtol=0, atol=1e-6)
