"""Nonlinear programs with closed forms: solution, gradient and second derivative, at regular points and at the edge."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

import declarative
from declarative import parse


def layer(text: str, **settings):
    return declarative.compile(parse(text, name="closed"), **settings)


def doubles(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


SPHERE = "dim n; param y : R^n; var x : R^n; minimize sumsq(x - y); subject to; on: sumsq(x) == 1"
BALL = "dim n; param y : R^n; var x : R^n; minimize sumsq(x - y); subject to; inside: sumsq(x) <= 1"
LINE = "param c : R^2; var x : R^2; minimize c'*x; subject to; on: x'*x == 1"
SHELL = """
dim n
param y : R^n
var x : R^n, start(y)
minimize sum((x[i] - y[i])^2 for i in n)
subject to
  on: sum(x[i]^2 for i in n) == 1
  half: x[0] >= -5
"""
FORMS = {
    "sphere": (SPHERE, doubles(0.6, -1.2, 0.9), lambda y: y / y.norm()),
    "ball, outside": (BALL, doubles(0.6, -1.2, 0.9), lambda y: y / y.norm()),
    "ball, inside": (BALL, doubles(0.3, -0.2, 0.1), lambda y: y),
    "unit circle": (LINE, doubles(0.7, -1.1), lambda c: -c / c.norm()),
    "sphere, by the general method": (SHELL, doubles(0.6, -1.2, 0.9), lambda y: y / y.norm()),
}


@pytest.mark.parametrize("name", FORMS)
def test_solution_gradient_and_second_derivative(name):
    text, data, form = FORMS[name]
    solve, data = layer(text), data.requires_grad_()
    torch.testing.assert_close(solve(data), form(data), rtol=0, atol=1e-10)
    found, expected = (torch.autograd.functional.jacobian(f, data) for f in (solve, form))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    weights = torch.randn_like(solve(data).detach())
    bent = [torch.autograd.functional.hessian(lambda y, f=f: (weights * f(y)).sum(), data) for f in (solve, form)]
    torch.testing.assert_close(bent[0], bent[1], rtol=0, atol=1e-8)
    assert gradcheck(solve, (data,)) and gradgradcheck(solve, (data,))


def test_on_the_ball_the_projection_has_two_derivatives_and_a_flag():
    solution = layer(BALL).solve(doubles(0.6, 0.8).requires_grad_())
    assert bool(solution.degenerate) and solution.status.item() == 0
    torch.testing.assert_close(solution.x.detach(), doubles(0.6, 0.8), rtol=0, atol=1e-8)


def test_a_quadratic_on_the_sphere_is_the_lowest_eigenvector():
    """d(value)/dA = u u', and the value is the lowest eigenvalue; second derivatives by gradgradcheck."""
    g = torch.Generator().manual_seed(0)
    A = torch.randn(4, 4, generator=g, dtype=torch.float64)
    A = ((A + A.mT) / 2).requires_grad_()
    text = "dim n; param A : S^n; var u : R^n, start(A[0,:]); minimize u'*A*u; subject to; unit: u'*u == 1"
    solution = layer(text).solve(A)
    values, vectors = torch.linalg.eigh(A.detach())
    torch.testing.assert_close(solution.value.detach(), values[0], rtol=0, atol=1e-10)
    (slope,) = torch.autograd.grad(solution.value, A)
    torch.testing.assert_close(slope, torch.outer(vectors[:, 0], vectors[:, 0]), rtol=0, atol=1e-9)
    assert gradgradcheck(lambda S: layer(text).solve((S + S.mT) / 2).value, (A,))


@pytest.mark.parametrize("penalty", ["sum(abs(x).^1.5) + 2*norm1(x)", "sum(abs(x[i])^1.5 + 2*abs(x[i]) for i in n)"])
def test_costs_of_trading_with_a_power_and_a_kink(penalty: str):
    """|x|^1.5 + 2 |x| beside (x - a)^2/2: 0 for |a| <= 2; beyond, sqrt(|x|) = (sqrt(9/4 + 4 (|a| - 2)) - 3/2)/2."""
    text = f"dim n; param a : R^n; var x : R^n; minimize sumsq(x - a)/2 + {penalty}"
    a = doubles(0.5, -1.9, 0.0, 3.0, -2.5, 10.0).requires_grad_()
    root = ((2.25 + 4 * (a.detach().abs() - 2).clamp(min=0)).sqrt() - 1.5) / 2
    found = layer(text).solve(a)
    assert not found.degenerate and not found.dual_nonunique
    torch.testing.assert_close(found.x, a.detach().sign() * root**2, rtol=1e-9, atol=1e-9)
    found.x.sum().backward()
    slope = torch.where(a.detach().abs() > 2, 2 * root / (2 * root + 1.5), 0.0)
    torch.testing.assert_close(a.grad, slope, rtol=1e-7, atol=1e-9)


def test_a_hinge_to_a_power_may_rest_on_its_bound():
    """(x - a)^2/2 + max(x, 0)^1.5: x = a for a <= 0."""
    a = doubles(-2.0, -0.5, 1.0).requires_grad_()
    text = "dim n; param a : R^n; var x : R^n; minimize sumsq(x - a)/2 + sum(pos(x).^1.5)"
    found = layer(text).solve(a)
    root = ((2.25 + 4 * a.detach().clamp(min=0)).sqrt() - 1.5) / 2
    torch.testing.assert_close(found.x, torch.where(a.detach() > 0, root**2, a.detach()), rtol=1e-8, atol=1e-8)


def test_a_harmonic_mean_may_be_least_where_an_entry_is_0():
    """There its slope in that entry is n = 3, more than what pulls it up; the others stand where they are pulled to."""
    text = "param c : R^3\nvar x : R^3, nonneg\nminimize harmonic_mean(x) + sumsq(x - c)"
    c = torch.tensor([0.1, 1, 1.5], dtype=torch.float64)
    solution = declarative.compile(declarative.parse(text)).solve(c)
    torch.testing.assert_close(solution.x, c * (c > 0.5), rtol=0, atol=1e-6)
