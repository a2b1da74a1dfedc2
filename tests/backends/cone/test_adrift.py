"""Where constraints connect a small term of the objective with a large one, x is right or is not called solved."""

import math

import pytest
import torch

import declarative
from declarative import Status

LARGE = {
    "epigraph": "var t : R\nminimize t\nsubject to\n  e: a*y + inv_pos(x[0]) + inv_pos(2*x[1]) <= t",
    "maximum": "minimize max(a*y + inv_pos(x[0]) + inv_pos(2*x[1]), y - 5)\nsubject to",
    "row": "minimize a*y + inv_pos(x[0]) + inv_pos(2*x[1])\nsubject to\n  l: x[0] <= 1e3*b*y",
    "norm": "minimize a*norm([y; y]) + inv_pos(x[0]) + inv_pos(2*x[1])\nsubject to\n  l: x[0] <= 1e3*b*y",
    "square": "minimize a*y^2 + inv_pos(x[0]) + inv_pos(2*x[1])\nsubject to\n  l: x[0] <= 1e3*b*y",
}
SIZES = [10.0**k for k in (-9, -6, -3, 0, 3, 6, 7, 8, 9)]


@pytest.mark.parametrize("form", LARGE)
def test_a_small_term_beside_a_large_one(form):
    """1/p^3 = 1/(2 q^3) on the circle, whatever y costs."""
    names = "param a : R, nonneg\nparam b : R, nonneg\nvar x : R^2\nvar y : R"
    text = f"{names}\n{LARGE[form]}\n  c: norm(x) <= b\n  d: y >= 1"
    layer = declarative.compile(declarative.parse(text, name=form), backend="cone", on_failure="mask")
    b, ratio = torch.tensor(SIZES, dtype=torch.float64), 2 ** (1 / 3)
    wanted = torch.tensor([ratio, 1.0]).double() * (b / math.sqrt(1 + ratio**2))[:, None]
    for a in (1.0, 1e6):
        found = layer.solve(a, b)
        right = (found.x - wanted).abs().amax(-1) <= 1e-5 * b
        assert (right | (found.status != Status.SOLVED)).all()
        assert (found.status[1:5] == Status.SOLVED).all()
