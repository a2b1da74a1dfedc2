"""A linear objective that falls along what powers do not feel has no bound; one that is balanced has a minimum."""

import numpy as np
import pytest
import torch

import declarative
from declarative import Status

TEXT = """
param A : R^(6,3)
param b : R^6
param F : R^(2,3)
param c : R^3
var x : R^3
minimize c'*x + sum({})
subject to
  A*x <= b
"""
COUNT = 20


def units(generator: np.random.Generator, span: float):
    """Of the rows of A, the variables, F, and the objective."""
    row, column = 10.0 ** generator.uniform(-span, span, 6), 10.0 ** generator.uniform(-span, span, 3)
    return row, column, 10.0 ** generator.uniform(-span, span)


def draw(generator: np.random.Generator, span: float, falls: bool):
    """With Fd = 0 and Ad <= 0 for a direction d: of cost c'd < 0, or with multipliers for which c is balanced."""
    A, b = generator.standard_normal((6, 3)), np.abs(generator.standard_normal(6))
    d, F = generator.standard_normal(3), generator.standard_normal((2, 3))
    A[A @ d > 0] *= -1
    F -= np.outer(F @ d, d) / (d @ d)
    c = generator.standard_normal(3)
    c = (
        c * -np.sign(c @ d)
        if falls
        else -A.T @ np.abs(generator.standard_normal(6)) - F.T @ generator.standard_normal(2)
    )
    row, column, weight = units(generator, span)
    return row[:, None] * A * column, row * b, F * column * weight, c * column


@pytest.mark.parametrize("power", ["abs(F*x).^1.5", "pos(F*x).^3", "abs(F*x).^1.7"])
@pytest.mark.parametrize("span", [0.0, 2.0])
@pytest.mark.parametrize("falls", [True, False])
def test_what_powers_do_not_feel(power, span, falls):
    generator = np.random.default_rng(5)
    data = [
        torch.tensor(np.array(part)) for part in zip(*(draw(generator, span, falls) for _ in range(COUNT)), strict=True)
    ]
    layer = declarative.compile(declarative.parse(TEXT.format(power)), backend="cone", on_failure="mask")
    status = layer.solve(*data).status
    if falls:
        assert (status == Status.UNBOUNDED).all()
    else:
        assert ((status == Status.SOLVED) | (status == Status.INACCURATE)).all()
