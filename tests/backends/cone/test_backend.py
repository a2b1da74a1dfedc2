"""The cone backend as a whole: parameters anywhere, families, duals, statuses, refusals, speed of compiling."""

import time

import numpy as np
import pytest
import torch

import declarative


def compiled(text: str, **settings):
    return declarative.compile(declarative.parse(text), backend="cone", **settings)


def check_gradients(layer, data: dict[str, torch.Tensor], names: tuple[str, ...], h: float = 1e-5) -> None:
    """Gradients of random combinations of outputs, duals and value against central differences, relative 1e-6."""
    inputs = {name: t.clone().requires_grad_() for name, t in data.items()}

    def loss(**values):
        torch.manual_seed(1)
        solution = layer.solve(**values)
        parts = [solution[n] for n in solution.output_names] + list(solution.duals.values()) + [solution.value]
        return sum((part * torch.randn_like(part)).sum() for part in parts)

    gradients = dict(zip(inputs, torch.autograd.grad(loss(**inputs), list(inputs.values())), strict=True))
    for name in names:
        step = torch.randn_like(data[name])
        step = (step + step.mT) / 2 if name == "S" else step
        ends = [loss(**{**data, name: data[name] + sign * h * step}).item() for sign in (1, -1)]
        expected, found = (ends[0] - ends[1]) / (2 * h), (gradients[name] * step).sum().item()
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-6 * gradients[name].norm().item() + 1e-8), name


ANYWHERE = """
dim m, n
param A : R^(m,n)
param b : R^m
param g : R, pos
param h : R
param d : R, pos
var x : R^n
minimize exp(h)/d*sumsq(A*x - g*h*b) + g*d*norm(x - b[0]) + sum(logistic(h^2*x[i]/d) for i in n)
subject to
  cap: g*norm1(x)/d + h^2*x[0] <= g*d
  level: sum(x)*g == h/d
"""


def test_products_ratios_and_functions_of_parameters_stand_anywhere():
    torch.manual_seed(0)
    data = {"A": torch.randn(2, 5, 3), "b": torch.randn(2, 5), "g": torch.rand(2) + 1, "d": torch.rand(2) + 0.5}
    data = {k: v.double() for k, v in data.items()} | {"h": torch.tensor(0.4, dtype=torch.float64)}
    layer = compiled(ANYWHERE)
    assert layer.solve(**data).status.tolist() == [0, 0]
    check_gradients(layer, data, ("A", "b", "g", "h", "d"))


def test_a_quadratic_form_with_a_parameter_matrix_has_a_gradient_where_it_is_singular():
    layer = compiled("dim n\nparam S : S^n, psd\nparam a : R^n\nvar x : R^n\nminimize quad(x, S) - a'*x + sumsq(x - a)")
    root = torch.randn(4, 2, dtype=torch.float64)
    data = {"S": root @ root.T, "a": torch.randn(4, dtype=torch.float64)}
    loose = compiled(
        "dim n\nparam S : S^n, psd\nparam a : R^n\nvar x : R^n\nminimize quad(x, S) - a'*x + sumsq(x - a)",
        check="never",
    )
    expected = torch.linalg.solve(2 * data["S"] + 2 * torch.eye(4), 3 * data["a"])
    assert torch.allclose(layer(**data), expected, rtol=1e-12)
    check_gradients(loose, data, ("S", "a"))


@pytest.mark.parametrize("role", ["param", "const"])
def test_a_quadratic_form_in_a_constraint(role):
    text = f"dim n\nparam a : R^n\n{role} P : S^n, psd\nvar x : R^n\nminimize a'*x\nsubject to\n  ball: quad(x, P) <= 1"
    a, P = torch.tensor([3.0, 8.0], dtype=torch.float64), np.diag([1.0, 4.0])
    layer = compiled(text, consts={"P": P} if role == "const" else {})
    x = layer(a) if role == "const" else layer(a, torch.tensor(P))
    assert torch.allclose(x, torch.tensor([-0.6, -0.4], dtype=torch.float64), rtol=1e-9)


