"""Rows all of whose terms are 0 at the solution, as of a car that begins at the origin: rounding violates none."""

import pytest
import torch

import declarative
from declarative.backends.kkt.program.certify import row_terms

STEP = """
param a : R^3
var x : R^3
var y : R
var z : R
var w : R
minimize 10*(y - 1)^2 + 10*(z - 3)^2 + w^2
subject to
  x == a
  y == x[0] + 0.2*x[2]*sin(x[1])
  z == 0.2*x[2]*cos(x[1])
return y, z, v = value
"""
UNICYCLE = """
dim T = 10
param x0 : R^4
var x[0..T] : R^4
var u[0..T-1] : R^2, between(-1.5, 1.5)
minimize 10*((x[T][0] - 3)^2 + x[T][1]^2) + 0.05*sumsq(u)
subject to
  x[0] == x0
  x[t+1][0] == x[t][0] + 0.2*x[t][3]*cos(x[t][2]) for t in 0..T-1
  x[t+1][1] == x[t][1] + 0.2*x[t][3]*sin(x[t][2]) for t in 0..T-1
  x[t+1][2] == x[t][2] + 0.2*u[t][0]*x[t][3] for t in 0..T-1
  x[t+1][3] == x[t][3] + 0.2*u[t][1] for t in 0..T-1
OBSTACLE
return x, v = value
"""


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("a", [(0, 0, 1), (0, 1e-12, 1), (1e-15, 0, 1), (0, 0, 0), (0, 1, 1e-13), (0.3, 0, 2)])
def test_a_step_of_a_car(a, unit):
    text = STEP.replace("- 1)", f"- {unit})").replace("- 3)", f"- {3 * unit})")
    layer = declarative.compile(declarative.parse(text, name="step"))
    a = torch.tensor(a, dtype=torch.float64) * torch.tensor([unit, 1.0, unit], dtype=torch.float64)
    solution = layer.solve(a)
    y, z = a[0] + 0.2 * a[2] * a[1].sin(), 0.2 * a[2] * a[1].cos()
    assert solution.status == 0
    assert solution["y"] == pytest.approx(y.item(), rel=1e-12, abs=1e-24 * unit)
    assert solution["z"] == pytest.approx(z.item(), rel=1e-12, abs=1e-24 * unit)
    assert solution["v"] == pytest.approx((10 * (y - unit) ** 2 + 10 * (z - 3 * unit) ** 2).item(), rel=1e-12)


@pytest.mark.parametrize("obstacle", ["", "  (x[t][0] - 9)^2 + (x[t][1] - 9)^2 >= 0.25 for t in 1..T"])
def test_a_car_that_drives_straight_on_from_the_origin(obstacle):
    """As its neighbours do, which begin a little beside it; the gradient is that of central differences."""
    layer = declarative.compile(declarative.parse(UNICYCLE.replace("OBSTACLE", obstacle), name="unicycle"))
    x0 = torch.tensor([[0.0, 0.0, 0.0, 1.0]], dtype=torch.float64)
    aside = 1e-5 * torch.eye(4, dtype=torch.float64)
    solution = layer.solve(torch.cat([x0, x0 + aside, x0 - aside]))
    assert (solution.status == 0).all()
    assert solution["x"][0, :, 1:3].abs().max() < 1e-12
    x0.requires_grad_()
    (slope,) = torch.autograd.grad(layer(x0)[1].sum(), x0)
    v = solution["v"]
    assert torch.allclose(slope[0], (v[1:5] - v[5:]) / 2e-5, atol=1e-6)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize(("constant", "own"), [(1e-12, True), (1e-30, True), (0.0, False)])
def test_a_small_constant_is_a_measure(constant, own, unit):
    """x[0] == constant beside x[1] = 1, in any unit."""
    J, x = torch.tensor([[[1.0, 0.0]]], dtype=torch.float64), torch.tensor([[0.0, unit]], dtype=torch.float64)
    noise, value = torch.full_like(x, 1e-8 * unit), torch.tensor([[-constant * unit]], dtype=torch.float64)
    terms = row_terms(J, value, x, x.abs(), noise, value).item()
    assert terms == pytest.approx(constant * unit if own else 1e-8 * unit)
