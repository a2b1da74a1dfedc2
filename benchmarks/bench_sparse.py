"""Large programs with sparse data: our layer beside bare sparse solvers.

First two shapes of a quadratic program, beside one sparse factorisation too: 1 % of the entries at random, where
factors fill in, and a band, where they do not. Then what people solve (`large_problems.py`), with errors of the value.
The bare solvers get the matrices ready made, give no gradient, and stop at their own tolerances.
"""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportMissingImports=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import clarabel
import cvxpy as cp
import numpy as np
import piqp
import scipy.sparse as sp
import torch
from large_problems import LARGE, Large
from scipy.sparse.linalg import splu
from side_by_side import Way, measure, show

import declarative

N, M, ROUNDS = 2000, 1000, 3
TEXT = """
dim n, m
const P : S^n, psd
const G : R^(m,n)
param q : R^n
param h : R^m
var x : R^n
minimize 1/2*quad(x, P) + q'*x
subject to
  rows: G*x <= h
"""


@dataclass(frozen=True)
class Data:
    """min 1/2 x'Px + q'x, Gx <= h."""

    P: sp.csc_array
    G: sp.csc_array
    q: np.ndarray
    h: np.ndarray


def at_random(rng: np.random.Generator) -> Data:
    root = sp.random_array((N, N), density=0.002, rng=rng, data_sampler=rng.standard_normal)
    G = sp.random_array((M, N), density=0.01, rng=rng, data_sampler=rng.standard_normal)
    P = root @ root.T + 0.1 * sp.eye_array(N)
    return Data(sp.csc_array(P), sp.csc_array(G), rng.standard_normal(N), rng.random(M))


def banded(rng: np.random.Generator) -> Data:
    offsets = list(range(-10, 11))
    root = sp.diags_array([rng.standard_normal(N) for _ in offsets], offsets=offsets, shape=(N, N))
    G = sp.diags_array([rng.standard_normal(N) for _ in range(20)], offsets=list(range(20)), shape=(M, N))
    P = root @ root.T + 0.1 * sp.eye_array(N)
    return Data(sp.csc_array(P), sp.csc_array(G), rng.standard_normal(N), rng.random(M))


def by_clarabel(d: Data, tolerance: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    if tolerance is not None:
        settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    P = sp.triu(d.P).tocsc()
    found = clarabel.DefaultSolver(P, d.q, d.G, d.h, [clarabel.NonnegativeConeT(M)], settings).solve()
    return np.array(found.x), np.array(found.z)


def by_piqp(d: Data) -> np.ndarray:
    solver = piqp.SparseSolver()
    solver.settings.verbose = False
    solver.setup(d.P, d.q, None, None, d.G, np.full(M, -np.inf), d.h)
    solver.solve()
    return np.array(solver.result.x)


def reference(d: Data) -> tuple[np.ndarray, sp.csc_array]:
    """The solution on the active set that a tight solve finds, and the KKT matrix of that set."""
    x, z = by_clarabel(d, 1e-12)
    rows = d.G.tocsr()[z > np.maximum(d.h - d.G @ x, 1e-12)]
    K = sp.csc_array(sp.block_array([[d.P, rows.T], [rows, None]]))
    right = np.concatenate([-d.q, d.h[z > np.maximum(d.h - d.G @ x, 1e-12)]])
    return splu(K).solve(right)[:N], K


def compare(title: str, d: Data, piqp_too: bool) -> None:
    exact, K = reference(d)
    problem = declarative.parse(TEXT, name="large")
    layer = declarative.compile(problem, consts={"P": d.P.toarray(), "G": d.G.toarray()}, check="never")
    q, h = torch.tensor(d.q, requires_grad=True), torch.tensor(d.h)

    def error(x) -> float:
        return float(np.abs(np.asarray(x) - exact).max() / np.abs(exact).max())

    def both() -> torch.Tensor:
        x = layer(q, h)
        torch.autograd.grad(x.sum(), q)
        return x.detach()

    ways = [
        Way("declarative, forward and backward", both, error),
        Way("declarative, forward", lambda: layer(q.detach(), h), error),
        Way("Clarabel, bare", lambda: by_clarabel(d)[0], error),
        *([Way("PIQP, bare", lambda: by_piqp(d), error)] if piqp_too else []),
        Way("one sparse factorisation", lambda: splu(K), lambda _: 0.0),
    ]
    kind = "sparse" if "are sparse" in (layer(q, h), layer.explain())[1] else "dense"
    show(
        f"{title}: n = {N}, m = {M}, {d.P.nnz} entries in P, {d.G.nnz} in G; our path is {kind}", measure(ways, ROUNDS)
    )


def bare(large: Large, tolerance: float | None = None) -> Callable[[], float]:
    """Clarabel on the program that CVXPY makes of it; gives the value."""
    data, _, inverse = large.cvxpy().get_problem_data(cp.CLARABEL)
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    if tolerance is not None:
        settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    c, b, A, dims, offset = data["c"], data["b"], sp.csc_matrix(data["A"]), data["dims"], inverse[-1]["offset"]
    P = sp.csc_matrix(sp.triu(data["P"])) if "P" in data else sp.csc_matrix((len(c), len(c)))
    cones = [clarabel.ZeroConeT(dims.zero)] * bool(dims.zero) + [clarabel.NonnegativeConeT(dims.nonneg)]
    return lambda: clarabel.DefaultSolver(P, c, A, b, cones, settings).solve().obj_val + offset


def beside_clarabel(large: Large) -> None:
    """Errors are those of the value, relative."""
    exact = bare(large, 1e-11)()
    layer = declarative.compile(declarative.parse(large.text, name="large"), consts=large.consts, check="never")
    data = [torch.tensor(part, dtype=torch.float64, requires_grad=True) for part in large.data]

    def error(value: float) -> float:
        return abs(value - exact) / abs(exact)

    def forward() -> float:
        return layer.solve(*(part.detach() for part in data)).value.item()

    def both() -> float:
        solution = layer.solve(*data)
        torch.autograd.grad(solution[layer.problem.variables[0].symbol.name].sum(), data)
        return solution.value.item()

    ways = [
        Way("declarative, forward and backward", both, error),
        Way("declarative, forward", forward, error),
        Way("Clarabel, bare", bare(large), error),
    ]
    measured, sparse = measure(ways, ROUNDS), "are sparse" in layer.explain()
    show(f"{large.title}; our path is {'sparse' if sparse else 'dense'}", measured)


def main() -> None:
    rng = np.random.default_rng(0)
    compare("1 % at random", at_random(rng), piqp_too=False)  # which takes it more than a minute
    compare("a band", banded(rng), piqp_too=True)
    for make in LARGE:
        beside_clarabel(make(np.random.default_rng(0)))


if __name__ == "__main__":
    main()
