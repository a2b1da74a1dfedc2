"""Random quadratic programs against Clarabel; badly scaled ones against themselves; batches against their items."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
import torch
from backends.kkt.smooth_programs import FLOAT, INF, quadratic_program, random_quadratic, tensor, times

from declarative.backends.kkt.solve import connect, solve
from declarative.backends.status import Status

SHAPES = [  # n, p, q, rank of P, shift of h that makes some items infeasible
    (1, 0, 2, 1, 0.0),
    (5, 0, 0, 3, 0.0),
    (6, 2, 9, 0, 0.0),
    (8, 3, 5, 8, 0.0),
    (9, 1, 11, 6, 1.2),
    (12, 6, 20, 4, 0.6),
    (4, 2, 3, 0, 0.8),
    (7, 0, 13, 7, 1.5),
]
OUTCOME = {"optimal": Status.SOLVED, "infeasible": Status.INFEASIBLE, "unbounded": Status.UNBOUNDED}


def reference(P, q, A, b, G, h, lower, upper):
    """Status and value by Clarabel."""
    x = cp.Variable(len(q))
    rows = [A @ x == b] if len(b) else []
    rows += [G @ x <= h] if len(h) else []
    for i in range(len(q)):
        rows += [x[i] >= lower[i]] if np.isfinite(lower[i]) else []
        rows += [x[i] <= upper[i]] if np.isfinite(upper[i]) else []
    problem = cp.Problem(cp.Minimize(cp.quad_form(x, cp.psd_wrap(P)) / 2 + q @ x), rows)
    problem.solve(solver="CLARABEL")
    return OUTCOME[problem.status], problem.value


@pytest.mark.parametrize(("n", "p", "q", "rank", "shift"), SHAPES)
def test_status_and_value_agree_with_clarabel(n, p, q, rank, shift):
    batch = 4
    data = list(random_quadratic(n + q, batch, n, p, q, rank))
    data[5] = data[5] - shift * torch.rand(batch, q, dtype=FLOAT)
    result = solve(quadratic_program(n, p, q), tuple(data), torch.zeros(batch, n, dtype=FLOAT))
    for i in range(batch):
        status, value = reference(*(d[i].numpy() for d in data))
        assert result.status[i] == status
        if status == Status.SOLVED:
            torch.testing.assert_close(result.value[i], tensor(value), rtol=1e-6, atol=1e-7)
            assert max(result.primal[i], result.dual[i], result.gap[i]) < 1e-12


@pytest.mark.parametrize("seed", range(6))
def test_units_do_not_matter(seed):
    n, p, q, batch = 6, 2, 5, 8
    P, c, A, b, G, h, lower, upper = data = random_quadratic(seed, batch, n, p, q)
    program = replace(quadratic_program(n, p, q), blocks=torch.arange(n))
    start = torch.zeros(batch, n, dtype=FLOAT)
    before = solve(program, data, start)
    g = torch.Generator().manual_seed(seed)

    def powers(*shape, most=9.0):
        return 10 ** (most * (2 * torch.rand(*shape, generator=g, dtype=FLOAT) - 1))

    D = powers(batch, n, most=6) if seed % 2 else powers(batch, 1).expand(batch, n)
    E, F, k = powers(batch, p), powers(batch, q), powers(batch, 1)
    scaled = (
        P * D[:, :, None] * D[:, None] * k[:, :, None], c * D * k, A * D[:, None] * E[:, :, None], b * E,
        G * D[:, None] * F[:, :, None], h * F, lower / D, upper / D,
    )  # fmt: skip
    after = solve(program, scaled, start)
    assert (before.status == Status.SOLVED).all() and (after.status == Status.SOLVED).all()
    torch.testing.assert_close(after.x * D, before.x, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(after.z * F / k, before.z, rtol=1e-8, atol=1e-8)


def test_a_batch_is_its_items():
    n, p, q, batch = 7, 2, 9, 12
    data = random_quadratic(3, batch, n, p, q, 5)
    program, start = quadratic_program(n, p, q), torch.zeros(batch, n, dtype=FLOAT)
    whole = solve(program, data, start)
    for i in range(batch):
        alone = solve(program, tuple(d[i : i + 1] for d in data), start[:1])
        assert alone.status[0] == whole.status[i]
        torch.testing.assert_close(alone.x[0], whole.x[i], rtol=1e-10, atol=1e-10)


def test_inconsistent_and_dependent_equalities():
    n = 3
    A = tensor([[[1.0, 1, 0], [0, 1, 1], [1, 2, 1], [0, 0, 0]]]).repeat(3, 1, 1)
    b = tensor([[1.0, 2, 3, 0], [1, 2, 4, 0], [1, 2, 3, 1e-3]])
    none = (torch.zeros(1, 0, n, dtype=FLOAT), torch.zeros(1, 0, dtype=FLOAT))
    bounds = (torch.full((1, n), -INF, dtype=FLOAT), torch.full((1, n), INF, dtype=FLOAT))
    theta = (torch.eye(n, dtype=FLOAT)[None], torch.zeros(1, n, dtype=FLOAT), A, b, *none, *bounds)
    result = solve(quadratic_program(n, 4), theta, torch.zeros(3, n, dtype=FLOAT))
    assert result.status.tolist() == [Status.SOLVED, Status.INFEASIBLE, Status.INFEASIBLE]
    expected = torch.linalg.pinv(A[0]) @ b[0]
    torch.testing.assert_close(result.x[0], expected, rtol=0, atol=1e-12)
    assert result.dual_nonunique[0] and not result.nonunique[0] and not result.degenerate[0]
    assert result.blamed[2][0] == ("c", 3)


def test_fixed_variables_infinite_sides_and_crossed_bounds():
    n, batch = 3, 3
    P, q = torch.eye(n, dtype=FLOAT)[None], tensor([[-1.0, -2, -3]])
    G, h = tensor([[[1.0, 1, 1], [1, 0, 0]]]), tensor([[INF, 0.5]])
    none = (torch.zeros(1, 0, n, dtype=FLOAT), torch.zeros(1, 0, dtype=FLOAT))
    lower, upper = tensor([[0.0, 1, -INF]]).repeat(batch, 1), tensor([[INF, 1, INF]]).repeat(batch, 1)
    upper[1, 2], lower[2, 2], upper[2, 2] = 2, 4, 3
    theta = (P, q, *none, G, h, lower, upper)
    result = solve(quadratic_program(n, 0, 2), theta, torch.zeros(batch, n, dtype=FLOAT))
    assert result.status.tolist() == [Status.SOLVED, Status.SOLVED, Status.INFEASIBLE]
    torch.testing.assert_close(result.x[:2], tensor([[0.5, 1, 3], [0.5, 1, 2]]), rtol=0, atol=1e-13)
    torch.testing.assert_close(result.z[0], tensor([0, 0.5]), rtol=0, atol=1e-13)
    torch.testing.assert_close(result.z_upper[:2], tensor([[0.0, 1, 0], [0, 1, 1]]), rtol=0, atol=1e-13)
    assert not result.degenerate[:2].any() and result.dual_nonunique[:2].all()
    assert {entry[0] for entry in result.blamed[2]} == {"lower", "upper"}


def test_a_weakly_active_constraint_is_flagged_and_counts_as_inactive():
    n = 2
    theta = (torch.eye(n, dtype=FLOAT)[None], tensor([[0.0, -1]]),
             *(torch.zeros(1, 0, n, dtype=FLOAT), torch.zeros(1, 0, dtype=FLOAT)) * 2,
             torch.zeros(1, n, dtype=FLOAT), torch.full((1, n), INF, dtype=FLOAT))  # fmt: skip
    result = solve(quadratic_program(n), theta, torch.zeros(1, n, dtype=FLOAT))
    assert result.degenerate.all() and not result.active.lower.any()


def test_a_flat_direction_is_flagged():
    n = 2
    theta = (tensor([[[1.0, 1], [1, 1]]]), tensor([[-1.0, -1]]),
             *(torch.zeros(1, 0, n, dtype=FLOAT), torch.zeros(1, 0, dtype=FLOAT)) * 2,
             torch.full((1, n), -5.0, dtype=FLOAT), torch.full((1, n), 5.0, dtype=FLOAT))  # fmt: skip
    result = solve(quadratic_program(n), theta, torch.zeros(1, n, dtype=FLOAT))
    assert result.nonunique.all() and result.status[0] == Status.SOLVED


def test_an_indefinite_quadratic_goes_to_a_local_minimum():
    n = 2
    theta = (tensor([[[1.0, 0], [0, -1]]]), tensor([[0.0, 0.1]]),
             *(torch.zeros(1, 0, n, dtype=FLOAT), torch.zeros(1, 0, dtype=FLOAT)) * 2,
             torch.full((1, n), -1.0, dtype=FLOAT), torch.full((1, n), 1.0, dtype=FLOAT))  # fmt: skip
    result = solve(quadratic_program(n), theta, torch.zeros(1, n, dtype=FLOAT))
    torch.testing.assert_close(result.x, tensor([[0.0, -1]]), rtol=0, atol=1e-12)
    assert result.minimum.all()


def test_empty_batches():
    result = solve(quadratic_program(3, 1, 2), random_quadratic(0, 0, 3, 1, 2), torch.zeros(0, 3, dtype=FLOAT))
    assert result.x.shape == (0, 3) and result.status.shape == (0,)


def test_residuals_are_what_they_say():
    n, p, q, batch = 5, 2, 4, 3
    P, c, A, b, G, h, lower, upper = data = random_quadratic(8, batch, n, p, q)
    r = solve(quadratic_program(n, p, q), data, torch.zeros(batch, n, dtype=FLOAT))
    stationarity = times(P, r.x) + c + times(A.mT, r.y) + times(G.mT, r.z) - r.z_lower + r.z_upper
    assert stationarity.abs().max() < 1e-12 and (times(A, r.x) - b).abs().max() < 1e-12
    assert (times(G, r.x) - h).max() < 1e-12 and (r.x >= lower).all() and (r.x <= upper).all()
    assert (r.z >= 0).all() and (r.z_lower >= 0).all() and (r.z_upper >= 0).all()
    assert (r.z * (times(G, r.x) - h)).abs().max() < 1e-12


def test_duplicate_rows_share_their_multiplier():
    none = (torch.zeros(1, 0, 1, dtype=FLOAT), torch.zeros(1, 0, dtype=FLOAT))
    bounds = (tensor([[-INF]]), tensor([[INF]]))
    h = torch.zeros(1, 2, dtype=FLOAT, requires_grad=True)
    theta = (tensor([[[1.0]]]), tensor([[-1.0]]), *none, tensor([[[1.0], [1.0]]]), h, *bounds)
    program = quadratic_program(1, 0, 2)
    result = solve(program, theta, torch.zeros(1, 1, dtype=FLOAT))
    torch.testing.assert_close(result.z, tensor([[0.5, 0.5]]), rtol=0, atol=1e-14)
    assert result.dual_nonunique.all()
    (gradient,) = torch.autograd.grad(connect(program, theta, result)[0].sum(), h)
    assert gradient.sort().values.tolist() == [[0, 1]] and result.degenerate.all()  # each moves by itself


def test_a_program_without_variables():
    theta = (
        torch.zeros(1, 0, 0),
        torch.zeros(1, 0),
        *(torch.zeros(1, 0, 0), torch.zeros(1, 0)) * 2,
        *[torch.zeros(1, 0)] * 2,
    )
    result = solve(quadratic_program(0), tuple(t.to(FLOAT) for t in theta), torch.zeros(2, 0, dtype=FLOAT))
    assert result.status.tolist() == [Status.SOLVED] * 2 and result.value.tolist() == [0, 0]
