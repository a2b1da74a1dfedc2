"""Equations that depend on each other: one of them goes, and nobody is to see it but in time and in a flag.

Multipliers are those of least norm, and moves of data that contradict each other count as the nearest that do not.
"""

import cvxpy as cp
import numpy as np
import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

import declarative

ENTROPIC = """
dim n
param C : R^(n,n)
param a : R^n
param b : R^n
var P : R^(n,n)
minimize sum(C .* P) - 0.1*sum(entr(P))
subject to
  rows: sum(P[i,j] for j in n) == a[i] for i in n
  columns: sum(P[i,j] for i in n) == b[j] for j in n
return P, rows.dual, columns.dual, v = value
"""


FLOW = """
# Traffic from the first to the last of four places, by arcs whose travel times grow with what goes there.
param times : R^5, pos
param demand : R
var f : R^5
minimize sum(times .* (f + f.^4)) - 0.02*sum(cos(3*f))
subject to
  f >= 0
  leaves: f[0] + f[1] == demand
  left: f[2] + f[3] == f[0]
  right: f[4] == f[1] + f[2]
  arrives: f[3] + f[4] == demand
return f, leaves.dual, left.dual, right.dual, arrives.dual, v = value
"""
BACKENDS = pytest.mark.parametrize("backend", ["cone", "kkt"])


def entropic(n: int, backend: str, **options):
    """A layer, and three items of its data: costs, and logarithms of marginals."""
    layer = declarative.compile(declarative.parse(ENTROPIC, name="entropic"), backend=backend, **options)
    generator = torch.Generator().manual_seed(n)
    C, a, b = (torch.rand(*shape, generator=generator, dtype=torch.float64) for shape in ((2, n, n), (2, n), (2, n)))
    return layer, C, torch.log_softmax(a, -1), torch.log_softmax(b, -1)


def flow():
    layer = declarative.compile(declarative.parse(FLOW, name="flow"), backend="kkt", on_failure="mask")
    times = torch.tensor([[1.0, 2.0, 0.5, 2.0, 1.0], [3.0, 1.0, 1.0, 1.0, 2.0]], dtype=torch.float64)
    return layer, times, torch.tensor([1.0, 1.5], dtype=torch.float64)


@BACKENDS
def test_another_solver_finds_the_same(backend):
    layer, C, a, b = entropic(4, backend)
    P, rows, columns, value = layer(C, a.exp(), b.exp())
    for k in range(2):
        X = cp.Variable((4, 4))
        marginals = [cp.sum(X, 1) == a[k].exp().numpy(), cp.sum(X, 0) == b[k].exp().numpy()]
        problem = cp.Problem(cp.Minimize(cp.sum(cp.multiply(C[k].numpy(), X)) - 0.1 * cp.sum(cp.entr(X))), marginals)
        problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
        assert np.allclose(P[k].numpy(), X.value, atol=1e-6)  # pyright: ignore
        assert value[k].item() == pytest.approx(problem.value, abs=1e-8)
        slope = C[k] + 0.1 * (P[k].log() + 1)
        assert torch.allclose(slope + rows[k][:, None] + columns[k], torch.zeros(4, 4).double(), atol=1e-12)
    assert torch.allclose(rows.sum(-1), columns.sum(-1), atol=1e-12)


@BACKENDS
def test_derivatives_along_data_that_agree(backend):
    """First and second ones, in both modes, of the plan, of its prices of least norm, and of the value."""
    layer, *inputs = entropic(3, backend)
    inputs = [own.requires_grad_() for own in inputs]

    def function(C, a, b):
        return layer(C, torch.softmax(a, -1), torch.softmax(b, -1))

    assert gradcheck(function, inputs, check_forward_ad=True)
    assert gradgradcheck(function, inputs)


@BACKENDS
def test_transforms_see_the_same(backend):
    layer, C, a, b = entropic(3, backend)
    together = layer(C, a.exp(), b.exp())
    for own, mapped in zip(together, torch.func.vmap(layer)(C, a.exp(), b.exp()), strict=True):
        assert torch.allclose(own, mapped, rtol=0, atol=1e-14)
    plan = lambda z: layer(C[0], torch.softmax(z, 0), b[0].exp())[0]  # noqa: E731
    assert torch.allclose(torch.func.jacrev(plan)(a[0]), torch.func.jacfwd(plan)(a[0]), rtol=0, atol=1e-13)


