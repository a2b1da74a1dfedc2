"""Bounds of greatest values as bounds of each: the rows by hand; answers and duals of CVXPY, which keeps the kinks."""

from types import SimpleNamespace
from typing import Literal

import cvxpy as cp
import pytest
import torch

import declarative
from declarative.elaborate.to_text import expression_to_text
from declarative.rewrite.extremes import bounds_of_extremes
from declarative.rewrite.standard import problem_to_standard

HEAD = "dim n\nparam p : R^n\nparam u : R, pos\nparam v : R^n, pos\nparam A : R^(3,n)\nvar x : R^n\nvar y : R^n\n"
SQUARES = "minimize sumsq(x - p) + sumsq(y - v)\nsubject to\n  c: "
PAIRS = [(i, j) for i in range(4) for j in range(4) if i < j]
WRITTEN = [  # the constraint, its rows, and CVXPY's form of it
    ("abs(x) <= u", ["x - u <= 0", "-x - u <= 0"], lambda d: cp.abs(d.x) <= d.u),
    ("-2*abs(x) >= -v", ["-v - -2*x <= 0", "-v - -2*-x <= 0"], lambda d: -2 * cp.abs(d.x) >= -d.v),
    (
        "v.*abs(x) + y <= 2*v",
        ["v .* x + y - 2*v <= 0", "v .* -x + y - 2*v <= 0"],
        lambda d: cp.multiply(d.v, cp.abs(d.x)) + d.y <= 2 * d.v,
    ),
    ("max(x) <= u", ["x - u <= 0, summed"], lambda d: cp.max(d.x) <= d.u),
    ("min(x) >= y[0]", ["y[0] - x <= 0, summed"], lambda d: cp.min(d.x) >= d.y[0]),
    (
        "norminf(A*x) <= u",
        ["A*x - u <= 0, summed", "-(A*x) - u <= 0, summed"],
        lambda d: cp.norm_inf(d.A @ d.x) <= d.u,
    ),
    (
        "max(abs(x - y)) <= u",
        ["x - y - u <= 0, summed", "-x + y - u <= 0, summed"],
        lambda d: cp.max(cp.abs(d.x - d.y)) <= d.u,
    ),
    (
        "max(x[i] - x[j] for i in n, j in n if i < j) <= u",
        ["x[i] - x[j] - u <= 0 for i, j, summed, summed"],
        lambda d: cp.max(cp.hstack([d.x[i] - d.x[j] for i, j in PAIRS])) <= d.u,
    ),
    (
        "max(A[k,i]*x[i] for i in n) <= u for k in 3",
        ["A[k,i]*x[i] - u <= 0 for k, i, summed"],
        lambda d: cp.max(cp.multiply(d.A, cp.vstack([d.x] * 3)), axis=1) <= d.u,
    ),
    (
        "max(x[0], -y[1], x[2]) + x[3] <= u",
        ["x[0] + x[3] - u <= 0", "-y[1] + x[3] - u <= 0", "x[2] + x[3] - u <= 0"],
        lambda d: cp.maximum(d.x[0], -d.y[1], d.x[2]) + d.x[3] <= d.u,
    ),
    (
        "max(sumsq(x), y[0]) <= u",
        ["sumsq(x) - u <= 0", "y[0] - u <= 0"],
        lambda d: cp.maximum(cp.sum_squares(d.x), d.y[0]) <= d.u,
    ),
    (
        "max((x[i] - y[i])^2 for i in n) <= u",
        ["(x[i] - y[i])^2 - u <= 0 for i, summed"],
        lambda d: cp.max(cp.square(d.x - d.y)) <= d.u,
    ),
]
LEFT = [
    "abs(x) + abs(y) <= 2*v",  # four rows in place of two kinks, and 2^k of k
    "max(x) - min(x) <= u",
    "max(x) + x <= v",  # the greatest entry beside each entry
    "max(x[i] for i in n) + y <= v",
    "max(x) + p'*y <= u",  # a long sum in every row
    "max(x, u) <= 2*u",  # a row without a variable
    "norm1(x) <= u",
    "min(x) >= abs(y[0])",
]
BACKENDS: tuple[Literal["cone"], Literal["kkt"]] = ("cone", "kkt")


def _text(row) -> str:
    over = f" for {', '.join(b.index.name for b in row.binders)}" if row.binders else ""
    return f"{expression_to_text(row.body)} <= 0{over}{', summed' * row.summed}"


