"""Where equations hold an unknown at the edge of what bounds and rows allow it, these say nothing: a car at rest."""

import math
import warnings

import pytest
import torch
from torch import Tensor

import declarative
from declarative import Status

CAR = """
dim T
param x0 : R^4
param goal : R^2
var x[T+1] : R^4
var u[T] : R^2
minimize 10*sumsq(x[T][0:2] - goal) + sum(sumsq(u[t])/10 + sumsq(x[t+1][0:2] - goal)/2 for t in T)
subject to
  begin: x[0] == x0
  x[t+1][0] == x[t][0] + 0.1*x[t][3]*cos(x[t][2]) for t in T
  x[t+1][1] == x[t][1] + 0.1*x[t][3]*sin(x[t][2]) for t in T
  x[t+1][2] == x[t][2] + 0.2*x[t][3]*tan(u[t][0]) for t in T
  x[t+1][3] == x[t][3] + 0.1*u[t][1] for t in T
  abs(u[t][0]) <= 0.5 for t in T
  abs(u[t][1]) <= 2 for t in T
  forth: ROW for t in FIRST..T
"""
OBJECTIVES = ["sumsq(x - 0.3) + x[0]*x[1]", "sum(exp(x) - 1.3*x) + x[0]*x[1]/4"]  # quadratic, and not
RUNNER = """
param a : R
var x : R^3, between(0, 2), start(1/2)
minimize OBJECTIVE
subject to
  fix: x[0] == a
  s: sum(x) <= 3
return x, price = fix.dual, low = x.lower.dual, v = value
"""


def compiled(text: str, **dims: int) -> declarative.DeclarativeLayer:
    return declarative.compile(declarative.parse(text), backend="kkt", dims=dims, on_failure="mask")


def at_rest(batch: int, speed: float = 0.0) -> tuple[Tensor, Tensor]:
    """Places, headings and speeds of cars, and where they go."""
    generator = torch.Generator().manual_seed(3)
    x0 = 0.3 * torch.randn(batch, 4, generator=generator, dtype=torch.float64)
    x0[:, 3] = speed
    return x0, torch.randn(batch, 2, generator=generator, dtype=torch.float64) + 1


@pytest.mark.parametrize("row", ["x[t][3] >= 0", "2*x[t][3] >= 0", "x[t][3]^3 + x[t][3] >= 0"])
def test_a_row_of_the_first_state_says_nothing(row: str):
    """The same answer as without it, for cars that only go forth and stand where they begin."""
    x0, goal = at_rest(12)
    goal.requires_grad_()
    free, held = (compiled(CAR.replace("ROW", row).replace("FIRST", first), T=6) for first in ("1", "0"))
    wanted, found = free.solve(x0=x0, goal=goal), held.solve(x0=x0, goal=goal)
    assert wanted.solved.all() and found.solved.all()
    torch.testing.assert_close(found.x, wanted.x, rtol=0, atol=1e-9)
    torch.testing.assert_close(found.degenerate, wanted.degenerate)
    assert (found.duals["forth"].select(-1, 0) == 0).all() and found.dual_nonunique.all()
    torch.testing.assert_close(found.duals["begin"], wanted.duals["begin"], rtol=0, atol=1e-8)
    slopes = [torch.autograd.grad(s.u.square().sum(), goal)[0] for s in (wanted, found)]
    torch.testing.assert_close(slopes[1], slopes[0], rtol=0, atol=1e-8)


