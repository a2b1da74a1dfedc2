"""Large convex programs: sparse matrices where they pay, with the answers and gradients of dense ones."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.optimize import linprog
from torch import Tensor

import declarative
from declarative import AnsweredBy, Status
from declarative.backends.cone.backend import ConePlan

TV = """
dim n
param y : R^n
param lam : R, nonneg
var x : R^n
minimize 1/2*sumsq(x - y) + lam*sum(abs(x[i+1] - x[i]) for i in 0..n-2)
subject to
  low: x >= -2
  total: sum(x) == sum(y)
return x, price = total.dual, v = value
"""
ROWS = """
dim n, m
const G : R^(m,n)
param q : R^n
param h : R^m
var x : R^n
minimize sumsq(x)/2 + q'*x
subject to
  rows: G*x <= h
"""


def compiled(text: str, **settings):
    return declarative.compile(declarative.parse(text, name="large"), **settings)


def signal(n: int) -> Tensor:
    noise = torch.randn(n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return torch.sin(torch.arange(n) / 20.0) * 2 + noise / 3


def slopes(layer, y: Tensor) -> list[Tensor]:
    y, lam = y.clone().requires_grad_(), torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    x, price, v = layer(y, lam)
    return [x.detach(), price.detach(), *torch.autograd.grad(x.sin().sum() + price + v / 10, (y, lam))]


def test_sparse_and_dense_agree():
    sparse, dense, y = compiled(TV), compiled(TV, backend="kkt"), signal(320)
    for a, b in zip(slopes(sparse, y), slopes(dense, y), strict=True):
        assert torch.allclose(a, b, rtol=1e-7, atol=1e-8)
    assert "its matrices are sparse" in sparse.explain() and "sparse" not in dense.explain()


def test_thousands_of_unknowns_take_no_dense_matrix():
    """The mean of the answer is that of the data, and the gradient of a mean is a mean."""
    layer, y = compiled(TV.replace("  low: x >= -2\n", "")), signal(6000).requires_grad_()
    x = layer(y, 3.0).x
    (gradient,) = torch.autograd.grad(x.mean(), y)
    assert abs(float(x.mean().detach() - y.mean().detach())) < 1e-12
    assert torch.allclose(gradient, torch.full_like(gradient, 1 / 6000), atol=1e-12)


@pytest.mark.parametrize("shape", ["band", "long band", "random", "full"])
def test_rows_that_fill_in_and_short_bands_stay_dense(shape):
    n = 1120 if shape == "long band" else 320
    G = sp.diags_array([1.0, -2.0, 1.0], offsets=[0, 1, 2], shape=(n - 20, n)).toarray()
    if shape in ("random", "full"):
        density = 0.02 if shape == "random" else 1
        G = sp.random_array((300, 320), density=density, rng=np.random.default_rng(0)).toarray()
    layer = compiled(ROWS, consts={"G": G})
    g = torch.Generator().manual_seed(1)
    q, h = (torch.randn(k, generator=g, dtype=torch.float64) for k in (n, n - 20))
    x = layer(q, h.abs())
    assert ("its matrices are sparse" in layer.explain()) == (shape == "long band")
    assert torch.allclose(x, compiled(ROWS, consts={"G": G}, backend="kkt")(q, h.abs()), atol=1e-9)


def test_a_batch_of_large_items_with_one_that_is_infeasible():
    layer = compiled(TV, on_failure="mask")
    y = torch.stack([signal(320), signal(320) - 5]).requires_grad_()  # its mean is below the least value
    solution = layer.solve(y, torch.tensor([0.7, 0.1], dtype=torch.float64))
    assert solution.status.tolist() == [Status.SOLVED, Status.INFEASIBLE]
    assert "total" in solution.messages[(1,)] and "low" in solution.messages[(1,)]
    (gradient,) = torch.autograd.grad(solution.x.nansum(), y)
    assert not gradient[1].any() and torch.allclose(gradient[0], torch.ones(320).double(), atol=1e-9)


def test_an_item_that_the_sparse_path_does_not_solve_goes_to_the_dense_one(monkeypatch):
    run = ConePlan.run

    def fails_once(self, inputs, batch, start):
        outcome = run(self, inputs, batch, start)
        return replace(outcome, status=outcome.status.index_fill(0, torch.tensor([1]), int(Status.FAILED)))

    y, lam = torch.stack([signal(320), signal(320) + 0.3]), torch.tensor([0.7, 0.4], dtype=torch.float64)
    first = compiled(TV).solve(y, lam)
    expected = (first.x, first.price, first.value)
    assert first.answered_by.tolist() == [AnsweredBy.CONE] * 2 and first.inspection is None
    monkeypatch.setattr(ConePlan, "run", fails_once)
    solution = compiled(TV).solve(y, lam)
    assert solution.solved.all() and solution.answered_by.tolist() == [AnsweredBy.CONE, AnsweredBy.KKT]
    assert solution.report.known.tolist() == [False, True] and solution.report.active["total"].tolist() == [False, True]
    for found, known in zip((solution.x, solution.price, solution.value), expected, strict=True):
        assert torch.allclose(found, known, rtol=1e-7, atol=1e-8)


TRANSPORT = """
dim n, m
param C : R^(n,m)
param a : R^n
param b : R^m
var X : R^(n,m), nonneg
minimize sum(C[i,j]*X[i,j] for i in n, j in m)
subject to
  left: sum(X[i,j] for j in m) == a[i] for i in n
  right: sum(X[i,j] for i in n) == b[j] for j in m
