"""The implicit derivative: against differences, of second order, in forward mode, of shared and of bad items."""

import torch
from backends.kkt.smooth_programs import (
    FLOAT,
    INF,
    quadratic_program,
    random_quadratic,
    smooth_program,
    solution,
    solved,
    tensor,
)
from torch.autograd import gradcheck, gradgradcheck

import declarative
from declarative.backends.kkt.differentiate import adjoint
from declarative.backends.kkt.solve import connect, solve


def regular_quadratic(batch: int = 1):
    """A program with some rows and bounds active, others not, and all data finite."""
    n, p, q = 4, 1, 3
    data = random_quadratic(11, batch, n, p, q, active=0.6)
    lower, upper = (torch.where(side.isinf(), side.sign() * 3, side) for side in data[6:])
    return quadratic_program(n, p, q), (*data[:6], lower, upper), torch.zeros(batch, n, dtype=FLOAT)


def all_outputs(program, start):
    """Every output of the engine as a function of the data."""

    def outputs(L, *rest):
        return solution(program, (L @ L.mT, *rest), start)

    return outputs


def test_all_data_and_all_duals_of_a_quadratic_program():
    program, data, start = regular_quadratic()
    result = solved(program, data, start)
    assert result.active.z.any() and result.active.lower.any() | result.active.upper.any()
    assert not result.degenerate.any() and not result.dual_nonunique.any()
    inputs = [torch.linalg.cholesky(data[0]), *data[1:]]
    inputs = [t.clone().requires_grad_() for t in inputs]
    outputs = all_outputs(program, start)
    assert gradcheck(outputs, inputs, atol=1e-6, rtol=1e-5, check_forward_ad=True, fast_mode=True)
    assert gradgradcheck(outputs, inputs, atol=1e-5, rtol=1e-4, fast_mode=True)


def test_second_derivatives_of_a_nonlinear_program():
    program = smooth_program(
        2, lambda x, t: (x[0] - t[0][:, 0]) ** 4 + x[1] ** 2 * t[0][:, 1],
        lambda x, t: [x[0] * x[1] - t[0][:, 2]], lambda x, t: [x[0] + x[1] ** 2 - t[0][:, 3]],
    )  # fmt: skip
    start = tensor([[1.0, 0.5], [1, 0.5]])
    theta = tensor([[2.0, 1, 0.5, 1.5], [2, 1, 0.5, 30]]).requires_grad_()
    result = solved(program, (theta,), start)
    assert result.active.z[:, 0].tolist() == [True, False]

    def function(t):
        return solution(program, (t,), result.x)[:3]

    assert gradcheck(function, theta, atol=1e-6, rtol=1e-5, check_forward_ad=True, fast_mode=True)
    assert gradgradcheck(function, theta, atol=1e-5, rtol=1e-4, fast_mode=True)


def test_a_shared_parameter_receives_the_sum_and_scale_is_kept():
    program, data, start = regular_quadratic(3)
    shared = data[1][:1].clone().requires_grad_()
    weights = torch.randn(3, 4, dtype=FLOAT)
    x = solution(program, (data[0], shared, *data[2:]), start)[0]
    (whole,) = torch.autograd.grad((x * weights).sum(), shared, retain_graph=True)
    parts = []
    for i in range(3):
        own = shared.detach().clone().requires_grad_()
        item = tuple(d[i : i + 1] for d in data)
        xi = solution(program, (item[0], own, *item[2:]), start[:1])[0]
        parts += torch.autograd.grad((xi * weights[i]).sum(), own)
    torch.testing.assert_close(whole, sum(parts), rtol=1e-9, atol=1e-11)
    for scale in (2.0**-40, 2.0**40):
        (scaled,) = torch.autograd.grad((x * weights * scale).sum(), shared, retain_graph=True)
        torch.testing.assert_close(scaled, whole * scale, rtol=1e-14, atol=0)


