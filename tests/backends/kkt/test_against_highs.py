"""Small programs with integer data, many degenerate, infeasible or unbounded, beside what HiGHS says of them."""

import warnings
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

import declarative
from declarative import Status

TEXT = """
    dim m, n, p; param P : S^n, psd; param c : R^n; param A : R^(m,n); param b : R^m; param F : R^(p,n)
    param g : R^p; param u : R^n; var x : R^n; minimize OBJECTIVE; subject to; A*x <= b; F*x == g; x <= u
"""
OBJECTIVES = {"linear": "c'*x", "quadratic": "1/2*quad(x, P) + c'*x"}
SHAPES = ((2, 3, 1), (4, 5, 2))  # n, m, p
ITEMS = 24
FAR = 1e-6


class Item(NamedTuple):
    """min 1/2 x'Px + c'x  s.t.  Ax <= b, Fx == g, x <= u."""

    P: np.ndarray
    c: np.ndarray
    A: np.ndarray
    b: np.ndarray
    F: np.ndarray
    g: np.ndarray
    u: np.ndarray


def random_item(rng: np.random.Generator, n: int, m: int, p: int, quadratic: bool) -> Item:
    """Dependent and opposite rows, equations that contradict each other or say nothing, and few upper bounds."""
    M = rng.integers(-1, 2, (int(rng.integers(0, n)), n)) if quadratic else np.zeros((0, n))
    c, A, b = rng.integers(-2, 3, n), rng.integers(-2, 3, (m, n)), rng.integers(-2, 4, m)
    F, g = rng.integers(-2, 3, (p, n)), rng.integers(-2, 3, p)
    A[-1] = (-A[0], 2 * A[0], A[-1], A[-1])[rng.integers(4)]
    if rng.random() < 0.5:
        F[0], g[0] = 0, 0
    if p > 1 and rng.random() < 0.3:
        F[1], g[1] = 2 * F[0], 2 * g[0] + rng.integers(2)
    if rng.random() < 0.4:
        c = -A.T @ rng.integers(0, 3, m)  # bounded below where it is feasible
    return Item(M.T @ M, c, A, b, F, g, np.where(rng.random(n) < 0.3, rng.integers(0, 4, n), np.inf))


def least(item: Item, cost: np.ndarray):
    """What HiGHS says of a linear objective over the item's constraints."""
    sides = [(None, side) for side in item.u]
    return linprog(cost, A_ub=item.A, b_ub=item.b, A_eq=item.F, b_eq=item.g, bounds=sides)


def falls(item: Item) -> bool:
    """Is there a direction in the constraints' recession cone along which P is flat and c falls?"""
    flat = np.concatenate([item.F, item.P])
    sides = [(-1, 0 if np.isfinite(side) else 1) for side in item.u]
    zero = np.zeros(len(item.b)), np.zeros(len(flat))
    return linprog(item.c, A_ub=item.A, b_ub=zero[0], A_eq=flat, b_eq=zero[1], bounds=sides).fun < -FAR


def right_status(item: Item) -> Status:
    """By two linear programs."""
    if least(item, 0 * item.c).status == 2:
        return Status.INFEASIBLE
    return Status.UNBOUNDED if falls(item) else Status.SOLVED


@cache
def layer(objective: str):
    text = TEXT.replace("OBJECTIVE", OBJECTIVES[objective])
    text = text if objective == "quadratic" else text.replace("param P : S^n, psd;", "")
    return declarative.compile(declarative.parse(text, name="small"), backend="kkt", on_failure="mask")


def solve(objective: str, items: list[Item]):
    parts = items[0]._fields if objective == "quadratic" else items[0]._fields[1:]
    data = [torch.tensor(np.stack([getattr(item, part) for item in items]), dtype=torch.float64) for part in parts]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return layer(objective).solve(*data)


def check(item: Item, status: int, x: np.ndarray, value: float) -> None:
    """The status is right, x is feasible, and no feasible point is better to first order, which is enough (convex)."""
    right = right_status(item)
    assert status == right, (Status(status), right, item)
    if right == Status.SOLVED:
        slope = item.P @ x + item.c
        assert value == pytest.approx(x @ (item.P @ x / 2 + item.c), abs=1e-9 * (1 + abs(x).max()))
        assert max(0, *(item.A @ x - item.b), *abs(item.F @ x - item.g), *(x - item.u)) <= FAR, item
        best = least(item, slope)
        assert best.status == 0 and slope @ x == pytest.approx(best.fun, abs=FAR * (1 + abs(best.fun))), item


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("shape", SHAPES)
def test_status_and_solution_are_those_of_highs_and_no_item_changes_another(objective, shape):
    rng = np.random.default_rng([*shape, objective == "linear"])
    items = [random_item(rng, *shape, quadratic=objective == "quadratic") for _ in range(ITEMS)]
    whole = solve(objective, items)
    for k, item in enumerate(items):
        check(item, int(whole.status[k]), whole["x"][k].numpy(), float(whole.value[k]))
    for k in range(0, ITEMS, 12):
        for batch in ([items[k]], items[k : k + 3]):
            assert solve(objective, batch).status.tolist() == whole.status[k : k + len(batch)].tolist()


CONTRADICTORY = "param c : R; param gap : R; var x : R^2; OBJECTIVE; subject to; a: x[1] <= 1; b: x[1] >= 1 + gap"


@pytest.mark.parametrize("objective", ["maximize c*x[0]", "minimize x[1]^2 - c*x[0]"])
def test_a_ray_does_not_excuse_rows_that_contradict_each_other(objective):
    text = CONTRADICTORY.replace("OBJECTIVE", objective)
    contradictory = declarative.compile(declarative.parse(text), backend="kkt", on_failure="mask")
    for gap in (1e-6, 0.01, 0.1, 1.0, 199.0):
        assert contradictory.solve(1.0, gap).status == Status.INFEASIBLE, gap


FALLING = (
    ([1, 1, 0], [[-2, -2, 2], [1, 1, -1]], [2, -1]),
    ([1, 1, 0, -1, -2], [[2, -2, 2, -2, -2], [1, -1, -2, 0, 0], [-2, -1, 0, -1, 2], [1, 1, 0, -1, -1],
     [-1, -2, 1, 1, -2], [2, 0, -2, 2, -2], [-2, 2, -2, 2, 2]], [0, -2, -2, -2, 2, -1, 0]),
    ([2, 0, 0], [[-1, 1, 1], [0, -2, 1], [1, -1, -1]], [-2, -2, 2]),
)  # fmt: skip


def test_terms_that_cancel_far_away_are_no_solution():
    text = "dim m, n; param c : R^n; param A : R^(m,n); param b : R^m; var x : R^n; minimize c'*x; subject to; A*x <= b"
    falling = declarative.compile(declarative.parse(text), backend="kkt", on_failure="mask")
    for data in FALLING:
        c, A, b = (torch.tensor(part, dtype=torch.float64) for part in data)
        for batch in (1, 2, 3):
            assert (falling.solve(c.expand(batch, -1), A, b).status == Status.UNBOUNDED).all()
