"""A controller that has nearly arrived: states of 1e-20 to 1e-3 beside constants of the model that cancel."""

import pytest
import torch

import declarative

QUADROTOR = """
dim T = 4
param x0 : R^6
param goal : R^2
var x[0..T] : R^6
var u[0..T-1] : R^2, between(-1.2, 1.2)
minimize 10*sumsq(x[T][0:2] - goal) + 0.05*sumsq(u)
subject to
  x[0] == x0
  x[t+1][0] == x[t][0] + 0.1*x[t][3] for t in 0..T-1
  x[t+1][1] == x[t][1] + 0.1*x[t][4] for t in 0..T-1
  x[t+1][2] == x[t][2] + 0.1*x[t][5] for t in 0..T-1
  x[t+1][3] == x[t][3] - 0.1*(u[t][0] + 9.81)*sin(x[t][2]) for t in 0..T-1
  x[t+1][4] == x[t][4] + 0.1*((u[t][0] + 9.81)*cos(x[t][2]) - 9.81) for t in 0..T-1
  x[t+1][5] == x[t][5] + 0.1*u[t][1] for t in 0..T-1
return x, u
"""
ARM = """
dim T = 12
param x0 : R^4
param goal : R^2
var x[0..T] : R^4
var u[0..T-1] : R^2, between(-1.2, 1.2)
minimize 10*sumsq(x[T][0:2] - goal) + 0.05*sumsq(u)
subject to
  x[0] == x0
  x[t+1][0] == x[t][0] + 0.1*x[t][2] for t in 0..T-1
  x[t+1][1] == x[t][1] + 0.1*x[t][3] for t in 0..T-1
  x[t+1][2] == x[t][2] + 0.1*(u[t][0] - x[t][2]*x[t][3]*sin(x[t][1])) for t in 0..T-1
  x[t+1][3] == x[t][3] + 0.1*(u[t][1] + x[t][2]^2*sin(x[t][1])) for t in 0..T-1
return x, u
"""
SIZES = [1e-3, 1e-6, 1e-9, 1e-12, 1e-16, 1e-20]


@pytest.fixture(scope="module")
def quadrotor():
    return declarative.compile(declarative.parse(QUADROTOR, name="quadrotor"))


@pytest.mark.parametrize("goal", [(0.0, 0.0), (2.0, 0.0), (0.0, 1.5)])
def test_it_is_solved_from_any_start_near_the_goal_and_beside_it(quadrotor, goal):
    x0 = torch.cat([size * torch.eye(6, dtype=torch.float64) for size in (*SIZES, 0.0)])
    solution = quadrotor.solve(x0, torch.tensor([goal], dtype=torch.float64))
    assert (solution.status == 0).all()
    torch.testing.assert_close(solution["x"][:, 0], x0, rtol=1e-12, atol=0)


def test_an_arm_with_one_small_state():
    layer = declarative.compile(declarative.parse(ARM, name="arm"))
    x0 = torch.cat([size * torch.eye(4, dtype=torch.float64) for size in SIZES])
    solution = layer.solve(x0, torch.tensor([[2.0, 0.0]], dtype=torch.float64))
    assert (solution.status == 0).all()
    torch.testing.assert_close(solution["x"][:, 0], x0, rtol=1e-12, atol=0)


def test_near_the_goal_its_solution_is_that_of_the_linear_model(quadrotor):
    """A quadratic program: sin(t) is t there, and u t is nothing."""
    text = QUADROTOR.replace("(u[t][0] + 9.81)*sin(x[t][2])", "9.81*x[t][2]")
    text = text.replace("((u[t][0] + 9.81)*cos(x[t][2]) - 9.81)", "u[t][0]")
    linear = declarative.compile(declarative.parse(text, name="linear"))
    x0, goal = torch.eye(6, dtype=torch.float64), torch.zeros(1, 2, dtype=torch.float64)
    right = linear.solve(1e-3 * x0, goal)["u"] / 1e-3
    for size in (1e-6, 1e-8):
        found = quadrotor.solve(size * x0, goal)["u"] / size
        assert torch.allclose(found, right, atol=3 * size + 10 * 2.0**-52 / size)


