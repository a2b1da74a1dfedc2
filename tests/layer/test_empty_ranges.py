"""Ranges without entries at the sizes of a call: a sum of nothing is 0, a family of no rows says nothing."""

import pytest
import torch

import declarative as dc

HEAD = "dim n\nparam a : R^n\nvar x : R^n\nminimize sumsq(x - a)"

NOTHING = {
    "sum of squares": " + sum((x[i+1] - x[i])^2 for i in n-1)",
    "sum of smooth terms": " + sum(exp(x[i+1]) for i in n-1)",
    "sum of concave terms": " - sum(entr(x[i+1]) for i in n-1)",
    "slice": " + sumsq(x[1:n])",
    "differences": " + sumsq(diff(x))",
    "total variation": " + tv(x)",
    "rows": "\nsubject to\n  step: x[i+1] >= x[i] for i in 0..n-2",
    "curved rows": "\nsubject to\n  cap: exp(x[i+1]) <= 3 for i in n-1",
    "a row of nothing": "\nsubject to\n  cap: sum(exp(x[i+1]) for i in n-1) <= 3",
}


@pytest.mark.filterwarnings("ignore:.* it is a batch of vectors")
@pytest.mark.parametrize("backend", ["kkt", "cone"])
@pytest.mark.parametrize("rest", NOTHING.values(), ids=NOTHING)
def test_nothing_is_added(rest, backend):
    a = torch.tensor([[0.7], [-2.0]], dtype=torch.float64, requires_grad=True)
    solution = dc.compile(dc.parse(HEAD + rest), backend=backend).solve(a)
    assert solution.solved.all()
    torch.testing.assert_close(solution.x, a, atol=1e-9, rtol=0)
    (gradient,) = torch.autograd.grad(solution.x.sum(), a)
    torch.testing.assert_close(gradient, torch.ones_like(a), atol=1e-9, rtol=0)


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_a_norm_of_nothing_is_zero(backend):
    problem = dc.parse(HEAD + "\nsubject to\n  r: norm1(x[1:n]) <= 3\nreturn x, d = diff(x), s = norm(x[1:n])")
    x, d, s = dc.compile(problem, backend=backend)(torch.tensor([0.5]))
    assert (x.item(), d.shape, s.item()) == (0.5, (0,), 0.0)


def test_a_condition_that_selects_nothing():
    text = HEAD + "\nsubject to\n  pairs: x[i] + x[j] <= 1 for i in n, j in n if E[i,j]"
    problem = dc.parse(text.replace("var", "const E : R^(n,n), binary\nvar"))
    solution = dc.compile(problem, consts={"E": torch.zeros(2, 2)}).solve(torch.tensor([1.0, 2.0]))
    assert solution.x.tolist() == [1.0, 2.0]
    assert solution.duals["pairs"].abs().sum() == 0


@pytest.mark.parametrize("term", ["max(x[i+1] - x[i] for i in n-1)", "max(x[1:n])", "mean(x[1:n])", "min(x[1:n])"])
def test_what_has_no_value_is_named(term):
    with pytest.raises(dc.DiagnosticError, match=r"E306.*of no entries: at these sizes there are none"):
        dc.compile(dc.parse(f"{HEAD}\nreturn x, m = {term}"))(torch.tensor([1.0]))
