"""Programs whose matrices stay sparse: the same answers as with arrays, and large ones in little room."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from backends.cone.programs import item_of, scalar_of, structure_of, tensors_of
from backends.cone.test_function import REGULAR

import declarative
from declarative import Status
from declarative.backends.cone.differentiate import function
from declarative.backends.cone.differentiate.function import Report, Structure, solve_batch
from declarative.backends.cone.linear.symmetric import factorise
from declarative.backends.cone.methods import solve
from declarative.backends.cone.program import item as items
from declarative.backends.cone.program.certificate import Blocks
from declarative.backends.cone.sets.cones import Block, Cones, Kind


@pytest.mark.parametrize("name", REGULAR)
def test_sparse_matrices_give_the_same(name, monkeypatch):
    item = item_of(REGULAR[name])
    torch.manual_seed(0)
    gx, gz = torch.randn(len(item.q)).double(), torch.randn(len(item.b)).double()
    results = []
    for large, thin in ((10**9, 0.0), (0, 2.0)):
        monkeypatch.setattr(items, "LARGE", large)
        monkeypatch.setattr(items, "THIN", thin)
        structure, data = structure_of(item), [t.requires_grad_() for t in tensors_of(item)]
        x, z, report, outcomes = solve_batch(structure, *data)
        assert report[0, Report.STATUS] == 0
        assert isinstance(outcomes.items[0].system.A, np.ndarray) == (large > 0)
        results.append([x, z, *torch.autograd.grad(scalar_of(structure, gx, gz)(*data), data)])
    for dense, sparse in zip(*results, strict=True):
        assert (dense - sparse).norm() <= 1e-9 * (1 + dense.norm())


@pytest.mark.parametrize("rank", [4, 7, 12])
def test_a_sparse_symmetric_matrix_is_solved_as_an_array_is(rank):
    rng = np.random.default_rng(rank)
    basis = np.linalg.qr(rng.standard_normal((12, 12)))[0][:, :rank]
    K = basis @ np.diag(rng.uniform(1, 2, rank)) @ basis.T
    right = K @ rng.standard_normal(12)
    dense, sparse = factorise(K, 12), factorise(sp.csc_array(K), 12)
    assert dense.singular == sparse.singular == (rank < 12)
    for matrix in (dense, sparse):
        assert np.allclose(K @ matrix.solve(right), right, atol=1e-12)
        assert np.linalg.norm(matrix.solve(right)) <= 3 * np.linalg.norm(np.linalg.pinv(K) @ right)
    assert dense.null_sample().shape == sparse.null_sample().shape == (12, min(12 - rank, 8))


def chain(n: int) -> tuple[Structure, list[torch.Tensor]]:
    """Minimise |x|^2/2 + q'x where neighbours (x[i+1], x[i]) are in a cone and each x[i] <= 1."""
    i = np.arange(n - 1)
    rows = np.concatenate([2 * i, 2 * i + 1, 2 * (n - 1) + np.arange(n)])
    A_at = np.stack([rows, np.concatenate([i + 1, i, np.arange(n)])])
    cones = Cones((*[Block(Kind.SOC, 2)] * (n - 1), Block(Kind.NONNEG, n)))
    values = torch.cat([-torch.ones(2 * (n - 1)), torch.ones(n)]).double()
    b = torch.cat([torch.zeros(2 * (n - 1)), torch.ones(n)]).double()
    blocks = Blocks(np.zeros(n, dtype=int), cones.atomic, np.ones(n, dtype=bool))
    structure = Structure(cones, np.stack([np.arange(n)] * 2), A_at, blocks)
    q = torch.randn(n, dtype=torch.float64)
    return structure, [torch.ones(1, n, dtype=torch.float64), q[None], values[None], b[None]]


def test_two_thousand_unknowns_take_little_memory():
    torch.manual_seed(1)
    structure, data = chain(2000)
    q = data[1].requires_grad_()
    tracemalloc.start()
    x, _, report, _ = solve_batch(structure, *data)
    (gradient,) = torch.autograd.grad(x[0, 7], q)
    assert tracemalloc.get_traced_memory()[1] < 64 * 2**20  # the matrix of the system as an array takes 200 MiB
    tracemalloc.stop()
    assert report[0, Report.STATUS] == 0
    step = 1e-5 * torch.nn.functional.one_hot(torch.tensor([7]), 2000)
    ends = [solve_batch(structure, data[0], q.detach() + s * step, *data[2:])[0][0, 7].item() for s in (1, -1)]
    assert gradient[0, 7].item() == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-6, abs=1e-9)


DEGENERATE = """
dim n, m, p
const A : R^(m,n)
const E : R^(p,n)
param c : R^n
param h : R^m
param e : R^p
var x : R^n
minimize c'*x
subject to
  rows: A*x <= h
  eq: E*x == e
  box: 0 <= x <= 1
"""


