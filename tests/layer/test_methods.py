"""`solve by ...`, in the text and as an argument of `compile`: every method, its settings, and what is refused."""

from dataclasses import replace

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

import declarative
from declarative import DiagnosticError, Status, parse
from declarative.backends.kkt import smooth

SQUARES = "param t : R; var a : R, start(1); minimize (a^2 - t)^2 + a^2"
BOXED = """
dim n
param y : R^n
var x : R^n, between(0, 1)
minimize sumsq(x - y) + sum((x[i]*x[i+1])^2 for i in 0..n-2)
subject to
  budget: sum(x) == 1
  round: sumsq(x) <= 0.6
"""
METHODS = ["newton", "trust_region", "gauss_newton", "levenberg_marquardt", "lbfgs", "interior_point", "ipopt", "auto"]


def compiled(text: str, solve=None, **settings):
    return declarative.compile(parse(text, name="fit"), solve=solve, **settings)


def doubles(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("method", METHODS)
def test_the_hessian_of_the_backward_pass_is_exact_whatever_the_method(method):
    """r = (a^2 - t, a): a = sqrt(t - 1/2), da/dt = 1/(2a), d2a/dt2 = -1/(4a^3)."""
    if method == "ipopt":
        pytest.importorskip("casadi")
    layer = compiled(SQUARES, method)
    t = doubles(1.0, 1.5, 3.0).requires_grad_()
    a = layer(t)
    (da,) = torch.autograd.grad(a.sum(), t, create_graph=True)
    (dda,) = torch.autograd.grad(da.sum(), t)
    torch.testing.assert_close(a, (t - 0.5).sqrt(), rtol=0, atol=1e-10)
    torch.testing.assert_close(da, 1 / (2 * a), rtol=0, atol=1e-10)
    torch.testing.assert_close(dda, -1 / (4 * a**3), rtol=0, atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_same_solution_under_bounds_and_rows(method):
    if method == "ipopt":
        pytest.importorskip("casadi")
    y = torch.tensor([[0.9, 0.3, -0.2], [0.1, 0.2, 0.9], [2.0, -1.0, 0.5]], dtype=torch.float64)
    expected, found = compiled(BOXED).solve(y), compiled(BOXED, method).solve(y)
    assert found.status.tolist() == [Status.SOLVED] * 3
    torch.testing.assert_close(found.x, expected.x, rtol=0, atol=1e-9)
    for name in ("budget", "round", "x.lower", "x.upper"):
        torch.testing.assert_close(found[name], expected[name], rtol=0, atol=1e-8)


def test_gradients_do_not_depend_on_the_method():
    y = doubles(0.9, 0.3, -0.2).requires_grad_()
    for method in ("gauss_newton", "lbfgs"):
        assert gradcheck(compiled(BOXED, method), (y,), atol=1e-6)
    assert gradgradcheck(compiled(BOXED, "gauss_newton"), (y,), atol=1e-5)


WELL = "param b : R; var x : R, start(2); minimize x^4 - 4*x^2 + b*x"


def test_several_starts_keep_the_best_objective_and_are_the_same_every_time():
    b = doubles(1.0, 0.5, -1.0)
    one, several = compiled(WELL).solve(b), compiled(WELL, "newton(starts = 8)").solve(b)
    assert (one.x > 0).all()
    assert several.x.sign().tolist() == [-1, -1, 1] and (several.value <= one.value + 1e-12).all()
    again = compiled(f"{WELL}\nsolve by newton(starts = 8)").solve(b)
    assert torch.equal(again.x, several.x)
    for k in range(3):
        torch.testing.assert_close(compiled(WELL, "newton(starts = 8)").solve(b[k]).x, several.x[k], rtol=0, atol=1e-12)


def test_nearest_keeps_the_answer_next_to_the_start():
    near = compiled(WELL, "newton(starts = 8, keep = nearest)").solve(doubles(1.0))
    torch.testing.assert_close(near.x, compiled(WELL).solve(doubles(1.0)).x, rtol=0, atol=1e-12)


def test_starts_do_not_hide_an_infeasible_item():
    text = "param r : R; var x : R; minimize x; subject to; round: x^2 + 1 <= r"
    solution = compiled(text, "newton(starts = 4)", on_failure="mask").solve(doubles(5.0, 0.0, 2.0))
    assert solution.status.tolist() == [0, Status.INFEASIBLE, 0]
    torch.testing.assert_close(solution.x[[0, 2]], doubles(-2.0, -1.0), rtol=0, atol=1e-10)
    assert "`round`" in solution.messages[(1,)]


def descent(task, start, rate=0.1):
    """Two hundred steps of gradient descent."""
    x = start
    for _ in range(200):
        x = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(task.objective(x).sum(), x)
        x = x - rate * slope
    return x


def test_starts_that_fail_rest_once_another_has_found_a_minimum(monkeypatch):
    """From three of the eight, a fit of a decay runs away along a ridge, far above the minimum that others find."""
    text = "dim m; param t : R^m; param y : R^m; var a : R, start(1); var b : R, start(1); var c : R"
    text += "; minimize sum((a*exp(-b*t[i]) + c - y[i])^2 for i in m); solve by gauss_newton(starts = 8)"
    t = torch.linspace(0, 3, 20, dtype=torch.float64)
    y = torch.stack([2 * torch.exp(-b * t) + 0.5 for b in (1.2, 1.3)]) + 0.03 * torch.cos(40 * t)
    tried, one = [], smooth.try_once

    def counted(program, theta, x0, *more):
        tried.append(len(x0))
        return one(program, theta, x0, *more)

    monkeypatch.setattr(smooth, "try_once", counted)
    solution = declarative.compile(declarative.parse(text, name="decay")).solve(t, y)
    assert tried == [16] and (solution.value < 0.02).all()


@pytest.mark.parametrize("clause", ["", "\nsolve by mine", "\nsolve by mine(rate = 0.05, tol = 1e-8)"])
def test_a_function_of_the_users_is_polished_and_certified(clause):
    t = doubles(1.0, 1.5).requires_grad_()
    solution = compiled(SQUARES + clause, descent).solve(t)
    assert solution.status.tolist() == [0, 0]
    torch.testing.assert_close(solution.a, (t - 0.5).sqrt(), rtol=0, atol=1e-12)
    solution.a.sum().backward()
    torch.testing.assert_close(t.grad, (1 / (2 * solution.a)).detach(), rtol=0, atol=1e-12)


def test_a_function_that_finds_the_active_constraints_only_nearly_is_enough():
    y, exact = doubles(0.9, 0.3, -0.2), compiled(BOXED).solve(doubles(0.9, 0.3, -0.2))
    found = compiled(BOXED, lambda task, start: exact.x[None] + 1e-4).solve(y)
    assert found.status.item() == 0
    torch.testing.assert_close(found.x, exact.x, rtol=0, atol=1e-10)
    torch.testing.assert_close(found["budget"], exact["budget"], rtol=0, atol=1e-8)


def test_a_function_is_not_believed():
    far = compiled(BOXED, lambda task, start: start + 100, on_failure="mask").solve(doubles(0.9, 0.3, -0.2))
    exact = compiled(BOXED).solve(doubles(0.9, 0.3, -0.2))
    assert far.status.item() != 0 or torch.allclose(far.x, exact.x, atol=1e-9)
    lost = compiled(BOXED, lambda task, start: start * torch.nan, on_failure="mask").solve(doubles(0.9, 0.3, -0.2))
    assert lost.status.item() != 0 and lost.x.isnan().all()
    with pytest.raises(DiagnosticError, match="E324"):
        compiled(BOXED, lambda task, start: start[:, :1]).solve(doubles(0.9, 0.3, -0.2))
    with pytest.raises(DiagnosticError, match="E324"):
        compiled(BOXED, lambda task, start: "x").solve(doubles(0.9, 0.3, -0.2))


def test_a_stricter_tolerance_is_met_or_not_called_solved():
    strict = compiled(BOXED, "newton(tol = 1e-12)").solve(doubles(0.9, 0.3, -0.2))
    assert strict.status.item() == 0 and max(strict.primal_residual, strict.dual_residual, strict.gap) <= 1e-12
    loose = compiled(BOXED, "newton(tol = 1)").solve(doubles(0.9, 0.3, -0.2))
    assert max(loose.primal_residual, loose.dual_residual, loose.gap) <= 1e-6


def test_few_iterations_are_an_outcome():
    text = "var x : R, start(-1.2); var y : R, start(1); minimize 100*(y - x^2)^2 + (1 - x)^2"
    stopped = compiled(text, "newton(max_iterations = 1)", on_failure="mask").solve()
    enough = compiled(text, "newton").solve()
    assert enough.status.item() == 0 and enough.iterations > 5
    assert stopped.status.item() != 0 or float(stopped.value) == pytest.approx(0, abs=1e-12)


WRONG = {
    "newton(tl = 1e-8)": "`newton` has no setting `tl`",
    "newton(1e-8)": "have names",
    "newton(tol = 0)": "`tol` of `newton` is a positive number",
    "lbfgs(max_iterations = 2.5)": "`max_iterations` of `lbfgs` is a positive whole number",
    "newton(starts = 0)": "`starts` of `newton` is a positive whole number",
    "newton(keep = last)": "`keep` of `newton` is `best` or `nearest`",
    "davis_yin(step = 0.5)": "no backend has `solve by davis_yin`",
    "smooth(mu = 0.1)": "`differentiate by smooth`",
    "my_solver": "compile(..., solve=function)",
}


@pytest.mark.parametrize("clause", WRONG)
@pytest.mark.parametrize("inside", [True, False])
def test_wrong_methods_and_settings_are_diagnostics(clause, inside):
    with pytest.raises(DiagnosticError) as refusal:
        compiled(f"{SQUARES}\nsolve by {clause}") if inside else compiled(SQUARES, clause)
    (found,) = refusal.value.diagnostics
    assert found.code == "E322" and WRONG[clause] in " ".join((found.message, *found.hints))


def test_of_a_method_of_kkt_alone_only_kkt_complains():
    text = "var x : R; minimize huber(x, 1) + cos(x)\nsolve by gauss_newton"
    with pytest.raises(DiagnosticError) as refusal:
        compiled(text)
    assert ["sum of squares" in d.message for d in refusal.value.diagnostics] == [True]


def test_gauss_and_newton_need_squares():
    with pytest.raises(DiagnosticError, match="sum of squares"):
        compiled("param t : R; var a : R; minimize exp(a) - t*a", "gauss_newton", backend="kkt")
    with pytest.raises(DiagnosticError, match="E315"):
        compiled(SQUARES, 3)


def test_the_cone_backend_says_that_it_has_one_method():
    text = "dim n; param c : S^n; var X : S^n; minimize sumsq(X - c); subject to; X in PSD"
    problem = parse(text, name="cone")
    with pytest.raises(DiagnosticError, match="one method of its own"):
        declarative.compile(problem, solve="newton(starts = 2)", backend="cone")
    assert declarative.compile(replace(problem), solve="interior_point").backend == "cone"


def test_many_unknowns_with_bounds_by_first_derivatives():
    """A signal smoothed by a penalty that grows slowly, in a box that holds many of its entries."""
    text = """
dim n
param y : R^n
var x : R^n, between(0, 1)
minimize sumsq(x - y)/2 + 3*sum(log(cosh(2*(x[i+1] - x[i]))) for i in 0..n-2)
"""
    y = 2 * torch.sin(torch.linspace(0, 9, 80, dtype=torch.float64))
    found, exact = compiled(text, "lbfgs").solve(y), compiled(text).solve(y)
    assert found.status.item() == 0
    torch.testing.assert_close(found.x, exact.x, rtol=0, atol=1e-10)
    assert 5 < int((found.x == 0).sum() + (found.x == 1).sum()) < 75
