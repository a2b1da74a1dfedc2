"""Lower bounds of 0 that the objective implies, and bounds that it does not; their duals either way."""

import pytest
import torch

import declarative
from declarative.rewrite.implied import without_implied_bounds
from declarative.rewrite.repair import repair
from declarative.rewrite.standard import problem_to_standard

HEAD = "dim n; param c : R^n; param w : R^n, pos; param k : R, nonneg; "
IMPLIED = [
    "var x : R^n, nonneg; minimize c'*x - sum(entr(x))",
    "var x : R^n; minimize c'*x - 0.1*sum(entr(x)); subject to; x >= 0",
    "var x : R^n; minimize sum(c[i]*x[i] - w[i]*log(x[i]) for i in n); subject to; x[i] >= 0 for i in n",
    "var x : R^n, simplex; maximize w'*log(x) - c'*x",
    "var x : R^n, nonneg; maximize sum(log(x))/n - c'*x",
    "var x : R^n, nonneg; minimize sum(x[i]*log(x[i]) + c[i]*x[i] for i in n)",
    "var x : R^(n,n), nonneg; minimize sum(c[i]*x[i,j] - entr(x[i,j]) for i in n, j in n)",
    "var x : R, nonneg; minimize sum(w)*x - log(x)",
]
NOT = [
    "var x : R^n, nonneg; minimize w'*x - k*sum(entr(x))",  # k may be 0
    "var x : R^n, nonneg; minimize sum(x[i]*log(x[i]) for i in 1..n-1) + w'*x",
    "var x : R^n, nonneg; minimize sum(x[i]*log(x[i]) for i in n if i > 1) + w'*x",
    "var x : R^n, nonneg; minimize w'*x; subject to; sum(entr(x)) >= -1",
    "var x : R^n, nonneg; minimize w'*x - sum(log(x + 1))",
    "var x : R^n; minimize w'*x - sum(log(x)); subject to; x >= w",
    "var x : R^(n,n), nonneg; minimize sum(w[i]*x[i,j] - entr(x[j,i]) for i in n, j in n if i < j)",
]


def rows(text: str):
    standard = problem_to_standard(repair(declarative.parse(HEAD + text)).problem)
    return standard.rows, without_implied_bounds(standard).rows


@pytest.mark.parametrize("text", IMPLIED)
def test_an_implied_bound_says_nothing(text):
    old, new = rows(text)
    assert [row.path for row in old] == [row.path for row in new]
    assert sum(a != b for a, b in zip(old, new, strict=True)) == 1


@pytest.mark.parametrize("text", NOT)
def test_other_bounds_stay(text):
    old, new = rows(text)
    assert old == new


@pytest.mark.parametrize(("weight", "k"), [("pos", 1e-3), ("pos", 0.5), ("nonneg", 0.5)])
def test_duals_of_a_bound_beside_an_entropy(weight, k):
    """c'x - k sum(entr(x)) has x = exp(-c/k - 1), down to 1e-218."""
    text = f"dim n; param c : R^n; param k : R, {weight}; var x : R^n, nonneg; minimize c'*x - k*sum(entr(x))"
    layer = declarative.compile(declarative.parse(text + "; return x, price = x.lower.dual"), backend="cone")
    c = torch.tensor([0.3, 0.5], dtype=torch.float64)
    x, price = layer(c, k)
    assert torch.allclose(x, torch.exp(-c / k - 1), rtol=0, atol=1e-9)
    assert torch.allclose(price, torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-7)


@pytest.mark.parametrize("text", IMPLIED)
def test_the_log_says_which_bound_is_implied(text):
    standard = problem_to_standard(repair(declarative.parse(HEAD + text)).problem)
    (line,) = without_implied_bounds(standard).log[len(standard.log) :]
    assert line == "`x >= 0` is implied by the objective, whose slope at 0 is infinite"


@pytest.mark.parametrize("text", NOT)
def test_the_log_says_nothing_of_bounds_that_hold(text):
    standard = problem_to_standard(repair(declarative.parse(HEAD + text)).problem)
    assert without_implied_bounds(standard).log == standard.log
