"""The units in which the methods for smooth programs work."""

import torch
from backends.kkt.smooth_programs import FLOAT, smooth_program, tensor

import declarative
from declarative.backends.kkt.methods.variants import LEAST, factors

# Where the constraints `low` and `part` hold best, their slopes are 0.
FLAT_ROWS = """
param c : R^7
var x : R^7, start([-3.59, -0.94, -3.76, -4.2, 0.97, -1.65, -0.73])
minimize exp(-0.091*x[4]) + sin(0.687*x[2]) - 2.093*cos(x[6] - 1.528*x[5]) + 0.5*sumsq(x) + c'*x
subject to
  near: (1.693*x[0] - x[6]^2)^2 - 0.458*cos(0.656*x[1]) <= 2.96
  low: sin(1.425*x[5] - 0.475) + 0.745*cos(x[2] - 1.384*x[5]) <= 0.41
  part: sin(0.715*x[6]) + sqrt(0.367 + (x[4] - x[1])^2) <= 0.85
  last: sin(1.37*x[0] - 1.212) + 0.234*cos(x[6] - 1.985*x[3]) <= -0.85
"""


def test_a_slope_of_rounding_error_is_no_measure_of_a_row():
    """The slope of cos(x) - 3 at 1e-13; a row that is small all over is made larger as ever."""
    program = smooth_program(
        1, lambda x, t: t[0][:, 0] * x[0] ** 2, lambda x, t: [1e-9 * x[0]], lambda x, t: [torch.cos(x[0]) - 3]
    )
    by = factors(program, (tensor([[1.0]]),), tensor([[1e-13]]))
    assert by.g.tolist() == [[1.0]]
    torch.testing.assert_close(by.c, tensor([[LEAST / 1e-9]]))


def test_programs_go_on_from_where_rows_hold_best():
    """The search for feasible points ends there; a fourth of these items had no answer."""
    c = 0.3 * torch.randn(40, 7, generator=torch.Generator().manual_seed(1), dtype=FLOAT)
    solution = declarative.compile(declarative.parse(FLAT_ROWS, name="flat_rows"), on_failure="mask").solve(c)
    assert solution.solved.all()
