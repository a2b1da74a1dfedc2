"""Closed forms, and the traps that other libraries fell into."""

import numpy as np
import pytest
import torch

import declarative
from declarative import Status


def compiled(text: str, **settings):
    return declarative.compile(declarative.parse(text, name="trap"), **settings)


def jacobian(function, x: torch.Tensor) -> torch.Tensor:
    return torch.autograd.functional.jacobian(function, x)


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_the_jacobian_of_the_simplex_projection(backend):
    """diag(s) - s s'/sum(s) with s the support of the answer."""
    layer = compiled("dim n; param y : R^n; var x : R^n, simplex; minimize sumsq(x - y)", backend=backend)
    y = torch.tensor([0.9, -0.3, 0.6, 0.2, -1.0], dtype=torch.float64)
    s = (layer(y) > 1e-7).double()
    assert s.tolist() == [1, 0, 1, 0, 0] or s.tolist() == [1, 0, 1, 1, 0]
    expected = torch.diag(s) - torch.outer(s, s) / s.sum()
    assert torch.allclose(jacobian(layer, y), expected, atol=1e-6)


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_the_jacobian_of_softmax(backend):
    layer = compiled(
        "dim n; param y : R^n; var p : R^n; maximize y'*p + sum(entr(p)); subject to; one: sum(p) == 1", backend=backend
    )
    y = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
    p = torch.softmax(y, 0)
    assert torch.allclose(layer(y), p, atol=1e-8)
    assert torch.allclose(jacobian(layer, y), torch.diag(p) - torch.outer(p, p), atol=1e-7)


def test_the_gradient_of_the_top_eigenvector_where_the_hessian_is_singular():
    """du = (l I - A)^+ dA u."""
    layer = compiled(
        "dim n; param A : S^n; param u0 : R^n; var u : R^n, start(u0); maximize u'*A*u; subject to; unit: u'*u == 1"
        "; return u, l = unit.dual"
    )
    torch.manual_seed(2)
    A, direction = (m + m.mT for m in torch.randn(2, 4, 4, dtype=torch.float64))
    u0 = torch.randn(4, dtype=torch.float64)
    (u, l), (du, dl) = torch.autograd.functional.jvp(lambda M: tuple(layer(M, u0)), A, direction)
    values, vectors = torch.linalg.eigh(A)
    top = vectors[:, -1] * torch.sign(vectors[:, -1] @ u0)
    assert torch.allclose(u, top, atol=1e-9) and torch.allclose(l, values[-1], atol=1e-9)
    expected = torch.linalg.pinv(values[-1] * torch.eye(4, dtype=torch.float64) - A) @ direction @ top
    assert torch.allclose(du, expected, atol=1e-8)
    assert torch.allclose(dl, top @ direction @ top, atol=1e-8)


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_total_variation_with_merged_segments_averages_blocks(backend):
    """x is constant on segments; dx/dy is the average over each segment."""
    text = """
    dim n
    param y : R^n
    param lam : R, nonneg
    var x : R^n
    minimize 1/2*sumsq(x - y) + lam*sum(abs(x[i+1] - x[i]) for i in 0..n-2)
    """
    layer = compiled(text, backend=backend)
    y = torch.tensor([0.0, 0.2, -0.1, 3.0, 3.3, 2.9, -2.0], dtype=torch.float64)
    lam = torch.tensor(0.4, dtype=torch.float64)
    x = layer(y, lam)
    assert torch.allclose(x[:3], x[0].expand(3), atol=1e-8) and torch.allclose(x[3:6], x[3].expand(3), atol=1e-8)
    blocks = torch.block_diag(torch.full((3, 3), 1 / 3), torch.full((3, 3), 1 / 3), torch.ones(1, 1)).double()
    assert torch.allclose(jacobian(lambda v: layer(v, lam), y), blocks, atol=1e-6)
    slope = torch.tensor([1 / 3] * 3 + [-2 / 3] * 3 + [1.0]).double()
    assert torch.allclose(jacobian(lambda v: layer(y, v), lam), slope, atol=1e-6)


def test_the_exact_hessian_and_not_gauss_newton():
    """min |(a^2 - t, a)|^2 at t = 1: a^2 = t - 1/2, da/dt = 1/(2a) = 0.7071, not 0.471."""
    layer = compiled("param t : R; var a : R, start(1); minimize (a^2 - t)^2 + a^2")
    t = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    a = layer(t)
    a.backward()
    assert float(a.detach()) == pytest.approx(0.5**0.5, abs=1e-9)
    assert float(t.grad) == pytest.approx(0.5**0.5, abs=1e-8)


def test_an_equality_holds_in_the_gradient():
    """The KL projection onto a fixed sum: scaling all of q does not move p."""
    text = "dim n; param q : R^n, pos; var p : R^n; minimize sum(rel_entr(p, q)); subject to; one: sum(p) == 1"
    q = torch.tensor([0.3, 0.9], dtype=torch.float64)
    layer = compiled(text)
    assert torch.allclose(layer(q), q / q.sum(), atol=1e-9)
    J = jacobian(layer, q)
    assert torch.allclose(J @ q, torch.zeros(2, dtype=torch.float64), atol=1e-8)
    assert torch.allclose(J, torch.tensor([[0.9, -0.3], [-0.9, 0.3]]).double() / 1.44, atol=1e-8)


