"""What only tends to its infimum has no minimum, and is not called solved; what is nearly flat and has one, is."""

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

import declarative
from declarative import Status

SIZES = [1e-9, 1e-6, 1e-3, 1.0, 1e3, 1e6]
UNATTAINED = [
    "var x : R; minimize s*exp(x)",
    "var x : R; minimize s*exp(x) + 1",
    "var x : R; minimize s*logistic(x)",
    "var x : R; minimize s*inv_pos(x)",
    "var x : R^2; minimize x[0]; subject to; geo_mean(x) >= s",
    "var x : R^2; minimize s*exp(x[0] - x[1]) + s*x[0]^2",
    "var x : R^2; minimize quad_over_lin(s, x[0]) + (x[1] - s)^2",
    "var x : R^2; minimize s*exp(x[1] - x[0]); subject to; x[1] >= 0; x[1] <= 1",
]
ATTAINED = [
    ("var x : R; minimize s*(x + exp(-x))", lambda s: s),
    ("var x : R; minimize s*exp(x); subject to; x >= -3", lambda s: s * torch.exp(torch.tensor(-3.0).double())),
    ("var x : R; minimize s*pos(x)^2", lambda s: 0 * s),
    ("var x : R; minimize s*(logistic(x) - x/1000)", lambda s: s * 0.0079072554),
    ("var x : R; minimize s*(inv_pos(x) + x/10000)", lambda s: 0.02 * s),
    ("var x : R^2; minimize x[0] + x[1]/10000; subject to; geo_mean(x) >= s", lambda s: 0.02 * s),
]


def compiled(text: str, backend: str):
    text = "param s : R, pos; " + text
    return declarative.compile(declarative.parse(text, name="limit"), backend=backend, on_failure="mask")


@pytest.mark.parametrize("text", UNATTAINED)
def test_what_has_no_minimum_is_not_solved(text):
    solution = compiled(text, "cone").solve(torch.tensor([1e-3, 1.0, 1e3], dtype=torch.float64))
    assert Status.SOLVED not in solution.status.tolist()
    assert Status.INFEASIBLE not in solution.status.tolist()


@pytest.mark.parametrize(("text", "value"), ATTAINED)
@pytest.mark.parametrize("backend", ["cone", "kkt"])
def test_what_has_one_is(text, value, backend):
    if backend == "kkt" and ("pos(" in text or "geo_mean" in text):
        return
    s = torch.tensor(SIZES, dtype=torch.float64)
    solution = compiled(text, backend).solve(s)
    assert (solution.status == Status.SOLVED).all()
    assert (solution.value - value(s)).abs().div(s).max() < 1e-6


LOGISTIC = """
dim m, n
param F : R^(m,n)
param y : R^m
var w : R^n
minimize sum(logistic(-y[i]*(F[i,:]'*w)) for i in m)
"""


def test_separable_logistic_regression_beside_one_that_is_not():
    """A batch: the second item's labels are those of a hyperplane."""
    generator = torch.Generator().manual_seed(0)
    F = torch.randn(2, 30, 3, generator=generator, dtype=torch.float64)
    y = torch.sign(torch.randn(2, 30, generator=generator, dtype=torch.float64))
    y[1] = torch.sign(F[1] @ torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64))
    for backend in ("cone", "kkt", "auto"):
        layer = declarative.compile(declarative.parse(LOGISTIC, name="logistic"), backend=backend, on_failure="mask")
        solution = layer.solve(F, y)
        assert solution.status[0] == Status.SOLVED and solution.status[1] == Status.FAILED
        assert "no minimum" in solution.messages[(1,)] or "no more progress" in solution.messages[(1,)]
        alone = layer.solve(F[0], y[0])
        assert torch.allclose(alone["w"], solution["w"][0], rtol=1e-9)


def recedes(A: np.ndarray) -> bool:
    """Is there a direction d with Ad <= 0 and Ad != 0? By linear programming."""
    most = linprog(A.sum(0), A_ub=A, b_ub=np.zeros(len(A)), bounds=[(-1, 1)] * A.shape[1])
    return most.fun < -1e-7