def _rows(constraint: str):
    standard = problem_to_standard(declarative.parse(HEAD + SQUARES + constraint))
    return standard.rows, bounds_of_extremes(standard)


@pytest.mark.parametrize(("constraint", "rows"), [w[:2] for w in WRITTEN])
def test_each_value_is_bounded(constraint, rows):
    _, after = _rows(constraint)
    assert [_text(row) for row in after.rows] == rows
    assert all(row.path == ("c",) for row in after.rows)
    assert after.log == (f"`c: {constraint}` is written as bounds of each value",)


@pytest.mark.parametrize("constraint", LEFT)
def test_other_rows_stay(constraint):
    before, after = _rows(constraint)
    assert after.rows == before
    assert after.log == ()


def _data(batch: int) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(1)
    shapes = {"p": (4,), "u": (), "v": (4,), "A": (3, 4)}
    data = {name: torch.randn(batch, *shape, generator=g, dtype=torch.float64) for name, shape in shapes.items()}
    return data | {name: 0.3 + 0.3 * data[name].abs() for name in ("u", "v")}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("constraint", "theirs"), [(w[0], w[2]) for w in WRITTEN], ids=[w[0] for w in WRITTEN])
def test_answers_and_duals_are_those_of_cvxpy(constraint, theirs, backend):
    data = _data(3)
    s = declarative.compile(declarative.parse(HEAD + SQUARES + constraint), backend=backend).solve(**data)
    assert s.solved.all()
    for k in range(3):
        d = SimpleNamespace(x=cp.Variable(4), y=cp.Variable(4), **{name: t[k].numpy() for name, t in data.items()})
        problem = cp.Problem(cp.Minimize(cp.sum_squares(d.x - d.p) + cp.sum_squares(d.y - d.v)), [theirs(d)])
        problem.solve(solver="CLARABEL", tol_gap_abs=1e-9, tol_gap_rel=1e-9, tol_feas=1e-9)
        torch.testing.assert_close(s.x[k], torch.from_numpy(d.x.value), rtol=1e-5, atol=1e-5)
        if not s.dual_nonunique[k]:
            dual = torch.as_tensor(problem.constraints[0].dual_value, dtype=torch.float64)
            torch.testing.assert_close(s.duals["c"][k], dual.reshape(s.duals["c"][k].shape), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("constraint", [w[0] for w in WRITTEN])
def test_gradients_of_answers_and_duals(constraint, backend):
    layer = declarative.compile(declarative.parse(HEAD + SQUARES + constraint), backend=backend)
    data = _data(4)
    regular = ~layer.solve(**data).degenerate
    assert regular.sum() >= 2
    data = {name: t[regular].requires_grad_() for name, t in data.items()}

    def found(*values):
        s = layer.solve(**dict(zip(data, values, strict=True)))
        return s.x, s.duals["c"]

    assert torch.autograd.gradcheck(found, tuple(data.values()), eps=1e-6, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("constraint", ["abs(x) <= u", "abs(x - p) <= v", "norminf(p - x) <= u"])
def test_bounds_take_no_unknowns(constraint):
    layer = declarative.compile(declarative.parse(HEAD + SQUARES + constraint), backend="kkt")
    layer(p=torch.ones(4), u=0.5, v=torch.ones(4), A=torch.ones(3, 4))
    assert "solved as a quadratic program: 8 unknowns, 8 bounds" in layer.explain()


def test_an_infinite_bound_bounds_nothing():
    layer = declarative.compile(declarative.parse(HEAD + SQUARES + "abs(x) <= u"), backend="kkt")
    s = layer.solve(p=torch.tensor([3.0, -3.0]), u=torch.inf, v=torch.ones(2), A=torch.ones(3, 2))
    assert s.x.tolist() == [3.0, -3.0]
    assert s.duals["c"].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_a_loose_bound_of_a_greatest_value_makes_nothing_degenerate(backend, scale):
    text = f"dim n\nparam p : R^n\nvar x : R^n\nminimize {scale}*sumsq(x - p)\nsubject to\n  c: max(x) <= 1.5"
    s = declarative.compile(declarative.parse(text), backend=backend).solve(torch.tensor([1.0, 0.5, -1.0]))
    assert s.solved and not s.degenerate
