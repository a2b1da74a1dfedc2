"""Sums of squares |Qx - h|^2 whose matrix Q'Q loses what Q holds: the minimum, or no word of a solution."""

import numpy as np
import pytest
import torch

import declarative
from declarative import Status
from declarative.rewrite.residuals import with_residuals

TEXT = """
dim m, n, p
param Q : R^(m,n)
param h : R^m
param A : R^(p,n)
param b : R^p
var x : R^n
minimize sumsq(Q*x - h)
subject to
  e: A*x == b
"""
FLOAT = torch.float64
N = 6
ITEMS = 12


def program(kind: str, d: float):
    """A batch: five directions and one more that only rows of a size d hold, beside equations that repeat each other.

    Q is orthogonal but for these rows, so that the solution is known: x = x0 + Nw for a basis N of what the equations
    leave, with (QN) w = h - Q x0 for as many rows as there are directions.
    """
    rng = np.random.default_rng(7)
    Q, h, A, b, x = [], [], [], [], []
    for _ in range(ITEMS):
        first = rng.integers(-8, 9, (2, N)).astype(float)
        rows = np.vstack([first, first.sum(0)])
        space = np.linalg.svd(first)[2][2:].T
        own = np.linalg.qr(rng.normal(size=(4, 4)))[0]
        if kind == "small":
            own[2:] *= d
        else:
            own[3] = own[2] + d * own[3]
        right = rng.normal(size=4) * np.abs(own).max(1)
        at = space @ np.linalg.solve(own, right)
        Q.append(own @ space.T)
        h.append(right)
        A.append(rows)
        b.append(np.zeros(3))
        x.append(at)
    return [torch.tensor(np.array(part), dtype=FLOAT) for part in (Q, h, A, b, x)]


def compiled(backend: str):
    return declarative.compile(declarative.parse(TEXT, name="squares"), backend=backend, on_failure="mask")


@pytest.mark.parametrize("kind", ["small", "twin"])
@pytest.mark.parametrize("d", [1e-3, 1e-4, 1e-5, 1e-6, 1e-7])
@pytest.mark.parametrize("backend", ["auto", "kkt"])
def test_the_minimum_is_found_or_the_answer_is_not_called_solved(kind, d, backend):
    *data, x = program(kind, d)
    solution = compiled(backend).solve(*data)
    solved = solution.status == Status.SOLVED
    error = (solution["x"] - x).abs().amax(-1) / x.abs().amax(-1)
    assert (error[solved & ~solution.nonunique] < 1e-6).all()
    assert (solution.value[solution.status <= Status.INACCURATE] >= 0).all()
    assert (solution.value[solved] < 1e-14 * data[1].square().sum(-1)[solved]).all()
    assert solved.all() or backend == "kkt"


@pytest.mark.parametrize("kind", ["small", "twin"])
@pytest.mark.parametrize("d", [1e-3, 1e-4, 1e-5, 1e-6, 1e-7])
def test_the_cone_backend_finds_the_value_and_says_none_below_it(kind, d):
    *data, _ = program(kind, d)
    solution = compiled("cone").solve(*data)
    missed = (data[0] @ solution["x"][..., None])[..., 0] - data[1]
    assert solution.solved.all() and (solution.value >= 0).all()
    assert (missed.square().sum(-1) < 1e-9 * data[1].square().sum(-1)).all()


def test_gradients_are_those_of_the_solution():
    """dx/dh along the directions that the equations leave, the least of which is curved by 1e-10 only."""
    Q, h, A, b, _ = program("small", 1e-5)
    h.requires_grad_()
    found = compiled("auto")(Q, h, A, b)
    weights = torch.arange(1.0, 1 + N, dtype=FLOAT)
    (gradient,) = torch.autograd.grad((found @ weights).sum(), h)
    space = torch.linalg.svd(A[:, :2])[2][:, 2:].mT
    expected = torch.linalg.solve((Q @ space).mT, (space.mT @ weights)[..., None])[..., 0]
    assert ((gradient - expected).abs().amax(-1) < 1e-6 * expected.abs().amax(-1)).all()


def test_many_solutions_stay_what_they_are():
    """Fewer squares than directions: nothing is hidden, and kkt answers by itself."""
    Q, h, A, b, _ = program("small", 1.0)
    solution = compiled("kkt").solve(Q[:, :3], h[:, :3], A, b)
    assert (solution.status == Status.SOLVED).all() and solution.nonunique.all()
    assert (solution.value < 1e-20).all()


def test_variables_for_what_is_squared():
    text = """
    dim n
    param A : R^(n,n)
    param a : R^n
    var x : R^n
    minimize 2*sum((x[i+1] - x[i] - 1)^2 for i in 0..n-2 if i != 2) + sum(x) + sumsq(x) + sumsq(A*x - a)
    """
    changed = with_residuals(declarative.parse(text, name="squares"))
    assert str(changed).split("var x : R^n\n")[1] == (
        "var residual 0[0..n-2] : R\nvar residual 1 : R^n\n"
        "minimize 2*sum(residual 0[i]^2 for i in 0..n-2 if i != 2) + sum(x) + sumsq(x) + sumsq(residual 1)\n"
        "subject to\n  residual 0[i] == x[i+1] - x[i] - 1 for i in 0..n-2 if i != 2\n  residual 1 == A*x - a\n"
        "return x\n"
    )


@pytest.mark.parametrize(
    "objective", ["sumsq(x) + x[0]", "sumsq(x - a)", "sum((2*x[i] - a[i])^2 for i in n)", "sumsq(a.*x/3 - 1)"]
)
def test_squares_of_single_entries_hide_nothing(objective):
    problem = declarative.parse(f"dim n; param a : R^n; var x : R^n; minimize {objective}")
    assert with_residuals(problem) is None
