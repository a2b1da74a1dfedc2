"""Boxes, simplices and balls: the rows before and after, and the same answers and duals from both backends."""

from typing import Literal

import pytest
import torch

import declarative
from declarative.elaborate.to_text import expression_to_text
from declarative.rewrite.sets import sets_to_rows
from declarative.rewrite.standard import problem_to_standard

Backend = Literal["cone", "kkt"]
BACKENDS: tuple[Backend, ...] = ("cone", "kkt")
BASE = "dim n\nparam a : R^n\nparam lo : R^n\nparam r : R\nparam s : R, pos\nvar x : R^n\nminimize sumsq(x - a)\n"


def rows(member: str, balls: bool = True) -> list[str]:
    standard = sets_to_rows(problem_to_standard(declarative.parse(f"{BASE}subject to\n  c: {member}\n")), balls)
    assert all(row.path == ("c",) for row in (*standard.rows, *standard.cones))
    return [_text(row) for row in standard.rows] + [f"in {row.cone}" for row in standard.cones]


def _text(row) -> str:
    over = f" for {row.binders[0].index.name} in {row.binders[0].length}" if row.binders else ""
    return f"{expression_to_text(row.body)} {'==' if row.equality else '<='} 0{over}"


@pytest.mark.parametrize(
    "before, after",
    [
        ("x in Box(lo, 1)", ["lo - x <= 0", "x - 1 <= 0"]),
        ("x in Box(-inf, lo)", ["-inf - x <= 0", "x - lo <= 0"]),
        ("2*x in Simplex", ["0 - 2*x <= 0", "sum(2*x) - 1 == 0"]),
        ("x - a in Ball(s)", ["sumsq(x - a) - s^2 <= 0"]),
        ("x in Ball(r)", ["sumsq(x) - r^2 <= 0", "-r <= 0"]),
        ("x[i] in Box(0, 1) for i in n", ["0 - x[i] <= 0 for i in n", "x[i] - 1 <= 0 for i in n"]),
        ("x in Ball(3)", ["sumsq(x) - 9 <= 0"]),
    ],
)
def test_a_set_is_rows(before, after):
    assert rows(before) == after


def test_a_ball_stays_where_there_are_cones_for_it():
    assert rows("x in Ball(r)", balls=False) == ["in Ball"]


SETS = {
    "box": "c: 2*x in Box(lo, 1)",
    "scalar box": "c: x[0] in Box(0.5, s)",
    "open box": "c: x in Box(lo, inf)",
    "simplex": "c: x in Simplex",
    "affine simplex": "c: 1 - 2*x in Simplex",
    "ball": "c: x - 1 in Ball(s)",
    "ball of unknown sign": "c: x in Ball(r)",
    "family": "c: X[i] in Simplex for i in 1..m-1 if i != 2\n  b: X[0,i] in Box(0, 0.1) for i in n",
    "family of balls": "c: X[i+1] - X[i] in Ball(s) for i in m if i < m-1",
}


@pytest.mark.parametrize("name", SETS)
def test_both_backends_agree_on_answers_duals_and_gradients(name):
    text = f"""dim m, n
param a : R^n
param A[m] : R^n
param lo : R^n
param r : R
param s : R, pos
var x : R^n
var X[m] : R^n
minimize sumsq(x - a) + sumsq(X - A)
subject to
  {SETS[name]}
return x, X, c.dual, v = value
"""
    found = [_answer(declarative.parse(text), backend) for backend in BACKENDS]
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-7)
    assert bool((found[0][2].abs() > 0.01).any())


def _answer(problem, backend: Backend) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    data = {name: torch.randn(2, *shape, generator=generator, dtype=torch.float64)
            for name, shape in {"a": (3,), "A": (4, 3)}.items()}  # fmt: skip
    data |= {"lo": torch.tensor([-0.3, 0.2, -0.1]), "r": torch.tensor([0.7, 0.4]), "s": torch.tensor(0.6)}
    data = {name: value.double().requires_grad_() for name, value in data.items()}
    layer = declarative.compile(problem, backend=backend)
    assert (layer.solve(*data.values()).status == declarative.Status.SOLVED).all()
    outputs = layer(**data)
    weights = [torch.linspace(1, 2, o.numel(), dtype=torch.float64).reshape(o.shape) for o in outputs]
    total = torch.stack([(w * o).sum() for w, o in zip(weights, outputs, strict=True)]).sum()
    gradients = torch.autograd.grad(total, list(data.values()), allow_unused=True, materialize_grads=True)
    return [*outputs, *gradients]


@pytest.mark.parametrize("backend", BACKENDS)
def test_duals_in_closed_form(backend):
    """f = |x - a|^2/2 has the gradient x - a, which is the dual: of the simplex, lambda = x - a; of a ball too."""
    a = torch.tensor([0.9, 0.5, -1.0], dtype=torch.float64)
    for member, x in (
        ("Simplex", torch.tensor([0.7, 0.3, 0.0], dtype=torch.float64)),
        ("Ball(0.5)", 0.5 * a / a.norm()),
        ("Box(-0.2, 0.6)", torch.tensor([0.6, 0.5, -0.2], dtype=torch.float64)),
    ):
        text = f"dim n\nparam a : R^n\nvar x : R^n\nminimize sumsq(x - a)/2\nsubject to\n  c: x in {member}\n"
        found, dual = declarative.compile(declarative.parse(text + "return x, c.dual"), backend=backend)(a)
        torch.testing.assert_close(found, x, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(dual, x - a, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_ball_of_negative_radius_is_empty(backend):
    layer = declarative.compile(declarative.parse(f"{BASE}subject to\n  c: x in Ball(r)\n"), backend=backend)
    a, lo = torch.ones(2), torch.zeros(2)
    assert int(layer.solve(a, lo, -0.1, 1.0).status) == declarative.Status.INFEASIBLE


def test_sets_do_not_need_convexity():
    """The kkt backend takes them in any smooth problem: the lowest point of a concave function on a box is a corner."""
    text = "dim n\nparam a : R^n\nvar x : R^n, start(a)\nminimize -sumsq(x - a)\nsubject to\n  x in Box(0, 1)\n"
    layer = declarative.compile(declarative.parse(text))
    x = layer(torch.tensor([0.4, 0.7], dtype=torch.float64))
    torch.testing.assert_close(x.detach(), torch.tensor([1.0, 0.0], dtype=torch.float64))


def test_infinite_data_are_legal_as_ends_of_a_box():
    layer = declarative.compile(declarative.parse(f"{BASE}subject to\n  c: x in Box(lo, 1)\n"))
    x = layer(torch.tensor([-5.0, 3.0]), torch.tensor([-torch.inf, 0.0]), 1.0, 1.0)
    torch.testing.assert_close(x, torch.tensor([-5.0, 1.0]))
