"""Cone programs with numbers: solutions, duals and gradients against CVXPY, closed forms and central differences."""

from concurrent.futures import ThreadPoolExecutor

import cvxpy as cp
import numpy as np
import pytest
import torch
from backends.cone.programs import (
    blocks_of,
    item_of,
    scalar_of,
    solved,
    structure_of,
    symmetric,
    tensors_of,
)
from scipy.optimize import brentq

import declarative
from declarative.backends.cone.differentiate.function import Report, solve_batch
from declarative.backends.cone.envelope import OptimalValue
from declarative.backends.cone.methods.solve import solve_items
from declarative.backends.cone.program.item import Item, alone
from declarative.backends.cone.sets.cones import Block, Cones, Kind
from declarative.backends.status import Status

rng = np.random.default_rng(1)
A, y = rng.standard_normal((12, 5)), rng.standard_normal(12)
C = rng.standard_normal((5, 5))
w, w4 = cp.Variable(5), cp.Variable(4)
X = cp.Variable((5, 5), symmetric=True)
ellipsoids = 0.1 * rng.standard_normal((8, 5, 3))
labels = np.sign(rng.standard_normal(12))

REGULAR = {
    "nearest_correlation": cp.Problem(cp.Minimize(cp.sum_squares(X - C - C.T)), [cp.diag(X) == 1, X >> 0]),
    "simplex": cp.Problem(cp.Minimize(cp.sum_squares(w - y[:5]) / 2), [cp.sum(w) == 1, w >= 0]),
    "entropy": cp.Problem(cp.Maximize(y[:5] @ w + cp.sum(cp.entr(w))), [cp.sum(w) == 1]),
    "logistic": cp.Problem(cp.Minimize(cp.sum(cp.logistic(-cp.multiply(labels, A @ w))) + cp.norm1(w))),
    "lasso": cp.Problem(cp.Minimize(cp.sum_squares(A @ w - y) / 2 + 2 * cp.norm1(w))),
    "minimax": cp.Problem(cp.Minimize(cp.norm_inf(A @ w - y))),
    "norms": cp.Problem(cp.Minimize(cp.norm(A @ w - y) + 0.5 * cp.norm(w))),
    "robust": cp.Problem(
        cp.Minimize(y[:5] @ w + cp.sum_squares(w)),
        [A[i] @ w + cp.norm(ellipsoids[i].T @ w) <= -0.2 for i in range(3)],
    ),
    "geometric_mean": cp.Problem(cp.Maximize(cp.geo_mean(w4) + 0.2 * w4[0]), [cp.sum(w4) <= 1]),
    "powers": cp.Problem(cp.Minimize(cp.sum(cp.power(w4, 1.5, approx=False)) - (1 + y[:4] ** 2) @ w4)),
}