@BACKENDS
def test_of_moves_that_contradict_each_other_the_nearest_counts(backend):
    layer, C, a, b = entropic(3, backend)
    a, b = a.exp().requires_grad_(), b.exp().requires_grad_()
    outputs = layer(C, a, b)
    for own in outputs:
        grown = torch.autograd.grad((own * torch.rand_like(own)).sum(), (a, b), retain_graph=True)
        assert torch.allclose(grown[0].sum(-1), grown[1].sum(-1), atol=1e-12)
        assert grown[0].abs().max() > 1e-3
    more = torch.full_like(a, 1e-9)  # the sums of rows and of columns are moved apart
    moved = torch.func.jvp(layer, (C, a.detach(), b.detach()), (torch.zeros_like(C), more, -more))[1]
    assert all(own.abs().max() < 1e-21 for own in moved)


@BACKENDS
def test_data_of_single_precision_are_as_good(backend):
    layer, C, a, b = entropic(5, backend)
    exact = layer(C, a.exp(), b.exp())[0]
    solution = layer.solve(C.float(), a.exp().float(), b.exp().float())
    assert (solution.status == 0).all() and (solution["P"] - exact).abs().max() < 1e-6
    assert 1e-10 < solution.primal_residual.max() < 1e-6


@BACKENDS
def test_data_that_contradict_each_other_are_infeasible_and_others_untouched(backend):
    layer, C, a, b = entropic(3, backend, on_failure="mask")
    a, b = a.exp(), b.exp()
    alone = layer.solve(C[:1], a[:1], b[:1])
    b[1] = 1.1 * b[1]
    solution = layer.solve(C, a, b)
    assert solution.status.tolist() == [0, 2]
    assert torch.equal(solution["P"][0], alone["P"][0])
    assert "`rows`" in solution.messages[(1,)] and "`columns`" in solution.messages[(1,)]
    assert solution["P"][1].isnan().all()


@BACKENDS
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("nothing", [float("nan"), float("inf")])
def test_an_item_without_numbers_is_asked_nothing(backend, nothing):
    layer, C, a, b = entropic(3, backend, on_failure="mask")
    a, b = a.exp(), b.exp()
    alone = layer.solve(C[:1], a[:1], b[:1])
    a[1, 0] = nothing
    solution = layer.solve(C, a, b)
    assert solution.status[0] == 0 and solution.status[1] != 0
    assert torch.equal(solution["P"][0], alone["P"][0])


@BACKENDS
def test_a_warm_start_gives_the_same(backend):
    layer, C, a, b = entropic(4, backend)
    first = layer.solve(C, a.exp(), b.exp())
    moved = C * 1.01
    warm, cold = layer.solve(moved, a.exp(), b.exp(), warm=first), layer.solve(moved, a.exp(), b.exp())
    assert torch.allclose(warm["P"], cold["P"], atol=1e-13)
    assert torch.allclose(warm["rows_dual"], cold["rows_dual"], atol=1e-11)
    assert warm.dual_nonunique.all() and not warm.degenerate.any()


def test_prices_of_places_tell_the_way_between_them():
    """A nonconvex program, one way of which has no traffic in an item: a bound holds there too."""
    layer, times, demand = flow()
    solution = layer.solve(times, demand)
    f, q = solution["f"], demand
    assert (solution.status == 0).all() and solution.dual_nonunique.all() and not solution.degenerate.any()
    assert torch.allclose(torch.stack([f[:, 0] + f[:, 1], f[:, 3] + f[:, 4]]), q.expand(2, 2), atol=1e-12)
    slope = times * (1 + 4 * f**3) + 0.06 * torch.sin(3 * f)
    prices = [solution[f"{name}_dual"] for name in ("leaves", "left", "right", "arrives")]
    s, l, r, e = prices
    push = torch.stack([s - l, s - r, l - r, l + e, r + e], -1)
    assert ((slope + push).abs()[f > 1e-9] < 1e-9).all() and ((slope + push)[f <= 1e-9] >= -1e-9).all()
    assert torch.allclose(s + l + r - e, torch.zeros(2).double(), atol=1e-12)  # of least norm


def test_derivatives_of_a_flow_by_all_data():
    layer, times, demand = flow()
    inputs = times[:1].requires_grad_(), demand[:1].requires_grad_()
    assert gradcheck(lambda *data: layer(*data), inputs, check_forward_ad=True)
    assert gradgradcheck(lambda *data: layer(*data)[0], inputs)


def test_the_report_counts_independent_rows():
    layer, times, demand = flow()
    solution = layer.solve(times, demand)
    assert solution.report.rank.tolist() == [3 + int(n) for n in (solution["f"] < 1e-9).sum(-1)]
    assert solution.report.active["arrives"].all()
