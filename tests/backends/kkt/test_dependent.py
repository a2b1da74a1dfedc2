"""Active rows that depend on each other, in compiled code: against the general method, and numbers checked by hand."""

import numpy as np
import pytest
import torch
from backends.kkt.smooth_programs import FLOAT, quadratic_program, tensor, times
from scipy.optimize import nnls

import declarative
from declarative.backends.kkt.compiled.jit import outer
from declarative.backends.kkt.compiled.nearest import nearest, nearest_for
from declarative.backends.kkt.convex import ITERATIONS, polished, solve_convex
from declarative.backends.kkt.definite import KeptSystem
from declarative.backends.kkt.linear.system import Right
from declarative.backends.kkt.methods.qp import solve_quadratic
from declarative.backends.kkt.program.program import Options
from declarative.backends.kkt.program.quadratic import Quadratic
from declarative.backends.kkt.solve import result, solve
from declarative.backends.kkt.verdict.pieces import on_one_piece
from declarative.backends.status import Status

BATCH = 16
NUMBERS = ("x", "y", "z", "z_lower", "z_upper", "value")
FLAGS = ("status", "degenerate", "nonunique", "dual_nonunique")


def incidence(nodes: int) -> np.ndarray:
    """Rows of the nodes, columns of the arcs from each node to all later ones."""
    arcs = [(i, j) for i in range(nodes) for j in range(i + 1, nodes)]
    M = np.zeros((nodes, len(arcs)))
    for e, (i, j) in enumerate(arcs):
        M[i, e], M[j, e] = 1, -1
    return M


def streets(k: int) -> np.ndarray:
    """Rows of the nodes of a grid (k, k), columns of the arcs to the right and downwards."""
    node = np.arange(k * k).reshape(k, k)
    arcs = [*zip(node[:, :-1].flat, node[:, 1:].flat, strict=True), *zip(node[:-1].flat, node[1:].flat, strict=True)]
    return np.stack([np.eye(k * k)[i] - np.eye(k * k)[j] for i, j in arcs], 1)


def marginals(k: int) -> np.ndarray:
    """Row sums and column sums of a matrix (k, k)."""
    return np.concatenate([np.kron(np.eye(k), np.ones(k)), np.kron(np.ones(k), np.eye(k))])


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=FLOAT)


def given(A, b, q, curvature: float, upper: float = torch.inf, G=None, h=None, lower: float = 0.0):
    """min q'x + curvature/2 x'x with Ax = b, Gx <= h and bounds: a program, its data, and a start."""
    A, n = tensor(A), q.shape[1]
    G = torch.zeros(1, 0, n, dtype=FLOAT) if G is None else G
    h = torch.zeros(1, 0, dtype=FLOAT) if h is None else h
    sides = torch.full((1, n), lower, dtype=FLOAT), torch.full((1, n), upper, dtype=FLOAT)
    theta = (curvature * torch.eye(n, dtype=FLOAT)[None], q, A if A.ndim == 3 else A[None], b, G, h, *sides)
    return quadratic_program(n, theta[2].shape[1], G.shape[1]), theta, torch.zeros(len(q), n, dtype=FLOAT)


def flow(seed: int, curvature: float, whole: bool = False, upper: float = torch.inf):
    A = incidence(6)
    q = random(BATCH, A.shape[1], seed=seed)
    q = (5 * q).ceil() if whole else q
    return given(A, tensor(np.eye(6)[:1] - np.eye(6)[-1:]), q, curvature, upper)


def shortest_path(seed: int, curvature: float):
    """All arcs of the path stand at their capacity, and the next best path is hardly longer."""
    A = streets(8)
    sides = tensor(np.eye(64)[:1] - np.eye(64)[-1:])
    return given(A, sides, random(BATCH, A.shape[1], seed=seed) + 0.1, curvature / 100, 1.0)


