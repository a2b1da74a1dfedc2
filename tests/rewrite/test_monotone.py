"""Monotone functions taken off an objective: texts before and after; values, duals and gradients brought back."""

import pytest
import torch

import declarative
from declarative import parse
from declarative.backends.status import Status
from declarative.elaborate.to_text import expression_to_text
from declarative.rewrite.repair import repair

HEAD = """dim n
param w : R^n
param a : R, pos
param c : R
var x : R^n
var t : R, nonneg
"""


@pytest.mark.parametrize(
    "before, after, outer",
    [
        ("minimize log(1 + sumsq(x - w)) + c", "minimize 1 + sumsq(x - w)", "log(inner value) + c"),
        ("minimize a*sqrt(1 + x[0]^4)", "minimize 1 + x[0]^4", "a*sqrt(inner value)"),
        ("minimize sqrt(norm(x) + t)", "minimize norm(x) + t", "sqrt(inner value)"),
        ("minimize -exp(-sumsq(x - w))", "maximize -sumsq(x - w)", "-exp(inner value)"),
        ("maximize exp(-norm(x - w))", "maximize -norm(x - w)", "exp(inner value)"),
        ("maximize 1/(a + norm(x))", "minimize a + norm(x)", "1/inner value"),
        ("maximize square(a*t + 1)", "maximize a*t + 1", "square(inner value)"),
        ("maximize (sqrt(t) + t)^2", "maximize sqrt(t) + t", "inner value^2"),
        ("maximize -log(1 + exp(x[0]) + exp(x[1])) + c", "", ""),  # an equivalent form is enough
        ("minimize tanh(sumsq(x))", "minimize sumsq(x)", "tanh(inner value)"),
    ],
)
def test_before_and_after(before, after, outer):
    repaired = repair(parse(HEAD + before))
    assert repaired.found.convex
    if not after:
        assert repaired.outer is None
        return
    objective = repaired.problem.objective
    assert f"{objective.sense.value} {expression_to_text(objective.body)}" == after
    assert expression_to_text(repaired.outer.body) == outer
    assert repaired.steps[0].startswith("to m")


@pytest.mark.parametrize(
    "text",
    [
        "minimize log(sumsq(x) - 1)",  # the argument may be negative
        "minimize c*exp(-sumsq(x))",  # the sign of c is not known
        "minimize (x[0] + t)^2*t",
        "maximize square(x[0])",  # not monotone
        "maximize abs(c)*exp(-sumsq(x))",  # constant for c = 0
        "maximize abs(c)/(a + norm(x))",
        "minimize sin(sumsq(x))",
        "minimize sqrt(x[0]*x[1])",
    ],
)
def test_what_is_not_monotone_stays(text):
    assert repair(parse(HEAD + text)).outer is None


CASES = [
    ("minimize log(1 + sumsq(x - w)) + c", ">="),
    ("maximize 1/(a + norm(x - w))", ">="),
    ("maximize 2*exp(-sumsq(x - w)/a) - c", ">="),
    ("maximize (a + sum(sqrt(x + 2)))^2", "<="),
]


@pytest.mark.parametrize("objective, relation", CASES)
def test_value_duals_and_gradients_are_those_of_the_objective_as_it_stands(objective, relation):
    """Against finite differences of the layer, whose value is the objective at the solution."""
    text = f"{HEAD}{objective}\nsubject to\n  total: sum(x) + t {relation} 2 + c\n  top: t <= 0.3\n  near: x <= 2*a\n"
    layer = declarative.compile(parse(text + "return x, value, total.dual, near.dual"), backend="cone")
    data = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in ([0.1, 0.4, -0.3], 1.2, 0.2)]
    torch.autograd.gradcheck(lambda *d: tuple(layer(*d)), data, eps=1e-6, atol=1e-6)


def test_the_dual_is_the_rate_of_the_value():
    text = "param r : R\nvar x : R^2\nminimize log(1 + sumsq(x))\nsubject to\n  total: sum(x) >= r\n"
    layer = declarative.compile(parse(text + "return value, total.dual"), backend="cone")
    r = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    value, dual = layer(r)
    (rate,) = torch.autograd.grad(value, r, create_graph=True)
    torch.testing.assert_close(value, torch.log(1 + r**2 / 2))
    torch.testing.assert_close(rate, dual)
    torch.testing.assert_close(dual, r / (1 + r**2 / 2))
    (bent,) = torch.autograd.grad(dual, r)
    torch.testing.assert_close(bent, (1 - r**2 / 2) / (1 + r**2 / 2) ** 2)


def test_at_the_root_of_zero_the_duals_are_zero_and_flagged():
    text = "param r : R\nvar x : R, nonneg\nminimize sqrt(x + pos(x - 3))\nsubject to\n  least: x >= r\nreturn x, value"
    layer = declarative.compile(parse(text), backend="cone")
    r = torch.tensor([-1.0, 4.0], dtype=torch.float64, requires_grad=True)
    solution = layer.solve(r)
    torch.testing.assert_close(solution.value, torch.tensor([0.0, 5.0], dtype=torch.float64).sqrt(), atol=1e-6, rtol=0)
    assert solution.duals["least"][0].abs() < 1e-6
    torch.testing.assert_close(solution.duals["least"][1], 1 / torch.tensor(5.0, dtype=torch.float64).sqrt())
    (gradient,) = torch.autograd.grad(solution.value.sum(), r)
    assert gradient.isfinite().all() and gradient[1] > 0


def test_a_logarithm_of_zero_is_unbounded_and_spoils_no_other_item():
    text = "param r : R\nparam a : R\nvar x : R\nminimize a*0 + log(abs(x) + max(r, 0))\nreturn x, value"
    layer = declarative.compile(parse(text), backend="cone", on_failure="mask")
    r = torch.tensor([0.0, 2.0], dtype=torch.float64, requires_grad=True)
    solution = layer.solve(r, 1.0)
    assert solution.status.tolist() == [Status.UNBOUNDED, Status.SOLVED]
    assert solution.value[0].isnan() and solution.messages[(0,)] == "the objective is infinite at the best point"
    (gradient,) = torch.autograd.grad(solution.value[1], r)
    torch.testing.assert_close(gradient, torch.tensor([0.0, 0.5], dtype=torch.float64))


def test_a_limit_that_is_not_reached_is_no_answer_and_not_unbounded():
    layer = declarative.compile(parse("param r : R\nvar x : R\nminimize 3*tanh(x + r)\nreturn value"), backend="cone")
    solution = layer.solve(torch.tensor(1.0))
    assert solution.status == Status.FAILED and solution.messages[()].endswith("comes ever closer to -3")
    layer = declarative.compile(parse("param r : R\nvar x : R\nminimize (x + r)^3\nreturn value"), backend="cone")
    assert layer.solve(torch.tensor(1.0)).status == Status.UNBOUNDED


def test_explain_tells_it():
    layer = declarative.compile(parse(HEAD + "maximize 1/(a + norm(x - w))"))
    assert layer.backend == "cone"
    lines = layer.explain().splitlines()
    step = "to maximize `1/(a + norm(x - w))` is to minimize `a + norm(x - w)`"
    assert lines[0] == f"problem: second-order cone program, convex after {step}"
    assert f"  {step}" in lines
