"""Cones are balanced where slack and multiplier both stay, and answers are exact however weak a constraint is."""

import numpy as np
import pytest
import torch

import declarative
from declarative.backends.cone.linear.matrices import pattern_of
from declarative.backends.cone.program.item import Item, Items, Point, alone
from declarative.backends.cone.program.scaling import equilibrate, rebalance, unscaled
from declarative.backends.cone.sets.cones import Block, Cones, Kind

CONE = Cones((Block(Kind.SOC, 3),))
MU = 1e-6


def factor(s: list[float], z: list[float]) -> float:
    items = alone(Item(np.zeros((1, 1)), np.zeros(1), np.ones((3, 1)), np.zeros(3), CONE))
    return float(rebalance(unscaled(items), Point(np.zeros((1, 1)), np.array([s]), np.array([z])), items).D[0, 0])


@pytest.mark.parametrize("size", (1.0, 1e-2, 1e4))
def test_a_cone_with_slack_and_multiplier_on_the_boundary_is_balanced(size):
    """(1, 1, 0) and size (1, -1, 0), each short of the boundary by what the central path leaves."""
    gap = MU / size / 2
    found = factor([1 + gap, 1.0, 0.0], [size + MU / 2, -size, 0.0])
    assert found == pytest.approx(np.sqrt(size), rel=1e-3)


@pytest.mark.parametrize("margin", (1.0, 0.1, 0.01))
def test_a_cone_whose_multiplier_is_about_to_vanish_is_not(margin):
    """z = mu s^-1 for s inside: balanced, s - z would seem to lie outside of the cone."""
    s = np.array([1.0 + margin, 1.0, 0.0])
    z = MU / (s[0] ** 2 - 1) * np.array([s[0], -1.0, 0.0])
    assert factor(s.tolist(), z.tolist()) == 1.0


WEAK = """
param c : R^3
var x : R^3
var y : R^3
minimize -sum(x) + c'*y
subject to
  a: norm(x) <= 1
  b: norm(y) <= 1
"""


@pytest.fixture(scope="module")
def layer():
    return declarative.compile(declarative.parse(WEAK, name="weak"), backend="cone")


@pytest.mark.parametrize("digits", range(9))
def test_a_weak_multiplier_beside_a_strong_one(layer, digits):
    """y = -c/|c| and its multiplier |c|, beside one of size one."""
    c = (torch.tensor([0.3, -0.5, 0.8]).double() * 10.0**-digits).requires_grad_()
    found = layer.solve(c)
    wanted = -c / c.norm()
    assert torch.allclose(found["y"], wanted, rtol=0, atol=1e-10)
    assert torch.allclose(found.duals["b"], c.norm(), rtol=1e-10, atol=0)
    own, other = (torch.autograd.grad(y[0], c)[0] for y in (found["y"], wanted))
    assert (own - other).norm() <= 1e-9 * other.norm()


def test_scales_of_columns_make_the_geometric_means_one_in_turn():
    """Four sweeps over dense matrices, with entries of 0 in some items; a bound on one variable has no say."""
    cones = Cones((Block(Kind.SOC, 3), Block(Kind.NONNEG, 4)))
    rng, (m, n) = np.random.default_rng(0), (7, 4)
    A = np.exp(3 * rng.standard_normal((2, m, n))) * (rng.uniform(size=(2, m, n)) < 0.7)
    A[:, 6], A[:, 6, 1], A[:, :6, 3] = 0.0, 1e-5, 0.0
    pattern = pattern_of(np.stack(np.nonzero(np.ones((m, n)))), (m, n))
    none = pattern_of(np.zeros((2, 0), dtype=np.int64), (n, n)).matrices(np.zeros((2, 0)))
    q, b = np.ones((2, n)), np.ones((2, m))
    found = equilibrate(Items(none, q, pattern.matrices(A.reshape(2, -1)), b, cones))
    group = np.array([0, 0, 0, 1, 2, 3, 4])
    for k in range(2):
        there, logs = A[k] != 0, np.log(np.where(A[k] != 0, A[k], 1.0))
        say = there & ((group == 0) | (there.sum(1) > 1))[:, None]
        d = np.zeros(m)
        for _ in range(4):
            e = -((logs + d[:, None]) * say).sum(0) / np.maximum(say.sum(0), 1)
            off = ((logs + e) * there).sum(1)
            d = np.array([-off[group == g].sum() / max(there[group == g].sum(), 1) for g in group])
        ratio = np.log(found.E[k]) - np.where(say.any(0), e, 0.0)
        assert np.ptp(ratio[:3]) < 1e-12 and not say[:, 3].any()


@pytest.mark.parametrize("size", (1.0, 1e3, 1e6, 1e9))
def test_an_exponential_far_below_its_bound_is_not_balanced(size):
    """exp(-size) <= size: the multiplier of the cone vanishes, and x = -size, y = -size."""
    text = "param r : R, pos\nvar x : R^2\nminimize x[0] + 2*x[1]\nsubject to\n exp(x[0]) <= r\n -r <= x <= r"
    found = declarative.compile(declarative.parse(text, name="far"), backend="cone").solve(torch.tensor(size).double())
    assert found.status == declarative.Status.SOLVED
    assert torch.allclose(found["x"], -torch.full((2,), size).double(), rtol=1e-9, atol=0)


def test_a_zero_in_another_item_changes_no_bit_of_a_scaling():
    """Items without zeros go by one pass over the pattern, others by one each."""
    rng = np.random.default_rng(0)
    cones = Cones((Block(Kind.ZERO, 2), Block(Kind.NONNEG, 3), Block(Kind.SOC, 4), Block(Kind.SOC, 3)))
    places = np.stack(np.nonzero(rng.random((cones.rows, 5)) < 0.7))
    A = np.exp(3 * rng.standard_normal((3, places.shape[1])))
    A[2, ::3] = 0.0
    q, b = rng.standard_normal((3, 5)), rng.standard_normal((3, cones.rows))
    P = pattern_of(np.zeros((2, 0), dtype=np.int64), (5, 5)).matrices(np.zeros((3, 0)))
    items = Items(P, q, pattern_of(places, (cones.rows, 5)).matrices(A), b, cones)
    mixed, whole = equilibrate(items), equilibrate(items.some(np.arange(2)))
    np.testing.assert_array_equal(mixed.E[:2], whole.E)
    np.testing.assert_array_equal(mixed.D[:2], whole.D)
    rows, columns = rng.random((3, cones.rows)), rng.random((3, 5))
    scaled = items.A.scaled(rows, columns)
    for k in range(3):
        wanted = rows[k][:, None] * items.A.one(k, sparse=False) * columns[k]
        np.testing.assert_allclose(scaled.one(k, sparse=False), wanted, rtol=1e-15)