def test_families_with_conditions_have_duals_in_their_places():
    text = """
dim n
param c : R^(n,n)
var x : R^(n,n)
minimize sumsq(x - c)
subject to
  upper: x[i,j] <= 0 for i in n, j in n if i < j
  ring: norm(x[i,:]) <= 1 for i in n if i > 0
return x, upper = upper.dual, ring = ring.dual
"""
    c = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
    x, upper, ring = compiled(text)(c)
    assert torch.allclose(x, torch.tensor([[1.0, 0.0], [0.6, 0.8]], dtype=torch.float64), atol=1e-10)
    assert torch.allclose(upper, torch.tensor([[0.0, 4.0], [0.0, 0.0]], dtype=torch.float64), atol=1e-9)
    assert torch.allclose(ring, torch.tensor([0.0, 8.0], dtype=torch.float64), atol=1e-9)


DECLARED = """
dim n
param c : R^n
var y : R
var x : R^n, nonneg
minimize sumsq(x - c) + y^2
subject to
  ball: sumsq(x) <= 4
  total: sum(x) == 1
  none: x[i] <= 3 for i in n if i > 99
  kinks: norm1(x) <= 3
  box: 0 <= x[0] <= 1
  y >= 2
  last: x[1] <= 9
"""


@pytest.mark.parametrize("cone", [False, True])
def test_duals_stand_in_the_order_of_declaration(cone):
    """As on kkt, which takes no memberships: attributes first, then constraints, whatever kind of row."""
    text = DECLARED.replace("  y >= 2", "  member: [x[0], 1; 1, y] in PSD\n  y >= 2") if cone else DECLARED
    names = ["x.lower", "ball", "total", "none", "kinks", "box.lower", "box.upper", "constraint_7", "last"]
    if cone:
        names[-2:] = ["member", "constraint_8", "last"]
    c = torch.tensor([1.0, 2.0, 0.0], dtype=torch.float64)
    assert list(compiled(text).solve(c).duals) == names
    if not cone:
        assert list(declarative.compile(declarative.parse(text), backend="kkt").solve(c).duals) == names


def test_the_dual_of_a_semidefinite_constraint_is_the_negative_part():
    text = "dim n\nparam C : S^n\nvar X : S^n\nminimize sumsq(X - C)/2\nsubject to\n  cone: X in PSD"
    text += "\nreturn X, L = cone.dual"
    C = torch.tensor([[1.0, 2.0], [2.0, -1.0]], dtype=torch.float64)
    X, L = compiled(text)(C)
    values, Q = torch.linalg.eigh(C)
    assert torch.allclose(X, Q @ torch.diag(values.clamp(min=0)) @ Q.T, atol=1e-10)
    assert torch.allclose(L, Q @ torch.diag((-values).clamp(min=0)) @ Q.T, atol=1e-10)


@pytest.mark.parametrize(
    ("limit", "dual"),
    [("x in Box(-1, 1)", [-1.0, 0.0, 2.0]), ("x in Ball(1)", None), ("x in Simplex", None)],
)
def test_the_dual_of_a_membership_balances_the_objective(limit, dual):
    text = f"dim n\nparam c : R^n\nvar x : R^n\nminimize sumsq(x - c)/2\nsubject to\n  set: {limit}"
    text += "\nreturn x, d = set.dual"
    c = torch.tensor([2.0, 0.5, -3.0], dtype=torch.float64)
    x, d = compiled(text)(c)
    assert torch.allclose(x - c, d, atol=1e-9)
    assert dual is None or torch.allclose(d, torch.tensor(dual, dtype=torch.float64), atol=1e-9)


def test_an_infeasible_item_names_its_constraints_and_lines():
    text = "dim n\nparam t : R\nvar x : R^n\nminimize norm(x)\nsubject to\n  low: sum(x) >= t\n  high: x <= 1"
    text += "\n  idle: x[0] >= -9"
    layer = compiled(text, dims={"n": 2}, on_failure="mask")
    t = torch.tensor([1.0, 5.0, 1.5], dtype=torch.float64, requires_grad=True)
    solution = layer.solve(t)
    assert solution.status.tolist() == [0, 2, 0]
    message = solution.messages[(1,)]
    assert "`low` (line 6)" in message
    assert "`high` (line 7)" in message
    assert "idle" not in message
    (gradient,) = torch.autograd.grad(solution.x.nansum(), t)
    assert torch.allclose(gradient, torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64), atol=1e-9)


