"""Items of a batch never disturb each other: each is what it is alone, whichever of many optima that may be."""

import numpy as np
import pytest
import torch

import declarative
from declarative.backends.cone.methods import solve

HEAD = "dim m, n\nparam A : R^(m,n)\nparam b : R^m\nparam c : R^n\nvar x : R^n\n"
PROGRAMS = {
    "linear": "minimize c'*x\nsubject to\n  r: A*x <= b\n  box: -1 <= x <= 1",
    "equations": "minimize abs(c)'*x\nsubject to\n  r: A*x == b\n  box: 0 <= x <= 1",
    "quadratic": "minimize sumsq(A*x - b)\nsubject to\n  r: c'*x <= 0.5\n  box: -1 <= x <= 1",
    "kinks": "minimize norm1(A*x - b)\nsubject to\n  r: c'*x <= 1\n  box: -2 <= x <= 2",
    "ball": "minimize c'*x\nsubject to\n  r: A*x <= b\n  box: norm(x) <= 1\n  loose: norminf(x) <= 2",
    "norm": "minimize norm(A*x - b)\nsubject to\n  r: c'*x <= 0.5\n  box: norm(x) <= 3",
    "exponential": "minimize logsumexp(A*x - b)\nsubject to\n  r: c'*x <= 0.5\n  box: -1 <= x <= 1",
    "tails": "minimize sum(exp(A*x)) + c'*x\nsubject to\n  r: A*x <= abs(b)\n  box: -2 <= x <= 3",
}


def drawn(generator: np.random.Generator, m: int, n: int, count: int) -> list[torch.Tensor]:
    """Whole numbers, so that optima are many; the zeros of each item stand at places of its own."""
    A = generator.integers(-2, 3, (count, m, n)) * (generator.random((count, m, n)) < min(1.0, 8 / n))
    x = generator.integers(0, 2, (count, n, 1))
    c = generator.integers(-1, 2, (count, n)) * generator.integers(0, 2, (count, 1))
    return [torch.tensor(part, dtype=torch.float64) for part in (A, (A @ x)[..., 0], c)]


def scaled(generator: np.random.Generator, data: list[torch.Tensor]) -> list[torch.Tensor]:
    """Rows and prices of very different size."""
    A, b, c = data
    rows, prices = (10.0 ** torch.tensor(generator.integers(-4, 5, part.shape)) for part in (b, c))
    return [rows[..., None] * A, rows * b, prices * c]


def everything(text: str, data: list[torch.Tensor]) -> dict[str, torch.Tensor]:
    """By a layer of its own, so that no call before has a say: answers, gradients of them, status and flags."""
    data = [part.clone().requires_grad_() for part in data]
    solution = declarative.compile(declarative.parse(text), backend="cone").solve(*data)
    parts = {"x": solution["x"], "value": solution.value, **solution.duals}
    whole = sum(
        (torch.nan_to_num(part) * torch.arange(1, part[0].numel() + 1).cos().view_as(part[0])).sum()
        for part in parts.values()
    )
    gradients = torch.autograd.grad(whole, data, allow_unused=True, materialize_grads=True)
    flags = {name: getattr(solution, name) for name in ("status", "degenerate", "nonunique", "dual_nonunique")}
    return {name: part.detach() for name, part in parts.items()} | dict(zip("Abc", gradients, strict=True)) | flags


def compare(text: str, data: list[torch.Tensor]) -> int:
    """How many of the items have many solutions, once each is the same alone."""
    together = everything(text, data)
    for k in range(len(data[0])):
        alone = everything(text, [part[k : k + 1] for part in data])
        for name, part in alone.items():
            torch.testing.assert_close(
                together[name][k].double(), part[0].double(), rtol=1e-9, atol=1e-9, equal_nan=True, msg=f"{k}: {name}"
            )
    return int(together["nonunique"].sum())


@pytest.mark.parametrize("kind", PROGRAMS)
def test_items_are_the_same_alone(kind):
    generator, loose = np.random.default_rng(0), 0
    for _ in range(5):
        m, n, count = generator.integers([1, 2, 2], [8, 7, 6]).tolist()
        loose += compare(HEAD + PROGRAMS[kind], drawn(generator, m, n, count))
    assert loose or kind in ("norm", "tails")


@pytest.mark.parametrize("kind", ["linear", "quadratic", "ball", "tails"])
def test_items_of_many_sizes_are_the_same_alone(kind):
    generator = np.random.default_rng(1)
    for _ in range(4):
        m, n = generator.integers([1, 2], [6, 6]).tolist()
        compare(HEAD + PROGRAMS[kind], scaled(generator, drawn(generator, m, n, 4)))


@pytest.mark.parametrize("kind", ["linear", "ball", "exponential"])
def test_zeros_at_places_of_their_own_cost_no_solver_of_their_own(kind, monkeypatch):
    """One solution each, with one derivative: the items are solved in one go, in the union of their places."""
    sizes = []

    def counted(items, tolerance):
        sizes.append(len(items))
        return interior_points(items, tolerance)

    interior_points = solve.interior_points
    monkeypatch.setattr(solve, "interior_points", counted)
    generator = np.random.default_rng(0)
    A, b, c = (generator.standard_normal(shape) for shape in ((16, 12, 6), (16, 12), (16, 6)))
    data = [torch.tensor(part) for part in (A.clip(min=0), np.abs(b) + 0.5, c)]
    declarative.compile(declarative.parse(HEAD + PROGRAMS[kind]), backend="cone")(*data)
    assert sizes == [16]


def test_neighbours_join_no_parts_that_have_sizes_of_their_own():
    """c/x + x/c is least at x = c, 1e8 and 1e-8: in the first item two programs, which the other joins."""
    text = """
param a : R^2
param c : R^2, nonneg
param d : R^2, nonneg
var x : R^2
minimize sum(c[i]*inv_pos(x[i]) + d[i]*x[i] for i in 0..1)
subject to
  a'*x <= 2
"""
    layer = declarative.compile(declarative.parse(text), backend="cone")
    a, c = torch.tensor([[0, 0], [1, 1]]).double(), torch.tensor([[1e8, 1e-8], [1, 1]]).double()
    solution = layer.solve(a, c, 1 / c)
    assert solution.status.tolist() == [0, 0]
    torch.testing.assert_close(solution["x"], c, rtol=1e-7, atol=0)
