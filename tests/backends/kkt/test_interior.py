"""The interior-point method for quadratic programs, compiled: the points that it finds in torch, as fast."""

import pytest
import torch
from backends.kkt.smooth_programs import FLOAT, INF, times
from torch import Tensor

from declarative.backends.kkt.convex import ITERATIONS
from declarative.backends.kkt.methods.qp import Rough, one_by_one, solve_quadratic, suits, together
from declarative.backends.kkt.program.quadratic import Quadratic

BATCH = 12


def curved_in(rank: int, n: int, p: int, q: int, entries: float = 1.0) -> Quadratic:
    """Programs whose objective is curved in so many directions, in boxes, with this part of their rows' entries."""
    generator = torch.Generator().manual_seed(n + q)

    def normal(*shape: int) -> Tensor:
        return torch.randn(BATCH, *shape, generator=generator, dtype=FLOAT)

    F, A, G, x = normal(rank, n), normal(p, n), normal(q, n), normal(n)
    G = G * (torch.rand(G.shape, generator=generator) < entries)
    sides, zero = torch.full_like(x, 5.0), torch.zeros(1, dtype=FLOAT)
    return Quadratic(F.mT @ F, normal(n), zero, A, times(A, x), G, times(G, x) + normal(q).abs(), -sides, sides)


def agree(found: Rough, expected: Rough):
    """The same point after as many steps, but for rounding on the last one."""
    assert torch.equal(found.active, expected.active)
    assert ((found.iterations - expected.iterations).abs() <= 1).all()
    for own, other in zip(found.at.parts(), expected.at.parts(), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-7, atol=1e-7)


# (n, p, q): without equations, without rows, equations for all but one variable, one variable, more rows
SIZES = [(6, 2, 5), (10, 0, 10), (8, 3, 0), (5, 4, 1), (1, 0, 3), (12, 2, 40)]


@pytest.mark.parametrize("n, p, q", SIZES)
@pytest.mark.parametrize("rank", [0, 2])
@pytest.mark.parametrize("entries", [1.0, 0.2])
def test_item_by_item_it_finds_the_points_that_torch_finds(n, p, q, rank, entries):
    qp = curved_in(rank, n, p, q, entries)
    assert suits(qp)
    agree(one_by_one(qp, ITERATIONS), together(qp, ITERATIONS))


def test_bounds_and_sides_that_only_some_items_have():
    qp = curved_in(2, 6, 1, 4)
    g = torch.Generator().manual_seed(1)
    for side, value in ((qp.lower, -INF), (qp.upper, INF), (qp.h, INF)):
        side[torch.rand(side.shape, generator=g) < 0.3] = value
    agree(one_by_one(qp, ITERATIONS), together(qp, ITERATIONS))


def test_dependent_equations_and_variables_that_nothing_curves():
    """x1 + x2 = 1 twice, min x3 with x3 >= x1 - x2 and x3 >= x2 - x1: all are free, and x = (1/2, 1/2, 0)."""
    zero, none = torch.zeros(1, 3, 3, dtype=FLOAT), torch.full((1, 3), INF, dtype=FLOAT)
    A = torch.tensor([[[1.0, 1, 0], [1, 1, 0]]], dtype=FLOAT)
    G = torch.tensor([[[1.0, -1, -1], [-1, 1, -1]]], dtype=FLOAT)
    q, one = torch.tensor([[0.0, 0, 1]], dtype=FLOAT), torch.ones(1, 2, dtype=FLOAT)
    found = solve_quadratic(Quadratic(zero, q, q[:, 0], A, one, G, 0 * one, -none, none), ITERATIONS)
    torch.testing.assert_close(found.at.x, torch.tensor([[0.5, 0.5, 0]], dtype=FLOAT), rtol=0, atol=1e-8)
    torch.testing.assert_close(found.at.z, one / 2, rtol=0, atol=1e-8)


def test_an_item_is_solved_as_it_is_alone():
    qp = curved_in(1, 7, 2, 9, 0.5)
    whole = one_by_one(qp, ITERATIONS)
    for k in (0, BATCH - 1):
        alone = one_by_one(qp.take(torch.tensor([k])), ITERATIONS)
        assert torch.equal(alone.at.x[0], whole.at.x[k])
        assert torch.equal(alone.active[0], whole.active[k])


def test_data_that_are_no_numbers_stop_an_item_and_no_other():
    qp = curved_in(2, 4, 1, 3)
    expected = one_by_one(qp, ITERATIONS)
    qp.q[0, 0] = torch.nan
    found = one_by_one(qp, ITERATIONS)
    assert found.iterations[0] <= 1
    assert torch.equal(found.at.x[1:], expected.at.x[1:])
