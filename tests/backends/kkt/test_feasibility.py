"""Where a method begins, how it comes to feasible points, and what is not taken for a contradiction."""

import pytest
import torch
from hock_schittkowski.problems import engine

import declarative
from declarative import Status
from declarative.backends.kkt.methods.barrier import convexify
from declarative.backends.kkt.methods.effort import EFFORTS, approach
from declarative.backends.kkt.origin import origin
from declarative.backends.kkt.program.program import Options


@pytest.mark.parametrize(
    ("declaration", "value"),
    [
        ("R^3", [0.0, 0.0, 0.0]),
        ("R^3, nonneg", [0.0, 0.0, 0.0]),
        ("R^3, unit", [1.0, 0.0, 0.0]),
        ("R^4, simplex", [0.25, 0.25, 0.25, 0.25]),
        ("R^(3,2), orthonormal", [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]),
    ],
)
def test_a_variable_begins_within_its_attributes(declaration, value):
    """And every member of a family does."""
    value = torch.tensor(value, dtype=torch.float64)
    problem = declarative.parse(f"var x : {declaration}\nvar y[0..1] : {declaration}\nminimize sum(x)")
    x, y = (declared.symbol for declared in problem.variables)
    torch.testing.assert_close(origin(x, tuple(value.shape)), value)
    torch.testing.assert_close(origin(y, (2, *value.shape)), torch.stack([value, value]))


@pytest.mark.parametrize("start", ["", ", start([0, 0])"])
def test_a_sphere_is_reached_from_its_middle(start):
    """There the violation has a saddle: least violated it is on the sphere. The answer is -sin(1) - 1/4."""
    text = f"var x : R^2, unit{start}\nvar y : R, nonneg\nminimize sin(x[0]) + y^2 - y + x[1]^2*0"
    solution = declarative.compile(declarative.parse(text), backend="kkt", on_failure="mask").solve()
    assert solution.status == Status.SOLVED
    assert float(solution.value) == pytest.approx(-0.8414709848 - 0.25, abs=1e-6)


def test_negative_curvature_does_not_shorten_steps_towards_feasibility():
    """The curvature of the barrier, 1000, beside that of H, diag(1, -4), in units that make the diagonal one."""
    M, share = torch.diag_embed(torch.tensor([[1.0, -1.0]])), torch.tensor([[1 / 1001, 1.0]])
    shifted, lifted = convexify(
        M.double(), M.new_zeros(1, 0, 2).double(), share.double(), torch.ones(1).double(), False
    )
    assert lifted.all() and shifted[0, 1, 1] > 0
    assert shifted[0, 0, 0] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("number", [70, 109])
def test_an_item_whose_steps_stay_short_stops(number):
    """109 creeps along a row, the last steps of 70 are rounding error, which may let it converge: neither goes on."""
    problem = engine(number)
    _, stop, count = approach(problem.program, problem.theta, problem.start, Options(), EFFORTS[0])
    assert (stop.stuck | (stop.converged & (number == 70))).all() and count.item() < 100