CURVED = """
dim T = 10
param x0 : R^2
var x[0..T] : R^2
var u[0..T-1] : R, between(-1.2, 1.2)
minimize sum(log(1 + x[t][0]^2 + x[t][1]^2) + exp(x[t][0]) - x[t][0] - 1 for t in 0..T) + 0.1*sumsq(u)
subject to
  x[0] == x0
  x[t+1][0] == x[t][0] + 0.1*x[t][1] for t in 0..T-1
  x[t+1][1] == x[t][1] + 0.1*u[t] for t in 0..T-1
return u
"""


def test_slopes_that_cancel_leave_rounding_errors_too():
    """The slope exp(x) - 1 has an error of 1e-16 however small x is; near 0 the cost is x0^2 + x1^2 + x0^2/2."""
    layer = declarative.compile(declarative.parse(CURVED, name="curved"))
    log = "log(1 + x[t][0]^2 + x[t][1]^2) + exp(x[t][0]) - x[t][0] - 1"
    linear = CURVED.replace(log, "1.5*x[t][0]^2 + x[t][1]^2")
    g = torch.Generator().manual_seed(0)
    directions = torch.randn(16, 2, generator=g, dtype=torch.float64)
    right = declarative.compile(declarative.parse(linear, name="linear"))(0.01 * directions) / 0.01
    for size in (1e-6, 1e-8, 1e-10, 1e-13, 1e-16, 1e-20):
        solution = layer.solve(size * directions)
        assert (solution.status == 0).all()
        error = (solution["u"] / size - right).abs().max()
        assert error <= 100 * size + 100 * 2.0**-52 / size


CART = """
dim T = 10
param x0 : R^4
var x[0..T] : R^4
var u[0..T-1] : R, between(-1.2, 1.2)
minimize sum(1 - cos(x[t][2]) + x[t][0]^2 for t in 0..T) + 0.1*sumsq(u)
subject to
  x[0] == x0
  x[t+1][0] == x[t][0] + 0.05*x[t][1] for t in 0..T-1
  x[t+1][1] == x[t][1] + 0.05*(u[t] - 0.1*sin(x[t][2])*x[t][3]^2) for t in 0..T-1
  x[t+1][2] == x[t][2] + 0.05*x[t][3] for t in 0..T-1
  x[t+1][3] == x[t][3] + 0.05*(9.81*sin(x[t][2]) - u[t]*cos(x[t][2])) for t in 0..T-1
  x[T] == 0
return u
"""


def test_forces_of_a_thousand_times_the_slope_are_no_doubt_where_rows_are_independent():
    """The cart must stop within half a second."""
    layer = declarative.compile(declarative.parse(CART, name="cart"))
    x0 = torch.tensor([[0.0016, -0.0003, -0.0022, 0.0006], [0.001, 0.002, -0.001, 0.0]], dtype=torch.float64)
    x0.requires_grad_()
    solution = layer.solve(x0)
    assert (solution.status == 0).all() and not solution.degenerate.any()
    multipliers = torch.cat([dual.flatten(1) for dual in solution.duals.values()], 1).abs().amax(-1)
    assert (multipliers > 1e3 * 0.2 * solution["u"].abs().amax(-1)).all()
    (slope,) = torch.autograd.grad(solution["u"][:, 3].sum(), x0)
    for k in range(4):
        way = 1e-6 * torch.eye(4, dtype=torch.float64)[k]
        there, back = (layer.solve((x0 + sign * way).detach())["u"][:, 3] for sign in (1, -1))
        torch.testing.assert_close(slope[:, k], (there - back) / 2e-6, rtol=1e-5, atol=1e-5)
