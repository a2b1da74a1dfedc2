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
