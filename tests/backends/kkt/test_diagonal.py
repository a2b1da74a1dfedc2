"""Interior points of equations and bounds under a diagonal P: against the method in torch, and linear algebra."""

import numpy as np
import pytest
import torch
from backends.kkt.smooth_programs import FLOAT, tensor
from backends.kkt.test_dependent import flow, given, in_general, incidence, transport

from declarative.backends.kkt.compiled.diagonal import is_light
from declarative.backends.kkt.compiled.envelope import factor_envelope, solve_envelope
from declarative.backends.kkt.compiled.jit import outer
from declarative.backends.kkt.convex import ITERATIONS
from declarative.backends.kkt.methods.qp import one_by_one, together
from declarative.backends.kkt.program.quadratic import Quadratic
from declarative.backends.kkt.solve import solve
from declarative.backends.status import Status


@outer
def factor_and_solve(first, K, y):
    sound = factor_envelope(first, K, len(y))
    solve_envelope(first, K, y)
    return sound


@outer
def light(P, A, G):
    return is_light(P, A, G)


@pytest.mark.parametrize("make", [flow, transport])
@pytest.mark.parametrize("curvature", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_method_in_torch(make, curvature, seed):
    """The same iterations lead to the same points, to what they converge to."""
    _, theta, start = make(seed, curvature)
    qp = Quadratic(*theta[:2], torch.zeros(1, dtype=FLOAT), *theta[2:]).expand(len(start))
    one, other = one_by_one(qp, ITERATIONS), together(qp, ITERATIONS)
    assert (one.iterations - other.iterations).abs().max() <= 1
    torch.testing.assert_close(one.at.x, other.at.x, rtol=0, atol=1e-6)
    assert (one.active == other.active).float().mean() > 0.99


@pytest.mark.parametrize("seed", range(10))
def test_factors_within_the_envelope_are_those_of_the_matrix(seed):
    rng, p = np.random.default_rng(seed), 9
    A = rng.normal(size=(p, 14)) * (rng.random((p, 14)) < 0.25)
    M = A @ A.T + np.eye(p)
    first = np.array([np.flatnonzero(row)[0] for row in M])
    K = np.where(np.arange(p) >= first[:, None], np.tril(M), np.nan).ravel()
    y = rng.normal(size=p)
    x = y.copy()
    assert factor_and_solve(first, K, x)
    np.testing.assert_allclose(M @ x, y, rtol=1e-10, atol=1e-12)
    assert not factor_and_solve(first, -M.ravel(), y)


def test_it_is_for_sparse_or_few_equations_alone():
    P, A, none = np.eye(6), np.ones((4, 6)), np.zeros((0, 6))
    assert light(P, A[:3], none) and not light(P, A, none) and light(P, np.eye(4, 6), none)
    assert not light(P + 1, A[:3], none) and not light(P, A[:3], A)


def grid(k: int) -> np.ndarray:
    """Nodes in a square, with arcs to the right, down, and to both."""
    steps = [(i, j, i + a, j + b) for i in range(k) for j in range(k) for a, b in ((0, 1), (1, 0), (1, 1))]
    arcs = [(i * k + j, m * k + n) for i, j, m, n in steps if m < k and n < k]
    M = np.zeros((k * k, len(arcs)))
    for e, (i, j) in enumerate(arcs):
        M[i, e], M[j, e] = 1, -1
    return M


@pytest.mark.parametrize("curvature", [0.0, 0.1])
def test_flows_in_many_arcs_agree_with_the_general_method(curvature):
    M = grid(8)
    sides = tensor(np.eye(64)[:1] - np.eye(64)[-1:])
    costs = 0.1 + torch.rand(16, M.shape[1], generator=torch.Generator().manual_seed(0), dtype=FLOAT)
    program, theta, start = given(M, sides, costs, curvature)
    found, other = solve(program, theta, start), in_general(program, theta)
    assert (found.status == Status.SOLVED).all()
    for name in ("x", "y", "z_lower"):
        torch.testing.assert_close(getattr(found, name), getattr(other, name), rtol=1e-8, atol=1e-8)
    for flag in ("degenerate", "nonunique", "dual_nonunique"):
        assert torch.equal(getattr(found, flag), getattr(other, flag))


def test_sides_that_do_not_add_up_are_infeasible():
    """More leaves node 0 than reaches the last one, by a little and by much."""
    M, sides = incidence(20), torch.zeros(2, 20, dtype=FLOAT)
    sides[:, 0], sides[:, -1] = 1.0, tensor([-1.001, 3.0])
    program, theta, start = given(M, sides, torch.ones(2, M.shape[1], dtype=FLOAT), 1.0)
    assert (solve(program, theta, start).status == Status.INFEASIBLE).all()
