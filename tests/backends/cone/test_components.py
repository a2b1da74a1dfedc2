"""What shares no variable and no constraint is solved at its own size, however small it is beside the rest."""

import math

import numpy as np
import pytest
import torch

import declarative
from declarative import Status
from declarative.backends.cone.program.components import components
from declarative.backends.cone.program.item import Item, alone
from declarative.backends.cone.program.scaling import equilibrate
from declarative.backends.cone.sets.cones import Block, Cones, Kind

SIZES = [10.0**k for k in (-9, -6, -3, 0, 3, 6, 7, 8, 9)]


def item() -> Item:
    """x0 and x2 share a cone, x1 and x3 a quadratic form; x4 and the last row have nothing."""
    A = np.zeros((5, 5))
    A[0, 0], A[2, 2], A[3, 1] = 1.0, 2.0, 3.0
    P = np.zeros((5, 5))
    P[1, 3] = P[3, 1] = 0.5
    P[1, 1] = P[3, 3] = 1.0
    cones = Cones((Block(Kind.SOC, 3), Block(Kind.NONNEG, 2)))
    return Item(P, np.array([1e6, 1.0, 1e6, 1.0, 1e-9]), A, np.array([1.0, 0, 0, 1e-7, 1.0]), cones)


def test_components_share_no_entry_and_no_cone():
    found = components(alone(item()))
    columns, rows = found.columns[0].tolist(), found.rows[0].tolist()
    assert columns[0] == columns[2] == rows[0] == rows[1] == rows[2]
    assert columns[1] == columns[3] == rows[3]
    own = [columns[0], columns[1], columns[4], rows[4]]
    assert len(set(own)) == 4
    assert found.of_columns(np.add, np.ones((1, 5)))[0, own].tolist() == [2, 2, 1, 0]


def test_each_component_has_an_objective_and_right_sides_of_size_one():
    items = alone(item())
    parts, scaled = components(items), equilibrate(items).apply(items)
    sizes = np.abs(scaled.q), scaled.P.largest_by_row(np.ones((1, 5)))
    own = np.unique(parts.columns)
    assert parts.of_columns(np.maximum, np.maximum(*sizes))[0, own] == pytest.approx(1.0)
    assert parts.of_rows(np.maximum, np.abs(scaled.b))[0, np.unique(parts.rows)] == pytest.approx(1.0)


BESIDE = """
param a : R, nonneg
param b : R
var x : R^2
var y : R
minimize a*y + inv_pos(x[0]) + inv_pos(2*x[1])
subject to
  norm(x) <= b
  low: y >= 1
"""


@pytest.fixture(scope="module")
def beside():
    return declarative.compile(declarative.parse(BESIDE, name="beside"), backend="cone", on_failure="mask")


@pytest.mark.parametrize("weight", [1e-6, 1.0, 1e6])
def test_a_term_of_the_objective_is_exact_beside_any_other(beside, weight):
    """1/p^3 = 1/(2 q^3) on the circle, and a multiplier 1/(2 q^2) |x| / q."""
    b = torch.tensor(SIZES, dtype=torch.float64)
    found = beside.solve(weight, b)
    ratio = 2 ** (1 / 3)
    q = b / math.sqrt(1 + ratio**2)
    wanted = torch.stack([ratio * q, q], -1)
    assert (found.status == Status.SOLVED).all()
    assert ((found.x - wanted).abs().amax(-1) <= 1e-9 * b).all() and (found.y == 1).all()


def test_its_gradient_is_too(beside):
    b = torch.tensor(1e8, dtype=torch.float64, requires_grad=True)
    (x,) = torch.autograd.grad(beside.solve(1e6, b).x[0], b)
    assert x == pytest.approx(2 ** (1 / 3) / math.sqrt(1 + 2 ** (2 / 3)), rel=1e-9)


TERMS = """
param a : R^5, nonneg
param s : R^5, nonneg
var x : R^5, nonneg
minimize a[0]*(inv_pos(x[0]) + x[0]/s[0]^2) + a[1]*(x[1]^3/3 - s[1]^2*x[1]) + a[2]*(x[2]/s[2] - log(x[2])) +
  a[3]*(2*x[3]^1.5/3 - sqrt(s[3])*x[3]) + a[4]*(x[4] - s[4])^2
"""


@pytest.mark.parametrize("seed", range(4))
def test_terms_of_any_size_at_points_of_any_size(seed):
    """Each x[i] is s[i]: weights and solutions from 1e-9 to 1e9, in one objective."""
    layer = declarative.compile(declarative.parse(TERMS, name="terms"), backend="cone", on_failure="mask")
    generator = torch.Generator().manual_seed(seed)
    a, s = (10 ** (18 * torch.rand(6, 5, generator=generator, dtype=torch.float64) - 9) for _ in range(2))
    found = layer.solve(a, s)
    assert (found.status == Status.SOLVED).all()
    assert ((found.x - s).abs() <= 1e-6 * s).all()
