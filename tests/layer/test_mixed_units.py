"""Smooth programs whose variables have units far apart: the answer is the same, and no flag comes from the units."""

from itertools import product

import numpy as np
import pytest
import torch

import declarative
from declarative import Status

UNITS = torch.tensor(list(product((1e-6, 1e-3, 1.0, 1e3, 1e6), repeat=2)), dtype=torch.float64)
PROGRAMS = {  # in z = x / u, and where z is then
    "a curved valley": ("100*(z1 - z0^2)^2 + (1 - z0)^2", (1, 1)),
    "an exponential": ("exp(z0) - z0 + (z1 - 1)^2*exp(z0)", (0, 1)),
    "one entry at 0": ("z0^2 + z0^4 + (z1 - 1)^2 + (z0*z1)^2", (0, 1)),
    "both at 0, beside a constant": ("1e6 + z0^2 + z0^4 + (z1 - z0)^2", (0, 0)),
    "in a disc": ("(z0 - 2)^2 + (z1 - 2)^2; subject to; z0^2 + z1^2 <= 2", (1, 1)),
    "on a circle": ("z0 + z1; subject to; z0^2 + z1^2 == 2", (-1, -1)),
}


@pytest.mark.parametrize("start", [0.5, 1.7, -0.3])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_in_other_units_has_the_same_answer(name, start):
    text, answer = PROGRAMS[name]
    text = text.replace("z0", "(x[0]/u[0])").replace("z1", "(x[1]/u[1])")
    text = f"param u : R^2; param s : R^2; var x : R^2, start(s); minimize {text}"
    found = declarative.compile(declarative.parse(text), backend="kkt").solve(UNITS, UNITS * start)
    assert (found.status == Status.SOLVED).all(), found.messages
    expected = torch.tensor(answer, dtype=torch.float64).expand(UNITS.shape)
    torch.testing.assert_close(found.values["x"] / UNITS, expected, rtol=1e-6, atol=1e-6)
    assert not (found.degenerate | found.nonunique | found.dual_nonunique).any()


REGRESSIONS = {
    "quantiles": "sum(pos(b - A*x))*0.8 + sum(pos(A*x - b))*0.2",
    "huber": "sum(huber(A*x - b, 0.3))",
    "least absolute": "norm1(A*x - b)",
    "not negative": "sumsq(A*x - b); subject to; x >= 0",
}


@pytest.mark.parametrize("name", REGRESSIONS)
@pytest.mark.parametrize("units", [1e2, 1e3])
def test_features_in_units_of_their_own_leave_the_fit_and_its_gradient_as_they_are(name, units):
    """As ages beside incomes: columns of A from 1/units to units."""
    g = torch.Generator().manual_seed(0)
    A, noise = (torch.randn(8, 60, size, generator=g, dtype=torch.float64) for size in (8, 1))
    b = (A.sum(-1) + noise[..., 0]).requires_grad_()
    text = f"dim m, n; param A : R^(m,n); param b : R^m; var x : R^n; minimize {REGRESSIONS[name]}"
    layer = declarative.compile(declarative.parse(text), backend="kkt")
    weight, found = torch.linspace(-1, 1, 60, dtype=torch.float64), []
    for columns in (torch.ones(8, dtype=torch.float64), units ** torch.linspace(-1, 1, 8, dtype=torch.float64)):
        solution = layer.solve(A * columns, b)
        assert solution.solved.all() and not (solution.degenerate | solution.nonunique).any()
        fit = (A * columns @ solution.x[..., None])[..., 0]
        found.append((fit, *torch.autograd.grad((fit @ weight).sum(), b)))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-9)


def test_a_bound_that_is_only_touched_is_told_where_rounding_moves_x_by_more():
    """x0 >= 0 holds with equality and presses nothing; a condition of 1e8 leaves x0 = 1e-9."""
    rng, P, q = np.random.default_rng(1), [], []
    for _ in range(40):
        Q = np.linalg.qr(rng.normal(size=(6, 6)))[0]
        H = (Q * 10.0 ** np.linspace(0, -8, 6)) @ Q.T
        x = np.round(rng.random(6) * 8) / 8 + 0.125
        x[0] = 0
        P.append((H + H.T) / 2)
        q.append(-P[-1] @ x)
    text = "dim n; param P : S^n, psd; param q : R^n; var x : R^n, nonneg; minimize 1/2*quad(x, P) + q'*x"
    found = declarative.compile(declarative.parse(text)).solve(torch.tensor(np.array(P)), torch.tensor(np.array(q)))
    assert found.solved.all() and found.degenerate.all()
