"""Second-order corrections: a pendulum that a weak motor has to catch."""

import pytest
import torch

import declarative
from declarative.backends.kkt.methods import nlp

FLOAT = torch.float64
PENDULUM = """
dim N
param s : R^2
param w : R, pos
var th : R^(N+1)
var om : R^(N+1)
var u : R^N
minimize sum((1 - cos(th[k])) + 0.1*om[k]^2 for k in N+1) + w*sumsq(u)
subject to
  first: th[0] == s[0]
  second: om[0] == s[1]
  angle: th[k+1] == th[k] + 0.1*om[k+1] for k in N
  speed: om[k+1] == om[k] + 0.1*(9.81*sin(th[k]) + u[k]) for k in N
  torque: -6 <= u <= 6
"""


def caught(N: int, batch: int = 24):
    generator = torch.Generator().manual_seed(0)
    s = 2 * torch.rand(batch, 2, generator=generator, dtype=FLOAT) - 1
    w = 0.01 + 0.1 * torch.rand(batch, generator=generator, dtype=FLOAT)
    layer = declarative.compile(declarative.parse(PENDULUM), dims={"N": N}, on_failure="mask")
    return layer, s, w


def test_all_items_are_caught_in_few_iterations():
    """With one correction a step, an item took 56."""
    layer, s, w = caught(12)
    solution = layer.solve(s, w)
    assert solution.solved.all() and int(solution.iterations.max()) < 40
    u, speed = solution.u, solution.om
    for k in range(12):
        angle = solution.th[:, k]
        torch.testing.assert_close(speed[:, k + 1], speed[:, k] + 0.1 * (9.81 * angle.sin() + u[:, k]))
    assert (u.abs() <= 6 + 1e-9).all() and (u.abs() > 6 - 1e-9).any()


@pytest.mark.parametrize("N", [12, 20])
def test_compiled_code_and_torch_find_the_same(N, monkeypatch):
    """Up to 80 unknowns and equations are compiled; 20 steps have more."""
    layer, s, w = caught(N, 8)
    ours = layer.solve(s, w)
    monkeypatch.setattr(nlp, "functions", lambda *args: None)
    theirs = layer.solve(s, w)
    assert ours.solved.all() and theirs.solved.all()
    torch.testing.assert_close(ours.value, theirs.value, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(ours.u, theirs.u, rtol=1e-6, atol=1e-6)


def test_a_restoration_ends_where_the_rows_nearly_hold():
    """What is left is for Newton's method; the barrier took 300 more iterations, at violations of 1e-6."""
    layer, s, w = caught(15, 32)
    solution = layer.solve(s, w)
    assert solution.solved.all() and int(solution.iterations.max()) < 200
