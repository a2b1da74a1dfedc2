"""Data outside the domain of a function are found before solving, alike for both backends."""

import time

import pytest
import torch

import declarative
from declarative import Status
from declarative.ir.facts import Domain
from declarative.layer.bounded_data import sites
from declarative.layer.undefined import Undefined

NUMBERS = [
    ("dim n; var x : R^n; minimize sumsq(x) + sum(log(i)*x[i] for i in n)", "where `i` is 0 (i = 0)"),
    ("dim n; var x : R^n; minimize sumsq(x) + sum(x[i]/i for i in n)", "where `i` is 0 (i = 0)"),
]

CASES = [
    ("param a : R; var x : R; minimize (x - 1)^2 + log(a)*x", -1.0, "`log(a)` (line 1)", "`a` is -1"),
    ("param a : R; var x : R; minimize (x - 1)^2 + log(a)*x", 0.0, "`log(a)` (line 1)", "`a` is 0"),
    (
        "param a : R; var x : R; minimize (x - 1)^2; subject to; x <= sqrt(a - 1)",
        0.5,
        "`sqrt(a - 1)`",
        "`a - 1` is -0.5",
    ),
    ("param a : R; var x : R; minimize (x - 1)^2 + inv_pos(a)*x", -2.0, "`inv_pos(a)`", "`a` is -2"),
    ("param a : R; var x : R; minimize (x - 1)^2 + x/a", 0.0, "`x/a`", "`a` is 0"),
    ("param a : R; var x : R; minimize (x - 1)^2 + a^0.5*x", -2.0, "`a^0.5`", "`a` is -2"),
    ("param a : R^3; var x : R; minimize (x - 1)^2 + geo_mean(a)*x", [1.0, 2.0, -3.0], "`geo_mean(a)`", "`a[2]` is -3"),
    ("param d : R; var x : R^2; minimize sum(pseudo_huber(x - 3, d))", -1.0, "`pseudo_huber(x - 3, d)`", "`d` is -1"),
    ("param a : R; var x : R^2; minimize quad_over_lin(x - 1, a)", -1.0, "`quad_over_lin(x - 1, a)`", "`a` is -1"),
    ("param a : R; var x : R^2; minimize quad_over_lin(x - 1, a)", 0.0, "`quad_over_lin(x - 1, a)`", "`a` is 0"),
    ("param p : R^2; var x : R^2; minimize sum(kl_div(p, x))", [0.5, -1.0], "`kl_div(p, x)`", "`p[1]` is -1"),
    ("param p : R^2; var x : R^2; minimize sum(rel_entr(x, p))", [0.5, -1.0], "`rel_entr(x, p)`", "`p[1]` is -1"),
    ("param P : S^2; var x : R; minimize (x - 1)^2 + log_det(P)*x", [[1.0, 0], [0, -4.0]], "`log_det(P)`", "`P` is -4"),
    (
        "param P : S^2; var x : R^2; minimize matrix_frac(x - 1, P)",
        [[1.0, 2.0], [2.0, 1.0]],
        "`matrix_frac(x - 1, P)`",
        "the least eigenvalue of `P` is -1",
    ),
    (
        "param a : R^(2,2), nonneg; var x : R; minimize (x - 1)^2 + sum(eye_minus_inv(a))*x",
        [[0.0, 2.0], [2.0, 0.0]],
        "`eye_minus_inv(a)`",
        "the spectral radius of `a` is 2, and must be below 1",
    ),
    (
        "param a : R^(2,2); var x : R; minimize (x - 1)^2 + sum(eye_minus_inv(a))*x",
        [[0.0, 2.0], [-2.0, 0.0]],
        "`eye_minus_inv(a)`",
        "`a[1, 0]` is -2",
    ),
    (
        "param a : R^3; var x : R^3; minimize sum(pseudo_huber(x[i], a[i]) for i in 0..2 if i > 0) + sumsq(x)",
        [-5.0, 2.0, -3.0],
        "`pseudo_huber(x[i], a[i])`",
        "`a[i]` is -3 (i = 2)",
    ),
]


@pytest.mark.parametrize("backend", ["kkt", "cone"])
@pytest.mark.parametrize(("text", "data", "call", "found"), CASES)
def test_data_outside_a_domain_are_named(text, data, call, found, backend):
    layer = declarative.compile(declarative.parse(text, name="outside"), backend=backend, on_failure="mask")
    solution = layer.solve(torch.tensor(data, dtype=torch.float64))
    words = solution.messages[()]
    assert solution.status == Status.FAILED
    assert call in words and "line 1" in words and found in words


@pytest.mark.parametrize("backend", ["auto", "kkt"])
def test_a_graph_form_does_not_hide_a_negative_threshold(backend):
    """Of huber(x - 3, M) without a sign the graph form falls without end."""
    text = "param M : R; var x : R^2; minimize sum(huber(x - 3, M)) + sumsq(x)"
    layer = declarative.compile(declarative.parse(text, name="huber"), backend=backend, on_failure="mask")
    solution = layer.solve(torch.tensor([-1.0, 1.0, 0.0], dtype=torch.float64))
    assert solution.status.tolist() == [Status.FAILED, Status.SOLVED, Status.SOLVED]
    assert solution.messages == {(0,): "`huber(x - 3, M)` (line 1) is not defined for these data, where `M` is -1"}
    # x + min(3 - x, M) sign = 0: 2x = 2M where M < 3 - x
    assert torch.allclose(solution["x"][1:, 0], torch.tensor([1.0, 0.0], dtype=torch.float64), atol=1e-8)