def transport(seed: int, curvature: float, scaled: bool = False):
    """Supplies are whole numbers, and so are the demands: many vertices are degenerate."""
    A, a = marginals(4), (3 * random(BATCH, 4, seed=seed)).ceil()
    b = a[:, torch.randperm(4, generator=torch.Generator().manual_seed(seed))]
    units = tensor(np.logspace(-3, 3, 8)) if scaled else torch.ones(8, dtype=FLOAT)
    sides = torch.cat([a, b], 1) * units
    return given(tensor(A) * units[:, None], sides, random(BATCH, 16, seed=seed + 9), curvature)


def corner(seed: int, curvature: float, opposite: bool = False):
    """More inequalities than variables, and an equation twice, hold at one point."""
    g = torch.Generator().manual_seed(seed)
    x, G = torch.rand(BATCH, 4, generator=g, dtype=FLOAT) - 0.5, torch.randn(BATCH, 9, 4, generator=g, dtype=FLOAT)
    z = torch.rand(BATCH, 9, generator=g, dtype=FLOAT) * (torch.arange(9) < 6)
    h = times(G, x) + 1.0 * (torch.arange(9) >= 6)
    if opposite:
        G, h, z = torch.cat([G, -2 * G[:, :2]], 1), torch.cat([h, -2 * h[:, :2]], 1), torch.cat([z, 0 * z[:, :2]], 1)
    A = torch.randn(BATCH, 1, 4, generator=g, dtype=FLOAT)
    A = torch.cat([A, -3 * A], 1)
    return given(A, times(A, x), -times(G.mT, z) - curvature * x, curvature, 2.0, G, h, -2.0)


PROGRAMS = {
    "flow": flow,
    "flow of whole costs": lambda seed, c: flow(seed, c, whole=True),
    "flow with capacities": lambda seed, c: flow(seed, c, upper=0.6),
    "shortest path": shortest_path,
    "transport": transport,
    "transport in other units": lambda seed, c: transport(seed, c, scaled=True),
    "corner": corner,
    "corner with opposite rows": lambda seed, c: corner(seed, c, opposite=True),
}


def in_general(program, theta):
    """The result of the method for all quadratic programs."""
    data = (*theta[:2], torch.zeros(1, dtype=FLOAT), *theta[2:])
    qp = Quadratic(*data).expand(BATCH)
    found = result(*polished(program, qp, solve_quadratic(qp, ITERATIONS), Options()))
    return on_one_piece(program, theta, found)


