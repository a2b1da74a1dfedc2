"""Bounds of greatest values as bounds of each: the rows by hand; answers, duals and gradients as the cone backend's."""

import pytest
import torch

import declarative
from declarative.elaborate.to_text import expression_to_text
from declarative.rewrite.extremes import bounds_of_extremes
from declarative.rewrite.standard import problem_to_standard

HEAD = "dim n\nparam p : R^n\nparam u : R, pos\nparam v : R^n, pos\nparam A : R^(3,n)\nvar x : R^n\nvar y : R^n\n"
SQUARES = "minimize sumsq(x - p) + sumsq(y - v)\nsubject to\n  c: "
WRITTEN = [
    ("abs(x) <= u", ["x - u <= 0", "-x - u <= 0"]),
    ("-2*abs(x) >= -v", ["-v - -2*x <= 0", "-v - -2*-x <= 0"]),
    ("v.*abs(x) + y <= 2*v", ["v .* x + y - 2*v <= 0", "v .* -x + y - 2*v <= 0"]),
    ("max(x) <= u", ["x - u <= 0, summed"]),
    ("min(x) >= y[0]", ["y[0] - x <= 0, summed"]),
    ("norminf(A*x) <= u", ["A*x - u <= 0, summed", "-(A*x) - u <= 0, summed"]),
    ("max(abs(x - y)) <= u", ["x - y - u <= 0, summed", "-x + y - u <= 0, summed"]),
    ("max(x[i] - x[j] for i in n, j in n if i < j) <= u", ["x[i] - x[j] - u <= 0 for i, j, summed, summed"]),
    ("max(A[k,i]*x[i] for i in n) <= u for k in 3", ["A[k,i]*x[i] - u <= 0 for k, i, summed"]),
    ("max(x[0], -y[1], x[2]) + x[3] <= u", ["x[0] + x[3] - u <= 0", "-y[1] + x[3] - u <= 0", "x[2] + x[3] - u <= 0"]),
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


def _text(row) -> str:
    over = f" for {', '.join(b.index.name for b in row.binders)}" if row.binders else ""
    return f"{expression_to_text(row.body)} <= 0{over}{', summed' * row.summed}"


def _rows(constraint: str):
    standard = problem_to_standard(declarative.parse(HEAD + SQUARES + constraint))
    return standard.rows, bounds_of_extremes(standard)


@pytest.mark.parametrize(("constraint", "rows"), WRITTEN)
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


@pytest.mark.parametrize("constraint", [*(constraint for constraint, _ in WRITTEN), *LEFT[:5]])
def test_both_backends_agree(constraint):
    g = torch.Generator().manual_seed(1)
    problem = declarative.parse(HEAD + SQUARES + constraint)
    shapes = {"p": (4,), "u": (), "v": (4,), "A": (3, 4)}
    data = {name: torch.randn(5, *shape, generator=g, dtype=torch.float64) for name, shape in shapes.items()}
    data |= {name: 0.3 + 0.3 * data[name].abs() for name in ("u", "v")}
    found = {}
    for backend in ("kkt", "cone"):
        own = {name: t.clone().requires_grad_() for name, t in data.items()}
        s = declarative.compile(problem, backend=backend).solve(**own)
        regular = ~(s.degenerate | s.dual_nonunique)
        assert s.solved.all()
        total = ((s.x**3).sum(-1) + s.duals["c"].reshape(5, -1).square().sum(-1))[regular].sum()
        gradients = torch.autograd.grad(total, list(own.values()), allow_unused=True, materialize_grads=True)
        found[backend] = [s.x.detach(), s.duals["c"].detach()[regular], regular, *gradients]
    assert found["kkt"][2].sum() >= 3
    for kkt, cone in zip(found["kkt"], found["cone"], strict=True):
        torch.testing.assert_close(kkt, cone, rtol=1e-8, atol=1e-8)


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
