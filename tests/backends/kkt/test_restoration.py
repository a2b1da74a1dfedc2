"""Steps towards feasible points that slacks bar, and the points from which the method goes on."""

import pytest
import torch

import declarative
from declarative.backends.kkt import smooth

FLOAT = torch.float64
# Waechter and Biegler (2000): from x < 0 no step that keeps s positive comes to x >= 1/2.
BARRED = """
param a : R
param b : R
var x : R, start(-2)
var s : R^2, nonneg, start([3, 1])
minimize x
subject to
  one: x^2 - s[0] + a == 0
  two: x - s[1] == b
"""
PATH = """
dim T, k
param a : R^2; param b : R^2; param c : R^(k,2); param r : R^k, pos; param mid : R^2
var x[0..T] : R^2, start(mid)
minimize sum(sumsq(x[t+1] - x[t]) for t in T)
subject to
  x[0] == a
  x[T] == b
  clear: sumsq(x[t] - c[j,:]) >= r[j]^2 for t in T, j in k
"""


@pytest.fixture
def attempts(monkeypatch):
    """A list with the statuses of each attempt."""
    found, tried = [], smooth.try_once

    def spied(*args):
        attempt = tried(*args)
        found.append(attempt.answer.status.tolist())
        return attempt

    monkeypatch.setattr(smooth, "try_once", spied)
    return found


def test_barred_steps_lead_to_the_minimum(attempts):
    """x = max(b, root of -a); some of them within one attempt."""
    a, b = torch.linspace(-2, -0.5, 30, dtype=FLOAT), torch.linspace(0.1, 1.5, 30, dtype=FLOAT)
    solution = declarative.compile(declarative.parse(BARRED)).solve(a, b)
    torch.testing.assert_close(solution["x"], torch.maximum(b, (-a).sqrt()), rtol=0, atol=1e-8)
    assert attempts[0].count(0) >= 15


def test_paths_around_obstacles_are_found_in_one_attempt(attempts):
    """All points of a path begin at one place, where the rows of the ends contradict each other."""
    seeded = torch.Generator().manual_seed(0)
    data = {"a": torch.zeros(2), "b": torch.tensor([4.0, 0.0]), "c": torch.tensor([[1.3, 0.2], [2.7, -0.3]])}
    data |= {"r": torch.full((2,), 0.6), "mid": torch.tensor([2.0, 1.0])}
    data = {
        name: value.double() + 0.1 * torch.randn(16, *value.shape, generator=seeded, dtype=FLOAT)
        for name, value in data.items()
    }
    layer = declarative.compile(declarative.parse(PATH), dims={"T": 10}, on_failure="mask")
    solution = layer.solve(*data.values())
    assert solution.solved.all() and sum(map(len, attempts)) <= 18
    away = (solution["x"][:, :-1, None] - data["c"][:, None]).square().sum(-1)
    assert (away >= data["r"][:, None] ** 2 - 1e-9).all()


def test_infeasible_rows_are_still_certain():
    """Two discs that do not meet: a local minimum of the violation."""
    text = "param a : R\nvar x : R^2, start([0, 1])\nminimize x[0]\n"
    text += "subject to\n  sumsq(x) <= 1\n  (x[0] - a)^2 + x[1]^2 <= 1"
    layer = declarative.compile(declarative.parse(text), backend="kkt", on_failure="mask")
    solution = layer.solve(torch.tensor([1.0, 3.0], dtype=FLOAT))
    assert solution.status.tolist() == [declarative.Status.SOLVED, declarative.Status.INFEASIBLE]
