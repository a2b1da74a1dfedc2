"""Where more rows are active than are independent, the derivative is that of one piece, and is flagged."""

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

import declarative
from declarative.backends.kkt.verdict.pieces import least_norm, let_go, ways

KINK = """
param d : R
var p : R, nonneg
var q : R, nonneg
minimize max(10*p, 20*p - 100) + max(12*q, 18*q - 60)
subject to
  bal: p + q == d
return p, q
"""
MERIT = """
dim g
param c : R^g
param top : R^g
param d : R
var p : R^g, nonneg
minimize c'*p
subject to
  bal: sum(p) == d
  cap: p <= top
"""
TRANSPORT = """
dim m, n
param C : R^(m,n)
param a : R^m
param b : R^n
var x : R^(m,n), nonneg
minimize sum(C.*x)
subject to
  rows: sum(x[i,j] for j in n) == a[i] for i in m
  columns: sum(x[i,j] for i in m) == b[j] for j in 0..n-2
"""


def compiled(text: str):
    return declarative.compile(declarative.parse(text), backend="kkt")


@pytest.mark.parametrize("curved", ["", " + 0.01*p^2 + 0.01*q^2"])
def test_a_kink_of_costs_where_the_solution_has_none(curved):
    """On both sides of d = 20 it is p = 10, q = d - 10; both kinks of max are there at once."""
    layer, d = (
        compiled(KINK.replace("60)", "60)" + curved)),
        torch.tensor(20.0, dtype=torch.float64, requires_grad=True),
    )
    solution = layer.solve(d)
    slopes = [torch.autograd.grad(solution[name], d, retain_graph=True)[0].item() for name in "pq"]
    assert slopes == pytest.approx([0, 1], abs=1e-9)
    assert solution.degenerate and solution.dual_nonunique and not solution.nonunique


def test_demand_at_a_step_of_the_supply_moves_one_unit():
    c, top = torch.tensor([10.0, 20.0, 40.0]), torch.tensor([50.0, 30.0, 20.0])
    d = torch.tensor([79.0, 80.0, 81.0], dtype=torch.float64, requires_grad=True)
    solution = compiled(MERIT).solve(c.double(), top.double(), d)
    slopes = torch.stack([torch.autograd.grad(solution.p[:, i].sum(), d, retain_graph=True)[0] for i in range(3)], -1)
    assert slopes.round(decimals=9).tolist() in ([[0, 1, 0], [0, k, 1 - k], [0, 0, 1]] for k in (0, 1))
    assert solution.degenerate.tolist() == [False, True, False]


def test_transport_at_its_corners_has_the_slope_of_one_side():
    """Of each plan with one solution; supplies and demands are even numbers, so that many corners are degenerate."""
    rng, h, bent = np.random.default_rng(0), 1e-3, 0
    layer = compiled(TRANSPORT)
    for _ in range(20):
        C, a, b = rng.integers(1, 30, (3, 3)) + rng.random((3, 3)), rng.integers(1, 4, 3) * 2.0, np.zeros(3)
        b[:2] = 2.0, 2.0
        b[2] = a.sum() - 4
        side = torch.tensor(a, requires_grad=True)
        solution = layer.solve(torch.tensor(C), side, torch.tensor(b))
        move = np.array([1.0, 0, 0])
        x, moves = solution.x.flatten(), []
        for entry in x:
            moves.append(float(torch.autograd.grad(entry, side, retain_graph=True)[0] @ torch.tensor(move)))
        sides = [(plan(C, a + s * h * move, b) - plan(C, a, b)) / (s * h) for s in (1, -1)]
        exact = [np.allclose(moves, slope, atol=1e-6) for slope in sides]
        regular = np.allclose(*sides, atol=1e-6) and not bool(solution.degenerate)
        assert all(exact) if regular else np.reshape(moves, (3, 3)).sum(1) == pytest.approx(move, abs=1e-8)
        bent += not regular
    assert bent > 5