return X, u = left.dual, w = right.dual
"""


def test_a_transport_plan_is_sparse_with_least_prices_and_its_gradient():
    """Its equations depend on each other: prices may move together, and the least ones are given."""
    g = torch.Generator().manual_seed(0)
    C, a, b = (torch.rand(*s, generator=g, dtype=torch.float64) for s in ((30, 32), (30,), (32,)))
    results = []
    for backend in ("auto", "kkt"):
        layer = compiled(TRANSPORT, backend=backend)
        data = [t.clone().requires_grad_() for t in (C, a / a.sum(), b / b.sum())]
        solution = layer.solve(*data)
        assert solution.solved and solution.dual_nonunique
        assert ("its matrices are sparse" in layer.explain()) == (backend == "auto")
        x, u, w = solution.X, solution.u, solution.w
        slopes = torch.autograd.grad((x * C.sin()).sum() + u.sin().sum() + (w**2).sum(), data)
        results.append([x.detach(), u.detach(), w.detach(), *slopes])
    for found, known in zip(*results, strict=True):
        assert torch.allclose(found, known, rtol=1e-7, atol=1e-8)


def test_a_linear_program_of_a_thousand_rows_is_sparse_and_exact():
    rng = np.random.default_rng(0)
    A = sp.random_array((600, 1000), density=0.004, rng=rng, data_sampler=rng.standard_normal)
    h, c = A @ rng.random(1000) + rng.random(600), -(A.T @ rng.random(600)) + rng.random(1000) / 2
    text = """
dim n, m
const A : R^(m,n)
param c : R^n
param h : R^m
var x : R^n
minimize c'*x
subject to
  rows: A*x <= h
  box: 0 <= x <= 10
"""
    layer = compiled(text, consts={"A": A.toarray()})
    solution = layer.solve(torch.from_numpy(c), torch.from_numpy(h))
    known = linprog(c, A, h, bounds=(0, 10))
    assert solution.solved and "its matrices are sparse" in layer.explain()
    assert float(solution.value) == pytest.approx(known.fun, rel=1e-10)


LASSO = """
dim n, m
param A : R^(m,n)
param b : R^m
param lam : R, nonneg
var x : R^n
minimize 1/2*sumsq(A*x - b) + lam*norm1(x)
return x, v = value
"""
FACTORS = """
dim n, k
param F : R^(k,n)
param mu : R^n
param d : R^n, pos
var w : R^n
maximize mu'*w - sumsq(F*w) - sum(d[i]*w[i]^2 for i in n)
subject to
  budget: sum(w) == 1
  long: w >= 0