def test_what_follows_from_held_values_is_held():
    """A car at rest on the edge of a round place is there after the first step as well, whatever it does."""
    text = CAR.replace("ROW", "sumsq(x[t][0:2]) >= 1").replace("FIRST", "0")
    x0 = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, -1.0, -math.pi / 2, 0.0]], dtype=torch.float64)
    found = compiled(text, T=6).solve(x0=x0, goal=2 * x0[:, :2])
    assert found.solved.all()
    assert (found.duals["forth"][:, :2] == 0).all()
    torch.testing.assert_close(found.x[:, 1, :2], x0[:, :2])


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("side", [0.0, 2.0])
def test_an_item_at_an_edge_is_like_its_neighbours(objective: str, side: float):
    """x, the price of the equation and all derivatives, as of items just inside; flagged that duals are not unique."""
    layer = compiled(RUNNER.replace("OBJECTIVE", objective))
    inside = side + (1e-7 if side == 0 else -1e-7)
    a = torch.tensor([side, 1.0, inside], dtype=torch.float64, requires_grad=True)
    found = layer.solve(a=a)
    assert found.solved.all()
    assert found.dual_nonunique.tolist() == [True, False, False]
    torch.testing.assert_close(found.x[0], found.x[2], rtol=0, atol=1e-6)
    torch.testing.assert_close(found.price[0], found.price[2], rtol=0, atol=1e-5)
    assert (found.low[:, 0] == 0).all()
    for output in (found.x[:, 1], found.price, found.v):
        (slope,) = torch.autograd.grad(output.sum(), a, retain_graph=True)
        torch.testing.assert_close(slope[0], slope[2], rtol=0, atol=1e-5)
    for k in range(3):
        alone = layer.solve(a=a[k].detach())
        torch.testing.assert_close(alone.x, found.x[k].detach(), rtol=0, atol=1e-14)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_what_held_values_violate_is_to_blame(objective: str):
    layer = compiled(RUNNER.replace("OBJECTIVE", objective))
    found = layer.solve(a=torch.tensor([-0.5, 0.5, 2.5], dtype=torch.float64))
    assert found.status.tolist() == [Status.INFEASIBLE, Status.SOLVED, Status.INFEASIBLE]
    assert "`fix`" in found.messages[0,] and "`x.lower`" in found.messages[0,]
    assert "`fix`" in found.messages[2,]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_rounding_beyond_an_edge_is_none(objective: str):
    """A state that was computed, and should be 0."""
    layer = compiled(RUNNER.replace("OBJECTIVE", objective))
    found, exact = (layer.solve(a=torch.tensor(a, dtype=torch.float64)) for a in (-2e-16, 0.0))
    assert found.solved and exact.solved
    torch.testing.assert_close(found.x, exact.x, rtol=0, atol=1e-15)


def test_what_large_entries_round_is_no_rounding_of_small_ones():
    layer = compiled("""
    param a : R^2
    var x : R^2
    minimize sum(exp(x[i]/1e9) for i in 2)
    subject to
      x == a
      edge: x >= 0
    """)
    found = layer.solve(a=torch.tensor([[1e9, -1e-4], [1e6, -1e-7], [1e9, 0.0], [1.0, -1e-16]], dtype=torch.float64))
    assert found.status.tolist() == [Status.INFEASIBLE, Status.INFEASIBLE, Status.SOLVED, Status.SOLVED]


@pytest.mark.parametrize("start", [0.3, 0.1 + 0.2, 0.3 - 1e-16, 0.3 + 1e-9])
def test_a_value_at_its_bound_but_for_rounding_has_other_multipliers(start: float):
    layer = compiled("""
    param a : R
    var x : R^2
    minimize sum(exp(x[i]) + x[i]^2 for i in 2)
    subject to
      x[0] == a
      x[0] >= 0.3
    """)
    found = layer.solve(a=torch.tensor(start, dtype=torch.float64))
    assert found.solved and bool(found.dual_nonunique) == (start < 0.3 + 1e-10)


def test_a_coefficient_that_is_nearly_zero_holds_nothing():
    layer = compiled("""
    param b : R
    var x : R^2
    minimize sum(exp(x[i]) for i in 2)
    subject to
      1e-310*x[0] == b
      x >= -1
      x <= 10
    """)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = layer.solve(b=torch.tensor(1.0, dtype=torch.float64))
    assert not found.solved


