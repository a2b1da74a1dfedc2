"""Starts so far away that the fall to the minimum drowns its slopes, or that f has no value there."""

import pytest
import torch

import declarative
from declarative import Status

UNITS = torch.tensor([1e-3, 1.0, 1e3], dtype=torch.float64)
STEEP = {  # in u, the minima of which are at 0 or nearest to 0
    "an exponential": ("exp(u) - u", 0.0),
    "two exponentials": ("exp(u) + exp(-u) + u^4", 0.0),
    "an exponential and a power": ("exp(u) + u^4/4", -0.7728829591492101),
    "beside a valley": ("exp(u) - u + (x[1] - 1)^2 + (x[1] - 1)^4", 0.0),
}


def solved_from(text: str, *data: torch.Tensor):
    """With what it is given, and a start."""
    text = f"param m : R; param s : R^2; var x : R^2, start(s); let u = m*x[0]; minimize {text}"
    return declarative.compile(declarative.parse(text), backend="kkt", on_failure="mask").solve(*data)


@pytest.mark.parametrize("far", [30.0, 66.6, 110.0, 300.0, 690.0])
@pytest.mark.parametrize("name", STEEP)
def test_minima_are_found_from_where_exponentials_are_near_their_overflow(name, far):
    text, answer = STEEP[name]
    text = text if "x[1]" in text else f"{text} + (x[1] - 1)^2"
    start = torch.stack([far / UNITS, torch.zeros_like(UNITS)], -1)
    found = solved_from(text, UNITS, start)
    assert (found.status == Status.SOLVED).all(), found.messages
    torch.testing.assert_close(found.values["x"][:, 0] * UNITS, torch.full_like(UNITS, answer), rtol=0, atol=1e-8)


@pytest.mark.parametrize("falls", ["exp(u)", "log(1 + exp(u))", "exp(u) + exp(3*u)"])
@pytest.mark.parametrize("far", [30.0, 110.0, 300.0])
def test_what_falls_to_no_minimum_has_none_from_there_either(falls, far):
    start = torch.stack([far / UNITS, torch.zeros_like(UNITS)], -1)
    found = solved_from(f"{falls} + (x[1] - 1)^2", UNITS, start)
    assert (found.status == Status.FAILED).all()


def test_a_fall_from_infinity_makes_no_point_on_the_way_a_minimum():
    """Where f is infinite at the start, a method begins elsewhere, and its way from there."""
    places = torch.cartesian_prod(torch.tensor([150.0, 300.0, 600.0]), torch.tensor([50.0, 1e4, 1e6])).to(torch.float64)
    M, first = places.unbind(-1)
    start = torch.stack([first, torch.full_like(first, 1e5)], -1)
    found = solved_from("exp(u) - u + x[1]^4", M, start)
    assert (found.status == Status.SOLVED).all(), found.messages
    torch.testing.assert_close(found.value, torch.ones_like(found.value), rtol=1e-9, atol=0)