return w, price = budget.dual
"""


@pytest.mark.parametrize("name", ["lasso", "factors"])
def test_squares_of_wide_maps_are_not_multiplied_out(name):
    rng = np.random.default_rng(0)
    if name == "lasso":
        A = rng.standard_normal((16, 300))
        text, data = LASSO, [A, A @ (rng.random(300) < 0.02) + rng.random(16) / 10, np.array(5.0)]
    else:
        text, data = FACTORS, [rng.standard_normal((6, 400)), rng.standard_normal(400), rng.random(400) + 0.1]
    results = []
    for backend in ("auto", "kkt"):
        layer = compiled(text, backend=backend)
        own = [torch.from_numpy(part).requires_grad_() for part in data]
        x, other = layer(*own)
        assert ("its matrices are sparse" in layer.explain()) == (backend == "auto")
        results.append([x.detach(), other.detach(), *torch.autograd.grad(x.sin().sum() + other, own)])
    for found, known in zip(*results, strict=True):
        assert torch.allclose(found, known, rtol=1e-7, atol=1e-8)


def test_a_contradiction_beside_squares_that_are_not_multiplied_out_is_blamed_on_its_constraints():
    text = FACTORS.replace("budget: sum(w) == 1", "budget: sum(w) == -1")
    F, mu, d = torch.randn(6, 400).double(), torch.zeros(400).double(), torch.ones(400).double()
    solution = compiled(text, on_failure="mask").solve(F, mu, d)
    assert solution.status == Status.INFEASIBLE
    assert "budget" in solution.messages[()] and "long" in solution.messages[()]


CURVED = [
    "minimize sum(exp(x)) - a'*x + sum(huber(x[i+1] - x[i]) for i in 0..n-2); subject to; total: sum(x) <= 1",
    "minimize sumsq(x - a) - sum(log(x)); subject to; total: sum(x) <= 1",
    "minimize sum(logistic(a[i]*x[i] + x[i+1]) for i in 0..n-2) + sumsq(x)/10; subject to; total: sum(x) == 3",
    "minimize sum((x - a).^4) + sumsq(x); subject to; total: sum(x) >= 99",
]


@pytest.mark.parametrize("text", CURVED)
def test_smooth_convex_programs_are_sparse_too(text):
    a, results = signal(320).abs() + 0.1, []
    for backend in ("auto", "kkt"):
        layer = compiled(f"dim n; param a : R^n; var x : R^n; {text}; return x, price = total.dual", backend=backend)
        own = a.clone().requires_grad_()
        x, price = layer(own)
        assert ("its matrices are sparse" in layer.explain()) == (backend == "auto")
        results.append([x.detach(), price.detach(), *torch.autograd.grad(x.sin().sum() + price, own)])
    for found, known in zip(*results, strict=True):
        assert torch.allclose(found, known, rtol=1e-7, atol=1e-8)


def test_a_smooth_convex_program_whose_dense_hessian_would_not_fit():
    """exp(x) + x^2 - 2 a x with a such that x = b."""
    b = torch.linspace(-2, 1, 20_000, dtype=torch.float64)
    layer = compiled("dim n; param a : R^n; var x : R^n; minimize sum(exp(x)) + sumsq(x) - 2*a'*x")
    a = (b.exp() / 2 + b).requires_grad_()
    x = layer(a)
    (slope,) = torch.autograd.grad(x.sum(), a)
    assert torch.allclose(x, b, atol=1e-10) and torch.allclose(slope, 2 / (b.exp() + 2), rtol=1e-8)


def test_a_problem_for_which_there_is_no_room_says_so():
    layer = compiled("dim n; param a : R^n; var x : R^n; minimize sum(sin(x)) + sumsq(x - a)")
    with pytest.raises(declarative.DiagnosticError, match=r"E325.*\n?.*10,000,000 unknowns"):
        layer(torch.zeros(10_000_000))


def test_a_sparse_matrix_without_pivots_ends_no_process():
    """At x = a the matrix of the cones of x^4 is exactly singular, on which SuperLU breaks."""
    layer, a = compiled("dim n; param a : R^n; var x : R^n; minimize sum((x - a).^4); subject to; x <= 2"), signal(320)
    solution = layer.solve(a)
    assert solution.solved and "its matrices are sparse" in layer.explain()
    assert torch.allclose(solution.x, a.clamp(max=2), rtol=0, atol=1e-4)  # whose fourth power is 1e-16
    assert torch.allclose(solution.value, ((a - 2).clamp(min=0) ** 4).sum(), rtol=1e-8)


TAIL = """
dim m, n
param R : R^(m,n)
param mu : R^n
var w : R^n, simplex
minimize 0.5*cvar(-R*w, 0.95) - mu'*w
return w, v = value
"""


@pytest.mark.parametrize(("scenarios", "assets", "sparse"), [(400, 8, True), (100, 8, False), (400, 120, False)])
def test_a_few_unknowns_with_a_kink_for_each_row_of_data_are_many(scenarios, assets, sparse):
    """Where there are as many assets as scenarios, the rows of scenarios are no thin matrix."""
    g = torch.Generator().manual_seed(0)
    R, mu = (torch.randn(*s, generator=g, dtype=torch.float64) / 10 for s in ((scenarios, assets), (assets,)))
    results = []
    for backend in ("auto", "kkt"):
        layer, own = compiled(TAIL, backend=backend), [R.clone().requires_grad_(), mu.clone().requires_grad_()]
        w, v = layer(*own)
        assert ("its matrices are sparse" in layer.explain()) == (sparse and backend == "auto")
        results.append([w.detach(), v.detach(), *torch.autograd.grad(v, own)])
    for found, known in zip(*results, strict=True):
        assert torch.allclose(found, known, rtol=1e-7, atol=1e-9)


ENTROPIC = """
dim n
param C : R^(n,n)
param a : R^n
param b : R^n
var x : R^(n,n), nonneg
minimize sum(C.*x) - 0.1*sum(entr(x))
subject to
  rows: sum(x[i,j] for j in n) == a[i] for i in n
  columns: sum(x[i,j] for i in n) == b[j] for j in n
