"""Functions are kept inside their domains, from a start outside of them and up to their ends."""

import math

import numpy as np
import pytest
import torch

import declarative


def _solved(text: str):
    """With the data a = 1."""
    program = declarative.parse(f"param a : R; var x : R; {text}")
    found = declarative.compile(program, backend="kkt").solve(torch.ones((), dtype=torch.float64))
    assert int(found.status) == declarative.Status.SOLVED
    return found


@pytest.mark.parametrize(
    "text, x, value",
    [
        # 2 x = 1/(x - 2)
        ("minimize a*x^2 - log1p(x - 3)", 1 + math.sqrt(1.5), None),
        ("minimize a*x^2 + asin(x - 3)", 2.0, 4 - math.pi / 2),
        ("maximize asin(x) - a*x", 1.0, None),  # where its slope is infinite
        ("minimize a*acos(x)", 1.0, 0.0),
        # u = 1 - x solves 2 u^3 + 4 u^2 = a; beyond 1 the objective has no least value
        ("minimize (x - 3)^2 + a/one_minus_pos(x)", 1 - max(np.roots([2, 4, 0, -1]).real), None),
        # exp(x + 1) = 1/2
        ("maximize log1mexp(x + 1) + a*x", -1 - math.log(2), -1 - 2 * math.log(2)),
    ],
)
def test_the_least_value_inside_the_domain(text, x, value):
    found = _solved(text)
    assert found.x.item() == pytest.approx(x, abs=1e-7)
    assert value is None or found.value.item() == pytest.approx(value, abs=1e-6)