def separable(generator: np.random.Generator, A: np.ndarray) -> np.ndarray:
    """With rows turned such that Ax < 0 for some x, but for one row or two, which have Ax = 0."""
    x = generator.standard_normal(A.shape[1])
    A = -np.sign(A @ x)[:, None] * A
    if generator.random() < 0.5:
        A[:2] -= np.outer(A[:2] @ x, x) / (x @ x)
    return A


@pytest.mark.parametrize("function", ["sum(logistic(A*x))", "sum(exp(A*x))", "logsumexp(A*x)", "sum(logistic(2*A*x))"])
def test_solved_are_those_that_linear_programming_says_have_a_minimum(function):
    problem = declarative.parse(f"dim m, n; param A : R^(m,n); var x : R^n; minimize {function}", name="random")
    layer = declarative.compile(problem, backend="cone", on_failure="mask")
    generator, found = np.random.default_rng(8), []
    for number in range(40):
        n = int(generator.integers(2, 9))
        A = generator.standard_normal((int(generator.integers(n, 3 * n)), n))
        A = separable(generator, A) if number % 2 else A
        status = layer.solve(torch.from_numpy(A)).status
        found.append((recedes(A), bool(status == Status.SOLVED)))
    assert all(unattained != solved for unattained, solved in found)
    assert len(set(found)) == 2


def test_a_norm_less_its_own_asymptote_has_no_minimum_and_one_that_falls_less_has():
    """norm([1; Ax]) - k u'Ax with |u| = 1 tends to 0 along Ax = t u; below k = 1 it is least where |Ax| is finite."""
    problem = declarative.parse(
        "dim m, n; param A : R^(m,n); param c : R^n; var x : R^n; minimize norm([1; A*x]) - c'*x", name="asymptote"
    )
    layer = declarative.compile(problem, backend="cone", on_failure="mask")
    generator = np.random.default_rng(4)
    for k in [0.999, 1.0] * 10:
        n = int(generator.integers(2, 9))
        A = generator.standard_normal((int(generator.integers(n, 3 * n)), n))
        u = A @ generator.standard_normal(n)
        c = A.T @ (k * u / np.linalg.norm(u))
        solution = layer.solve(torch.from_numpy(A), torch.from_numpy(c))
        if k == 1.0:
            assert solution.status == Status.FAILED
        else:
            assert solution.status == Status.SOLVED
            assert abs(float(solution.value) - np.sqrt(1 - k**2)) < 1e-6


@pytest.mark.parametrize("c", [1e-7, 1e-3, 1.0, 1e3, 1e5])
def test_a_panic_of_the_solver_is_an_outcome(c):
    """-log det X + c tr X is least at X = I/c. With 1e-7 Clarabel asks for eigenvalues where there are no numbers,
    where weights have no say in the scaling."""
    problem = declarative.parse(f"var X : S^3; minimize -log_det(X) + {c}*trace(X)", name="det")
    solution = declarative.compile(problem, backend="cone", on_failure="mask", dtype=torch.float64).solve()
    assert solution.status == Status.SOLVED
    assert abs(float(solution.value) - 3 * (1 + np.log(c))) < 1e-6 * 3 * (1 + abs(np.log(c)))
    assert torch.allclose(c * solution["X"], torch.eye(3), rtol=0, atol=1e-6)


@pytest.mark.parametrize("falls", ["exp(-y)", "log(1 + exp(-y))", "exp(-y - p[0])", "1e-4*exp(-y)", "1e4*exp(-y)"])
@pytest.mark.parametrize("n", [20, 70])
def test_nor_where_most_of_a_program_has_one(falls, n):
    """Of so many entries, whose curvatures are found one by one or by the few of a sparse matrix."""
    text = f"param q : R^{n}; var y : R; var p : R^{n}; minimize {falls} + sumsq(p - q)"
    text += f" + sum((p[i+1] - p[i])^4 for i in 0..{n - 2})"
    layer = declarative.compile(declarative.parse(text), backend="kkt", on_failure="mask")
    q = torch.randn(3, n, dtype=torch.float64, generator=torch.Generator().manual_seed(n))
    assert Status.SOLVED not in layer.solve(q).status.tolist()
