"""Starts that are stationary and no minimum: they are left for a minimum; where there is none, the item has failed."""

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


UNATTAINED = {
    "var x : R; minimize s/(1 + x^2)",
    "var x : R; minimize s*exp(-x^2)",
    "var x : R; maximize s*log(1 + x^2)",
    "var x : R; var y : R; minimize s*(x*y - 1)^2 + s*x^2",
}


@pytest.mark.parametrize("text", sorted(UNATTAINED))
def test_a_stationary_point_below_which_there_is_no_minimum_has_failed(text):
    """All begin at a maximum or a saddle."""
    layer = declarative.compile(
        declarative.parse(f"param s : R, pos; {text}", name="stay"), backend="kkt", on_failure="mask"
    )
    solution = layer.solve(torch.tensor([1e-3, 1.0, 1e3], dtype=torch.float64))
    assert set(solution.status.tolist()) <= {Status.FAILED, Status.UNBOUNDED}
    sought = "no maximum was found" if "maximize" in text else "no minimum was found"
    assert all(sought in words or "without end" in words for words in solution.messages.values())


@pytest.mark.parametrize(
    ("text", "value"), [("cos(x)", -1.0), ("x^4 - x^2", -0.25), ("sin(x)^4 - sin(x)^2/2", -0.0625)]
)
def test_one_above_a_minimum_is_left_for_it(text, value):
    """Beginning at a maximum, at 0."""
    solution = declarative.compile(declarative.parse(f"var x : R; minimize {text}", name="left"), backend="kkt").solve()
    assert abs(float(solution.value) - value) < 1e-12 and not bool(solution.degenerate)


def test_a_boxed_maximum_is_left_for_a_corner():
    layer = declarative.compile(
        declarative.parse("param p : R; var x : R, between(-1, 2); minimize -x^2 + p*x", name="box")
    )
    p = torch.tensor(0.0, dtype=torch.float64)
    assert float(layer(p)) in (-1.0, 2.0) and float(layer.solve(p).report.negative) == 0


SCALES = torch.tensor([10.0**-k for k in range(0, 13, 3)], dtype=torch.float64)
WIDE = {
    "minimize cos(s*x)": -1.0,
    "minimize (s*x)^4 - (s*x)^2": -0.25,
    "var y : R; minimize (s*x)^4 - (s*x)^2 + (y - 1)^2": -0.25,
    "var y : R; minimize (s*x)^4 - (s*x)^2; subject to; sumsq([s*x; y - 3]) <= 1": -0.25,
}


@pytest.mark.parametrize("text", WIDE)
def test_a_maximum_is_left_in_any_units(text):
    """All begin at x = 0; the slopes on the way are as small as 1e-13."""
    text = f"param s : R; var x : R; {text}"
    layer = declarative.compile(declarative.parse(text, name="wide"), backend="kkt", on_failure="mask")
    solution, value = layer.solve(SCALES), WIDE[text.partition("R; var x : R; ")[2]]
    found = solution.status == Status.SOLVED
    assert found[:4].all() and (solution.value[found] - value).abs().max() < 1e-12


@pytest.mark.parametrize("text", ["maximize log(1 + s*x^2)", "var y : R; minimize exp(-(s*x)^2) + y^2"])
def test_what_falls_on_is_no_minimum_in_any_units(text):
    text = f"param s : R; var x : R; {text}"
    layer = declarative.compile(declarative.parse(text, name="wide"), backend="kkt", on_failure="mask")
    assert (layer.solve(SCALES).status != Status.SOLVED).all()


def test_a_shallow_maximum_between_near_minima_is_not_overstepped():
    text = "param s : R; var x : R; minimize s*(x^4 - x^2)"
    solution = declarative.compile(declarative.parse(text, name="near"), backend="kkt").solve(SCALES)
    torch.testing.assert_close(solution.x.abs(), torch.full_like(SCALES, 0.5**0.5))
