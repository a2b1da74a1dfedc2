"""A convex problem before and after: what the conic form looks like, as text."""

import cvxpy as cp
import pytest
import torch

import declarative
from declarative.backends.cone.methods import solve
from declarative.backends.cone.rows.epigraph import to_epigraphs
from declarative.ir.walk import variables
from declarative.rewrite.standard import problem_to_standard


def conic(text: str):
    return to_epigraphs(problem_to_standard(declarative.parse(text)))


BASE = "dim n\nparam g : R, pos\nparam y : R^n\nvar x : R^n\n"


def test_squares_stay_in_the_objective():
    found = conic(BASE + "minimize g*sumsq(x - y) + x'*y")
    assert not found.atoms
    assert [v.name for v in found.curved] == ["x"]
    assert not found.standard.auxiliaries


def test_a_function_becomes_a_variable_with_its_factor_left_outside():
    found = conic(BASE + "minimize g*norm(x - y) + sumsq(x)")
    (row,) = found.atoms
    assert (row.call.atom, row.convex, row.value.shape) == ("norm", True, ())
    (auxiliary,) = found.standard.auxiliaries
    assert row.value == auxiliary.variable
    assert auxiliary.variable in variables(found.standard.objective)


def test_functions_inside_functions_are_taken_from_the_inside():
    found = conic(BASE + "minimize exp(g*norm(x) - sum(sqrt(x)))")
    assert [(row.call.atom, row.convex) for row in found.atoms] == [("norm", True), ("sqrt", False), ("exp", True)]


def test_a_bound_on_a_function_is_a_row_of_its_own_with_the_users_dual():
    found = conic(BASE + "minimize sum(x)\nsubject to\n  ball: sumsq(x) <= g + x[0]")
    (row,) = found.atoms
    assert (row.call.atom, row.row.path) == ("sumsq", ("ball",))
    assert not found.standard.rows and not found.standard.auxiliaries


def test_of_several_functions_in_a_constraint_all_but_one_become_variables():
    found = conic(BASE + "minimize sum(x)\nsubject to\n  ball: norm(x) + g*norm(x - y) + exp(x[0]) <= 1")
    assert sorted(row.call.atom for row in found.atoms if row.row is None) in (["exp", "norm"], ["norm", "norm"])
    assert [row.row.path for row in found.atoms if row.row is not None] == [("ball",)]
    assert not found.standard.rows


def test_a_family_has_a_variable_for_each_index_tuple():
    found = conic(BASE + "minimize sum(abs(x[i+1] - x[i]) for i in 0..n-2)")
    (row,) = found.atoms
    (auxiliary,) = found.standard.auxiliaries
    assert [str(b.length) for b in row.binders] == ["n-1"]
    assert [str(size) for size in auxiliary.variable.shape] == ["n-1"]


def test_a_max_over_an_index_is_linear_rows():
    found = conic(BASE + "minimize max(x[i] - y[i] for i in n)")
    assert not found.atoms
    (row,) = found.standard.rows
    assert (row.path, len(row.binders)) == ((), 1)


def test_the_square_of_a_norm_is_a_sum_of_squares():
    found = conic(BASE + "minimize g*norm(x - y)^2 + sum(norm(x[i]*y)^2 for i in n)\nsubject to\n  c: norm(x)^2 <= g")
    assert [row.call.atom for row in found.atoms] == ["sumsq"]
    assert [v.name for v in found.curved] == ["x"] * len(found.curved) and found.curved


def test_a_function_of_the_objective_is_bounded_by_its_variable():
    """Beside a bound of its own there would be a variable that nothing holds where the bound is loose."""
    bounds = "subject to\n  a: sum(x) + norm1(x - y) <= 1\n  b: norm1(x - y) <= g"
    found = conic(BASE + "minimize g*norm1(x - y) - sum(sqrt(x))\n" + bounds)
    assert sorted((row.call.atom, row.row) for row in found.atoms) == [("norm1", None), ("sqrt", None)]
    t = next(row.value for row in found.atoms if row.call.atom == "norm1")
    assert [row.path for row in found.standard.rows if t in variables(row.body)] == [("a",), ("b",)]


def test_a_portfolio_with_costs_in_three_places(monkeypatch):
    """Solved in the first attempt, with the values, duals and flags of CVXPY's and of regular solutions."""
    text = """
    dim n, k
    param mu : R^n
    param L : R^(n,k)
    param w0 : R^n
    var w : R^n, nonneg
    maximize mu'*w - 0.3*norm(L'*w) - 0.01*norm1(w - w0)
    subject to
      budget: sum(w) + 0.01*norm1(w - w0) <= 1
      turnover: norm1(w - w0) <= 0.8
    return w, v = value, p = budget.dual, q = turnover.dual
    """
    monkeypatch.setattr(solve, "_carefully", None)
    generator = torch.Generator().manual_seed(0)
    mu, L = (torch.randn(*k, generator=generator, dtype=torch.float64) for k in ((5, 12), (12, 3)))
    mu, L, w0 = 0.1 + 0.05 * mu, 0.3 * L, torch.full((12,), 0.9 / 12, dtype=torch.float64)
    solution = declarative.compile(declarative.parse(text), backend="cone").solve(mu, L, w0)
    assert not solution.degenerate.any() and not solution.nonunique.any()
    for item in range(5):
        w = cp.Variable(12, nonneg=True)
        cost = cp.norm1(w - w0.numpy())
        rows = [cp.sum(w) + 0.01 * cost <= 1, cost <= 0.8]
        gain = mu[item].numpy() @ w - 0.3 * cp.norm(L.numpy().T @ w) - 0.01 * cost
        value = cp.Problem(cp.Maximize(gain), rows).solve(solver=cp.CLARABEL)
        assert float(solution.v[item]) == pytest.approx(value, abs=1e-8)
        assert solution.w[item].numpy() == pytest.approx(w.value, abs=1e-5)
        duals = [float(solution.p[item]), float(solution.q[item])]
        assert duals == pytest.approx([float(row.dual_value) for row in rows], abs=1e-6)


def test_a_huber_of_the_objective_is_squares_and_rows():
    """A bound t of u^2 would be a rounding error of its cone where u is small; constraints know no other way."""
    found = conic(BASE + "minimize g*sum(huber(x - y, 1)) + norm(x)\nsubject to\n  c: sum(huber(x, 1)) <= g")
    assert sorted(row.call.atom for row in found.atoms) == ["huber", "norm"]
    assert len(found.curved) == 2