@pytest.mark.parametrize("seed", range(4))
def test_many_solutions_are_answered_from_inside_their_set_by_one_method_alone(seed, monkeypatch):
    """Dependent equations and a face of solutions: which rows are active, and so each derivative, is what Clarabel's
    point gives."""
    rng = np.random.default_rng(seed)
    n, m, p = 200, 100, 25
    A, E = (sp.random_array((k, n), density=0.015, rng=rng, data_sampler=rng.standard_normal).toarray() for k in (m, p))
    E[-1] = E[0] + E[1]
    x0 = np.round(2 * rng.random(n)) / 2
    h = A @ x0 + (rng.random(m) < 0.5) * rng.random(m)
    c = E.T @ rng.standard_normal(p) - A.T @ ((h - A @ x0 == 0) * (rng.random(m) < 0.5) * rng.random(m))
    data = [torch.from_numpy(part).requires_grad_() for part in (c, h, E @ x0)]
    problem = declarative.parse(DEGENERATE, name="degenerate")
    layer = declarative.compile(problem, backend="cone", consts={"A": A, "E": E})

    def answer():
        solution = layer.solve(*data)
        slack = torch.cat([data[1] - torch.from_numpy(A) @ solution["x"], solution["x"], 1 - solution["x"]])
        weights = torch.linspace(0.5, 1.5, n, dtype=torch.float64).cos()
        gradients = torch.autograd.grad((solution["x"] * weights).sum(), data)
        assert solution.status == Status.SOLVED and solution.nonunique and solution.dual_nonunique
        return solution.value, slack > 1e-9, gradients

    with monkeypatch.context() as patched:
        patched.setattr(solve, "interior_points", None)
        value, free, gradients = answer()
    with monkeypatch.context() as patched:
        patched.setattr(solve, "rough_point", lambda *_: None)
        wanted, wanted_free, wanted_gradients = answer()
    assert (value - wanted).abs() < 1e-12 * wanted.abs() and (free == wanted_free).all()
    for found, exact in zip(gradients, wanted_gradients, strict=True):
        assert (found - exact).abs().max() <= 1e-9 * exact.abs().max()


@pytest.mark.parametrize("rows", [0, 1])
def test_a_thin_square_with_no_rows_or_a_full_one_is_sparse(rows):
    """Minimise |x - p|^2/2, alone and where sum(x) == 1: x = p + rows (1 - sum(p)) / n."""
    n, cones = 400, Cones((Block(Kind.ZERO, rows),) * rows)
    everywhere = np.arange(n)
    A_at = np.stack([np.zeros(rows * n, dtype=np.int64), np.tile(everywhere, rows)])
    blocks = Blocks(everywhere, np.zeros(rows, dtype=np.int64), np.ones(n, dtype=bool))
    structure = Structure(cones, np.stack([everywhere, everywhere]), A_at, blocks)
    torch.manual_seed(0)
    p, weight = torch.randn(3, n, dtype=torch.float64, requires_grad=True), torch.randn(n, dtype=torch.float64)
    ones = torch.ones(3, n, dtype=torch.float64)
    x, _, report, outcomes = solve_batch(structure, ones, -p, ones[:, : rows * n], ones[:, :rows])
    assert (report[:, Report.STATUS] == 0).all()
    assert not any(isinstance(item.system.A, np.ndarray) for item in outcomes.items)
    (slope,) = torch.autograd.grad((x @ weight).sum(), p)
    assert torch.allclose(x, p + rows * (1 - p.sum(1, keepdim=True)) / n, rtol=0, atol=1e-14)
    assert torch.allclose(slope, (weight - rows * weight.mean()).expand(3, n), rtol=0, atol=1e-14)


@pytest.mark.parametrize("wide", [False, True])
def test_cones_that_mix_many_thin_rows_are_solved_by_arrays(wide):
    """60 matrices of 2 x 2 are refined by sparse factors, one of 20 x 20 not: its eigenvectors fill all its rows."""
    text = "dim k\nparam C[k] : S^2\nvar X[k] : S^2, psd\nminimize sum(trace(C[i]*X[i]) for i in k)\nsubject to\n"
    text += "  diag(X[i]) == 1 for i in k"
    C = torch.randn(60, 2, 2, dtype=torch.float64)
    if wide:
        text = "dim n\nparam C : S^n\nvar X : S^n, psd\nminimize trace(C*X)\nsubject to\n  diag(X) == 1"
        C = torch.randn(20, 20, dtype=torch.float64)
    layer = declarative.compile(declarative.parse(text, name="mixed"), backend="cone")
    kinds = []
    with pytest.MonkeyPatch.context() as patch:
        real = solve.solve_items
        patch.setattr(function, "solve_items", lambda own, *rest: kinds.append(own.sparse) or real(own, *rest))
        solution = layer.solve(C + C.mT)
    assert kinds == [not wide] and solution.solved
    if not wide:  # the least of 2 c x for -1 <= x <= 1
        C = C + C.mT
        wanted = C.diagonal(dim1=1, dim2=2).sum(1) - 2 * C[:, 0, 1].abs()
        torch.testing.assert_close(solution.value, wanted.sum())