@pytest.mark.parametrize("scale", [1e-9, 1e-6, 1.0, 1e6, 1e9])
def test_a_scaled_problem_is_right_or_not_called_solved(scale):
    layer = compiled(
        "dim n; param y : R^n; param s : R, pos; var x : R^n; minimize s*sumsq(x - s*y); subject to; x >= 0"
    )
    y = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
    solution = layer.solve(y, torch.tensor(scale, dtype=torch.float64))
    assert solution.status == Status.SOLVED
    assert torch.allclose(solution.x / scale, y.clamp(min=0), atol=1e-7)


def test_a_slack_inequality_is_not_an_equality():
    layer = compiled("param y : R; var x : R; minimize (x - y)^2; subject to; x <= 2")
    y = torch.tensor([1.0, 1.999, 3.0], dtype=torch.float64, requires_grad=True)
    layer(y).sum().backward()
    assert torch.allclose(y.grad, torch.tensor([1.0, 1.0, 0.0]).double(), atol=1e-6)


def test_a_weakly_active_constraint_has_a_flag_and_a_one_sided_derivative():
    layer = compiled("param y : R; var x : R; minimize (x - y)^2; subject to; x <= 2", on_failure="mask")
    y = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    solution = layer.solve(y)
    assert solution.degenerate.tolist() == [False, True, False]
    solution.x.sum().backward()
    assert float(y.grad[1]) in (pytest.approx(0.0, abs=1e-6), pytest.approx(1.0, abs=1e-6))


def test_duplicate_constraints_leave_the_primal_gradient_alone():
    text = "param y : R; var x : R; minimize (x - y)^2; subject to; a: x <= 2*y - 1; b: 2*x <= 4*y - 2"
    y = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    layer = compiled(text)
    x = layer(y)
    x.backward()
    assert float(x.detach()) == pytest.approx(0.0, abs=1e-8) and float(y.grad) == pytest.approx(2.0, abs=1e-6)


def test_dependent_equalities_are_no_degeneracy():
    """Flow conservation: the rows sum to zero; the duals are not unique, the flow and its gradient are."""
    text = """
    param w : R^3
    var f : R^3, nonneg
    minimize w'*f + sumsq(f)/2
    subject to
      source: f[0] + f[1] == 1
      middle: f[2] - f[1] == 0
      sink: -f[0] - f[2] == -1
    """
    layer = compiled(text)
    w = torch.tensor([1.0, 0.2, 0.3], dtype=torch.float64)
    solution = layer.solve(w)
    assert not solution.degenerate and solution.dual_nonunique
    # f = (1 - z, z, z): minimise w0 (1 - z) + (w1 + w2) z + ((1 - z)^2 + 2 z^2)/2
    slope = torch.tensor([[-1.0, 1.0, 1.0], [1.0, -1.0, -1.0], [1.0, -1.0, -1.0]]).double() / 3
    assert torch.allclose(jacobian(layer, w), slope, atol=1e-8)


def test_the_envelope_theorem_needs_no_solution_gradient():
    text = "dim n; param c : R^n; param r : R, pos; var x : R^n; minimize c'*x; subject to; ball: x'*x <= r^2"
    text += "; return v = value, lam = ball.dual"
    c = torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True)
    r = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    v, lam = compiled(text)(c, r)
    assert float(v.detach()) == pytest.approx(-10.0, abs=1e-8) and float(lam.detach()) == pytest.approx(1.25, abs=1e-8)
    v.backward()
    assert torch.allclose(c.grad, torch.tensor([-1.2, -1.6]).double(), atol=1e-8)
    assert float(r.grad) == pytest.approx(-5.0, abs=1e-7)


@pytest.mark.parametrize("sense", ["minimize", "maximize"])
def test_duals_have_the_signs_of_the_design(sense):
    """Duals answer to a shift of their right-hand side, in the minimised form."""
    sign = "" if sense == "minimize" else "-"
    text = f"""
    param t : R^4
    var x : R^2
    {sense} {sign}((x[0] - 1)^2 + 2*(x[1] - 2)^2 + x[0]*x[1])
    subject to
      eq: x[0] + x[1] == 1 + t[0]
      le: x[0] <= -1 + t[1]
      ge: x[1] >= t[2]
      chain: -5 <= x[0] <= 5 + t[3]
    return v = value, eq.dual, le.dual, ge.dual, chain.lower.dual, chain.upper.dual
    """
    t = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    out = compiled(text)(t)
    out.v.backward()
    f = 1.0 if sense == "minimize" else -1.0
    assert out._fields[1:] == ("eq_dual", "le_dual", "ge_dual", "chain_lower_dual", "chain_upper_dual")
    # L = f + nu (lhs - rhs) + lambda (lhs - rhs): d value / d rhs = -dual for == and <=, + dual for >=
    duals = torch.stack([-out.eq_dual, -out.le_dual, out.ge_dual, -out.chain_upper_dual]).detach()
    assert torch.allclose(f * t.grad, duals, atol=1e-7)
    assert float(out.le_dual.detach()) > 0.1 and float(out.chain_lower_dual.detach()) == pytest.approx(0, abs=1e-8)


