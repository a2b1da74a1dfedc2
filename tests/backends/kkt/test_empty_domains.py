"""Where no point is in the domain of a logarithm, nothing is unbounded, though points nearly are and the rest falls."""

import pytest
import torch

import declarative
from declarative import Status

WITH_ZEROS = torch.tensor([[1, 0, 2], [0, 1, 1], [0, 0, 0], [3, 1, 0]], dtype=torch.float64)
OBJECTIVES = [
    "sum(log(c .* x)) - sum(x)",
    "sum(log(c .* x)) - 3*x[1] - x[0]",
    "sum(log(c .* x)) + sum(c) - x[0] + x[1] - x[2]",
    "sum(sqrt(c .* x)) + sum(log(c .* x)) - sum(x)",
    "log(c[0]*x[0]) + log(c[1]*x[1]) + log(c[2]*x[2]) - sum(x)",
]


def solution(objective: str, c: torch.Tensor):
    text = f"param c : R^3; var x : R^3; maximize {objective}"
    return declarative.compile(declarative.parse(text), backend="kkt", on_failure="mask").solve(c)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_nothing_outside_a_domain_is_unbounded(objective):
    found = solution(objective, WITH_ZEROS)
    assert all(int(status) in (Status.FAILED, Status.INFEASIBLE) for status in found.status)


@pytest.mark.parametrize("objective", ["sum(log(c .* x)) + x[0]", "sum(log(c .* x)) + 1e-3*sum(x)", "log(c'*x) + x[0]"])
def test_what_rises_without_end_inside_it_is(objective):
    found = solution(objective, WITH_ZEROS + 0.5)
    assert (found.status == Status.UNBOUNDED).all()