def test_items_without_a_solution_have_zero_gradient_whatever_they_hold():
    program, data, start = regular_quadratic(3)
    data = [d.clone() for d in data]
    data[1][1] = torch.nan
    data[7][2] = -50.0  # upper below lower
    data = [d.requires_grad_() for d in data]
    result = solve(program, tuple(data), start)
    assert result.status.tolist() == [0, 4, 2]
    gradients = torch.autograd.grad(connect(program, tuple(data), result)[0].sum(), data)
    for g in gradients:
        assert g.isfinite().all() and (g[1:] == 0).all()
    alone = [d[:1].detach().clone().requires_grad_() for d in data]
    expected = torch.autograd.grad(solution(program, tuple(alone), start[:1])[0].sum(), alone)
    for g, e in zip(gradients, expected, strict=True):
        torch.testing.assert_close(g[:1], e, rtol=1e-9, atol=1e-11)


def test_no_item_with_a_solution():
    program, data, start = regular_quadratic(1)
    bad = [d.clone().requires_grad_() for d in data]
    with torch.no_grad():
        bad[1].fill_(torch.nan)
    result = solve(program, tuple(bad), start)
    gradients = torch.autograd.grad(connect(program, tuple(bad), result)[0].sum(), bad)
    assert all((g == 0).all() for g in gradients)


def test_the_gradient_of_a_variable_fixed_by_its_bounds_follows_them():
    n = 2
    none = (torch.zeros(1, 0, n, dtype=FLOAT), torch.zeros(1, 0, dtype=FLOAT))
    at = tensor([[0.3]]).requires_grad_()
    side = tensor([[INF]])
    theta = (tensor([[[2.0, 1], [1, 2]]]), tensor([[1.0, -1]]), *none, *none,
             torch.cat([at, -side], 1), torch.cat([at, side], 1))  # fmt: skip
    x = solution(quadratic_program(n), theta, torch.zeros(1, n, dtype=FLOAT))[0]
    torch.testing.assert_close(x.detach(), tensor([[0.3, 0.35]]), rtol=0, atol=1e-14)
    J = torch.cat([torch.autograd.grad(x[0, i], at, retain_graph=True)[0] for i in range(n)])
    torch.testing.assert_close(J, tensor([[1.0], [-0.5]]), rtol=0, atol=1e-14)


def test_jacobians_by_vmap_over_the_backward_pass():
    program, data, start = regular_quadratic(1)

    def x_of_q(q):
        return solution(program, (data[0], q, *data[2:]), start)[0]

    expected = torch.autograd.functional.jacobian(x_of_q, data[1])
    torch.testing.assert_close(torch.func.jacrev(x_of_q)(data[1]), expected, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(
        torch.autograd.functional.jacobian(x_of_q, data[1], vectorize=True), expected, rtol=1e-10, atol=1e-12
    )


PROGRAM = """problem tilted
dim n
param t : R^n
param s : R, pos
var x : R^n, start(t)
minimize sum((x[i] - t[i])^4 + (x[i] - t[i])^2 for i in n) + sin(x[0])*s/9
subject to
  on: x[0]*x[1] == t[0]*t[1] + 0.1*s
  within: sumsq(x) <= s
"""


def test_the_pullback_goes_by_the_factors_of_the_forward_pass_and_a_list(monkeypatch):
    """Neither the Hessian nor the derivative in the parameters is taken by torch; the gradients are the same."""
    layer = declarative.compile(declarative.parse(PROGRAM, name="tilted"))
    t = torch.tensor([[1.0, 0.5], [0.3, 0.9], [2.0, 0.1]], dtype=FLOAT).requires_grad_()
    s = torch.tensor(1.5, dtype=FLOAT).requires_grad_()  # which the items share
    found = layer.solve(t=t, s=s)
    assert found.solved.all() and (found.duals["within"] > 0.01).tolist() == [False, False, True]
    weights = torch.arange(1.0, 7, dtype=FLOAT).reshape(3, 2)
    wanted = torch.autograd.grad((found["x"] * weights).sum(), [t, s], create_graph=True)

    def gradients():
        return torch.autograd.grad((layer.solve(t=t, s=s)["x"] * weights).sum(), [t, s])

    gradients()  # which makes the list
    for name in ("matrices", "pull"):
        monkeypatch.setattr(adjoint, name, None)
    for part, right in zip(gradients(), wanted, strict=True):
        torch.testing.assert_close(part, right, rtol=1e-9, atol=1e-12)
