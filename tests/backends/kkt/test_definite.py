"""The compiled method for strictly convex quadratic programs: against the general one, linear equations, and itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from backends.kkt.smooth_programs import FLOAT, INF, quadratic_program, random_quadratic, solution, tensor, times
from torch.autograd import grad

from declarative.backends.kkt.convex import ITERATIONS, convex, polished, remaining, solve_convex
from declarative.backends.kkt.definite import KeptSystem, PieceSystem, solve_definite
from declarative.backends.kkt.linear.system import Joined, Right, System
from declarative.backends.kkt.methods.qp import solve_quadratic
from declarative.backends.kkt.program.program import Options, SmoothProgram
from declarative.backends.kkt.program.quadratic import Quadratic
from declarative.backends.kkt.solve import connect, solve
from declarative.backends.kkt.verdict.answer import Answer
from declarative.backends.status import Status


def definite(seed: int, batch: int, n: int, p: int, q: int, **more):
    """A program, its data in both forms, and a start."""
    P, *rest = random_quadratic(seed, batch, n, p, q, **more)
    data = (P + 0.1 * torch.eye(n, dtype=FLOAT), *rest)
    qp = Quadratic(*data[:2], torch.zeros(1, dtype=FLOAT), *data[2:])
    return quadratic_program(n, p, q), data, qp, torch.zeros(batch, n, dtype=FLOAT)


# (n, p, q): rows fewer and more than variables, none of a kind, one variable, many times more rows (the dual method)
SIZES = [(6, 2, 5), (10, 0, 10), (10, 3, 25), (4, 0, 60), (1, 0, 3), (5, 0, 0), (5, 4, 0), (40, 6, 50)]


@pytest.mark.parametrize("n, p, q", SIZES)
def test_it_agrees_with_the_general_method_and_needs_it_for_none(n, p, q):
    program, _, qp, start = definite(n + q, 24, n, p, q, active=0.0)
    found = solve_definite(program, qp, start)
    assert found.clear.all() and (found.answer.status == Status.SOLVED).all()
    agrees_with_polished(found.answer, program, qp)


def agrees_with_polished(answer: Answer, program: SmoothProgram, qp: Quadratic):
    """Answers are those of the general method."""
    qp = qp.expand(len(answer.x))
    other, _, _ = polished(program, qp, solve_quadratic(qp, ITERATIONS), Options())
    for name in ("x", "y", "z", "z_lower", "z_upper", "value"):
        torch.testing.assert_close(getattr(answer, name), getattr(other, name), rtol=1e-8, atol=1e-8)
    for name in ("active_z", "active_lower", "active_upper", "degenerate", "dual_nonunique", "nonunique", "minimum"):
        assert torch.equal(getattr(answer, name), getattr(other, name)), name
    assert max(float(getattr(answer, name).max()) for name in ("primal", "dual", "gap")) < 1e-12


@pytest.mark.parametrize("n, p, q", [(6, 2, 9), (10, 0, 20), (30, 5, 40)])
@pytest.mark.parametrize("rank", [0, 2])
def test_near_a_vertex_the_last_steps_are_compiled_and_agree_with_the_general_method(n, p, q, rank):
    """Linear programs, and curved in two directions, in a box: their solutions are vertices of the other directions."""
    program, _, qp, start = definite(n, 24, n, p, q)
    g = torch.Generator().manual_seed(n)
    F = torch.randn(24, rank, n, generator=g, dtype=FLOAT)
    qp = replace(qp, P=F.mT @ F, lower=torch.full((1, n), -5, dtype=FLOAT), upper=torch.full((1, n), 5, dtype=FLOAT))
    answer, _, system = remaining(program, tuple(qp.parts()), qp, start, Options(), None)
    assert all(isinstance(part, KeptSystem | PieceSystem) for part in parts(system))
    assert (answer.status == Status.SOLVED).all() and (answer.iterations > 3).all()
    agrees_with_polished(answer, program, qp)


def parts(system: System | None) -> list[System | None]:
    """The systems that it is joined from."""
    return [part for each in system.systems for part in parts(each)] if isinstance(system, Joined) else [system]


def test_items_without_a_clear_vertex_are_polished():
    """min x + y with x + y >= 1 has many solutions, with x + y >= 0 and x, y >= 0 many multipliers; then one vertex."""
    program = quadratic_program(2, 0, 1)
    zero, ones = torch.zeros(3, 2, 2, dtype=FLOAT), torch.ones(3, 2, dtype=FLOAT)
    none = (torch.zeros(1, 0, 2, dtype=FLOAT), torch.zeros(1, 0, dtype=FLOAT))
    q = tensor([[1.0, 1], [1, 1], [1, 2]])
    theta = (zero, q, *none, -torch.ones(1, 1, 2, dtype=FLOAT), tensor([[-1.0], [0], [-1]]), 0 * ones, INF * ones)
    result = solve(program, theta, 0 * q)
    assert (result.status == Status.SOLVED).all()
    assert result.nonunique.tolist() == [True, False, False]
    assert (result.degenerate | result.dual_nonunique).tolist() == [False, True, False]
    torch.testing.assert_close(result.x[1:], tensor([[0.0, 0], [1, 0]]), rtol=0, atol=1e-12)
    torch.testing.assert_close(result.value, tensor([1.0, 0, 1]), rtol=0, atol=1e-12)


def test_systems_are_solved_to_rounding():
    program, _, qp, start = definite(3, 9, 7, 2, 8, active=0.0)
    found = solve_definite(program, qp, start)
    right = Right(*(torch.randn(9, k, dtype=FLOAT) for k in (7, 10, 7)))
    items = tensor([8, 1, 4]).long()
    w = found.system.solve(right)
    some = found.system.take(items).solve(Right(right.x[items], right.rows[items], right.bounds[items]))
    assert torch.equal(some.x, w.x[items]) and torch.equal(some.rows, w.rows[items])
    again = found.system.in_torch
    off = again.multiply(w)
    wanted = Right(right.x, right.rows * again.rows, right.bounds * again.fixed)
    for a, b in ((off.x, wanted.x), (off.rows, wanted.rows), (off.bounds, wanted.bounds)):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-11)
    assert (w.rows[~again.rows] == 0).all() and (w.bounds[~again.fixed] == 0).all()


def test_bad_items_leave_the_others_alone():
    """An item of each kind that the compiled method cannot finish, among eight that it can."""
    program, data, _, start = definite(5, 14, 4, 1, 6, active=0.0)
    data = [d.clone() for d in data]
    data[0][1] = 0.0  # a linear program
    data[7][1], data[6][1] = 5.0, -5.0
    data[0][3, 0, 0] = -9.0  # not convex
    data[7][3], data[6][3] = 5.0, -5.0
    data[1][5] = torch.nan
    data[4][7, 2] = torch.nan  # in a row that would not be active
    data[5][9, 1] = -1e3  # contradicts the bounds
    data[6][9], data[7][9] = -1.0, 1.0
    data[4][11, 1], data[5][11, 1] = data[4][11, 0], data[5][11, 0]  # twice the same row
    result = solve(program, tuple(data), start)
    assert result.status[[5, 7, 9]].tolist() == [Status.FAILED, Status.FAILED, Status.INFEASIBLE]
    good = [0, 2, 4, 6, 8, 10, 12, 13]
    assert (result.status[good] == Status.SOLVED).all()
    data = [d.requires_grad_() for d in data]
    x = connect(program, tuple(data), result)[0]
    gradients = grad((x[[*good, 1, 11]] ** 2).sum(), data)
    for i in [*good, 1, 11]:
        own = [d[i : i + 1].detach().clone().requires_grad_() for d in data]
        alone = solution(program, tuple(own), start[:1])[0]
        torch.testing.assert_close(x[i], alone[0], rtol=1e-10, atol=1e-10)
        for g, e in zip(gradients, grad((alone**2).sum(), own), strict=True):
            torch.testing.assert_close(g[i], e[0], rtol=1e-8, atol=1e-8)
    assert all((g[[5, 7, 9]] == 0).all() for g in gradients)


@pytest.mark.parametrize("shared", [(0,), (2, 4), (0, 2, 4), (0, 1, 2, 3, 4, 5, 6, 7)])
def test_what_is_shared_is_as_if_it_were_repeated(shared):
    program, data, _, start = definite(7, 6, 5, 1, 6, active=0.0)
    if 3 not in shared:
        data = (*data[:3], data[3] * 0, *data[4:])
        data = (*data[:5], data[5].abs() + 0.1, -data[5][:, :5].abs() - 1, data[5][:, :5].abs() + 1)  # 0 is feasible
    once = [(d[:1] if k in shared else d).clone().requires_grad_() for k, d in enumerate(data)]
    many = [d.detach().expand(6, *d.shape[1:]).clone().requires_grad_() for d in once]
    weights = torch.randn(6, 5, dtype=FLOAT)
    x, repeated = solution(program, tuple(once), start)[0], solution(program, tuple(many), start)[0]
    torch.testing.assert_close(x, repeated, rtol=1e-10, atol=1e-11)
    found, expected = grad((weights * x).sum(), once), grad((weights * repeated).sum(), many)
    for k, (g, e) in enumerate(zip(found, expected, strict=True)):
        torch.testing.assert_close(g, e.sum(0, keepdim=True) if k in shared else e, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("n, p, q", [(10, 0, 12), (8, 2, 40)])
def test_any_guess_of_the_active_set_ends_in_the_same_place(n, p, q):
    program, _, qp, start = definite(11, 16, n, p, q, active=0.0)
    cold = solve_definite(program, qp, start).answer
    right = torch.cat([cold.active_z, cold.active_lower, cold.active_upper], -1)
    again = solve_definite(program, qp, start, right).answer
    assert (again.iterations == 1).all()
    chance = torch.rand(right.shape, generator=torch.Generator().manual_seed(0)) < 0.4
    for guess in (right, ~right, torch.ones_like(right), chance, right ^ (chance & chance.roll(1, 0))):
        warm = solve_definite(program, qp, start, guess)
        assert warm.clear.all()
        for name in ("x", "y", "z", "z_lower", "z_upper"):
            torch.testing.assert_close(getattr(warm.answer, name), getattr(cold, name), rtol=1e-9, atol=1e-10)


def test_threads_do_the_same():
    program, _, qp, start = definite(13, 64, 60, 4, 80, active=0.0)
    one = solve_definite(program, qp, start)
    shared = Quadratic(qp.P[:1], *qp.parts()[1:])
    alone = solve_definite(program, shared, start)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        several, together = solve_definite(program, qp, start), solve_definite(program, shared, start)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(one.answer.x, several.answer.x) and torch.equal(alone.answer.x, together.answer.x)


@pytest.mark.parametrize("seed", range(4))
def test_units_do_not_matter(seed):
    program, data, _, start = definite(seed, 8, 6, 2, 9, active=0.0)
    P, c, A, b, G, h, lower, upper = data
    rng = np.random.default_rng(seed)
    D, E, F, k = (tensor(10 ** rng.uniform(-6, 6, (8, size))) for size in (6, 2, 9, 1))
    scaled = (
        P * D[:, :, None] * D[:, None] * k[:, :, None], c * D * k, A * D[:, None] * E[:, :, None], b * E,
        G * D[:, None] * F[:, :, None], h * F, lower / D, upper / D,
    )  # fmt: skip
    program = quadratic_program(6, 2, 9, blocks=torch.arange(6))
    before, after = solve(program, data, start), solve(program, scaled, start)
    torch.testing.assert_close(after.x * D, before.x, rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(after.z * F / k, before.z, rtol=1e-8, atol=1e-9)
    torch.testing.assert_close(after.y * E / k, before.y, rtol=1e-8, atol=1e-9)


def test_nearly_singular_data_are_refined_or_left_to_the_general_method():
    """P with eigenvalues from 1 to 1e-9: whatever is called solved satisfies the conditions."""
    g = torch.Generator().manual_seed(1)
    U = torch.linalg.qr(torch.randn(12, 10, 10, generator=g, dtype=FLOAT))[0]
    P = U @ torch.diag_embed(tensor(10.0 ** -np.arange(10)).expand(12, 10)) @ U.mT
    P = (P + P.mT) / 2
    q, G = torch.randn(12, 10, generator=g, dtype=FLOAT), torch.randn(12, 14, 10, generator=g, dtype=FLOAT)
    none = (torch.zeros(1, 0, 10, dtype=FLOAT), torch.zeros(1, 0, dtype=FLOAT))
    wide = torch.full((1, 10), 1e3, dtype=FLOAT)
    data = (P, q, *none, G, torch.ones(12, 14, dtype=FLOAT), -wide, wide)
    r = solve(quadratic_program(10, 0, 14), data, torch.zeros(12, 10, dtype=FLOAT))
    assert (r.status == Status.SOLVED).all()
    off = times(P, r.x) + q + times(G.mT, r.z) - r.z_lower + r.z_upper
    assert off.abs().max() < 1e-8 and (times(G, r.x) - 1).max() < 1e-8


def test_one_variable_by_hand():
    """min x^2 - 2 a x in [-1, 1]: x = a inside, the bound and its multiplier 2 (|a| - 1) outside."""
    a = tensor([[-3.0], [0.5], [4.0]]).requires_grad_()
    none = (torch.zeros(1, 0, 1, dtype=FLOAT), torch.zeros(1, 0, dtype=FLOAT)) * 2
    theta = (tensor([[[2.0]]]), -2 * a, *none, tensor([[-1.0]]), tensor([[1.0]]))
    x, _, _, lower, upper = solution(quadratic_program(1), theta, torch.zeros(3, 1, dtype=FLOAT))
    for found, expected in ((x, [-1, 0.5, 1]), (lower, [4, 0, 0]), (upper, [0, 0, 6])):
        torch.testing.assert_close(found[:, 0].detach(), tensor(expected), rtol=0, atol=1e-15)
    (slope,) = grad(x.sum() + upper.sum(), a)
    torch.testing.assert_close(slope[:, 0], tensor([0, 1, 2]), rtol=0, atol=1e-14)


@pytest.mark.parametrize("bounded", [False, True])
def test_dependent_equations_have_multipliers_of_least_norm(bounded):
    """The nearest matrix with given row and column sums: one equation follows from the others."""
    k, batch = 4, 6
    ones, eye = torch.ones(1, k, dtype=FLOAT), torch.eye(k, dtype=FLOAT)
    A = torch.cat([torch.kron(eye, ones), torch.kron(ones, eye)])[None]
    g = torch.Generator().manual_seed(2)
    y = torch.rand(batch, k * k, generator=g, dtype=FLOAT)
    b = times(A, torch.rand(batch, k * k, generator=g, dtype=FLOAT)).requires_grad_()
    none = (torch.zeros(1, 0, k * k, dtype=FLOAT), torch.zeros(1, 0, dtype=FLOAT))
    wide = torch.full((1, k * k), INF, dtype=FLOAT)
    lower = torch.zeros(1, k * k, dtype=FLOAT) if bounded else -wide
    theta = (torch.eye(k * k, dtype=FLOAT)[None], -y, A, b, *none, lower, wide)
    program, start = quadratic_program(k * k, 2 * k), torch.zeros(batch, k * k, dtype=FLOAT)
    r = solve(program, theta, start)
    assert (r.status == Status.SOLVED).all() and r.dual_nonunique.all() and not r.degenerate.any()
    assert r.active.lower.any() == bounded
    x, multipliers, _, pull, _ = connect(program, theta, r)
    for i in range(batch):
        rows = torch.cat([A[0], -torch.eye(k * k, dtype=FLOAT)[r.active.lower[i]]])
        least = torch.linalg.pinv(rows.mT) @ (y[i] - x[i].detach())
        found = torch.cat([multipliers[i], pull[i][r.active.lower[i]]]).detach()
        torch.testing.assert_close(found, least, rtol=0, atol=1e-10)
    (slope,) = grad(x.sum(), b)  # sum(x) is the sum of the rows' and of the columns' sums, halved
    torch.testing.assert_close(slope, torch.full_like(b, 0.5), rtol=0, atol=1e-9)


@pytest.mark.parametrize("disabled", [0, 1])
def test_where_numba_is_told_not_to_compile_the_general_method_solves(monkeypatch, disabled):
    monkeypatch.setattr("numba.config.DISABLE_JIT", disabled)
    program, data, _, start = definite(7, 3, 6, 2, 5)
    answer, _, system = solve_convex(program, data, start, Options(), None)
    assert (answer.status == Status.SOLVED).all() and isinstance(system, KeptSystem) != bool(disabled)


def test_convexity_is_judged_as_in_torch():
    """Semidefinite and indefinite matrices, zero, an entry that is no number, and units that differ by 1e9."""
    program, _, qp, _ = definite(3, 9, 6, 0, 2)
    g = torch.Generator().manual_seed(3)
    F = torch.randn(9, 2, 6, generator=g, dtype=FLOAT)
    P, units = F.mT @ F, torch.logspace(-9, 0, 6, dtype=FLOAT)
    P[1] -= 1e-3 * torch.eye(6, dtype=FLOAT)
    P[2] = 0
    P[3, 0, 0] = torch.nan
    P[4:6] = units[:, None] * P[4:6] * units
    P[5] -= 1e-3 * torch.diag(units**2)
    P[6] = -P[6]
    P[7, 0, 1] = P[7, 1, 0] = P[7, 0, 0] + P[7, 1, 1]
    P[8] = P[8] / P[8].diagonal().amax() - 1e-11 * torch.eye(6, dtype=FLOAT)
    qp = replace(qp, P=P)
    found = convex(program, qp)
    assert torch.equal(found, convex(replace(program, open_domain=torch.ones(2, 6, dtype=torch.bool)), qp))
    assert found[[0, 2, 4, 8]].all() and not found[[1, 5, 6, 7]].any()
