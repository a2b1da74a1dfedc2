"""The value is that of the objective as it is written, not of its expansion, in which large terms cancel."""

import numpy as np
import pytest
import torch

import declarative


@pytest.mark.parametrize("c", [2.0, 1e3, 1e6, 1e9])
def test_the_value_is_that_of_the_objective_as_it_is_written(c):
    layer = declarative.compile(declarative.parse("param c : R; var x : R; minimize (x - c)^2; subject to; x <= c - 1"))
    c = torch.tensor(c, dtype=torch.float64, requires_grad=True)
    assert float(layer.solve(c).value.detach()) == pytest.approx(1, rel=1e-6)
    free = declarative.compile(declarative.parse("param c : R; var x : R; minimize (x - c)^2"))
    value = free.solve(c).value
    value.backward()
    assert 0 <= float(value.detach()) <= (4e-16 * float(c.detach())) ** 2 and float(c.grad) == pytest.approx(
        0, abs=1e-6
    )


def test_a_sum_of_squares_is_not_negative():
    text = "dim m, n; param A : R^(m,n); param b : R^m; var x : R^n; minimize 1/2*sumsq(A*x - b)"
    rng = np.random.default_rng(0)
    A, x = torch.tensor(rng.standard_normal((3, 6, 3))), torch.tensor(1e6 * rng.standard_normal((3, 3, 1)))
    value = declarative.compile(declarative.parse(text)).solve(A, (A @ x)[..., 0]).value
    assert ((value >= 0) & (value < 1e-12)).all()
