"""What only tends to its infimum has no minimum, and is not called solved; what is nearly flat and has one, is."""

import pytest
import torch

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
