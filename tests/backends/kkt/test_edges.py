"""What falls without end at the edge of a domain is not solved; what has its minimum there, or near it, is."""

import pytest
import torch

import declarative
from declarative import Status

C = torch.tensor([0.3, 0.5, 1.0, 2.0, 40.0], dtype=torch.float64)
SIGNS = ["nonneg", "pos"]
FALLING = [
    "log(sum(x)) + c",
    "log(c*sum(x)) + sumsq(x - 0.1)",
    "sum(log(c*x)) + sumsq(x - 0.1)",
    "sum(log(x)) + c*sumsq(x)",
    "log(x[0] + c*x[1]) + sum(x)",
    "sum(-1 ./ x) + c*sum(x)",
]
AT_AN_EDGE = [
    ("sum(x .* log(x)) + c*sum(x); sum(x) == 1", 0.5),  # by symmetry
    ("sum(x .* log(x/c)) + 99*x[0]; sum(x) == 1", None),  # x[0] = exp(-99) beside x[1]
    ("sum(-entr(x)) + 300*x[0] + c; x[1] == 1", None),  # x[0] = exp(-301)
    ("sum(log(x + c)) + 9/c*sum(x); sum(x) <= 5", 0.0),  # a logarithm that ends before its edge
]


def solution(text: str, sign: str):
    layer = declarative.compile(declarative.parse(text.replace("SIGN", sign)), backend="kkt", on_failure="mask")
    return layer.solve(C)


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("objective", FALLING)
def test_no_point_on_the_way_is_solved(objective, sign):
    found = solution(f"param c : R, pos; var x : R^2, SIGN, start(1); minimize {objective}", sign)
    assert (found.status != Status.SOLVED).all()


@pytest.mark.parametrize(("text", "at"), AT_AN_EDGE)
def test_minima_at_edges_are_solved(text, at):
    objective, row = text.split("; ")
    found = solution(f"param c : R, pos; var x : R^2, SIGN; minimize {objective}; subject to; {row}", "nonneg")
    assert (found.status == Status.SOLVED).all()
    if at is not None:
        torch.testing.assert_close(found["x"], torch.full((5, 2), at, dtype=torch.float64), rtol=1e-6, atol=1e-9)
