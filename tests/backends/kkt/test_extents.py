"""A row of functions that bend far more than x is exact holds beside its own terms, not beside its slope times x."""

import pytest
import torch

import declarative
from declarative import Status

OBJECTIVES = ["cos(x)", "-x", "(x - 40)^2", "-exp(x/10)"]
WAVE = "sin(x^2/1.69) + 0.07*x <= 1.367"


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_what_is_solved_lies_below_a_wave(objective):
    """From x = 49.5 a step led to 1.6e5, where the slope of the wave times x is 3e10 and the violation 1e4."""
    text = f"param s : R; var x : R, start(s); minimize {objective}; subject to; {WAVE}"
    layer = declarative.compile(declarative.parse(text, name="wave"), backend="kkt", on_failure="mask")
    solution = layer.solve(torch.tensor([-40.0, -7.5, 0.0, 9.0, 16.5, 31.5, 41.0, 49.5, 52.5], dtype=torch.float64))
    x = solution["x"][solution.status == Status.SOLVED]
    terms = torch.stack([(x**2 / 1.69).sin().abs(), 0.07 * x.abs(), torch.full_like(x, 1.367)]).amax(0)
    assert len(x) >= 3 and (((x**2 / 1.69).sin() + 0.07 * x - 1.367) <= 1e-6 * terms).all()


BANG_BANG = """
param way : R, pos
dim T = 10
var h : R, between(0.001, 10), start(0.1)
var p[0..T] : R
var v[0..T] : R
var u[0..T-1] : R, between(-2, 2)
minimize T*h
subject to
  p[0] == 0
  v[0] == 0
  p[T] == way
  v[T] == 0
  p[t+1] == p[t] + h*v[t] + h^2*u[t]/2 for t in 0..T-1
  v[t+1] == v[t] + h*u[t] for t in 0..T-1
"""


def test_what_rounding_leaves_of_an_affine_row_at_0_is_no_violation():
    """p[0] is 1e-12 where more bounds are active than are independent, and the row `p[0] == 0` has no other term."""
    way = torch.tensor([1.0, 2.0, 0.7], dtype=torch.float64)
    solution = declarative.compile(declarative.parse(BANG_BANG), backend="kkt", on_failure="mask").solve(way)
    assert solution.solved.all() and solution.degenerate.all()
    torch.testing.assert_close(solution.value, 2 * (way / 2).sqrt(), rtol=1e-9, atol=0)
