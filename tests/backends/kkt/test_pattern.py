"""Which entries of a Newton matrix fill in, and that the compiled method solves with them."""

import numpy as np
import pytest
import torch
from backends.kkt.test_blocks import by_compiled_code
from numba import typeof

import declarative
from declarative.backends.kkt.compiled.blas import ROUTINES
from declarative.backends.kkt.compiled.jit import outer
from declarative.backends.kkt.compiled.newton import convexify, solve, system_memory
from declarative.backends.kkt.compiled.pattern import Pattern, pattern_of
from declarative.backends.kkt.methods import barrier as dense

FLOAT = torch.float64
BLOCK = 8
NONE = np.zeros((0, 6), bool)


def chain(n: int) -> np.ndarray:
    """Neighbours see each other."""
    return np.abs(np.subtract.outer(np.arange(n), np.arange(n))) <= 1


def below(shape: Pattern) -> int:
    """Entries of the factor, but for its diagonal."""
    return len(shape.below) - len(shape.order)


def test_nothing_fills_in_along_a_chain():
    for mixed in (np.arange(6), np.array([3, 0, 5, 1, 4, 2])):
        shape = pattern_of(chain(6)[np.ix_(mixed, mixed)], NONE, NONE)
        assert shape is not None and below(shape) == 5 and len(shape.targets) == 5


def test_a_row_of_all_unknowns_is_not_squared():
    """sum(x) == 1 of 500 unknowns with curvatures of their own: an arrow, whose point comes last."""
    n = 500
    shape = pattern_of(np.eye(n, dtype=bool), np.ones((1, n), bool), np.zeros((0, n), bool))
    assert shape is not None and not shape.squared.any()
    assert below(shape) == n and shape.order[-1] == n


def test_an_inequality_couples_what_it_reads():
    shape = pattern_of(np.zeros((6, 6), bool), NONE, np.array([[1, 0, 0, 1, 0, 0]], bool))
    assert shape is not None and len(shape.M) == 7 and below(shape) == 1


def test_what_is_dense_and_large_is_left_to_torch():
    assert pattern_of(np.ones((150, 150), bool), np.zeros((0, 150), bool), np.zeros((0, 150), bool)) is None


@pytest.mark.parametrize("n, p, q", [(1, 0, 0), (1, 1, 1), (5, 0, 3), (5, 3, 0), (5, 2, 2)])
def test_all_programs_share_compiled_code(n, p, q):
    """Which is made for one type of arrays, their order in memory included."""
    shape = pattern_of(*(np.ones((rows, n), bool) for rows in (n, p, q)))
    assert shape is not None
    assert typeof(shape) == typeof(pattern_of(np.eye(6, dtype=bool), chain(6)[:2], chain(6)))


@outer
def solved(routines, shape, system, x, y, lift, lifted, reflecting):
    convexify(routines, shape, system, lift, lifted, reflecting, BLOCK)
    solve(shape, system, x, y, BLOCK)


@pytest.mark.parametrize("n, p, density", [(1, 0, 1), (5, 2, 1), (12, 5, 0.3), (40, 15, 0.08), (120, 60, 0.02)])
def test_the_solution_is_that_of_the_dense_system(n, p, density):
    """Of matrices that are positive definite along the rows' null space alone, and of others only after a shift."""
    rng = np.random.default_rng(n)
    mask = rng.random((n, n)) < density
    mask |= mask.T
    rows = rng.random((p, n)) < max(density, 3 / n)
    rows[np.arange(p), rng.permutation(n)[:p]] = True
    shape = pattern_of(mask, rows, np.zeros((0, n), bool))
    assert shape is not None
    system = system_memory(shape, BLOCK)
    M, J = np.zeros((BLOCK, n, n)), np.zeros((BLOCK, p, n))
    for b in range(BLOCK):
        H = rng.normal(size=(n, n)) * mask
        J[b] = rng.normal(size=(p, n)) * rows
        M[b] = (H + H.T) / (2 * np.sqrt(n)) + np.eye(n) * (1 + density * n)
        M[b] /= np.abs(M[b]).max()
        M[b] -= 0.1 * J[b].T @ J[b] * mask * (b % 2) if density == 1 else 0
        system.M[:, b], system.J[:, b] = M[b][tuple(shape.M.T)], J[b][tuple(shape.Jc.T)]
    right, sides = rng.normal(size=(n, BLOCK)), rng.normal(size=(p, BLOCK))
    system.D[:], system.share[:], system.rx[:], system.rc[:] = 1.0, 1.0, right, sides
    x, y, lifted = np.zeros((n, BLOCK)), np.zeros((p, BLOCK)), np.zeros(BLOCK)
    solved(ROUTINES, shape, system, x, y, np.full(BLOCK, 1e-3), lifted, False)
    assert (system.sound == 1).all()
    for b in range(BLOCK):
        K = np.block([[M[b] + lifted[b] * np.eye(n), J[b].T], [J[b], np.zeros((p, p))]])
        known = np.linalg.solve(K, np.concatenate([right[:, b], sides[:, b]]))
        np.testing.assert_allclose(
            np.concatenate([x[:, b], y[:, b]]), known, rtol=1e-6, atol=1e-7 * np.abs(known).max()
        )