def test_infinity_is_a_side_of_an_inequality_still_and_zero_a_probability():
    """x <= 1/d says nothing where d is 0, and kl_div(0, x) is x."""
    layer = declarative.compile(
        declarative.parse("param d : R; var x : R; minimize (x - 3)^2; subject to; x <= 1/d", name="side")
    )
    x = layer(torch.tensor([0.0, 1.0], dtype=torch.float64))
    assert torch.allclose(x, torch.tensor([3.0, 1.0], dtype=torch.float64), atol=1e-8)
    text = "param p : R^2; var x : R^2; minimize sum(kl_div(p, x)); subject to; sum(x) == 1"
    x = declarative.compile(declarative.parse(text, name="zero"))(torch.tensor([0.0, 0.5], dtype=torch.float64))
    assert torch.allclose(x, torch.tensor([0.0, 1.0], dtype=torch.float64), atol=1e-6)


BESIDE_VARIABLES = {
    "a^x": Domain.POS,
    "x/a": Domain.NONZERO,
    "kl_div(x, a)": Domain.POS,
    "kl_div(a, x)": Domain.POS,
    "rel_entr(x, a)": Domain.POS,
    "rel_entr(a, x)": Domain.POS,
    "huber(x, a)": Domain.POS,
    "pseudo_huber(x, a)": Domain.POS,
    "quad_over_lin(x, a)": Domain.POS,
    "perspective(inv_pos(a), x)": Domain.POS,
    "perspective(log(a), x)": Domain.POS,
    "perspective(a^1.5, x)": Domain.NONNEG,
    "geo_mean([x, 1], [a, 1])": Domain.NONNEG,
    "matrix_frac([x, 1], diag([a, 1]))": Domain.PD,
}


@pytest.mark.parametrize("call", BESIDE_VARIABLES)
@pytest.mark.parametrize("value", [-2.0, -1e-9, 0.0, 1e-9, 0.7, 3.0])
def test_only_data_inside_pass(call, value):
    """At the edge of a domain whose interior is meant, either may be right."""
    domain = BESIDE_VARIABLES[call]
    problem = declarative.parse(f"param a : R; var x : R; minimize {call}", name="law")
    undefined = Undefined(sites(problem), {}, {}, torch.device("cpu"), {})
    bad = bool(undefined.breaches({"a": torch.tensor([value], dtype=torch.float64)}))
    if domain is Domain.NONZERO or value != 0:
        assert bad == (value == 0 if domain is Domain.NONZERO else value < 0)


def test_promises_that_keep_data_inside_leave_nothing_to_ask():
    text = "param a : R^3, pos; param P : S^3, pd; var x : R^3; minimize sum(log(a).*x) + matrix_frac(x, P) + sum(x./a)"
    assert sites(declarative.parse(text, name="kept")) == []


def test_a_const_and_a_shared_parameter_are_looked_at_too():
    text = "const c : R; param a : R; var x : R; minimize (x - 1)^2 + log(c*a)*x"
    layer = declarative.compile(declarative.parse(text, name="const"), consts={"c": -1.0}, on_failure="mask")
    solution = layer.solve(torch.tensor([1.0, -1.0], dtype=torch.float64))
    assert solution.status.tolist() == [Status.FAILED, Status.SOLVED]
    assert "`c*a` is -1" in solution.messages[(0,)]


def test_it_takes_less_than_a_millisecond():
    text = "dim n; param a : R^n; param t : R; var x : R^n; minimize sum(pseudo_huber(x, a)) + quad_over_lin(x, t)"
    layer = declarative.compile(declarative.parse(text, name="fast"), backend="cone")
    a, t = torch.ones(50, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64)
    layer(a, t)
    (ready,) = layer._memo.plans.values()
    inputs, times = {"a": a[None], "t": t[None]}, []
    for _ in range(20):
        start = time.perf_counter()
        assert ready.undefined.breaches(inputs) == []
        times.append(time.perf_counter() - start)
    assert min(times) < 1e-3


@pytest.mark.parametrize("text, told", NUMBERS)
def test_numbers_of_the_text_outside_of_a_domain_are_never_solved(text, told):
    solution = declarative.compile(declarative.parse(text), dims={"n": 3}, on_failure="mask").solve()
    assert solution.status == Status.FAILED and solution.value.isnan()
    assert told in solution.messages[()]


def test_indices_that_a_condition_keeps_inside_are_right():
    text = "dim n; var x : R^n; minimize sumsq(x) + sum(x[i]/i for i in n if i > 0)"
    solution = declarative.compile(declarative.parse(text), dims={"n": 3}).solve()
    assert solution.status == Status.SOLVED and abs(float(solution.value) + 5 / 16) < 1e-6
