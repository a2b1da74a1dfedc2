"""Warm starts of cone programs give what cold ones give, whatever came before."""

import pytest
import torch
from layer.warm_and_cold import B, Data, agree, drifted, normal

import declarative
from declarative import Status

ROBUST = """
dim n, m
param c : R^n
param a : R^(m,n)
param P : R^(n,n)
param b : R^m
var x : R^n
minimize c'*x + norm(P*x)
subject to
  rows: a[i, :]'*x + norm(P'*x) <= b[i] for i in m
  ball: norm(x) <= 5
"""
CORRELATION = """
dim n
param C : S^n
var x : S^n, psd
minimize sumsq(x - C)
subject to
  one: diag(x) == 1
"""
LOGISTIC = """
dim m, n
param Z : R^(m,n)
param lam : R, pos
var x : R^n
minimize sum(logistic(-(Z*x))) + lam*norm1(x)
"""


def robust(g: torch.Generator) -> Data:
    return {
        "c": normal(g, B, 4),
        "a": normal(g, B, 5, 4),
        "P": 0.3 * normal(g, B, 4, 4),
        "b": 1 + normal(g, B, 5).abs(),
    }


def correlation(g: torch.Generator) -> Data:
    C = normal(g, B, 4, 4)
    return {"C": C + C.mT}


def logistic(g: torch.Generator) -> Data:
    return {"Z": normal(g, B, 12, 3), "lam": 0.2 + normal(g, B).abs()}


def moved(data: Data, g: torch.Generator, share: float) -> Data:
    """Symmetric data stay so, and positive ones positive."""
    new = drifted(data, g, share)
    new |= {name: (new[name] + new[name].mT) / 2 for name in new.keys() & {"C"}}
    return new | {name: new[name].abs() + 0.01 for name in new.keys() & {"lam"}}


CONIC = pytest.mark.parametrize(
    ("text", "make"), [(ROBUST, robust), (CORRELATION, correlation), (LOGISTIC, logistic)], ids=["soc", "psd", "exp"]
)


@CONIC
@pytest.mark.parametrize("share", [1e-6, 0.01, 1.0])
def test_a_drift_of_the_data_of_cone_programs(text, make, share):
    g = torch.Generator().manual_seed(6)
    layer, data = declarative.compile(declarative.parse(text), backend="cone", on_failure="mask"), make(g)
    last, resumed = layer.solve(**data), 0
    for _ in range(3):
        data = moved(data, g, share)
        last, _ = agree(layer, data, last)
        resumed += int((last.iterations == 0).sum())
    assert (last.status == Status.SOLVED).sum() >= B / 2
    assert share == 1.0 or resumed >= B


def test_cone_programs_that_lose_their_solution_and_find_it_again():
    g = torch.Generator().manual_seed(7)
    layer, data = declarative.compile(declarative.parse(ROBUST), backend="cone", on_failure="mask"), robust(g)
    empty = {**data, "b": data["b"] - 100 * (torch.arange(B) % 3 == 0)[:, None]}
    lost, _ = agree(layer, empty, layer.solve(**data))
    assert (lost.status[::3] == Status.INFEASIBLE).all() and (lost.status[1::3] == Status.SOLVED).all()
    found, _ = agree(layer, data, lost)
    assert (found.status == Status.SOLVED).all() and (found.iterations[::3] > 0).all()
    broken, _ = agree(layer, {**data, "c": data["c"].index_fill(0, torch.tensor([1]), torch.nan)}, found)
    assert broken.status[1] == Status.FAILED
    agree(layer, data, broken)


def test_a_point_at_the_kink_of_a_cone_is_looked_at_afresh():
    """min |x - a| over x >= 0 has its solution in the apex of the cone where a >= 0, wherever it was before."""
    text = "dim n; param a : R^n; var x : R^n, nonneg; minimize norm(x - a)"
    layer = declarative.compile(declarative.parse(text), backend="cone")
    a = torch.tensor([[1.0, 2.0], [-1.0, 2.0]]).double()
    first = layer.solve(a)
    for later in (1.01 * a, -a, a.flip(0)):
        s, _ = agree(layer, {"a": later}, first)
        torch.testing.assert_close(s.x, later.clamp(min=0), rtol=0, atol=1e-9)


def test_a_solution_far_out_does_not_make_one_where_there_is_none():
    """exp(x + y) + log(1 + exp(x)) only tends to 0, and what holds it may be weak."""
    text = "param a : R, nonneg; var x : R; var y : R; minimize exp(x + y) + logistic(x) + a*(x^2 + y^2)"
    layer = declarative.compile(declarative.parse(text), backend="cone", on_failure="mask")
    for held in (1.0, 1e-8, 1e-14):
        assert layer.solve(0.0, warm=layer.solve(held)).status == layer.solve(0.0).status == Status.FAILED


def test_cones_that_become_active_or_inactive_send_hardly_an_item_back_to_the_start():
    """Each constraint is a cone of its own, and with 1 % of the data some of them change sides."""
    text = """
dim n, m, k
param c : R^n
param a : R^(m,n)
param P[m] : R^(n,k)
param b : R^m
var x : R^n
minimize c'*x
subject to
  robust: a[i, :]'*x + norm(P[i]'*x) <= b[i] for i in m
"""
    g = torch.Generator().manual_seed(8)
    data = {"c": normal(g, B, 16), "a": normal(g, B, 40, 16), "P": 0.3 * normal(g, B, 40, 16, 4)}
    data |= {"b": 1 + normal(g, B, 40).abs()}
    layer, afresh = declarative.compile(declarative.parse(text), backend="cone"), 0
    first = layer.solve(**data)
    for _ in range(4):
        last, _ = agree(layer, drifted(data, g, 0.01), first)
        afresh += int((last.iterations > 0).sum())
    assert afresh <= 2