@pytest.mark.parametrize("n", [20, 120])
def test_negative_curvature_is_lifted(n):
    """Along a chain, with few unknowns by an eigenvalue, with many by trial; never more than it takes by much."""
    shape = pattern_of(chain(n), np.zeros((0, n), bool), np.zeros((0, n), bool))
    assert shape is not None
    system, M = system_memory(shape, BLOCK), np.diag(np.full(n, -0.5)) + 0.25 * (chain(n) & ~np.eye(n, dtype=bool))
    system.M[:] = M[tuple(shape.M.T)][:, None]
    system.M[:, 0] = np.eye(n)[tuple(shape.M.T)]
    system.D[:], system.share[:], system.rx[:] = 1.0, 1.0, 1.0
    x, y, lifted = np.zeros((n, BLOCK)), np.zeros((0, BLOCK)), np.zeros(BLOCK)
    solved(ROUTINES, shape, system, x, y, np.full(BLOCK, 1e-3), lifted, False)
    assert lifted[0] == 0 and (system.sound == 1).all()
    assert (lifted[1:] > 1).all() and (lifted[1:] <= 8).all()
    np.testing.assert_allclose(M @ x[:, 1] + lifted[1] * x[:, 1], 1, rtol=1e-9)


@pytest.mark.parametrize("n, p", [(3, 0), (5, 2), (12, 5), (40, 39), (60, 20)])
def test_negative_curvature_is_reflected_as_in_torch(n, p):
    """Along the null space of the rows, whatever units it was to be shifted in."""
    rng = np.random.default_rng(n)
    shape = pattern_of(np.ones((n, n), bool), np.ones((p, n), bool), np.zeros((0, n), bool))
    assert shape is not None
    system = system_memory(shape, BLOCK)
    H, J = rng.normal(size=(BLOCK, n, n)) / n, rng.normal(size=(BLOCK, p, n)) / np.sqrt(n)
    M = H + H.transpose(0, 2, 1) + np.eye(n) * np.linspace(-1, 1, BLOCK)[:, None, None]
    right, sides = rng.normal(size=(n, BLOCK)), rng.normal(size=(p, BLOCK))
    system.M[:], system.J[:] = M[:, *shape.M.T].T, J[:, *shape.Jc.T].T
    system.D[:], system.share[:], system.rx[:], system.rc[:] = 1.0, rng.random((n, BLOCK)), right, sides
    x, y, lifted = np.zeros((n, BLOCK)), np.zeros((p, BLOCK)), np.zeros(BLOCK)
    solved(ROUTINES, shape, system, x, y, np.full(BLOCK, 1e-3), lifted, True)
    tensors = [torch.from_numpy(part) for part in (M, J, np.ones((BLOCK, n)), np.full(BLOCK, 1e-3))]
    curved, bad = dense.convexify(*tensors, reflect=True)
    assert (system.sound == 1).all() and ((lifted > 0) == bad.numpy()).all() and 0 < bad.sum() < BLOCK
    for b in range(BLOCK):
        K = np.block([[curved[b].numpy(), J[b].T], [J[b], np.zeros((p, p))]])
        known = np.linalg.solve(K, np.concatenate([right[:, b], sides[:, b]]))
        np.testing.assert_allclose(
            np.concatenate([x[:, b], y[:, b]]), known, rtol=1e-6, atol=1e-7 * np.abs(known).max()
        )


CAR = """
dim T
param x0 : R^4; param goal : R^2
var x[T+1] : R^4; var u[T] : R^2
minimize 10*sumsq(x[T][0:2] - goal) + sum(0.1*sumsq(u[t]) + sumsq(x[t+1][0:2] - goal)/2 for t in T)
subject to
  x[0] == x0
  x[t+1][0] == x[t][0] + 0.1*x[t][3]*cos(x[t][2]) for t in T
  x[t+1][1] == x[t][1] + 0.1*x[t][3]*sin(x[t][2]) for t in T
  x[t+1][2] == x[t][2] + 0.2*x[t][3]*tan(u[t][0]) for t in T
  x[t+1][3] == x[t][3] + 0.1*u[t][1] for t in T
  abs(u[t][0]) <= 0.5 for t in T
  abs(u[t][1]) <= 2 for t in T
"""


@pytest.mark.parametrize("T", [10, 25])
def test_a_car_with_a_long_way_to_go(T, monkeypatch):
    """All items by compiled code; the same answers by torch's method, and gradients by differences."""
    converged = by_compiled_code(monkeypatch)
    layer = declarative.compile(declarative.parse(CAR, name="car"), dims={"T": T}, on_failure="mask")
    g = torch.Generator().manual_seed(0)
    x0 = torch.tensor([0, 0, 0, 0.5], dtype=FLOAT) + 0.1 * torch.randn(3, 4, generator=g, dtype=FLOAT)
    goal = torch.tensor([1.0, 0.5], dtype=FLOAT) + 0.3 * torch.randn(3, 2, generator=g, dtype=FLOAT)
    found = layer.solve(x0, goal.requires_grad_())
    assert found.solved.all() and converged[0].all() and not found.degenerate.any()
    (gradient,) = torch.autograd.grad(found.u[:, 0].sum(), goal)
    with torch.no_grad():
        step = torch.tensor([1e-5, 0], dtype=FLOAT)
        up, down = (layer.solve(x0, goal + sign * step).u[:, 0].sum(-1) for sign in (1, -1))
        torch.testing.assert_close(gradient[:, 0], (up - down) / 2e-5, rtol=1e-6, atol=1e-7)
        monkeypatch.setattr("declarative.backends.kkt.methods.nlp.functions", lambda *args: None)
        other = layer.solve(x0, goal)
    torch.testing.assert_close(found.u.detach(), other.u, rtol=1e-7, atol=1e-8)
