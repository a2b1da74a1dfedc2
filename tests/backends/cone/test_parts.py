"""Parts of an objective that are tiny beside others, and linked with them, are minimised too, or not called solved."""

import math

import numpy as np
import pytest
import torch

import declarative
from declarative import Status
from declarative.backends.cone.methods.polish import iterate
from declarative.backends.cone.methods.remainder import remainder
from declarative.backends.cone.program.item import Item, alone
from declarative.backends.cone.sets.cones import Block, Cones, Kind

QUADRATIC = "var c : R\nvar a : R\nminimize (c - 2800)^2 + w*abs(a)\nsubject to\n 0.125*c + 0.003*a <= -214"
EXPONENTIAL = (
    "var c : R\nvar a : R\nvar b : R\nminimize exp(c) - c + w*abs(a) + w^2*abs(b - a)\n"
    "subject to\n a >= 3 - c\n b >= 2*a"
)
SECOND_ORDER = "var c : R^2\nvar a : R\nminimize norm(c - [3, 4]) + 2*norm(c) + w*abs(a)\nsubject to\n a >= 1 + c[0]"
ENTROPY = "var c : R\nvar a : R\nminimize w*max(a - 1, -a, 2*a - 5) - entr(c)\nsubject to\n a >= c"


def quadratic(w: float) -> dict[str, float]:
    """a = -(214 + c/8)/0.003, as large as the row allows."""
    c = 2800 - w * 0.125 / 0.003 / 2
    return {"c": c, "a": -(214 + 0.125 * c) / 0.003}


def exponential(w: float) -> dict[str, float]:
    """a = 3 - c and b = 2 a, so that w (3 - c) + w^2 (3 - c) is added to exp(c) - c."""
    c = math.log1p(w + w * w)
    return {"c": c, "a": 3 - c, "b": 2 * (3 - c)}


CASES = [  # the text, what is right, and for which weights it need not be found
    (QUADRATIC, quadratic, ()),
    (EXPONENTIAL, exponential, (12, 14)),  # there w^2 is beside 1 what rounding makes of 0
    (SECOND_ORDER, lambda w: {"a": 1.0}, ()),
    (ENTROPY, lambda w: {"c": math.exp(-1), "a": 0.5}, ()),
]


def solved(text: str, w: torch.Tensor) -> declarative.Solution:
    layer = declarative.compile(declarative.parse(f"param w : R, pos\n{text}", name="parts"), backend="cone")
    return layer.solve(w)


@pytest.mark.parametrize("text, right, lost", CASES)
@pytest.mark.parametrize("digits", range(0, 21, 2))
def test_a_part_is_minimised_however_small_its_weight(text, right, lost, digits):
    w = 10.0**-digits
    solution = solved(text, torch.tensor(w, dtype=torch.float64))
    assert solution.status == Status.SOLVED or digits in lost
    if solution.status == Status.SOLVED:
        for name, value in right(w).items():
            assert solution[name].item() == pytest.approx(value, rel=1e-6, abs=1e-9), name


@pytest.mark.parametrize("digits", range(0, 19, 3))
def test_the_gradient_for_a_small_weight_is_that_of_the_part(digits):
    w = torch.tensor(10.0**-digits, dtype=torch.float64, requires_grad=True)
    solution = solved(QUADRATIC, w)
    slope = 0.125 / 0.003
    for output, expected in ((solution["c"], -slope / 2), (solution["a"], slope**2 / 2)):
        assert torch.autograd.grad(output, w, retain_graph=True)[0].item() == pytest.approx(expected, rel=1e-9)


def test_what_is_left_of_the_slope_is_minimised_over_cones_whose_multipliers_are_small():
    """x_0 + 1e-12 x_1 with x_0 >= 1 and x_1 >= x_0, from where the small part is not yet looked at: x_1 = 5."""
    A = -np.array([[1.0, 0.0], [-1.0, 1.0]])
    item = alone(
        Item(np.zeros((2, 2)), np.array([1.0, 1e-12]), A, np.array([-1.0, 0.0]), Cones((Block(Kind.NONNEG, 2),)))
    )
    now = iterate(item, np.array([[1.0, 5.0]]), np.array([[-1.0, 4.0]]), np.zeros((1, 2)), by_row=True)
    point = remainder(item, now)
    assert point is not None
    assert np.allclose(point.x, [[1.0, 1.0]], rtol=0, atol=1e-9)
    assert np.allclose(point.z, [[1.0 + 1e-12, 1e-12]], rtol=1e-9, atol=0)


@pytest.mark.parametrize("digits", range(0, 13))
def test_a_cone_whose_entries_are_far_apart_is_not_called_met_where_it_is_not(digits):
    """With r x_0^2 <= x_1 the least x_0 + 2 x_1 is at x_0 = -1/(4 r): -1/(8 r)."""
    r = 10.0**digits
    text = "param r : R, pos\nvar x : R^2\nminimize x[0] + 2*x[1]\nsubject to\n r*x[0]^2 <= x[1]\n x[1] <= 1"
    layer = declarative.compile(declarative.parse(text, name="bowl"), backend="cone")
    solution = layer.solve(torch.tensor(r, dtype=torch.float64))
    assert digits > 8 or solution.status == Status.SOLVED
    if solution.status == Status.SOLVED:
        assert solution.value.item() == pytest.approx(-1 / (8 * r), rel=1e-6)


@pytest.mark.parametrize("rows", ["x[0] + x[1] <= 0", "x[0] + x[1] == 0", "x[0] == x[1]\n 3*x[0] + x[1] <= 0"])
@pytest.mark.parametrize("objective", ["maximize sum(log(x))", "minimize sum(kl_div(1, x))"])
def test_logarithms_of_what_has_to_be_0_have_no_maximum(objective, rows):
    layer = declarative.compile(
        declarative.parse(f"var x : R^2\n{objective}\nsubject to\n {rows}", name="nothing"),
        backend="cone",
        on_failure="mask",
    )
    assert layer.solve().status in (Status.FAILED, Status.INFEASIBLE)
