"""Programs of few entries: the compiled method that visits nothing else gives what the one for full matrices gives."""

import numpy as np
import pytest
import torch
from torch import Tensor

import declarative
from declarative.backends.kkt.compiled import batch
from declarative.backends.kkt.compiled.outline import NOTHING, outline_of

CONTROL = """
dim n = 3, m = 2, T = 10
param x0 : R^n
param A : R^(n,n)
param B : R^(n,m)
param Q : S^n, psd
param R : S^m, pd
param most : R, pos
var x[0..T] : R^n
var u[0..T-1] : R^m
minimize sum(quad(x[t], Q) + quad(u[t], R) for t in 0..T-1) + quad(x[T], Q)
subject to
  init: x[0] == x0
  dyn: x[t+1] == A*x[t] + B*u[t] for t in 0..T-1
  box: -most <= u[t] <= most for t in 0..T-1
"""
FLOW = """
dim n
const E : R^(n,n), binary
param c : R^(n,n)
param b : R^n
param most : R, pos
var x : R^(n,n), nonneg
minimize sum(c[i,j]*x[i,j] + x[i,j]^2/2 for i in n, j in n)
subject to
  flow: sum(x[i,j] for j in n if E[i,j]) - sum(x[j,i] for j in n if E[j,i]) == b[i] for i in n
  full: x[i,j] <= most for i in n, j in n if E[i,j]
  off: x[i,j] == 0 for i in n, j in n if not E[i,j]
"""
TV = """
dim n
param y : R^n
param lam : R, nonneg
var x : R^n
minimize 1/2*sumsq(x - y) + lam*sum(abs(x[i+1] - x[i]) for i in 0..n-2)
"""
STEPS = """
dim k
param y : R^(2*k)
param w : R^(2*k), pos
param most : R
var x : R^(2*k), nonneg
minimize sum(w[i]*(x[i] - y[i])^2 for i in 0..2*k-1)
subject to
  rise: x[i+1] - x[i] <= most for i in 0..2*k-2
  pair: x[2*i] + x[2*i+1] == 1 for i in k if i > 2
"""
B = 12


def normal(g: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=g, dtype=torch.float64)


def definite(g: torch.Generator, n: int) -> Tensor:
    F = normal(g, B, n, n)
    return F @ F.mT + 0.1 * torch.eye(n, dtype=torch.float64)


def control(g: torch.Generator):
    A = 0.7 * torch.eye(3, dtype=torch.float64) + 0.2 * normal(g, B, 3, 3)
    most = 0.2 + 0.5 * normal(g, B).abs()
    return {
        "x0": normal(g, B, 3),
        "A": A,
        "B": normal(g, B, 3, 2),
        "Q": definite(g, 3),
        "R": definite(g, 2),
        "most": most,
    }


def flow(g: torch.Generator):
    """Balanced, so that one equation depends on the others; some items ask for more than fits."""
    b = normal(g, B, 20)
    return {"c": normal(g, B, 20, 20), "b": b - b.mean(-1, keepdim=True), "most": 0.3 + 3 * normal(g, B).abs()}


def steps(g: torch.Generator):
    """Some of it without a solution: the first steps may have to fall."""
    return {"y": normal(g, B, 40), "w": 0.1 + normal(g, B, 40).abs(), "most": 0.3 * normal(g, B) + 0.2}


def total_variation(g: torch.Generator):
    return {"y": normal(g, B, 40).cumsum(-1), "lam": normal(g, B).abs()}


RING = torch.tensor([[float((j - i) % 20 in (1, 2)) for j in range(20)] for i in range(20)], dtype=torch.float64)
PROGRAMS = {
    "control": (CONTROL, control, {}),
    "flow": (FLOW, flow, {"E": RING}),
    "steps": (STEPS, steps, {}),
    "tv": (TV, total_variation, {}),
}


def solved(layer, data):
    """The solution, and the gradients of its variables, duals and value with weights, for items that are solved."""
    inputs = {name: t.clone().requires_grad_() for name, t in data.items()}
    s = layer.solve(**inputs)
    variables = [s[d.symbol.name] for d in layer.problem.variables]
    parts = [torch.where(s.solved[:, None], part.flatten(1), 0) for part in variables]
    parts += [torch.where(s.solved[:, None], part.reshape(len(part), -1), 0) for part in s.duals.values()]
    total = sum((part * torch.linspace(0.5, 1.5, part.shape[1], dtype=part.dtype).cos()).sum() for part in parts)
    total = total + torch.where(s.solved, s.value, 0).sum()
    return s, torch.autograd.grad(total, list(inputs.values()), allow_unused=True)


