"""Large sparse programs without curved cones: their own interior-point method, factors, and sets of active rows."""

# clarabel is compiled, and has no stubs:
# pyright: reportAttributeAccessIssue=false
import clarabel
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.optimize import linprog

import declarative
from declarative.backends.cone.linear.matrices import pattern_of
from declarative.backends.cone.linear.quasidefinite import active_matrix, kkt_pattern
from declarative.backends.cone.methods import solve
from declarative.backends.cone.methods.mehrotra import rough_point
from declarative.backends.cone.program.certificate import Blocks
from declarative.backends.cone.program.item import Items
from declarative.backends.cone.program.scaling import equilibrate
from declarative.backends.cone.sets.cones import Block, Cones, Kind

N, EQUAL, ROWS = 240, 40, 120


def program(rng: np.random.Generator, curved: bool) -> Items:
    """With equalities, inequalities and bounds; P = 0 where it is not curved."""
    root = np.diag(rng.standard_normal(N)) + np.diag(rng.standard_normal(N - 1), 1) + np.diag(np.ones(N - 1), -1)
    P = sp.coo_array((root @ root.T + 0.1 * np.eye(N)) * curved)
    G = sp.random_array((EQUAL + ROWS, N), density=0.01, rng=rng, data_sampler=rng.standard_normal)
    A = sp.coo_array(sp.vstack([G + sp.eye_array(EQUAL + ROWS, N), sp.eye_array(N), -sp.eye_array(N)]))
    inside = rng.uniform(-0.5, 0.5, N)
    b = A @ inside + np.concatenate([np.zeros(EQUAL), rng.random(ROWS + 2 * N)])
    rows = EQUAL + ROWS + 2 * N
    cones = Cones((Block(Kind.ZERO, EQUAL), Block(Kind.NONNEG, rows - EQUAL)))
    sizes = ((P, (N, N)), (A, (rows, N)))
    P, A = (pattern_of(np.stack(part.coords), size).matrices(part.data[None]) for part, size in sizes)
    return Items(P, rng.standard_normal((1, N)), A, b[None], cones)


def by_clarabel(items: Items) -> np.ndarray:
    item, settings = items.one(0), clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    cones = [clarabel.ZeroConeT(EQUAL), clarabel.NonnegativeConeT(len(item.b) - EQUAL)]
    P, A = sp.csc_matrix(sp.triu(item.P)), sp.csc_matrix(item.A)
    return np.array(clarabel.DefaultSolver(P, item.q, A, item.b, cones, settings).solve().x)


