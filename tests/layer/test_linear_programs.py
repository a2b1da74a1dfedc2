"""Small linear programs of every outcome against HiGHS: many have the answer 0, where nothing tells a unit."""

import numpy as np
import pytest
import scipy.optimize
import torch

import declarative
from declarative import Status

TEXT = """
dim m, n
param c : R^n; param A : R^(m,n); param b : R^m
var x : R^n, nonneg
minimize c'*x
subject to
  rows: A*x <= b
"""
OUTCOMES = {0: Status.SOLVED, 2: Status.INFEASIBLE, 3: Status.UNBOUNDED}


@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 1), (2, 3), (4, 3)])
@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_outcomes_and_values_are_those_of_highs(n, m, backend):
    rng, count = np.random.default_rng(n + 10 * m), 24
    c, A, b = rng.standard_normal((count, n)), rng.standard_normal((count, m, n)), rng.uniform(-0.5, 1, (count, m))
    c[::3] = np.abs(c[::3]) * 10.0 ** rng.uniform(-3, 3, (count // 3, n))
    b[::4] = 0.0
    layer = declarative.compile(declarative.parse(TEXT, name="lp"), backend=backend, on_failure="mask")
    solution = layer.solve(*(torch.tensor(part) for part in (c, A, b)))
    for k in range(count):
        expected = scipy.optimize.linprog(c[k], A[k], b[k], method="highs")
        if expected.status == 2 and solution.status[k] == Status.UNBOUNDED:  # HiGHS says one of both
            continue
        assert solution.status[k] == OUTCOMES[expected.status], k
        if expected.status == 0:
            assert float(solution.value[k]) == pytest.approx(expected.fun, rel=1e-6, abs=1e-9), k


ZEROS = {
    "between bounds, beside a free variable": "minimize x^2; subject to; x >= a; x <= 1",
    "between two rows": "minimize (x + y)^2 + (x - y)^2; subject to; x + y >= a; x + y <= 1",
    "between large bounds": "minimize 1e6*x^2; subject to; x >= 1e3*a; x <= 1e3",
    "inside balls of other norms": "minimize x^2 + y^2; subject to; norminf([x, y]) <= 1; norm1([x, y]) <= 3; x >= a",
}


@pytest.mark.parametrize("name", ZEROS)
def test_a_minimum_of_zero_has_no_active_constraints(name):
    """All terms are rounding error there, and shares of slack and multiplier are alike."""
    layer = declarative.compile(declarative.parse(f"param a : R; var x : R; var y : R; {ZEROS[name]}", name="zero"))
    a = torch.tensor([-1.0, -0.5, 0.4], dtype=torch.float64)
    scale = 1e3 if "1e3" in ZEROS[name] else 1.0
    solution = layer.solve(a)
    assert solution.solved.all() and torch.allclose(solution.value[:2], torch.zeros(2).double(), atol=1e-15)
    assert torch.allclose(solution.x[:2], torch.zeros(2).double(), atol=1e-12)
    assert scale * 0.2 - 1e-9 <= float(solution.x[2]) <= scale * 0.4 + 1e-9


def test_a_linear_program_is_not_tried_as_a_strictly_convex_one(monkeypatch):
    """An entry of the diagonal of P that is 0 tells."""
    monkeypatch.setattr("declarative.backends.kkt.convex.solve_definite", None)
    layer = declarative.compile(declarative.parse(TEXT, name="linear"), backend="kkt")
    x = layer(torch.tensor([-1.0, 1.0]).double(), torch.ones(1, 2).double(), torch.tensor([3.0]).double())
    torch.testing.assert_close(x, torch.tensor([3.0, 0.0]).double(), rtol=1e-12, atol=1e-12)


ANY_POINT = """
dim p, m, n
param P : S^n, psd; param q : R^n; param A : R^(p,n); param b : R^p; param G : R^(m,n); param l : R^m; param u : R^m
var x : R^n
minimize quad(x, P)/2 + q'*x
subject to
  A*x == b
  l <= G*x <= u
"""


@pytest.mark.parametrize(("n", "p", "m"), [(3, 1, 4), (8, 5, 6), (13, 9, 17)])
def test_items_without_an_objective_have_a_feasible_point_where_there_is_one(n, p, m):
    """The other items have an objective; every fifth contradicts itself."""
    rng, count = np.random.default_rng(n), 30
    x, A, G = rng.standard_normal((count, n, 1)), rng.standard_normal((count, p, n)), rng.standard_normal((count, m, n))
    b, g = (A @ x)[..., 0], (G @ x)[..., 0]
    lower, upper = g - rng.exponential(1, g.shape), g + rng.exponential(1, g.shape)
    G[::5, 1], lower[::5, 1] = G[::5, 0], upper[::5, 0] + 1
    upper[::5, 1] = np.inf
    q, P = rng.standard_normal((count, n)), np.broadcast_to(np.eye(n), (count, n, n)).copy()
    q[: count // 2], P[: count // 2] = 0, 0
    layer = declarative.compile(declarative.parse(ANY_POINT, name="any_point"), backend="kkt", on_failure="mask")
    data = [torch.tensor(part).requires_grad_() for part in (P, q, A, b, G, lower, upper)]
    solution = layer.solve(*data)
    expected = [Status.INFEASIBLE if k % 5 == 0 else Status.SOLVED for k in range(count)]
    assert solution.status.tolist() == expected
    assert solution.nonunique[: count // 2][solution.solved[: count // 2]].all()
    found = solution.x.detach().numpy()[..., None]
    for k in (k for k, status in enumerate(expected) if status == Status.SOLVED):
        np.testing.assert_allclose(A[k] @ found[k], b[k][:, None], atol=1e-9)
        assert ((G[k] @ found[k])[:, 0] > lower[k] - 1e-9).all() and ((G[k] @ found[k])[:, 0] < upper[k] + 1e-9).all()
    gradients = torch.autograd.grad(solution.x.nan_to_num().sum(), data)
    assert all(part.isfinite().all() for part in gradients)


CORNER = """
dim n, m, p
param c : R^n; param A : R^(m,n); param E : R^(p,n)
var x : R^n, nonneg
minimize c'*x
subject to
  A*x <= 0
  E*x == 0
"""


def test_many_rows_of_many_sizes_meet_at_a_corner():
    """All multipliers may be positive, though not all large beside the largest, of a row that is small."""
    rng, count = np.random.default_rng(0), 200
    A, E, sizes = rng.normal(size=(count, 6, 2)), rng.normal(size=(count, 1, 2)), rng.uniform(-4, 4, (count, 7, 1))
    c = -np.einsum("bmn,bm->bn", A, rng.exponential(size=(count, 6))) + rng.exponential(size=(count, 2))
    layer = declarative.compile(declarative.parse(CORNER, name="corner"), backend="kkt", on_failure="mask")
    data = (c, A * 10 ** sizes[:, :6], E * 10 ** sizes[:, 6:])
    solution = layer.solve(*(torch.tensor(part) for part in data))
    assert solution.solved.sum() >= 0.98 * count and not solution.x[solution.solved].any()