def test_a_quadratic_program_from_rest():
    """As without the row of the first state, and unflagged; also where rounding has moved that beyond its bound."""
    text = """
    dim T
    param x0 : R^2
    param goal : R
    var x[T+1] : R^2
    var u[T] : R
    minimize sum((x[t][0] - goal)^2 + u[t]^2/10 for t in T) + 5*(x[T][0] - goal)^2
    subject to
      x[0] == x0
      x[t+1][0] == x[t][0] + 0.1*x[t][1] for t in T
      x[t+1][1] == x[t][1] + 0.1*u[t] for t in T
      abs(u[t]) <= 2 for t in T
      x[t][1] >= 0 for t in FIRST..T
    """
    x0, goal = at_rest(8, speed=-1e-17)
    free, held = (compiled(text.replace("FIRST", first), T=8) for first in ("1", "0"))
    wanted, found = (layer.solve(x0=x0[:, [0, 3]], goal=goal[:, 0]) for layer in (free, held))
    assert wanted.solved.all() and found.solved.all()
    torch.testing.assert_close(found.x, wanted.x, rtol=0, atol=1e-12)
    torch.testing.assert_close(found.degenerate, wanted.degenerate)
    assert found.dual_nonunique.all()


def test_boundary_conditions_at_bounds():
    """The largest polygon of six corners and diameter 1: 0.674981 (Graham 1975). Its last corner is fixed at the end of
    its range, where the barrier alone ran out of iterations.
    """
    text = """
    param r0 : R^6
    param a0 : R^6
    var r : R^6, between(0, 1), start(r0)
    var a : R^6, between(0, 3.14159265358979), start(a0)
    maximize 1/2*sum(r[i]*r[i+1]*sin(a[i+1] - a[i]) for i in 0..4)
    subject to
      r[5] == 0
      a[5] == 3.14159265358979
      a[i] <= a[i+1] for i in 0..4
      r[i]^2 + r[j]^2 - 2*r[i]*r[j]*cos(a[j] - a[i]) <= 1 for i in 6, j in 6 if i < j
    """
    i = torch.arange(6, dtype=torch.float64)
    found = compiled(text).solve(r0=4 * i * (6 - i) / 49, a0=torch.pi * i / 6)
    assert found.solved and found.iterations < 60
    torch.testing.assert_close(found.value, torch.tensor(0.67498144, dtype=torch.float64), rtol=0, atol=1e-8)


def test_the_edge_of_a_domain_stays():
    """log(x) is nowhere at 0, whatever an equation says."""
    text = "param a : R\nvar x : R^2, nonneg, start(1)\nminimize sum(x - log(x))\nsubject to\n  x[0] == a"
    found = compiled(text).solve(a=torch.tensor([0.0, 2.0], dtype=torch.float64))
    assert found.solved.tolist() == [False, True]
    torch.testing.assert_close(found.x[1], torch.tensor([2.0, 1.0], dtype=torch.float64))


def test_in_a_barrier_and_by_ipopt():
    """`smooth` differentiates a barrier without those sides, and IPOPT is given none."""
    x0, goal = at_rest(2)
    text = CAR.replace("ROW", "2*x[t][3] >= 0").replace("FIRST", "0")
    goal.requires_grad_()
    exact = compiled(text, T=4).solve(x0=x0, goal=goal)
    smooth = compiled(f"{text}differentiate by smooth(mu = 1e-9)\n", T=4).solve(x0=x0, goal=goal)
    slopes = [torch.autograd.grad(s.u[:, 0].sum(), goal)[0] for s in (exact, smooth)]
    torch.testing.assert_close(slopes[1], slopes[0], rtol=1e-4, atol=1e-6)
    pytest.importorskip("casadi")
    other = compiled(f"{text}solve by ipopt\n", T=4).solve(x0=x0, goal=goal)
    assert other.solved.all()
    torch.testing.assert_close(other.value, exact.value, rtol=1e-8, atol=0)


def test_a_long_chain():
    """Held values are found for three equations one after the other, not along the whole horizon."""
    chain = "subject to\n  x[0] == a\n  x[t+1] == 0.99*x[t] for t in T"
    found = compiled(f"dim T\nparam a : R\nvar x : R^(T+1), nonneg\nminimize sumsq(x)\n{chain}", T=200).solve(
        a=torch.ones((), dtype=torch.float64)
    )
    assert found.solved
    torch.testing.assert_close(found.x, 0.99 ** torch.arange(201, dtype=torch.float64))
