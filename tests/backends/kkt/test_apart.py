"""Epigraph variables of constraints that hold with room to spare make no solution degenerate."""

import numpy as np
import pytest
import torch

import declarative
from declarative.backends.kkt.verdict.apart import step

TEXT = """
dim n, m
param A : R^(m,n)
param b : R^m
var x : R^n
minimize {objective} + norm1(x)/10
subject to
  c: {constraint}
"""
SQUARES = "sumsq(A*x - b)"
SMOOTH = "sum(softplus(A*x - b)) + sumsq(A*x)/4"


@pytest.mark.parametrize("objective", [SQUARES, SMOOTH])
@pytest.mark.parametrize("constraint", ["norm1(x) <= 3", "norminf(x) <= 1.5", "max(x) <= 1", "sum_largest(x, 2) <= 2"])
def test_a_constraint_that_is_slack_leaves_the_solution_regular(objective, constraint):
    """Flagged is what is: with the constraint away, the same items have the same solutions, duals and gradients."""
    generator = torch.Generator().manual_seed(0)
    A, b = (torch.randn(60, 4, *rest, generator=generator, dtype=torch.float64) for rest in ((3,), ()))
    text = TEXT.format(objective=objective, constraint=constraint)
    free = text.replace("subject to", "").replace(f"  c: {constraint}", "")
    found = []
    for program in (text, free):
        side = b.clone().requires_grad_()
        solution = declarative.compile(declarative.parse(program), backend="kkt").solve(A, side)
        (slope,) = torch.autograd.grad(solution.x.square().sum(), side)
        found.append((solution, slope))
    (solution, slope), (bare, slope_of_bare) = found
    slack = solution.duals["c"] < 1e-9
    assert slack.sum() > 20
    assert solution.solved.all() and not (solution.degenerate & slack & ~bare.degenerate).any()
    torch.testing.assert_close(solution.x[slack], bare.x[slack], rtol=0, atol=1e-8)
    regular = slack & ~bare.degenerate
    torch.testing.assert_close(slope[regular], slope_of_bare[regular], rtol=1e-6, atol=1e-8)


def test_a_step_opens_every_row_that_is_touched_and_closes_none():
    """t >= x, t >= -x at x = 0 and s >= y, t + s <= 3, x and y held."""
    Jg = np.array([[1.0, 0, -1, 0], [-1, 0, -1, 0], [0, 1, 0, -1], [0, 0, 1, 1]])
    x, flat = np.array([0.0, 1, 0, 1]), np.diag([0.0, 0, 1, 1])
    idle, far = np.zeros(12, dtype=bool), np.zeros(12, dtype=bool)
    idle[:3], far[3] = True, True
    gaps = np.concatenate([[0, 0, 0, 2], np.full(8, np.inf)])
    d = step(Jg, flat, idle, far, gaps, x)
    assert (Jg[:3] @ d < -0.1).all() and Jg[3] @ d == pytest.approx(1) and (d[:2] == 0).all()


def test_rows_that_shut_each_other_are_left_as_they_are():
    """t >= 0 and t <= 0."""
    Jg, flat, idle = np.array([[-1.0], [1.0]]), np.eye(1), np.array([True, True, False, False])
    assert step(Jg, flat, idle, np.zeros(4, dtype=bool), np.zeros(4), np.zeros(1)).tolist() == [0]
