"""Starts that are stationary and no minimum: what falls for ever is unbounded, and a saddle that stays says so."""

import pytest
import torch

import declarative
from declarative import Status

FALLING = {
    "a maximum": "var x : R; minimize -x^2 + p*x",
    "a saddle": "var x : R^2; minimize x[0]*x[1] + p*x[0]",
    "along a row": "dim n = 2; var x : R^n; minimize -sumsq(x); subject to; c: sum(x) == p",
}


@pytest.mark.parametrize("name", FALLING)
@pytest.mark.parametrize("p", [0.0, 1.0])
def test_an_objective_that_falls_from_its_stationary_point_is_unbounded(name, p):
    layer = declarative.compile(declarative.parse(f"param p : R; {FALLING[name]}", name="fall"), on_failure="mask")
    assert layer.solve(torch.tensor(p, dtype=torch.float64)).status == Status.UNBOUNDED


def test_a_stationary_point_that_is_no_minimum_has_a_flag():
    layer = declarative.compile(declarative.parse("param p : R, pos; var x : R; maximize p*log(1 + x^2)", name="stay"))
    solution = layer.solve(torch.tensor(1.0, dtype=torch.float64))
    assert not solution.solved or bool(solution.degenerate)


def test_a_boxed_maximum_is_left_for_a_corner():
    layer = declarative.compile(
        declarative.parse("param p : R; var x : R, between(-1, 2); minimize -x^2 + p*x", name="box")
    )
    p = torch.tensor(0.0, dtype=torch.float64)
    assert float(layer(p)) in (-1.0, 2.0) and float(layer.solve(p).report.negative) == 0