def test_shared_parameters_receive_the_sum_over_the_batch():
    layer = compiled("dim n\nparam y : R^n\nparam g : R, pos\nvar x : R^n\nminimize sumsq(x - y)/2 + g*norm(x)")
    y, g = torch.randn(4, 3, dtype=torch.float64) + 2, torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    (shared,) = torch.autograd.grad((layer(y, g) ** 2).sum(), g)
    each = g.detach().repeat(4).requires_grad_()
    (apart,) = torch.autograd.grad((layer(y, each) ** 2).sum(), each)
    assert shared.item() == pytest.approx(apart.sum().item(), rel=1e-12)
    assert torch.allclose(layer(y, g), y * (1 - g / y.norm(dim=-1, keepdim=True)), rtol=1e-10)


def test_softmax_has_the_softmax_jacobian():
    layer = compiled(
        "dim n\nparam y : R^n\nvar p : R^n\nmaximize y'*p + sum(entr(p))\nsubject to\n  budget: sum(p) == 1"
    )
    y = torch.randn(5, dtype=torch.float64)
    p = torch.softmax(y, 0)
    assert torch.allclose(layer(y), p, rtol=1e-10)
    assert torch.allclose(torch.autograd.functional.jacobian(layer, y), torch.diag(p) - torch.outer(p, p), atol=1e-10)


def test_compiling_and_a_call_with_a_large_parameter_are_quick():
    layer = compiled(
        "dim m, n\nparam A : R^(m,n)\nparam b : R^m\nvar x : R^n\nminimize norm(A*x - b)\n"
        "subject to\n  box: -1 <= x <= 1"
    )
    A, b = torch.randn(120, 100, dtype=torch.float64), torch.randn(120, dtype=torch.float64)
    start = time.perf_counter()
    layer(A, b)
    assert time.perf_counter() - start < 20  # CVXPY's own way, a column for each entry of A, takes minutes


def test_max_over_an_index_and_nested_functions():
    text = """
dim m, n
param a[m] : R^n
param r : R^m
var x : R^n
var t : R
minimize t + exp(max(norm(x - a[i])^2 for i in m) - 3)
subject to
  cover: norm(x - a[i]) + r[i] <= t for i in m
"""
    torch.manual_seed(3)
    data = {"a": torch.randn(3, 2, dtype=torch.float64), "r": torch.rand(3, dtype=torch.float64)}
    layer = compiled(text)
    solution = layer.solve(**data)
    x = solution.x
    assert solution.status == 0
    distances = (x - data["a"]).norm(dim=-1)
    expected = (distances + data["r"]).max() + torch.exp(distances.max() ** 2 - 3)
    assert solution.value.item() == pytest.approx(expected.item(), rel=1e-9)
    check_gradients(layer, data, ("a", "r"))


def test_functions_of_parameter_matrices_are_computed_before_the_solver_sees_them():
    layer = compiled("dim n\nparam S : S^n, pd\nvar x : R^n\nminimize exp(log_det(S))*norm(x) + sumsq(x - S[0,:])")
    S = torch.diag(torch.tensor([3.0, 0.5], dtype=torch.float64))
    # the projection of (3, 0) shrunk by half of the factor det(S) = 1.5
    assert torch.allclose(layer(S), torch.tensor([2.25, 0.0], dtype=torch.float64), atol=1e-10)
    check_gradients(compiled(str(layer.problem), check="never"), {"S": S + 0.1}, ("S",))


def test_nothing_of_the_solver_is_printed_where_it_runs_out_of_numbers(capfd):
    """X = 1e7 I, found after directions to infinity were looked for; the solver printed a panic there."""
    solution = compiled("var X : S^3\nminimize 1e-7*trace(X) - log_det(X)").solve()
    assert solution.status == declarative.Status.SOLVED
    assert torch.allclose(solution["X"], 1e7 * torch.eye(3).to(solution["X"].dtype), atol=10)
    assert capfd.readouterr() == ("", "")