def test_duals_of_a_family_lead_with_its_indices_and_skip_with_zeros():
    text = """
    dim n
    param y : R^n
    var x : R^n
    minimize sumsq(x - y)
    subject to
      cap: x[i] <= i for i in n if i != 1
    return x, cap.dual
    """
    out = compiled(text)(torch.tensor([2.0, 5.0, 1.0, 4.0], dtype=torch.float64))
    assert torch.allclose(out.x, torch.tensor([0.0, 5.0, 1.0, 3.0]).double(), atol=1e-8)
    assert torch.allclose(out.cap_dual, torch.tensor([4.0, 0.0, 0.0, 2.0]).double(), atol=1e-7)


def test_symmetric_unknowns_count_once():
    text = "dim n; param C : S^n; var X : S^n; minimize sumsq(X - C); subject to; fix: X == C/2; return X, fix.dual"
    C = torch.tensor([[2.0, 1.0], [1.0, 4.0]], dtype=torch.float64)
    X, dual = compiled(text, backend="kkt")(C)
    assert torch.allclose(X, C / 2, atol=1e-9)
    # 2 (X - C) + N == 0
    assert torch.allclose(dual, C, atol=1e-8)


def test_an_equality_problem_with_98_rows_of_100():
    rng = np.random.default_rng(0)
    A, b = torch.tensor(rng.standard_normal((98, 100))), torch.tensor(rng.standard_normal(98))
    y = torch.tensor(rng.standard_normal(100), requires_grad=True)
    text = "dim m, n; param A : R^(m,n); param b : R^m; param y : R^n; var x : R^n"
    layer = compiled(text + "; minimize sumsq(x - y); subject to; A*x == b")
    x = layer(A, b, y)
    null = torch.linalg.svd(A).Vh[98:]
    particular = torch.linalg.lstsq(A, b[:, None]).solution[:, 0]
    assert torch.allclose(x, particular + null.T @ null @ (y - particular), atol=1e-8)
    x[0].backward()
    assert torch.allclose(y.grad, (null.T @ null)[0], atol=1e-8)


@pytest.mark.parametrize("radius", [0.5, 5.0])
def test_projection_on_a_ball_inside_and_outside(radius):
    text = (
        "dim n; param y : R^n; param r : R, pos; var x : R^n; minimize sumsq(x - y); subject to; ball: sumsq(x) <= r^2"
    )
    y = torch.tensor([1.0, -2.0, 2.0], dtype=torch.float64)
    layer = compiled(text)
    r = torch.tensor(radius, dtype=torch.float64)
    length = y.norm()
    outside = radius < float(length)
    assert torch.allclose(layer(y, r), y * radius / length if outside else y, atol=1e-8)
    u = y / length
    expected = radius / length * (torch.eye(3) - torch.outer(u, u)) if outside else torch.eye(3)
    assert torch.allclose(jacobian(lambda v: layer(v, r), y), expected.double(), atol=1e-7)


def test_uniqueness_is_that_of_the_users_variables():
    """Where norm1(x) <= 9 is slack, the variables of its graph form are free, and x is not."""
    text = "dim n; param y : R^n; var x : R^n; minimize sumsq(x - y); subject to; norm1(x) <= 9"
    y = torch.tensor([3.0, -0.5], dtype=torch.float64, requires_grad=True)
    solution = compiled(text).solve(y)
    assert not solution.nonunique and torch.allclose(solution.x, y)
    solution.x[0].backward()
    assert torch.allclose(y.grad, torch.tensor([1.0, 0.0]).double(), atol=1e-9)
    flat = "param c : R; var x : R^2; minimize c*x[0]; subject to; x >= 0; x <= 1"
    assert compiled(flat).solve(torch.tensor(1.0)).nonunique


def test_a_domain_that_the_user_states_too_is_one_bound():
    """The multiplier of `x >= 0` is not split with the domain of x^1.5."""
    text = (
        "param c : R^2; var x : R^2, nonneg; minimize sum(x .^ 1.5) + c'*x; subject to; x <= 5; return x, x.lower.dual"
    )
    layer = compiled(text, backend="kkt", on_failure="mask")
    x, dual = layer(torch.tensor([-3.0, 2.0], dtype=torch.float64))
    assert torch.allclose(x, torch.tensor([4.0, 0.0]).double(), atol=1e-7)
    assert torch.allclose(dual, torch.tensor([0.0, 2.0]).double(), atol=1e-6)
