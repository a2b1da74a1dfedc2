"""Every kind of cone through the language: values, solutions and duals equal CVXPY's."""

from collections.abc import Callable

import cvxpy as cp
import numpy as np
import pytest
import torch

import declarative

rng = np.random.default_rng(5)
A, b = rng.standard_normal((4, 3)), rng.standard_normal(4)
a, c, d = rng.standard_normal(3), rng.uniform(0.5, 1.5, 3), 0.7
S = (lambda M: (M + M.T) / 2)(rng.standard_normal((3, 3)))
DATA = {"A": A, "b": b, "a": a, "c": c, "d": np.array(d), "S": S}

# objective in the language, with `x` near the data; CVXPY's; constraints of both.
VECTORS: list[tuple[str, Callable, str, Callable]] = [
    ("norm(A*x - b)", lambda x: cp.norm(A @ x - b), "", lambda x: []),
    ("d*norm1(x) + norminf(A*x)", lambda x: d * cp.norm1(x) + cp.norm_inf(A @ x), "", lambda x: []),
    ("sum(abs(x[i+1] - x[i]) for i in 0..n-2)", lambda x: cp.norm1(cp.diff(x)), "", lambda x: []),
    ("max(c[i]*x[i] for i in n)", lambda x: cp.max(cp.multiply(c, x)), "", lambda x: []),
    ("sum(huber(x, d))", lambda x: cp.sum(cp.huber(x, d)), "", lambda x: []),
    ("sum(logistic(A*x))", lambda x: cp.sum(cp.logistic(A @ x)), "", lambda x: []),
    ("exp(d)*sum(exp(x .* c))/d", lambda x: np.exp(d) * cp.sum(cp.exp(cp.multiply(x, c))) / d, "", lambda x: []),
    ("logsumexp(A*x - b)", lambda x: cp.log_sum_exp(A @ x - b), "", lambda x: []),
    ("-sum(c .* log(x))", lambda x: -cp.sum(cp.multiply(c, cp.log(x))), "", lambda x: []),
    ("-sum(sqrt(x))", lambda x: -cp.sum(cp.sqrt(x)), "", lambda x: []),
    ("-d*sum(entr(x))", lambda x: -d * cp.sum(cp.entr(x)), "", lambda x: []),
    ("sum(kl_div(x, c))", lambda x: cp.sum(cp.kl_div(x, c)), "", lambda x: []),
    ("sum(inv_pos(x))", lambda x: cp.sum(cp.inv_pos(x)), "", lambda x: []),
    ("quad_over_lin(x, x[0] + 3)", lambda x: cp.quad_over_lin(x, x[0] + 3), "", lambda x: []),
    ("sum((x + 2).^1.5)", lambda x: cp.sum(cp.power(x + 2, 1.5)), "", lambda x: []),
    ("sum(pos(x + 2).^3)", lambda x: cp.sum(cp.power(cp.pos(x + 2), 3)), "", lambda x: []),
    ("norm(x, 3)", lambda x: cp.pnorm(x, 3), "", lambda x: []),
    ("sum_largest(x, 2)", lambda x: cp.sum_largest(x, 2), "", lambda x: []),
    ("-geo_mean(x)", lambda x: -cp.geo_mean(x), "", lambda x: []),
    ("-norm(x, 0.5)", lambda x: -cp.pnorm(x, 0.5), "", lambda x: []),
    ("-norm(x, -1)", lambda x: -cp.pnorm(x, -1), "", lambda x: []),
    ("cvar(x - a, 0.5)", lambda x: cp.cvar(x - a, 0.5), "", lambda x: []),
    ("dotsort(x, c)", lambda x: cp.dotsort(x, c), "", lambda x: []),
    ("sum(cummax(x))", lambda x: cp.sum(cp.cummax(x)), "", lambda x: []),
    ("std(x) + d*ptp(x)", lambda x: cp.std(x) + d * cp.ptp(x), "", lambda x: []),
    ("sum(max(outer(x, c) - A'*A, axis = 0))",
     lambda x: cp.sum(cp.max(cp.outer(x, c) - A.T @ A, axis=0)), "", lambda x: []),
    ("mixed_norm(outer(x, c), inf, 2)", lambda x: cp.norm(cp.multiply(cp.abs(x), max(c))), "", lambda x: []),
    ("sum(xexp(pos(x)))", lambda x: cp.sum(cp.xexp(cp.pos(x))), "", lambda x: []),
    ("inv_prod(x)", lambda x: cp.exp(-cp.sum(cp.log(x))), "", lambda x: []),
    ("exp(norm(x) + d*max(x))", lambda x: cp.exp(cp.norm(x) + d * cp.max(x)), "", lambda x: []),
    ("a'*x", lambda x: a @ x, "limit: sumsq(x - c) <= d^2", lambda x: [cp.sum_squares(x - c) <= d**2]),
    ("a'*x", lambda x: a @ x, "limit: (d, x - c) in SOC", lambda x: [cp.norm(x - c) <= d]),
    ("a'*x", lambda x: a @ x, "limit: x in Ball(d)", lambda x: [cp.norm(x) <= d]),
    ("a'*x", lambda x: a @ x, "limit: x in Simplex", lambda x: [x >= 0, cp.sum(x) == 1]),
    ("a'*x", lambda x: a @ x, "limit: x in Box(-d, c)", lambda x: [x >= -d, x <= c]),
    ("x[2]", lambda x: x[2], "limit: (x[0], 1, x[2]) in EXP", lambda x: [cp.exp(x[0]) <= x[2]]),
    ("x[0] + x[1]", lambda x: x[0] + x[1], "limit: (x[0], x[1], d) in POW(0.3)",
     lambda x: [cp.PowCone3D(x[0], x[1], cp.Constant(d), 0.3)]),
    ("a'*x", lambda x: a @ x, "limit: abs(x[i] - c[i]*x[0]) <= d for i in n if i > 0\n  other: norm(x) <= 1",
     lambda x: [cp.abs(x[i] - c[i] * x[0]) <= d for i in (1, 2)] + [cp.norm(x) <= 1]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("objective", "reference", "limit", "limits"), VECTORS, ids=[v[0] + v[2][:20] for v in VECTORS]
)
def test_functions_of_a_vector(objective, reference, limit, limits):
    text = f"""
dim m, n
param A : R^(m,n)
param b : R^m
param a : R^n
param c : R^n, pos
param d : R, pos
var x : R^n
minimize {objective} + sumsq(x - a)/4
subject to
  {limit}
  idle: sum(x) <= 100
"""
    x = cp.Variable(3)
    problem = cp.Problem(cp.Minimize(reference(x) + cp.sum_squares(x - a) / 4), limits(x))
    _compare(text, {k: DATA[k] for k in "Aabcd"}, problem, x)


def test_a_geometric_mean_with_weights():
    """Power cones one by one; where the weights are data of the call, the kkt backend takes it, and agrees."""
    text = "dim n\n{0} w : R^n, pos\nparam a : R^n\nvar x : R^n\nmaximize geo_mean(x, w) - sumsq(x - a)/4\n"
    w, a = torch.tensor([2.0, 0.5, 1.0, 3.0]), torch.tensor([1.0, -0.5, 2.0, 0.1])
    fixed = declarative.compile(declarative.parse(text.format("const")), backend="cone", consts={"w": w})
    moving = declarative.compile(declarative.parse(text.format("param")))
    torch.testing.assert_close(fixed(a.double()), moving(w.double(), a.double()), rtol=1e-6, atol=1e-7)


MATRICES = [
    ("lambda_max(X + S)", lambda X: cp.lambda_max(X + S), "", lambda X: []),
    ("-log_det(X)", lambda X: -cp.log_det(X), "", lambda X: []),
    ("-von_neumann_entr(X)", lambda X: -cp.von_neumann_entr(X), "", lambda X: []),
    ("-lambda_sum_smallest(X, 2)", lambda X: -cp.lambda_sum_smallest(X, 2), "", lambda X: []),
    ("normnuc(X - S)", lambda X: cp.normNuc(X - S), "", lambda X: []),
    ("normspec(X - S)", lambda X: cp.sigma_max(X - S), "", lambda X: []),
    ("normfro(X)", lambda X: cp.norm(X, "fro"), "", lambda X: []),
    ("trace(S*X)", lambda X: cp.trace(S @ X), "cone: X + S in PSD", lambda X: [X + S >> 0]),
    ("matrix_frac(a, X)", lambda X: cp.matrix_frac(a, X), "", lambda X: []),
]


@pytest.mark.parametrize(("objective", "reference", "limit", "limits"), MATRICES, ids=[m[0] for m in MATRICES])
def test_functions_of_a_symmetric_matrix(objective, reference, limit, limits):
    text = f"""
dim n
param S : S^n
param a : R^n
var X : S^n
minimize {objective} + sumsq(X - 2*S)/4
subject to
  {limit}
  idle: X[0,0] <= 100
"""
    X = cp.Variable((3, 3), symmetric=True)
    problem = cp.Problem(cp.Minimize(reference(X) + cp.sum_squares(X - 2 * S) / 4), limits(X))
    _compare(text, {"S": S, "a": a}, problem, X)


def test_a_state_of_two_systems():
    """The nearest matrix with a given partial trace whose partial transpose is positive semidefinite."""
    text = """
param S : S^4
param r : S^2
var X : S^4, psd
minimize normfro(X - S)
subject to
  reduced: partial_trace(X, 2, 2, axis = 1) == r
  apart: partial_transpose(X, 2, 2) in PSD
"""
    M = np.random.default_rng(8).standard_normal((4, 4))
    given, reduced = (M + M.T) / 2, np.array([[0.6, 0.2], [0.2, 0.4]])
    X = cp.Variable((4, 4), PSD=True)
    limits = [cp.partial_trace(X, [2, 2], 1) == reduced, cp.partial_transpose(X, [2, 2], 0) >> 0]
    _compare(text, {"S": given, "r": reduced}, cp.Problem(cp.Minimize(cp.norm(X - given, "fro")), limits), X)


def _compare(text: str, data: dict, problem: cp.Problem, variable: cp.Variable) -> None:
    layer = declarative.compile(declarative.parse(text), backend="cone")
    solution = layer.solve(**{k: torch.tensor(v) for k, v in data.items()})
    problem.solve(solver=cp.CLARABEL)
    assert solution.status == 0
    assert solution.value.item() == pytest.approx(problem.value, rel=1e-6, abs=1e-6)
    expected = np.asarray(variable.value)
    assert np.abs(solution[solution.output_names[0]].numpy() - expected).max() <= 1e-3 * (1 + np.abs(expected).max())
