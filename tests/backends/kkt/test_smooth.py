"""Smooth programs: infeasible and unbounded ones, saddles, batches against their items."""

import pytest
import torch
from backends.kkt.smooth_programs import FLOAT, smooth_program, solved, tensor

from declarative.backends.kkt.methods.trust_region import trust_region
from declarative.backends.kkt.program.program import SmoothProgram
from declarative.backends.kkt.solve import solve
from declarative.backends.status import Status


def shifted_circle() -> SmoothProgram:
    """min (x0 - a)^2 + x1 on the circle of squared radius r inside x0 + x1 <= 1; theta = ((a, r),)."""
    return smooth_program(
        2, lambda x, t: (x[0] - t[0][:, 0]) ** 2 + x[1], lambda x, t: [x[0] ** 2 + x[1] ** 2 - t[0][:, 1]],
        lambda x, t: [x[0] + x[1] - 1],
    )  # fmt: skip


def test_a_batch_is_its_items_and_no_item_spoils_another():
    theta = tensor([[0.0, 1], [1, 4], [0.3, -1], [2, 9], [torch.nan, 1], [-3, 0.5]])
    start = tensor([[0.4, 0.1], [1, -1], [0.3, 0.3], [3, -2], [0, 0], [0.1, 0.1]])
    whole = solve(shifted_circle(), (theta,), start)
    assert whole.status.tolist() == [0, 0, Status.INFEASIBLE, 0, Status.FAILED, 0]
    assert whole.blamed == {2: [("c", 0)]} and sorted(whole.messages) == [2, 4]
    for i in (0, 1, 3, 5):
        alone = solve(shifted_circle(), (theta[i : i + 1],), start[i : i + 1])
        torch.testing.assert_close(alone.x[0], whole.x[i], rtol=0, atol=1e-12)


def test_infeasible_is_a_stationary_violation():
    program = smooth_program(1, lambda x, t: x[0], lambda x, t: [x[0] ** 2 + t[0][:, 0]])
    result = solve(program, (tensor([[1.0], [0.0], [-4]]),), tensor([[3.0], [0.5], [-1]]))
    assert result.status[0] == Status.INFEASIBLE and result.status[2] == Status.SOLVED
    assert result.status[1] != Status.SOLVED or result.x[1].abs() < 1e-3  # no multiplier exists at x = 0
    torch.testing.assert_close(result.x[2], tensor([-2.0]), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "objective", [lambda x, t: -(x[0] ** 4), lambda x, t: x[0] - x[1], lambda x, t: x[0] ** 3 + x[0] + x[1] ** 2]
)
def test_unbounded_below(objective):
    result = solve(smooth_program(2, objective), (), tensor([[0.5, 0.5]]))
    assert result.status[0] == Status.UNBOUNDED


def test_saddles_and_maxima_are_left():
    program = smooth_program(2, lambda x, t: (x[0] ** 2 - 1) ** 2 + x[1] ** 2)
    result = solved(program, (), tensor([[0.0, 0], [0, 3], [2, 1]]))
    torch.testing.assert_close(result.x[:, 0].abs(), torch.ones(3, dtype=FLOAT), rtol=0, atol=1e-10)
    circle = smooth_program(2, lambda x, t: x[0], lambda x, t: [x[0] ** 2 + x[1] ** 2 - 1])
    result = solved(circle, (), tensor([[1.0, 0]]))
    torch.testing.assert_close(result.x, tensor([[-1.0, 0]]), rtol=0, atol=1e-10)


