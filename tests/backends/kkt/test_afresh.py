"""Flat minima behind rows: the slope is none beside the way there, and hidden by no multipliers."""

import pytest
import torch
from backends.kkt.smooth_programs import smooth_program, tensor

import declarative
from declarative import Status
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.verdict.afresh import within_rows

EQUATIONS = ["y == x - a", "y == 2*x - a", "y == x + x^3/10 - a", "y == exp(x) - a - 5"]
BOTH_SIDES = ["y >= x - a; y <= x - a", "y >= 2*x - a; y <= 2*x - a", "a <= x - y <= a"]
BESIDE = ["", " + z^2", " + (z - 1.5)^2"]
AT = torch.tensor([-3.0, -1.1, -0.2, 0.4, 0.7076, 1.264, 2.0, 2.6], dtype=torch.float64)


def solved(rows: str, beside: str, start: str = "", at: torch.Tensor = AT):
    text = f"param a : R; var x : R{start}; var y : R; var z : R; minimize y^4{beside}; subject to; {rows}"
    layer = declarative.compile(declarative.parse(text), backend="kkt", on_failure="mask")
    return layer.solve(at)


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("row", EQUATIONS)
def test_fourth_powers_behind_equations(row, beside):
    solution = solved(row, beside)
    assert (solution.status == Status.SOLVED).all() and (solution["y"].abs() < 1e-3).all()
    assert (solution.degenerate | solution.nonunique).all()


@pytest.mark.parametrize("start", ["", ", start(2)", ", start(-0.5)"])
@pytest.mark.parametrize("rows", BOTH_SIDES)
def test_fourth_powers_between_inequalities_that_meet(rows, start):
    """Multipliers of 1e7 on either side hide the slope: what is called solved is a minimum, and most is."""
    found = [solved(rows, beside, start) for beside in ["", " + (z - 0.7)^4"]]
    status, y = torch.cat([s.status for s in found]), torch.cat([s["y"] for s in found])
    is_solved = status == Status.SOLVED
    assert (y[is_solved].abs() < 1e-4).all() and is_solved.double().mean() >= 0.75


def test_the_gradient_goes_along_the_row():
    a = AT.clone().requires_grad_()
    text = "param a : R; var x : R; var y : R; var z : R; minimize y^4 + (z - 1)^2; subject to; y == x - a"
    x = declarative.compile(declarative.parse(text), backend="kkt")(a).x
    x.sum().backward()
    torch.testing.assert_close(a.grad, torch.ones_like(AT), rtol=1e-6, atol=0)


def test_the_way_begins_where_violated_rows_hold():
    """x - y == 3 and z <= -1 are violated at 0, x + z <= 5 is not, and counts for nothing."""
    program = smooth_program(
        4, lambda x, t: 0 * x[0], lambda x, t: [x[0] - x[1] - 3], lambda x, t: [x[2] + 1, x[0] - 5]
    )
    there = within_rows(Derivatives(program, ()), torch.zeros(2, 4, dtype=torch.float64))
    torch.testing.assert_close(there, tensor([[1.5, -1.5, -1, 0]]).expand(2, 4))


def test_no_way_is_longer_for_rows_that_depend_on_each_other_or_have_no_slope():
    program = smooth_program(2, lambda x, t: 0 * x[0], lambda x, t: [x[0] + x[1] - 2, x[0] + x[1] - 2, x[0] ** 2 - 1])
    there = within_rows(Derivatives(program, ()), torch.zeros(1, 2, dtype=torch.float64))
    torch.testing.assert_close(there, tensor([[1.0, 1.0]]))