def plan(C: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    rows = np.concatenate([np.kron(np.eye(3), np.ones(3)), np.kron(np.ones(3), np.eye(3))[:2]])
    return linprog(C.ravel(), A_eq=rows, b_eq=np.concatenate([a, b[:2]])).x


def test_equations_that_repeat_are_no_choice():
    text = "param d : R\nvar x : R^2\nminimize sumsq(x)\nsubject to\n  a: sum(x) == d\n  b: 2*sum(x) == 2*d"
    d = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    solution = compiled(text).solve(d)
    assert torch.autograd.grad(solution.x[0], d)[0].item() == pytest.approx(0.5, abs=1e-12)
    assert solution.dual_nonunique and not solution.degenerate


TWICE = """
param b : R
param c : R
var x : R^2
minimize {objective}
subject to
  one: {row} {relation} b
  two: {row} <= c
"""
CURVED = "exp(x[0]-1) - x[0] + sumsq(x)"


@pytest.mark.parametrize("objective", ["sumsq(x) - 2*x[0]", CURVED])
@pytest.mark.parametrize("row", ["x[0]", "x[0] + x[1]"])
@pytest.mark.parametrize("relation", ["<=", "=="])
def test_a_row_without_a_multiplier_that_others_repeat_could_have_one(objective, row, relation):
    """The least norm shares a multiplier alike, whichever row a method has found; but what holds an entry has all."""
    layer = compiled(TWICE.format(objective=objective, row=row, relation=relation))
    solution = layer.solve(torch.tensor(0.2), torch.tensor(0.2))
    assert solution.dual_nonunique and solution.duals["one"] > 0.01
    held = relation == "==" and row == "x[0]"
    torch.testing.assert_close(solution.duals["two"], solution.duals["one"] * (0 if held else 1), rtol=1e-9, atol=0)
    slack = layer.solve(torch.tensor(0.2), torch.tensor(0.3))
    assert not slack.dual_nonunique and slack.duals["two"] == 0
    whole = solution.duals["one"] + solution.duals["two"]
    torch.testing.assert_close(slack.duals["one"], whole, rtol=1e-9, atol=0)


def test_multipliers_of_0_that_cannot_grow_together_are_the_only_ones():
    """The rows (1, 1), (1, 0), (0, 1) depend on each other, with multipliers (0, 1, 0); and b twice with (0, 0)."""
    rows = "\n  a: sum(x) <= b\n  e: x[0] <= b\n  f: x[1] <= 0"
    solution = compiled("param b : R\nvar x : R^2\nminimize sumsq(x) - 2*x[0]\nsubject to" + rows).solve(
        torch.tensor(0.5)
    )
    assert [float(solution.duals[name]) for name in "aef"] == pytest.approx([0, 1, 0], abs=1e-12)
    assert solution.degenerate and not solution.dual_nonunique
    free = compiled(TWICE.format(objective="sumsq(x) - 2*x[0]", row="x[0]", relation="<=")).solve(*torch.ones(2, 1))
    assert free.degenerate and not free.dual_nonunique


@pytest.mark.parametrize("seed", range(20))
def test_what_remains_is_independent_and_has_multipliers(seed):
    """Rows G of rank 4 beside equations: some z >= 0 with the same G'z + A'y has only the rows that remain."""
    rng = np.random.default_rng(seed)
    A, G, z = rng.normal(size=(2, 7)), rng.normal(size=(9, 4)) @ rng.normal(size=(4, 7)), rng.random(9)
    G[0] = A[0] * rng.normal()
    N = ways(np.concatenate([A, G]))
    kept = np.setdiff1d(np.arange(9), let_go(N[2:], z))
    both = np.concatenate([A, G[kept]])
    assert np.linalg.matrix_rank(both) == len(both) == np.linalg.matrix_rank(np.concatenate([A, G]))
    w = np.linalg.lstsq(both.T, G.T @ z, rcond=None)[0]
    assert np.allclose(both.T @ w, G.T @ z) and (w[2:] >= -1e-9).all()


@pytest.mark.parametrize("seed", range(30))
def test_multipliers_of_least_norm_are_those_of_a_quadratic_program(seed):
    """y = A s and z = max(G s, 0) for one s are its conditions of optimality."""
    rng = np.random.default_rng(seed)
    A, G, w = rng.normal(size=(1, 4)), rng.normal(size=(8, 4)), np.append(rng.normal(), rng.random(8))
    G[seed % 3 + 1] = (-1) ** seed * G[0]
    both = np.concatenate([A, G])
    least = least_norm(w, ways(both), 1)
    used = np.append(True, least[1:] > 0)
    s = np.linalg.lstsq(both[used], least[used], rcond=None)[0]
    assert np.allclose(both[used] @ s, least[used]) and (both[~used] @ s <= 1e-9).all()
    assert np.allclose(both.T @ least, both.T @ w, atol=1e-12) and (least[1:] >= 0).all()


def test_prices_where_several_serve_are_the_least():
    """Any price from 20 to 40 supports the plan; a row with equal sides has one multiplier, that of its side."""
    given = (torch.tensor(v, dtype=torch.float64) for v in ([10.0, 20, 40], [50.0, 30, 20], 80.0))
    assert compiled(MERIT).solve(*given)["bal"].abs().item() == pytest.approx(20, abs=1e-9)
    text = "param l : R\nparam u : R\nvar x : R^2\nminimize sumsq(x - 1)\nsubject to\n  k: l <= sum(x) <= u"
    ends = torch.full((2,), 0.5, dtype=torch.float64, requires_grad=True)
    solution = compiled(text).solve(*ends)
    assert [solution["k.lower"].item(), solution["k.upper"].item()] == pytest.approx([0, 1.5], abs=1e-9)
    assert solution.dual_nonunique and not solution.degenerate
    assert torch.autograd.grad(solution.x[0], ends)[0].sum().item() == pytest.approx(0.5, abs=1e-12)
