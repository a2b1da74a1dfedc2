"""Convex problems with curved rows: that there is no solution is proved, by a ray, and no restart is advised."""

import pytest
import torch

import declarative as dc

PROVED = ("a combination of them is contradictory", "along a direction that the constraints allow")

# text, the data of an item without a solution and its status; those of one with a solution, and its value
PROBLEMS = {
    "outside of a ball": (
        "param a : R; var x : R^2; minimize sumsq(x); subject to; ball: sumsq(x) <= 1; far: x[0] >= a",
        (3.0, dc.Status.INFEASIBLE),
        (0.5, 0.25),
    ),
    "an ellipsoid at the end": (
        "param a : R; var x : R^2; minimize sumsq(x); subject to; 2*x[0]^2 + sum(x)^2 <= a; sum(x) == 2",
        (0.1, dc.Status.INFEASIBLE),
        (9.0, 2.0),
    ),
    "an exponential": (
        "param a : R; var x : R; minimize exp(x); subject to; top: exp(x) + x^2 <= a",
        (0.1, dc.Status.INFEASIBLE),
        (1.0, 0.48941),
    ),
    "a power": (
        "param a : R; var x : R; minimize exp(x) - x; subject to; x^4 <= a",
        (-1.0, dc.Status.INFEASIBLE),
        (1.0, 1.0),
    ),
    "a direction": (
        "param a : R; var x : R^2; minimize exp(x[0]) + a*x[1]",
        (-1.0, dc.Status.UNBOUNDED),
        None,
    ),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_no_solution_is_proved(name: str):
    text, (bad, status), good = PROBLEMS[name]
    layer = dc.compile(dc.parse(text.replace("; ", "\n")))
    found = layer.solve(torch.tensor([bad] if good is None else [bad, good[0], bad]).double())
    assert found.status[0] == status
    assert any(words in found.messages[0,] for words in PROVED) and "start" not in found.messages[0,]
    if good is not None:
        assert found.status.tolist() == [status, dc.Status.SOLVED, status]
        assert found.value[1].item() == pytest.approx(good[1], rel=1e-3)
        assert found.answered_by.tolist() == [dc.AnsweredBy.CONE, dc.AnsweredBy.KKT, dc.AnsweredBy.CONE]


def test_a_problem_that_is_not_convex_is_told_to_start_elsewhere():
    layer = dc.compile(dc.parse("param a : R\nvar x : R\nminimize x^2\nsubject to\n  x^3 - x^2 == a\n  x^2 <= 1"))
    found = layer.solve(torch.tensor(-9.0).double())
    assert found.status == dc.Status.INFEASIBLE and "try another start" in found.messages[()]


SQUEEZED = """
dim m, n
param A : R^(m,n)
param b : R^m
param s : R
var x : R^n
minimize sumsq(A*x - b)/2 + norm1(x)
subject to
  low: x >= 1
  top: sum(x) <= s
"""


@pytest.mark.parametrize("sums", [(0.0, 1.0, 2.0), (0.0, 9.0, 1.0), (20.0, 9.0, 0.0)])
def test_items_that_contradict_themselves_leave_the_others_as_they_are(sums):
    """Also where all of them do, and where the objective squares what data multiply."""
    g = torch.Generator().manual_seed(0)
    data = [torch.randn(len(sums), *size, generator=g, dtype=torch.float64).requires_grad_() for size in ((6, 4), (6,))]
    layer = dc.compile(dc.parse(SQUEEZED), on_failure="mask")
    solution = layer.solve(*data, torch.tensor(sums, dtype=torch.float64))
    (solution.x.nan_to_num().sum() + solution.value.nan_to_num().sum()).backward()
    for k, s in enumerate(sums):
        possible = s >= 4
        assert solution.status[k] == (dc.Status.SOLVED if possible else dc.Status.INFEASIBLE)
        assert all(part.grad is not None and bool(part.grad[k].any()) == possible for part in data)
        assert ("top" in solution.messages.get((k,), "")) == (not possible)
        if possible:
            alone = layer.solve(*(part[k : k + 1] for part in data), torch.tensor([s], dtype=torch.float64))
            torch.testing.assert_close(alone.x[0], solution.x[k], rtol=0, atol=1e-12)
