"""Squares, reciprocals and traces of inverses of data far from one: right or not called solved, at every size."""

from math import sqrt

import pytest
import torch
from torch import Tensor

import declarative
from declarative import Status

SIZES = torch.tensor([1e-9, 1e-6, 1e-5, 1e-4, 1e-3, 1.0, 1e3, 1e5, 1e6, 1e7, 1e8, 1e9], dtype=torch.float64)
A = torch.tensor([[1.0, 2, 0], [0, 1, 1], [3, 0, 1]], dtype=torch.float64)


def along(*direction: float) -> Tensor:
    """Of length one."""
    found = torch.tensor(direction, dtype=torch.float64)
    return found / found.norm()


def balanced_form() -> Tensor:
    """a'X^-1 a for a = (1, 2) is least over X with diagonal (1/2, 1/2) where 2 t^2 - 5/2 t + 1/2 = 0."""
    t = (2.5 - sqrt(2.5**2 - 4)) / 4
    return torch.tensor([0.5, t, t, 0.5], dtype=torch.float64)


def inverse_of_a_sum() -> Tensor:
    """tr((A diag(x) A')^-1) = sum c/x with c the squares of the rows of A^-1: x goes with the roots of c."""
    c = torch.linalg.inv(A).square().sum(1).sqrt()
    return c / c.sum()


first = 1 / (1 + sqrt(2))
quartic = 1.5 ** (1 / 3)
CASES = {  # text, and x for b = 1: it grows with b
    "squares": (
        "var x : R^2; minimize norm(x - b*[1, 2]); subject to; k: x[0]^2 + 3*x[1]^2 <= b^2",
        torch.tensor([0.5, 0.5], dtype=torch.float64),
    ),
    "sum of squares": ("var x : R^2; minimize norm(x - b*[1, 2]); subject to; k: sumsq(x) <= b^2", along(1, 2)),
    "linear objective": (
        "var x : R^2; minimize 3*x[0] + 4*x[1]; subject to; k: x[0]^2 + 2*x[1]^2 <= b^2",
        torch.tensor([-3.0, -2.0], dtype=torch.float64) / sqrt(17),
    ),
    "fourth powers": (
        "var x : R^2; minimize 3*x[0] + 4*x[1]; subject to; k: x[0]^4 + 2*x[1]^4 <= b^4",
        -torch.tensor([quartic, 1.0], dtype=torch.float64) / (quartic**4 + 2) ** 0.25,
    ),
    "trace of an inverse": (
        "var x : S^2; minimize tr_inv(x); subject to; e: x[0,0] + 2*x[1,1] <= b",
        torch.tensor([first, 0, 0, (1 - first) / 2], dtype=torch.float64),
    ),
    "inverse form": (
        "var x : S^2; minimize matrix_frac([1, 2], x); subject to; t: trace(x) <= b; l: x[0,0] >= b/2",
        balanced_form(),
    ),
    "reciprocals": (
        "var x : R^2; minimize inv_pos(x[0]) + inv_pos(2*x[1]); subject to; k: norm(x) <= b",
        along(2 ** (1 / 3), 1),
    ),
    "quadratic over linear": (
        "var x : R^2; minimize quad_over_lin(3, x[0]) + quad_over_lin(1, x[1]); subject to; k: norm(x) <= b",
        along(9 ** (1 / 3), 1),
    ),
    "experiment": (
        "param A : R^(3,3); var x : R^3; minimize tr_inv(A*diag(x)*A'); subject to; x >= 0; k: sum(x) <= b",
        inverse_of_a_sum(),
    ),
}
INACCURATE = {("trace of an inverse", 1e-9)}  # rounding errors of multipliers that are 0 have no terms beside them

MIXED = {  # a part of size one, or far more, beside what decides; and x for b = 1
    "reciprocals": ("var x : R^2; var y : R; minimize 1e6*y + inv_pos(x[0]) + inv_pos(2*x[1]); subject to"
                    "; k: norm(x) <= b; y >= 1", along(2 ** (1 / 3), 1)),
    "fewer": ("var x : R^2; var y : R; minimize y + inv_pos(x[0]) + inv_pos(2*x[1]); subject to"
              "; k: norm(x) <= b; y >= 1", along(2 ** (1 / 3), 1)),
    "squares": ("var x : R^2; var y : R; minimize 3*x[0] + 4*x[1] + y; subject to"
                "; k: x[0]^2 + 2*x[1]^2 <= b^2; y >= 1", torch.tensor([-3.0, -2.0]).double() / sqrt(17)),
    "two balls": ("var x : R^2; var y : R^2; minimize 3*x[0] + 4*x[1] + 3*y[0] + 4*y[1]; subject to"
                  "; k: x[0]^2 + 2*x[1]^2 <= b^2; l: y[0]^2 + 2*y[1]^2 <= 1",
                  torch.tensor([-3.0, -2.0]).double() / sqrt(17)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_answer_grows_with_the_data(name):
    text, one = CASES[name]
    layer = declarative.compile(
        declarative.parse("param b : R, pos; " + text, name="scaled"), backend="cone", on_failure="mask"
    )
    solution = layer.solve(SIZES, A) if "param A" in text else layer.solve(SIZES)
    for k, b in enumerate(SIZES.tolist()):
        if (name, b) in INACCURATE:
            assert solution.status[k] in (Status.SOLVED, Status.INACCURATE)
        else:
            assert solution.status[k] == Status.SOLVED, b
        assert (solution.x[k].reshape(-1) / b - one).abs().max() <= 1e-8 * one.abs().max(), b


@pytest.mark.parametrize("name", MIXED)
def test_beside_terms_of_another_size_it_is_right_or_not_called_solved(name):
    text, one = MIXED[name]
    sizes = SIZES[SIZES <= 1e7]
    parsed = declarative.parse("param b : R, pos; " + text, name="scaled")
    solution = declarative.compile(parsed, backend="cone", on_failure="mask").solve(sizes)
    error = (solution.x / sizes[:, None] - one).abs().amax(1) / one.abs().max()
    called = solution.status == Status.SOLVED
    assert called[sizes == 1].all()
    assert (error[called] <= 1e-6).all()


def test_gradients_of_answers_far_from_one_are_exact():
    """x = b e, by the rows of a rotated cone and by those of a semidefinite one."""
    for name in ("squares", "linear objective", "reciprocals", "trace of an inverse"):
        text, one = CASES[name]
        layer = declarative.compile(declarative.parse("param b : R, pos; " + text, name="scaled"), backend="cone")
        b = SIZES.clone()[1:].requires_grad_()
        x = layer(b=b).reshape(len(b), -1)
        (gradient,) = torch.autograd.grad(x[:, 0].sum(), b)
        assert (gradient - one[0]).abs().max() <= 1e-6 * one[0].abs(), name