@pytest.mark.parametrize("curved", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_the_rough_point_settles_to_the_solution_without_another_method(seed, curved, monkeypatch):
    items = program(np.random.default_rng(seed), curved)
    assert items.sparse
    monkeypatch.setattr(solve, "interior_points", None)
    (solved,) = solve.solve_items(items, Blocks(np.zeros(N, dtype=int), items.cones.atomic, np.ones(N, dtype=bool)))
    assert solved.settled and not solved.degenerate
    assert np.abs(solved.point.x - by_clarabel(items)).max() <= 1e-7


def test_a_set_of_active_rows_that_is_wrong_is_mended(monkeypatch):
    """From a point so rough that rows are on the wrong side."""
    items = program(np.random.default_rng(0), curved=True)
    blocks, wrong = Blocks(np.zeros(N, dtype=int), items.cones.atomic, np.ones(N, dtype=bool)), []
    exact = solve.solve_items(items, blocks)[0].point
    for close in (1e-7, 1e-8):
        rough = rough_point(equilibrate(items).apply(items).one(0), close)
        assert rough is not None
        wrong.append(np.count_nonzero((rough.point.z > rough.point.s) != (exact.z > exact.s)))
        monkeypatch.setattr(solve, "CLOSE", close)
        monkeypatch.setattr(solve, "interior_points", None)
        (solved,) = solve.solve_items(items, blocks)
        assert solved.settled and np.abs(solved.point.x - exact.x).max() <= 1e-10
    assert max(wrong) > 0


def test_no_point_is_found_where_there_is_none():
    items = program(np.random.default_rng(0), curved=False)
    b = items.b.copy()
    b[0, -2 * N :] = -1.0  # x <= -1 and x >= 1
    nowhere = Items(items.P, items.q, items.A, b, items.cones)
    assert rough_point(equilibrate(nowhere).apply(nowhere).one(0), 1e-8) is None
    (solved,) = solve.solve_items(nowhere, Blocks(np.zeros(N, dtype=int), items.cones.atomic, np.ones(N, dtype=bool)))
    assert solved.status == declarative.Status.INFEASIBLE


@pytest.mark.parametrize("dependent", [False, True])
def test_the_matrix_of_the_active_rows_is_solved_exactly_or_refused(dependent):
    items = program(np.random.default_rng(0), curved=True)
    item, active = items.one(0), np.zeros(items.b.shape[1], dtype=bool)
    active[:EQUAL] = active[EQUAL + ROWS + N - 9 : EQUAL + ROWS + N] = True
    active[EQUAL + ROWS + 2 * N - 1] = dependent  # the other bound of a variable
    matrix = active_matrix(kkt_pattern(items.P.pattern, items.A.pattern), item.P, item.A, active, np.zeros(len(active)))
    assert matrix is not None and matrix.singular is dependent
    if not dependent:
        A = item.A[active]
        K = sp.block_array([[item.P, A.T], [A, None]]).toarray()
        right = np.random.default_rng(1).standard_normal(len(K))
        assert np.allclose(K @ matrix.solve(right), right, rtol=0, atol=1e-12)


def test_factors_stay_those_of_their_matrix_while_others_are_made():
    items = program(np.random.default_rng(0), curved=True)
    pattern, item = kkt_pattern(items.P.pattern, items.A.pattern), items.one(0)
    values, right = pattern.values(item.P.data, item.A.data), np.ones(sum(item.A.shape))
    first = pattern.factors(values, np.ones(len(item.b)))
    assert first is not None
    before = first.solve(right)
    second = pattern.factors(values, np.full(len(item.b), 2.0))
    assert second is not None and not np.allclose(second.solve(right), before)
    assert np.array_equal(first.solve(right), before)


def test_weak_activity_of_a_large_program_is_flagged_and_exact():
    """Projection on the box: y at its corner in one entry."""
    text = "dim n\nparam y : R^n\nvar x : R^n\nminimize sumsq(x - y)/2\nsubject to\n c: 0 <= x <= 1"
    layer = declarative.compile(declarative.parse(text, name="box"))
    y = torch.linspace(-1, 2, 1200, dtype=torch.float64)
    y[7] = 0.0
    solution = layer.solve(y)
    assert "are sparse" in layer.explain()
    assert solution.degenerate and not solution.nonunique
    assert torch.allclose(solution.x, y.clamp(0, 1), rtol=0, atol=1e-12)


def test_where_factors_are_heavy_the_other_method_finds_the_rough_point(monkeypatch):
    items = program(np.random.default_rng(0), curved=True)
    blocks = Blocks(np.zeros(N, dtype=int), items.cones.atomic, np.ones(N, dtype=bool))
    (own,) = solve.solve_items(items, blocks)
    assert items.kkt is not None and 0 < items.kkt.work < solve.HEAVY
    monkeypatch.setattr(solve, "HEAVY", items.kkt.work / 2)
    monkeypatch.setattr(solve, "rough_point", None)
    (other,) = solve.solve_items(items, blocks)
    assert own.settled and other.settled and np.abs(own.point.x - other.point.x).max() <= 1e-12


def test_a_linear_program_with_many_solutions_is_answered_from_the_rough_point(monkeypatch):
    """Ties everywhere: the right sides go through a point, and costs are combinations of rows."""
    text = """
    dim n, m
    const A : R^(m,n)
    param c : R^n
    param h : R^m
    var x : R^n
    minimize c'*x
    subject to
      rows: A*x <= h
      low: 0 <= x <= 10
    """
    n, m, rng = 900, 480, np.random.default_rng(5)
    A = sp.random_array((m, n), density=3 / m, rng=rng, data_sampler=rng.standard_normal)
    h = A @ rng.random(n) + rng.random(m) * (rng.random(m) < 0.5)
    c = -(A.T @ rng.random(m)) + rng.random(n) * (rng.random(n) < 0.5)
    layer = declarative.compile(declarative.parse(text, name="ties"), backend="cone", consts={"A": A.toarray()})
    monkeypatch.setattr(solve, "interior_points", None)
    solution = layer.solve(torch.from_numpy(c), torch.from_numpy(h))
    fine = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    wanted = linprog(c, A_ub=A, b_ub=h, bounds=(0, 10), options=fine).fun
    assert solution.status == declarative.Status.SOLVED and solution.nonunique
    assert abs(solution.value.item() - wanted) <= 1e-12 * abs(wanted)
