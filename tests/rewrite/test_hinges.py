"""Functions whose kinks coincide, and those of arguments whose sign is known, against forms with one kink or none."""

import pytest
import torch

import declarative
from declarative.rewrite.graph_forms import to_graph_forms
from declarative.rewrite.signs import without_known_signs
from declarative.rewrite.standard import problem_to_standard

HEAD = """dim m, n
param A : R^(m,n)
param c : R^m
param y : R^n
param a : R, pos
param b : R, pos
param s : R
var x : R^n
let r = A*x - c
"""
LINES = "minimize 1/2*sumsq(x - y) + {}; subject to; cap: sum(x) <= s; return x, cap.dual"
ONE_KINK = "sum(max(a*r[i], -b*r[i]) for i in m)"
SAME_KINK = (
    "a*sum(pos(r)) + b*sum(negpart(r))",
    "sum(scalene(r, a, b))",
    "sum(scalene(r[i], a, b) for i in m)",
    "sum(a*pos(r[i]) + b*pos(-r[i]) for i in m)",
    "sum(a*pos(A*x - c)) + b*sum(pos(c - A*x))",
    "sum(a*max(r[i], 0) - b*min(0, r[i]) for i in m)",
    "1/2*a*norm1(r) + 1/2*a*sum(r) + b*sum(negpart(r))",
    "sum(a*pos(2*r[i])/2 + b*pos(-2*r[i])/2 for i in m)",
)
SEEDS = range(6)


def data(seed: int) -> list[torch.Tensor]:
    make = torch.Generator().manual_seed(seed)
    m, n = 4 + seed, 5
    parts = [torch.randn(*shape, generator=make, dtype=torch.float64) for shape in ((m, n), (m,), (n,))]
    positive = [0.1 + torch.rand((), generator=make, dtype=torch.float64) for _ in range(2)]
    return [*parts, *positive, torch.tensor(0.3 * (seed - 2), dtype=torch.float64)]


def solved(layer, inputs: list[torch.Tensor]):
    """All that it gives: the value, the solution, the dual, and the derivatives of a sum of them."""
    inputs = [t.clone().requires_grad_() for t in inputs]
    found = layer.solve(*inputs)
    assert found.solved
    out = torch.cat([found.value.reshape(1), found["x"], found.duals["cap"].reshape(1)])
    weights = torch.linspace(0.3, -1.1, len(out), dtype=torch.float64)
    slopes = torch.autograd.grad(out @ weights, inputs)
    return torch.cat([out.detach(), *[g.reshape(-1) for g in slopes]]), found


@pytest.mark.parametrize("form", SAME_KINK)
def test_coinciding_kinks_answer_as_one_kink_does(form):
    layer = declarative.compile(declarative.parse(HEAD + LINES.format(form)))
    one = declarative.compile(declarative.parse(HEAD + LINES.format(ONE_KINK)))
    for seed in SEEDS:
        (got, found), (expected, _) = solved(layer, data(seed)), solved(one, data(seed))
        torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-9)
        assert not found.degenerate
        assert not found.dual_nonunique


@pytest.mark.parametrize("form", SAME_KINK)
def test_coinciding_kinks_have_one_variable_and_two_rows(form):
    smooth = to_graph_forms(problem_to_standard(declarative.parse(HEAD + LINES.format(form))))
    assert len(smooth.auxiliaries) == 1
    assert len(smooth.rows) == 3  # cap, and two


NONNEG = "dim n; param y : R^n; param a : R; var x : R^n, nonneg; minimize sumsq(x - y) + a*{}"


@pytest.mark.parametrize("form", ["norm1(x)", "sum(abs(x))", "sum(pos(x) + negpart(x))", "sum(abs(x[i]) for i in n)"])
@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_a_kink_at_the_end_of_its_range_is_none(form, backend):
    text = NONNEG.replace("a : R", "a : R, nonneg").format(form)
    smooth = to_graph_forms(without_known_signs(problem_to_standard(declarative.parse(text))))
    assert not smooth.auxiliaries
    layer, plain = (declarative.compile(declarative.parse(t), backend=backend) for t in (text, NONNEG.format("sum(x)")))
    y = torch.randn(9, generator=torch.Generator().manual_seed(1), dtype=torch.float64, requires_grad=True)
    found, expected = layer.solve(y, 0.7), plain.solve(y, 0.7)
    torch.testing.assert_close(found["x"], expected["x"], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found["x"], (y - 0.35).clamp(min=0), rtol=1e-9, atol=1e-9)
    weights = torch.arange(9, dtype=torch.float64)
    slopes = [torch.autograd.grad(each["x"] @ weights, y)[0] for each in (found, expected)]
    torch.testing.assert_close(*slopes, rtol=1e-9, atol=1e-12)
    assert not found.degenerate


def test_explain_tells_what_became_of_each():
    lines = declarative.explain(declarative.parse("var x : R; minimize 2*pos(x) + negpart(x) + (x - 1)^2"))
    assert any("`negpart(x)` is told by `pos(x)`, which has the same kink" in line for line in lines)
    lines = declarative.explain(declarative.parse("var x : R, nonneg; minimize abs(x + 1) + x^2"))
    assert any("`abs(x + 1)` is `x + 1` by the sign of its argument" in line for line in lines)


SLOPES = {  # above 0, and below
    "abs(x - 1)": (1, 1), "abs(1 - x)": (1, 1), "pos(x - 1)": (1, 0), "pos(-(x - 1))": (0, 1),
    "negpart(x - 1)": (0, 1), "negpart(-x + 1)": (1, 0), "max(x - 1, 0)": (1, 0), "-min(0, x - 1)": (0, 1),
}  # fmt: skip
PAIRS = [(one, other) for one in SLOPES for other in SLOPES if one != other]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_each_tells_each(one, other):
    """The least of f + 2*g + (x - y)^2, by hand: y is shrunk towards 1 by half the slope."""
    text = f"param y : R; var x : R; minimize {one} + 2*({other}) + (x - y)^2"
    above, below = (f + 2 * g for f, g in zip(SLOPES[one], SLOPES[other], strict=True))
    y = torch.linspace(-2.03, 4.04, 8, dtype=torch.float64, requires_grad=True)
    found = declarative.compile(declarative.parse(text)).solve(y)
    x = 1 + (y - 1 - above / 2).clamp(min=0) - (1 - y - below / 2).clamp(min=0)
    torch.testing.assert_close(found["x"], x, rtol=1e-9, atol=1e-9)
    expected = torch.autograd.grad(x.sum(), y)[0]
    torch.testing.assert_close(torch.autograd.grad(found["x"].sum(), y)[0], expected, rtol=1e-9, atol=1e-9)
    assert not found.degenerate.any()
    assert not found.dual_nonunique.any()


def test_a_sum_of_norms_is_that_of_their_absolute_values():
    """The group lasso: no kink is added where the norms are summed, and the answers are the same."""
    head = "dim n, k; param Y : R^(n,k); var X : R^(n,k); minimize 1/2*sumsq(X - Y) + "
    Y = torch.randn(6, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    layer = declarative.compile(declarative.parse(head + "1.7*mixed_norm(X, 2, 1)"))
    found = layer.solve(Y)
    length = Y.norm(dim=1, keepdim=True)
    assert (length < 1.7).any()
    assert (length > 1.7).any()
    torch.testing.assert_close(found["X"], Y * (1 - 1.7 / length).clamp(min=0), rtol=1e-9, atol=1e-9)
    assert not found.degenerate