return x, v = value
"""
IMPACT = """
dim n
param S : S^n, psd
param m : R^n
param w : R^n
var x : R^n, nonneg
minimize quad(x, S) - m'*x + 0.1*sum(abs(x[i] - w[i])^1.5 for i in n)
subject to
  budget: sum(x) == 1
return x, v = value
"""
REGRESSION = """
dim n, m
param A : R^(m,n)
param y : R^m
var x : R^n, nonneg
minimize sum(logistic(A*x - y)) + sumsq(x)
return x, v = value
"""


def entropic(g: torch.Generator) -> list[Tensor]:
    a, b = torch.rand(2, 15, generator=g, dtype=torch.float64) + 0.1
    return [torch.rand(15, 15, generator=g, dtype=torch.float64), a / a.sum(), b / b.sum()]


def impact(g: torch.Generator) -> list[Tensor]:
    R, w = torch.randn(25, 25, generator=g, dtype=torch.float64), torch.rand(25, generator=g, dtype=torch.float64)
    return [R @ R.mT / 25, torch.randn(25, generator=g, dtype=torch.float64), w / w.sum()]


def regression(g: torch.Generator) -> list[Tensor]:
    return [torch.randn(*size, generator=g, dtype=torch.float64) for size in ((400, 210), (400,))]


@pytest.mark.parametrize(
    ("text", "make", "why"),
    [
        (ENTROPIC, entropic, "its matrices are sparse"),
        (IMPACT, impact, "its factorisations take less work"),
        (REGRESSION, regression, "solved as a smooth program"),
    ],
)
def test_what_is_not_quadratic_goes_where_factorisations_take_less_work(text, make, why):
    """Whichever backend it is: 225 unknowns under 30 equations, 25 with as many kinks, 210 in 400 dense terms."""
    data, found = make(torch.Generator().manual_seed(0)), []
    for backend in ("auto", "kkt"):
        layer, inputs = compiled(text, backend=backend), [t.clone().requires_grad_() for t in data]
        x, v = layer(*inputs)
        found.append(
            [x.detach(), v.detach(), *torch.autograd.grad((x.sin() * torch.arange(x.shape[-1])).sum(), inputs)]
        )
        assert (why in layer.explain()) == (backend == "auto" or why == "solved as a smooth program")
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-8)