def test_an_inflection_is_left():
    """x^3 is stationary at 0; in a box its minimum is at the lower end, and without one there is none."""
    result = solved(smooth_program(1, lambda x, t: x[0] ** 3, lower=[-1], upper=[5]), (), tensor([[0.0], [2.0]]))
    torch.testing.assert_close(result.x, tensor([[-1.0], [-1.0]]), rtol=0, atol=1e-12)
    assert solve(smooth_program(1, lambda x, t: x[0] ** 3), (), tensor([[0.0]])).status[0] == Status.UNBOUNDED
    both = smooth_program(2, lambda x, t: x[0] ** 3 + x[1] ** 2, lower=[-2, -9], upper=[9, 9])
    torch.testing.assert_close(solved(both, (), tensor([[0.0, 0]])).x, tensor([[-2.0, 0]]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("power", [2, 4, 6])
def test_a_flat_minimum_is_no_inflection(power):
    result = solved(smooth_program(2, lambda x, t: (x[0] - 1) ** power + x[1] ** 2), (), tensor([[2.0, 1]]))
    assert result.minimum.all() and float(result.value) < 1e-7


@pytest.mark.parametrize("towards", [lambda x, t: 1 / (1 + x[0] ** 2), lambda x, t: (-x[0]).exp()])
def test_a_limit_at_infinity_is_neither_a_minimum_nor_unbounded(towards):
    result = solve(smooth_program(1, towards, lower=[0.5]), (), tensor([[3.0]]))
    assert result.status[0] != Status.UNBOUNDED
    assert result.status[0] != Status.SOLVED or float(result.value) < 1e-12


def test_domains_and_starts_outside_bounds():
    program = smooth_program(2, lambda x, t: x[0] * x[1] - x[0].log() - x[1].sqrt(), lower=[0.5, 0.25], upper=[3, 2])
    result = solved(program, (), tensor([[-5.0, 9], [1, 1], [0, 0]]))
    assert (result.x >= tensor([0.5, 0.25])).all() and (result.x <= tensor([3, 2])).all()
    torch.testing.assert_close(result.x, result.x[:1].expand(3, -1), rtol=0, atol=1e-10)


def test_variables_fixed_by_equal_bounds():
    program = smooth_program(3, lambda x, t: sum((v - 2) ** 4 + v for v in x), lower=[1, 0, 1.5], upper=[1, 3, 1.5])
    result = solved(program, (), tensor([[0.0, 0, 0]]))
    torch.testing.assert_close(result.x, tensor([[1, 2 - 0.25 ** (1 / 3), 1.5]]), rtol=0, atol=1e-10)
    assert not result.degenerate.any() and result.dual_nonunique.all()


def test_multipliers_of_a_nonlinear_program():
    program = smooth_program(
        2, lambda x, t: (x[0] - 2) ** 2 + (x[1] - 1) ** 2, None, lambda x, t: [x[0] ** 2 - x[1], x[0] + x[1] - 2]
    )
    result = solved(program, (), tensor([[2.0, 2]]))
    torch.testing.assert_close(result.x, tensor([[1.0, 1]]), rtol=0, atol=1e-12)
    torch.testing.assert_close(result.z, tensor([[2 / 3, 2 / 3]]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("unit", [1e-4, 1e-2, 1, 1e3, 1e6])
def test_units_of_the_variables_and_of_the_values_do_not_matter(unit):
    program = smooth_program(
        2, lambda x, t: unit**2 * ((x[0] / unit - 2) ** 4 + (x[1] / unit) ** 2), None,
        lambda x, t: [(x[0] / unit) ** 2 / unit + (x[1] / unit) ** 2 / unit - 1 / unit],
    )  # fmt: skip
    result = solved(program, (), tensor([[0.1 * unit, 0.2 * unit]]))
    torch.testing.assert_close(result.x / unit, tensor([[1.0, 0]]), rtol=0, atol=1e-12)
    torch.testing.assert_close(result.z, tensor([[2 * unit**3]]), rtol=1e-11, atol=0)


def random_nonconvex(seed: int, batch: int, n: int, p: int, q: int):
    """Quartics with quadratic constraints through or around a common point, in a box."""
    g = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=FLOAT)

    def rows(x, M, J):
        return torch.einsum("bi,bkij,bj->bk", x, M, x) / 2 + torch.einsum("bkj,bj->bk", J, x)

    at, H = normal(batch, n) / 2, normal(batch, n, n)
    C, Jc, G, Jg = normal(batch, p, n, n), normal(batch, p, n), normal(batch, q, n, n), normal(batch, q, n)
    theta = (H, normal(batch, n), C, Jc, rows(at, C, Jc), G, Jg, rows(at, G, Jg) + normal(batch, q).abs() / 2)
    side = torch.full((1, n), 2.0, dtype=FLOAT)
    return SmoothProgram(
        n, p, q,
        lambda x, t: torch.einsum("bi,bij,bj->b", x, t[0], x) / 2 + (t[1] * x).sum(-1) + (x**4).sum(-1) / 10,
        lambda x, t: rows(x, t[2], t[3]) - t[4], lambda x, t: rows(x, t[5], t[6]) - t[7],
        lambda t: (-side, side), torch.zeros(2, n, dtype=torch.bool),
    ), theta  # fmt: skip


def test_random_nonconvex_programs_reach_certified_minima():
    program, theta = random_nonconvex(0, 16, 5, 2, 4)
    result = solved(program, theta, torch.zeros(16, 5, dtype=FLOAT))
    assert result.minimum.all()
    assert torch.stack([result.primal, result.dual, result.gap]).max() < 1e-12


def test_a_hessian_that_is_no_number_stops_its_item_alone():
    """x + |x - a|^1.5 has a slope at a, and an infinite curvature; its minimum is at a - 4/9."""
    program = smooth_program(3, lambda x, t: sum(v + (v - t[0][:, 0]).abs() ** 1.5 for v in x))
    at, stop, _ = trust_region(program, (tensor([[0.0], [1.0]]),), tensor([[0.0] * 3, [0.0] * 3]), 50, 1e-8)
    assert stop.stuck.tolist() == [True, False] and stop.converged.tolist() == [False, True]
    torch.testing.assert_close(at.x[1], tensor([1 - 4 / 9] * 3))
