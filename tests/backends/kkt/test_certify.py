"""Each row is judged by what it reads: a large entry of the same variable excuses no row that leaves it out."""

import numpy as np
import pytest
import torch

import declarative
from declarative import Status
from declarative.backends.kkt.program.certify import Primal, evaluate, measure, units
from declarative.backends.kkt.program.quadratic import Quadratic


def point(x: torch.Tensor, A: torch.Tensor, b: torch.Tensor, G: torch.Tensor, h: torch.Tensor, lower: torch.Tensor):
    n, none = x.shape[1], torch.zeros_like(x)
    q, k = torch.zeros(1, n).double(), torch.zeros(1).double()
    qp = Quadratic(torch.eye(n).double()[None], q, k, A, b, G, h, lower, none + torch.inf)
    at = Primal(x, torch.zeros(1, A.shape[1]).double(), torch.zeros(1, G.shape[1]).double(), none, none)
    local = evaluate(qp, at)
    return float(measure(local, at, None, units(local, at)).primal)


@pytest.mark.parametrize("kind", ["equation", "inequality", "bound"])
@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
def test_a_row_is_measured_beside_the_entries_that_it_reads(kind, size):
    row = torch.tensor([[[0.0, 1.0]]], dtype=torch.float64)
    side = torch.tensor([[12.0]], dtype=torch.float64) * size
    no, none = row[:, :0], side[:, :0]
    for miss in (0.0, 1e-8, 1e-3):
        x = torch.tensor([[6e8, 12.0 * (1 - miss)]], dtype=torch.float64) * size
        free = torch.full_like(x, -torch.inf)
        parts = {
            "equation": (row, side, no, none, free),
            "inequality": (no, none, -row, -side, free),
            "bound": (no, none, no, none, torch.cat([free[:, :1], side], 1)),
        }
        found = point(x, *parts[kind])
        assert (found <= 1e-6) == (miss <= 1e-8) and found >= miss / 501


@pytest.mark.parametrize("steep", [1.0, 1e20, 1e60])
def test_a_row_without_a_multiplier_is_no_measure_of_slopes(steep):
    """min |x - 1|^2/2 at x = (0, 1), beside an idle row in the entry that is right."""
    eye, none = torch.eye(2).double()[None], torch.zeros(1, 0).double()
    x, free = torch.tensor([[0.0, 1.0]]).double(), torch.full((1, 2), torch.inf).double()
    G, h = (steep * side.double() for side in (torch.tensor([[[0.0, 1.0]]]), torch.tensor([[4.0]])))
    qp = Quadratic(eye, -torch.ones(1, 2).double(), none.sum(1), eye[:, :0], none, G, h, -free, free)
    at = Primal(x, none, torch.zeros(1, 1).double(), 0 * x, 0 * x)
    local = evaluate(qp, at)
    assert float(measure(local, at, None, units(local, at)).dual) == 1


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_what_is_solved_satisfies_each_row_beside_its_own_terms(backend):
    text = "dim n, p; param A : R^(p,n); param b : R^p; param y : R^n; var x : R^n; minimize sumsq(x - y); subject to"
    layer = declarative.compile(
        declarative.parse(text + "; A*x == b; x >= -1", name="rows"), backend=backend, on_failure="mask"
    )
    rng = np.random.default_rng(0)
    n, p, B = 8, 5, 20
    x = rng.uniform(-1, 1, (B, n)) * 10.0 ** rng.uniform(-4, 4, (B, n))
    A = rng.standard_normal((B, p, n)) * np.geomspace(1e-2, 6e8, p)[:, None] * (rng.uniform(size=(B, p, n)) < 0.4)
    b = np.einsum("bpn,bn->bp", A, x.clip(-1))
    solution = layer.solve(*(torch.tensor(part) for part in (A, b, x)))
    solved = (solution.status == Status.SOLVED).numpy()
    assert solved.sum() >= 15
    found = solution["x"].numpy()[solved]
    A, b = A[solved], b[solved]
    terms = np.maximum(
        np.abs(A * np.maximum(np.abs(found), 1e-5 * np.abs(found).max(1)[:, None])[:, None]).max(2), abs(b)
    )
    off = np.abs(np.einsum("bpn,bn->bp", A, found) - b)
    assert (off <= 1e-6 * terms).all()


@pytest.mark.parametrize("c", [30.0, 100.0, 300.0])
def test_a_step_that_overshoots_by_far_is_no_solution(c):
    text = "param c : R; var x : R; minimize exp(x) - c*x; solve by newton(max_iterations = COUNT)"
    once, thrice = (
        declarative.compile(declarative.parse(text.replace("COUNT", count)), on_failure="mask").solve(
            torch.tensor(c, dtype=torch.float64)
        )
        for count in ("1", "3")
    )
    assert once.status == Status.FAILED
    assert thrice.status == Status.SOLVED and thrice["x"] == pytest.approx(np.log(c), rel=1e-12)
