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
