"""Where rounding errors of a point make its system another one, derivatives are not to be had, and the flag says so."""

import pytest
import torch

import declarative

PARABOLA = """
param s : R
var x : R^2, start(1)
minimize x[1]
subject to
  x[1] - x[0]^2 >= s
  x[1] >= 0
"""
CIRCLES = """
param s : R
var x : R^3, start(1)
minimize log10(x[2]) - x[1]
subject to
  x[2] >= 1
  x[1]^2 + x[2]^2 == 4
  x[2] - 1 - x[0]^2 == s
"""
SLACKS = """
param s : R
var x : R^5, start([1, 1, 1, 0, 0])
minimize x[0]^2 + x[1]^2 + x[2]^2
subject to
  x[0] - x[3]^2 + x[1]^2 == 1 + s
  x[0]^2 + x[1]^2 - x[4]^2 == 1
"""
TWICE = """
param s : R
var x : R^4, start(10)
minimize -x[0]
subject to
  x[1] - x[0]^3 >= s
  x[0]^2 - x[1] >= 0
  x[1] - x[0]^3 - x[2]^2 == s
  x[0]^2 - x[1] - x[3]^2 == 0
"""
ROOT = """
param s : R
var x : R^2, start(1)
minimize (x[1] - 1)^2
subject to
  x[0]^POWER + x[1] == 1 + s
  x[1] >= 1
"""


def solution_and_slope(text: str, shift: float):
    """The solution at a shift s of a row, and the derivative of the sum of its entries."""
    s = torch.tensor(shift, dtype=torch.float64, requires_grad=True)
    solution = declarative.compile(declarative.parse(text), backend="kkt", on_failure="mask").solve(s)
    return solution, torch.autograd.grad(solution.x.sum(), s)[0]


@pytest.mark.parametrize(
    "text",
    [PARABOLA, CIRCLES, SLACKS, TWICE, ROOT.replace("POWER", "2")],
    ids=["parabola", "circles", "slacks", "twice", "root"],
)
def test_a_slope_that_rounding_leaves_is_flagged(text):
    """At s = 0 an unknown is 0 whose square a row holds, as sqrt(s) does: it has no derivative there."""
    solution, slope = solution_and_slope(text, 0.0)
    assert solution.solved and solution.degenerate and slope.isfinite()


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("shift", [1e-6, 1e-3, 1.0])
def test_a_small_slope_is_not(shift, scale):
    """x = scale sqrt(s) has the derivative scale / (2 sqrt(s)), however small s and whatever the unit of x."""
    text = f"""
param s : R
var x : R, start({scale})
var y : R
minimize (y - 1)^2 + (x - {scale})^2/{scale}^2
subject to
  x^2/{scale}^2 == s
"""
    s = torch.tensor(shift, dtype=torch.float64, requires_grad=True)
    solution = declarative.compile(declarative.parse(text), backend="kkt").solve(s)
    assert solution.solved and not solution.degenerate
    (slope,) = torch.autograd.grad(solution.x / scale, s)
    assert slope.item() == pytest.approx(0.5 / shift**0.5, rel=1e-6)