@pytest.mark.parametrize("name", PROGRAMS)
def test_few_entries_and_full_matrices_agree(name: str, monkeypatch: pytest.MonkeyPatch):
    text, draw, consts = PROGRAMS[name]
    layer = declarative.compile(
        declarative.parse(text, name=name), consts=consts, backend="kkt", on_failure="mask", check="never"
    )
    asked: list[bool] = []

    def listening(*parts: np.ndarray):
        found = outline_of(*parts)
        asked.append(found.thin)
        return found

    close = {"rtol": 1e-8, "atol": 1e-8, "equal_nan": True}
    count = 0
    for seed in range(4):
        data = draw(torch.Generator().manual_seed(seed))
        monkeypatch.setattr(batch, "outline_of", listening)
        thin, gradients = solved(layer, data)
        monkeypatch.setattr(batch, "outline_of", lambda *parts: NOTHING)
        full, wanted = solved(layer, data)
        assert torch.equal(thin.status, full.status)
        for flag in ("degenerate", "nonunique", "dual_nonunique"):
            assert torch.equal(getattr(thin, flag), getattr(full, flag))
        torch.testing.assert_close(thin.value, full.value, **close)
        for part in (d.symbol.name for d in layer.problem.variables):
            torch.testing.assert_close(thin[part], full[part], **close)
        for path, dual in thin.duals.items():
            torch.testing.assert_close(dual, full.duals[path], **close)
        for one, other in zip(gradients, wanted, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)
        count += int(thin.solved.sum())
    assert all(asked) and asked and count > 2 * B


def test_the_outline_of_a_factor_with_a_long_last_row():
    """By hand: its envelope begins at variable 36, and all rows that read one from there on read the last one, too."""
    n = 40
    P = 2 * np.eye(n)
    P[-1, 36] = P[36, -1] = 0.5
    A = np.zeros((1, 2, n))
    A[0, 0, 36], A[0, 1, 7] = 1, 1
    found = outline_of(P[None], A, np.zeros((1, 0, n)), np.array([37, *range(10, 20)]))
    assert found.thin and found.span[:, -1].tolist() == [36, n] and found.span[:, 36].tolist() == [36, n]
    assert [found.spots[r, : found.many[r]].tolist() for r in range(4)] == [[36, 39], [7], [37, 39], [10]]
    assert found.users[found.start[39] :].tolist() == [0, 2]


@pytest.mark.parametrize("width", [1, 39])
def test_what_fills_in_is_left_to_full_matrices(width: int):
    """A chain's factor makes every row of V full; so does a row that reads all variables."""
    n = 40
    P = 2.1 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1) if width == 1 else np.eye(n)
    A = np.ones((1, 1, n)) if width == 39 else np.eye(n)[None, ::3]
    assert not outline_of(P[None], A, np.zeros((1, 0, n)), np.arange(n)).thin


def test_a_program_without_rows_and_one_with_empty_rows():
    """Nothing to put in order; and rows that ask for nothing make no envelope wide."""
    n = 40
    alone = outline_of(np.eye(n)[None], np.zeros((1, 0, n)), np.zeros((1, 0, n)), np.arange(0))
    assert alone.thin and alone.order.size == 0
    G = np.concatenate([np.eye(20, n), np.zeros((10, n))])[None]
    empty = outline_of(np.eye(n)[None], np.zeros((1, 0, n)), G, np.arange(30, 40))
    assert empty.thin and sorted(empty.order) == list(range(40)) and (empty.low == np.arange(40)).all()
    y = torch.linspace(-1, 1, n, dtype=torch.float64, requires_grad=True)
    text = "dim n; param y : R^n; var x : R^n; minimize sumsq(x - y)"
    x = declarative.compile(declarative.parse(text, name="alone"), backend="kkt")(y)
    torch.testing.assert_close(x, y)
    torch.testing.assert_close(torch.autograd.grad(x.sum(), y)[0], torch.ones(n, dtype=torch.float64))


def test_what_is_compiled_for_full_matrices_serves_few_entries_too():
    """Arrays of one kind: others would have everything compiled once more."""
    n = 40
    for found in (NOTHING, outline_of(np.eye(n)[None], np.eye(3, n)[None], np.zeros((1, 0, n)), np.arange(n))):
        assert all(part.flags.c_contiguous and part.dtype == np.int64 for part in found[1:])
