"""Convex functions on polyhedra that only tend to their infimum, by construction; and minima that are very far away."""

import numpy as np
import pytest
import torch

import declarative
from declarative import Status

FLOAT = torch.float64
M, N, K, SEEDS = 3, 4, 3, 24
HEAD = """
param E : R^(3,4)
param G : R^(3,4)
param h : R^3
param c : R^4
param Q : R^(2,4)
var x : R^4
"""
OBJECTIVES = ["sum(exp(E*x)) + c'*x", "sum(exp(E*x)) + sumsq(Q*x - 1)", "sum(logistic(E*x)) + c'*x"]


def receding(seed: int) -> dict[str, np.ndarray]:
    """Along some d no row of G grows, exponents fall or stay, one falls, and c'd and Qd are 0: no point is least.

    c is what rows press with that d leaves alone, so that the infimum is finite.
    """
    rng = np.random.default_rng(seed)
    d = rng.normal(size=N)

    def along(rows: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        return rows + np.outer(slopes - rows @ d, d) / (d @ d)

    falls = -np.abs(rng.normal(size=M)) * (rng.random(M) < 0.7)
    falls[0] = -1.0
    rows = -np.abs(rng.normal(size=K)) * (rng.random(K) < 0.5)
    E, G = along(rng.normal(size=(M, N)), falls), along(rng.normal(size=(K, N)), rows)
    h = G @ rng.normal(size=N) + rng.random(K)
    c, Q = -G.T @ (np.abs(rng.normal(size=K)) * (rows == 0)), along(rng.normal(size=(2, N)), np.zeros(2))
    return {"E": E, "G": G, "h": h, "c": c, "Q": Q}


def solved(objective: str, items: list[dict[str, np.ndarray]]) -> declarative.Solution:
    """On the kkt backend, under G*x <= h."""
    head = HEAD.replace("R^(3,4)", f"R^({len(items[0]['E'])},4)", 1)
    problem = declarative.parse(f"{head}minimize {objective}\nsubject to\n  G*x <= h")
    data = {name: torch.tensor(np.array([item[name] for item in items]), dtype=FLOAT) for name in items[0]}
    return declarative.compile(problem, backend="kkt", on_failure="mask").solve(**data)


@pytest.mark.parametrize("objective, least", list(zip(OBJECTIVES, (22, 16, 22), strict=True)))
def test_what_only_tends_to_its_infimum_has_no_minimum(objective, least):
    """Where rounding errors hide whether the way on is level, a point is flagged as one of many, or none."""
    solution = solved(objective, [receding(seed) for seed in range(SEEDS)])
    failed = solution.status != Status.SOLVED
    assert (solution.nonunique | failed).all() and failed.sum() >= least


@pytest.mark.parametrize("kind", ["sum(abs(Q*x - 1))", "sum((Q*x - 1).^4)", "sum(huber(Q*x - 1))"])
def test_what_is_solved_all_the_same_is_flagged(kind):
    """Kinks and flat functions beside the exponentials."""
    solution = solved(f"sum(exp(E*x)) + {kind}", [receding(seed) for seed in range(SEEDS // 2)])
    assert (solution.nonunique | (solution.status != Status.SOLVED)).all()


@pytest.mark.parametrize("objective", [*OBJECTIVES, "logsumexp(E*x) + sumsq(Q*x - 1)"])
@pytest.mark.parametrize("scale", [0.1, 100.0])
def test_what_rises_in_all_directions_is_solved(objective, scale):
    """The least value is attained where positive weights of the rows of E and -E add up to -c, all of the space."""
    rng, items = np.random.default_rng(1), []
    for _ in range(SEEDS):
        E, G = rng.normal(size=(N, N)), rng.normal(size=(K, N))
        E = np.concatenate([E, -E])
        c = -E.T @ rng.uniform(0.1, 0.9, size=2 * N) * scale
        items.append({"E": E * scale, "G": G, "h": 10 * rng.random(K), "c": c, "Q": rng.normal(size=(2, N))})
    solution = solved(objective, items)
    assert (solution.status == Status.SOLVED).all() and not solution.nonunique.any()


def test_a_function_of_one_variable_below_others():
    text = "var x : R^3; param u : R; minimize exp(x[0]); subject to; x[1] >= x[0]; x[2] <= x[1] + u; x[2] >= x[0] - 1"
    solution = declarative.compile(declarative.parse(text), backend="kkt", on_failure="mask").solve(torch.rand(5))
    assert (solution.status == Status.FAILED).all()


def test_minima_that_are_very_far_away():
    """x log(x) - k x is least at exp(k - 1), from k = 50 on with a curvature that is hardly any: flagged."""
    k = torch.tensor([5.0, 30, 40, 50, 90], dtype=FLOAT, requires_grad=True)
    layer = declarative.compile(declarative.parse("param k : R; var x : R; minimize -entr(x) - k*x"), backend="kkt")
    solution = layer.solve(k)
    assert (solution.status == Status.SOLVED).all() and not solution.degenerate[:3].any()
    torch.testing.assert_close(solution.x.log(), k - 1, rtol=1e-9, atol=0)
    (gradient,) = torch.autograd.grad(solution.x.log().sum(), k)
    torch.testing.assert_close(gradient, torch.ones_like(gradient), rtol=1e-8, atol=0)


@pytest.mark.parametrize(
    "text", ["sum(sqrt(1 + (x - a).^2))", "sum((x - a).^4) + sumsq(x - a)", "sum(exp((x-a)/1e5) + exp((a-x)/1e5))"]
)
def test_far_away_minima_stay_solved(text):
    a = torch.tensor([[1e4, -3.0], [1e5, 1e3], [-1e6, 1e6]], dtype=FLOAT)
    solution = declarative.compile(declarative.parse(f"param a : R^2; var x : R^2; minimize {text}")).solve(a)
    assert (solution.status == Status.SOLVED).all()
    assert ((solution.x - a).abs() < 1e-6 * a.abs().amax(-1, keepdim=True)).all()