@pytest.mark.parametrize("name", REGULAR)
def test_the_value_is_cvxpys_and_the_point_is_certified(name):
    item, found = solved(REGULAR[name])
    value = found.point.x @ item.P @ found.point.x / 2 + item.q @ found.point.x
    reference = REGULAR[name].solve(solver=cp.CLARABEL)
    offset = REGULAR[name].get_problem_data(cp.CLARABEL)[2][-1]["offset"]
    sign = -1 if isinstance(REGULAR[name].objective, cp.Maximize) else 1
    assert found.status is Status.SOLVED
    assert max(found.residuals.primal, found.residuals.dual, found.residuals.gap) < 1e-11
    assert sign * (value + offset) == pytest.approx(reference, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", REGULAR)
def test_gradients_with_respect_to_all_data_equal_central_differences(name):
    item = item_of(REGULAR[name])
    structure, data = structure_of(item), [t.requires_grad_() for t in tensors_of(item)]
    gx, gz = torch.randn(structure.columns).double(), torch.randn(item.cones.rows).double()
    value = scalar_of(structure, gx, gz)
    gradients = torch.autograd.grad(value(*data), data)
    for k, gradient in enumerate(gradients):
        move = torch.randn_like(data[k])
        move = symmetric(structure, move) if k == 0 else move
        ends = [value(*(d + sign * 1e-5 * move if i == k else d for i, d in enumerate(data))) for sign in (1, -1)]
        scale = gradient.norm() * move.norm() + 1e-6
        assert abs((ends[0] - ends[1]) / 2e-5 - (gradient * move).sum()) <= 1e-6 * scale


@pytest.mark.parametrize("name", ["nearest_correlation", "lasso", "logistic", "norms"])
def test_forward_mode_is_the_transpose_of_backward_mode(name):
    item = item_of(REGULAR[name])
    structure, data = structure_of(item), tensors_of(item)
    moves = [torch.randn_like(d) for d in data]
    gx, gz = torch.randn(1, structure.columns).double(), torch.randn(1, item.cones.rows).double()
    solution = lambda *d: solve_batch(structure, *d)[:2]  # noqa: E731
    (dx, dz) = torch.func.jvp(solution, tuple(data), tuple(moves))[1]
    pulled = torch.func.vjp(solution, *data)[1]((gx, gz))
    forward = (dx * gx).sum() + (dz * gz).sum()
    backward = sum((g * m).sum() for g, m in zip(pulled, moves, strict=True))
    assert forward == pytest.approx(backward.item(), rel=1e-9)


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
def test_gradients_scale_with_what_comes_in(size):
    item = item_of(REGULAR["nearest_correlation"])
    structure, data = structure_of(item), [t.requires_grad_() for t in tensors_of(item)]
    gx, gz = torch.randn(structure.columns).double(), torch.zeros(item.cones.rows).double()
    base = torch.autograd.grad(scalar_of(structure, gx, gz)(*data), data)
    scaled = torch.autograd.grad(scalar_of(structure, size * gx, gz)(*data), data)
    for one, other in zip(base, scaled, strict=True):
        assert (size * one - other).norm() <= 1e-12 * size * one.norm()


def test_the_value_has_the_gradient_of_the_envelope_theorem():
    item = item_of(REGULAR["lasso"])
    structure, data = structure_of(item), [t.requires_grad_() for t in tensors_of(item)]
    P_at, A_at = torch.tensor(structure.P_at), torch.tensor(structure.A_at)

    def optimum(*d):
        x, z, _, _ = solve_batch(structure, *d)
        return OptimalValue.apply(*d, x, z, P_at, A_at).sum()

    for k, gradient in enumerate(torch.autograd.grad(optimum(*data), data)):
        move = torch.randn_like(data[k])
        move = symmetric(structure, move) if k == 0 else move
        ends = [optimum(*(d + s * 1e-5 * move if i == k else d for i, d in enumerate(data))) for s in (1, -1)]
        assert (gradient * move).sum().item() == pytest.approx((ends[0] - ends[1]).item() / 2e-5, rel=1e-7, abs=1e-9)


def test_a_bad_item_harms_no_other_and_has_gradient_zero():
    item = item_of(cp.Problem(cp.Minimize(cp.sum_squares(w - y[:5])), [cp.sum(w) == 1, w >= 0, w <= 0.5]))
    structure, (P, q, values, b) = structure_of(item), tensors_of(item)
    rows = b.repeat(4, 1)
    rows[1, 5 if item.cones.blocks[0].rows == 6 else 0] = -3.0  # sum(w) == -3 has no solution with w >= 0
    rows[2, 0] = torch.nan
    rows.requires_grad_()
    x, _, report, outcomes = solve_batch(structure, P, q, values, rows)
    statuses = [Status(int(s)) for s in report[:, Report.STATUS]]
    assert statuses == [Status.SOLVED, Status.INFEASIBLE, Status.FAILED, Status.SOLVED]
    alone = solve_batch(structure, P, q, values, b)[0]
    assert torch.equal(x[0], alone[0])
    assert torch.equal(x[3], alone[0])
    (gradient,) = torch.autograd.grad((x**2).sum(), rows)
    assert torch.equal(gradient[1:3], torch.zeros_like(gradient[1:3]))
    assert gradient[0].abs().max() > 0.01
    ray = outcomes.items[1].ray
    assert np.abs(item.A.T @ ray).max() < 1e-6 * np.abs(ray).max()
    assert rows.detach().numpy()[1] @ ray < 0


def test_an_unbounded_item_has_a_ray():
    item, found = solved(cp.Problem(cp.Minimize(cp.sum(w)), [A[:3] @ w <= 1]))
    assert found.status is Status.UNBOUNDED
    assert item.q @ found.ray < 0
    assert (item.A @ found.ray).max() <= 1e-7 * np.abs(found.ray).max()


def test_an_infinite_side_is_no_constraint():
    item = item_of(cp.Problem(cp.Minimize(cp.sum_squares(w - y[:5])), [w <= 0.1]))
    structure, (P, q, values, b) = structure_of(item), tensors_of(item)
    rows = b.clone()
    rows[0, item.cones.rows - 5 :] = torch.inf
    rows.requires_grad_()
    x, _, report, _ = solve_batch(structure, P, q, values, rows)
    assert report[0, Report.STATUS] == Status.SOLVED
    (gradient,) = torch.autograd.grad(x.sum(), rows)
    assert torch.isfinite(gradient).all()
    shown = x[0, [bool(np.isclose(v, y[:5], atol=1e-9).any()) for v in x[0].tolist()]]
    assert len(shown) >= 5


@pytest.mark.parametrize("size", [1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9])
@pytest.mark.parametrize("where", ["variables", "objective", "row", "data"])
def test_scaled_problems_are_solved_as_exactly(size, where):
    """The projection onto the simplex in other units: a, b, c, d of variables, objective, a row, the data."""
    a, b, c, d = (size if where == part else 1.0 for part in ("variables", "objective", "row", "data"))
    cones = Cones((Block(Kind.ZERO, 1), Block(Kind.NONNEG, 5)))
    rows = np.concatenate([c * a * np.ones((1, 5)), -np.eye(5)])
    right = np.array([c * d, 0, 0, 0, 0, 0])
    item = Item(b * a**2 * np.eye(5), -a * b * d * y[:5], rows, right, cones)
    found = solve_items(alone(item), blocks_of(item))[0]
    level = brentq(lambda t: np.maximum(y[:5] - t, 0).sum() - 1, -10, 10, xtol=1e-15)
    assert found.status is Status.SOLVED
    assert np.allclose(found.point.x * a / d, np.maximum(y[:5] - level, 0), rtol=1e-12, atol=1e-12)
    assert found.point.z[0] * c / (b * d) == pytest.approx(level, rel=1e-12)


def test_dependent_equalities_have_least_norm_multipliers_and_a_gradient():
    costs, P = rng.uniform(size=(3, 3)), cp.Variable((3, 3))
    marginals = [cp.sum(P, axis=1) == 1 / 3, cp.sum(P, axis=0) == 1 / 3]
    problem = cp.Problem(cp.Minimize(cp.sum(cp.multiply(costs, P)) - 0.1 * cp.sum(cp.entr(P))), marginals)
    item, found = solved(problem)
    nu = found.point.z[:6]
    assert found.status is Status.SOLVED
    assert nu[:3].sum() == pytest.approx(nu[3:].sum(), abs=1e-12)
    structure, data = structure_of(item), tensors_of(item)
    q = data[1].clone().requires_grad_()
    g = torch.randn(structure.columns).double()
    value = lambda q: (solve_batch(structure, data[0], q, *data[2:])[0] @ g).sum()  # noqa: E731
    (gradient,) = torch.autograd.grad(value(q), q)
    move = torch.randn_like(q)
    numeric = (value(q + 1e-5 * move) - value(q - 1e-5 * move)) / 2e-5
    assert (gradient * move).sum().item() == pytest.approx(numeric.item(), rel=1e-6)
    assert solve_batch(structure, *data)[2][0, Report.DUAL_NONUNIQUE] == 1
    assert solve_batch(structure, *data)[2][0, Report.NONUNIQUE] == 0


def test_vmap_maps_over_the_batch():
    item = item_of(REGULAR["simplex"])
    structure, (P, q, values, b) = structure_of(item), tensors_of(item)
    many = q + 0.1 * torch.randn(3, 1, q.shape[1]).double()
    mapped = torch.func.vmap(lambda q: solve_batch(structure, P, q, values, b)[0])(many)
    assert torch.allclose(mapped[:, 0], solve_batch(structure, P, many[:, 0], values, b)[0], atol=1e-14)


def test_jacobians_by_both_modes_agree():
    item = item_of(REGULAR["simplex"])
    structure, (P, q, values, b) = structure_of(item), tensors_of(item)
    solution = lambda q: solve_batch(structure, P, q, values, b)[0][0]  # noqa: E731
    backward, forward = torch.func.jacrev(solution)(q), torch.func.jacfwd(solution)(q)
    assert torch.allclose(backward, forward, atol=1e-12)


def test_an_empty_batch_passes():
    item = item_of(REGULAR["simplex"])
    structure, (P, q, values, b) = structure_of(item), tensors_of(item)
    x, z, report, _ = solve_batch(structure, P, q[:0], values, b)
    assert (x.shape, z.shape, report.shape) == ((0, q.shape[1]), (0, b.shape[1]), (0, len(Report)))


def test_calls_of_many_threads_give_what_one_after_the_other_gives():
    """To the last bit: a solver that was kept remembers nothing, and serves one call at a time."""
    text = "dim n; param C : S^n; var X : S^n; minimize sumsq(X - C); subject to; diag(X) == 1; X in PSD"
    layer = declarative.compile(declarative.parse(text, name="nearest"), backend="cone")
    data = [own + own.mT for own in torch.as_tensor(rng.standard_normal((20, 3, 5, 5)))]
    wanted = [layer(own) for own in data]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(layer, 3 * data))
    assert all(torch.equal(a, b) for a, b in zip(found, 3 * wanted, strict=True))
