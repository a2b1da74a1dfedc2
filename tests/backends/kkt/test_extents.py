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