@pytest.mark.parametrize("curvature", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", PROGRAMS)
def test_it_agrees_with_the_general_method(name, seed, curvature):
    """In point, multipliers, flags, and in how the solution moves, also where that is the choice of a piece."""
    program, theta, start = PROGRAMS[name](seed, curvature)
    found, other = solve(program, theta, start), in_general(program, theta)
    assert (found.status == Status.SOLVED).all()
    for flag in FLAGS:
        assert torch.equal(getattr(found, flag), getattr(other, flag)), flag
    clear = ~other.nonunique
    for number in NUMBERS:
        torch.testing.assert_close(getattr(found, number)[clear], getattr(other, number)[clear], rtol=1e-8, atol=1e-8)
    active, same = (torch.cat(answer.active.parts(), -1) for answer in (found, other))
    clear &= (active == same).all(-1)  # the general one may not see that a multiplier of 0 could be another
    assert (clear | other.degenerate).all() and clear.any()
    n, rows = program.n, program.p + program.q
    r = Right(random(BATCH, n, seed=1), random(BATCH, rows, seed=2), random(BATCH, n, seed=3))
    w, v = found.system.solve(r), other.system.solve(r)
    for part in ("x", "rows", "bounds"):
        torch.testing.assert_close(getattr(w, part)[clear], getattr(v, part)[clear], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("curvature", [0.0, 1.0])
def test_the_general_method_is_needed_for_few(name, curvature, monkeypatch):
    """Weak activity and several solutions are its business; here only costs that are whole numbers have them."""
    program, theta, start = PROGRAMS[name](0, curvature)
    asked = []
    monkeypatch.setattr("declarative.backends.kkt.convex.polished", lambda *a: asked.append(a) or polished(*a))
    answer, _, _ = solve_convex(program, theta, start, Options(), None)
    assert (answer.status == Status.SOLVED).all()
    left = sum(len(arguments[1].q) for arguments in asked)
    assert left == (BATCH // 2 if name == "flow of whole costs" else 0) or left < BATCH // 2


@pytest.mark.parametrize("curvature", [0.0, 1.0])
def test_paths_that_are_hardly_shorter_than_others_are_clear(curvature, monkeypatch):
    """Multipliers that go with all arcs of a path exist, though the margins that they leave are small."""
    monkeypatch.setattr("declarative.backends.kkt.convex.polished", None)
    for seed in range(3):
        program, theta, start = shortest_path(seed, curvature)
        answer, _, _ = solve_convex(program, theta, start, Options(), None)
        assert (answer.status == Status.SOLVED).all() and answer.dual_nonunique.all()


def test_an_item_alone_has_the_piece_that_it_has_in_a_batch():
    program, theta, start = flow(3, 1.0, whole=True)
    whole, r = solve(program, theta, start), Right(*(torch.ones(BATCH, k, dtype=FLOAT) for k in (15, 6, 15)))
    moves = whole.system.solve(r)
    for i in range(BATCH):
        own = tuple(t if len(t) == 1 else t[i : i + 1] for t in theta)
        found = solve(program, own, start[:1])
        one = found.system.solve(Right(r.x[:1], r.rows[:1], r.bounds[:1]))
        torch.testing.assert_close(one.x[0], moves.x[i], rtol=1e-9, atol=1e-12)
        assert torch.equal(found.degenerate[0], whole.degenerate[i])


def test_a_path_leaves_the_prices_of_other_nodes_open():
    """Two ways from 0 to 3, by 1 (costs 1 + 1) and by 2 (costs 5 + 5): node 2's price is any from y0 - 5 to y3 + 5.

    With prices y0 and y0 + 2 at the ends those of least norm are (1, 0, 0, -1) and bounds' multipliers of 4.
    """
    A = np.array([[1.0, 1, 0, 0], [-1, 0, 1, 0], [0, -1, 0, 1], [0, 0, -1, -1]])  # 0-1, 0-2, 1-3, 2-3
    program, theta, start = given(A, tensor([[1.0, 0, 0, -1]]), tensor([[1.0, 5, 1, 5]]), 0.0)
    found = solve(program, theta, start)
    assert found.x[0].tolist() == pytest.approx([1, 0, 1, 0], abs=1e-12)
    assert found.y[0].tolist() == pytest.approx([-1, 0, 0, 1], abs=1e-12)
    assert found.z_lower[0].tolist() == pytest.approx([0, 4, 0, 4], abs=1e-12)
    assert found.degenerate and found.dual_nonunique and not found.nonunique


@outer
def find_nearest(s, rows, d):
    return nearest(s, rows, d)


@pytest.mark.parametrize("seed", range(20))
def test_the_nearest_point_satisfies_its_conditions(seed):
    """t = G'u with u >= 0, G t >= h, and u (G t - h) = 0; or none is there."""
    rng = np.random.default_rng(seed)
    rows, d = 12, 1 + seed % 5
    G, s = rng.normal(size=(rows, d)), nearest_for(rows, d)
    G[3] = 2 * G[1]
    h = G @ rng.normal(size=d) - rng.random(rows) * (rng.random(rows) < 0.5)
    s.G[:], s.h[:] = G, h
    assert find_nearest(s, rows, d)
    assert (G @ s.t >= h - 1e-9).all()
    tight = np.abs(G @ s.t - h) < 1e-9
    u, missing = np.zeros(rows), np.inf
    if tight.any():
        u[tight], missing = nnls(G[tight].T, s.t)
    assert min(missing, np.linalg.norm(s.t)) < 1e-9
    s.G[0], s.G[1], s.h[:2] = np.eye(d)[0], -np.eye(d)[0], 1.0
    assert not find_nearest(s, 2, d)


def test_gradients_of_shared_flow_conservation_are_those_of_a_reduced_problem():
    """Without the last row, which follows from the others, the solution and its gradients in the costs are the same."""
    text = "dim v, e\nparam c : R^e\nconst M : R^(v,e)\nconst d : R^v\nvar x : R^e, nonneg\n"
    text += "minimize c'*x + sumsq(x)\nsubject to\n  M*x == d"
    M, d, c = incidence(5), np.array([1.0, 0, 0, 0, -1]), random(8, 10, seed=4).requires_grad_()
    found = []
    for rows in (5, 4):
        layer = declarative.compile(declarative.parse(text), consts={"M": M[:rows], "d": d[:rows]}, backend="kkt")
        x = layer(c)
        found.append((x, torch.autograd.grad((x**3).sum(), c)[0]))
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-9, atol=1e-10)


def test_rows_that_are_independent_keep_their_own_factors():
    program, theta, start = given(incidence(5)[:4], tensor([[1.0, 0, 0, 0]]), 0.1 * random(BATCH, 10), 1.0)
    found = solve(program, theta, start)
    regular = not found.dual_nonunique.any() and not found.degenerate.any()
    assert regular == isinstance(found.system, KeptSystem)


LASSO = """
dim m, n
param A : R^(m,n)
param b : R^m
param weight : R, nonneg
var x : R^n
minimize sumsq(A*x - b)/2 + weight*norm1(x)
"""


def test_an_answer_of_nothing_but_zeros_is_clear(monkeypatch):
    """Every other weight is so large that x = 0: what interior points leave of it is rounding."""
    A, b = random(BATCH, 9, 5) - 0.5, random(BATCH, 9, seed=1) - 0.5
    weight = 2 * (A.mT @ b[..., None]).abs().amax((1, 2)).index_fill(0, torch.arange(0, BATCH, 2), 0.0)
    weight = weight + torch.where(weight == 0, 0.01, 0)
    monkeypatch.setattr("declarative.backends.kkt.convex.polished", None)
    b.requires_grad_()
    layer = declarative.compile(declarative.parse(LASSO), backend="kkt")
    solution = layer.solve(A, b, weight)
    again = layer.solve(A, b, weight, warm=solution)
    for found in (solution, again):
        assert found.solved.all() and not found.degenerate.any()
        assert not found.x[1::2].any() and found.x[::2].any(-1).all()
    (slope,) = torch.autograd.grad(solution.x.sum(), b)
    assert not slope[1::2].any() and slope[::2].any(-1).all()


ESTIMATE = """
dim T = 12
param x0 : R^2
param y[0..T] : R
var x[0..T] : R^2
var w[0..T-1] : R^2, between(-0.2, 0.2)
minimize sumsq(x[0] - x0) + 10*sumsq(w) + 5*sum(huber(y[t] - x[t][0], 0.3) for t in 0..T)
subject to
  x[t+1] == stack(x[t][0] + 0.1*x[t][1], x[t][1]) + w[t] for t in 0..T-1
"""


def test_states_that_nothing_observes_or_drives_are_clear(monkeypatch):
    """No speed after the last observation but one matters: forces and disturbances of the last ones are 0."""
    x0, y = random(BATCH, 2) - 0.5, (random(BATCH, 13, seed=1) - 0.5).cumsum(-1).requires_grad_()
    layer = declarative.compile(declarative.parse(ESTIMATE), backend="kkt")
    monkeypatch.setattr("declarative.backends.kkt.convex.polished", None)
    found = layer.solve(x0, y)
    assert found.solved.all() and not found.degenerate.any()
    assert (found["w"][:, -1, 1] == 0).all() and found["w"][:, 0].any(-1).all()

    (slope,) = torch.autograd.grad(found["x"][:, -1, 0].sum(), y)
    step = 1e-6 * torch.eye(13, dtype=FLOAT)[:, None]
    moved = torch.stack(
        [layer.solve(x0, (y + way).detach())["x"] - layer.solve(x0, (y - way).detach())["x"] for way in step]
    )
    torch.testing.assert_close(slope, moved[:, :, -1, 0].T / 2e-6, rtol=0, atol=1e-6)
