"""Convex programs of three cones: this layer beside cvxpylayers and beside a bare solver; and how long a plan takes."""

# pyright: reportMissingImports=false

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import clarabel
import numpy as np
import scipy.sparse as sp
import torch
from cone_problems import Data, Problem, logistic, nearest_correlation, robust_lp
from scipy.linalg import lu_factor, lu_solve
from side_by_side import Way, measure, show
from torch import Tensor

import declarative
from declarative.backends.cone.backend import ConeBackend, ConePlan, accept
from declarative.backends.cone.linear.quasidefinite import Bordered
from declarative.backends.cone.linear.symmetric import Matrix
from declarative.backends.cone.methods.interior import clarabel_cone
from declarative.backends.cone.methods.solve import solve_items

PEERS = {
    "cvxpylayers, defaults": {},
    "cvxpylayers, SCS at 1e-9, dense": {"solve_method": "SCS", "eps": 1e-9, "max_iters": 100_000, "mode": "dense"},
    "cvxpylayers, Clarabel at 1e-12, dense": {
        "solve_method": "Clarabel",
        **dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), 1e-12),
        "mode": "dense",
    },
}


@dataclass(frozen=True)
class Answer:
    solution: Tensor
    gradients: Data


def differentiated(solve: Callable[..., Tensor], data: Data) -> Answer:
    """Forward and backward, with gradients for all parameters."""
    x = solve(*data)
    weights = torch.linspace(0.5, 1.5, x[0].numel(), dtype=x.dtype).cos().reshape(x[0].shape)
    weights = weights + weights.mT if x.dim() == 3 else weights
    return Answer(x.detach(), torch.autograd.grad((x * weights).sum(), data))


def exact(problem: Problem, near: Tensor) -> Answer:
    def each(*data: Tensor) -> Tensor:
        return torch.stack([problem.reference(*own) for own in zip(near, *data, strict=True)])

    return differentiated(each, problem.data)


def distance(found: Data | tuple[Tensor], wanted: Data | tuple[Tensor]) -> float:
    """Relative, the worst over the parameters."""
    return max(float((a - b).norm() / b.norm()) for a, b in zip(found, wanted, strict=True))


def compared(problem: Problem, ours: tuple[str, ...]) -> None:
    layers = {name: declarative.compile(declarative.parse(problem.text, name="bench"), backend=name) for name in ours}  # pyright: ignore
    solve: dict[str, Callable[..., Tensor]] = {f"this layer, {name}": layer for name, layer in layers.items()}
    theirs = problem.layer()
    for name, args in PEERS.items():
        solve[name] = lambda *data, args=args: theirs(*data, solver_args=dict(args))
    wanted = exact(problem, layers[ours[0]](*problem.data).detach())
    off: dict[str, float] = {}

    def way(name: str) -> Way:
        def error(answer: Answer) -> float:
            off[name] = distance((answer.solution,), (wanted.solution,))
            return distance(answer.gradients, wanted.gradients)

        return Way(name, lambda: differentiated(solve[name], problem.data), error)

    show(
        f"{problem.title}: forward and backward; error of the gradients",
        measure([way(name) for name in solve], rounds=3),
    )
    print("  error of the solution: " + ", ".join(f"{value:.1e} ({name})" for name, value in off.items()))


# --- beside the solver alone ------------------------------------------------------------------------------------------


DEFAULT, FINE = 1e-8, 1e-12  # Clarabel's own tolerance, and one at which its digits are as many as this layer's


def whole(K: Matrix | Bordered) -> Matrix:
    """A matrix of its parts, where it is one of parts."""
    if not isinstance(K, Bordered):
        return K
    return sp.csc_matrix(sp.block_array([[K.P, K.A.T], [K.A, -sp.diags_array(K.theta)]]))


def bare(problem: Problem, tolerance: float) -> Callable[[], None]:
    """Clarabel on the same canonical data, then one factorisation of the system at the solution and one solve.

    That system is there already: what it takes to form it is not counted.
    """
    parsed = declarative.parse(problem.text, name="bench")
    backend = accept(parsed)
    assert isinstance(backend, ConeBackend)
    plan = backend.plan(problem.sizes, {}, torch.device("cpu"))
    assert isinstance(plan, ConePlan)
    assembly = plan.assembly
    names = [d.symbol.name for d in parsed.parameters]
    data = [t.detach() for t in assembly.data(dict(zip(names, problem.data, strict=True)))[:4]]
    size = max(len(t) for t in data)
    items = assembly.structure.items(*(t.expand(size, -1).numpy() for t in data))
    found = solve_items(items, assembly.structure.blocks)
    systems = [whole(solved.system.matrix.K) for solved in found if solved.system is not None]
    dense = [items.dense(k) for k in range(len(items))]
    programs = [(sp.triu(sp.csc_matrix(i.P)).tocsc(), i.q, sp.csc_matrix(i.A), i.b) for i in dense]
    cones = [clarabel_cone(block) for block in items.cones.blocks]
    settings = clarabel.DefaultSettings()  # pyright: ignore
    settings.verbose, settings.max_threads = False, 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    symmetric = {"permc_spec": "MMD_AT_PLUS_A", "diag_pivot_thresh": 0.1, "options": {"SymmetricMode": True}}

    def run() -> None:
        for program, K in zip(programs, systems, strict=True):
            clarabel.DefaultSolver(*program, cones, settings).solve()  # pyright: ignore
            right = np.ones(K.shape[0])
            if isinstance(K, np.ndarray):
                lu_solve(lu_factor(K), right)
            else:
                sp.linalg.splu(K, **symmetric).solve(right)

    return run


def overhead(problem: Problem) -> None:
    layer = declarative.compile(declarative.parse(problem.text, name="bench"), backend="cone")
    ways = [
        Way("bare", bare(problem, DEFAULT), lambda _: float("nan")),
        Way("bare, to the last digits", bare(problem, FINE), lambda _: float("nan")),
        Way("this layer, cone", lambda: differentiated(layer, problem.data), lambda _: float("nan")),
    ]
    base, fine, ours = (way.seconds * 1e3 for way in measure(ways, rounds=9))
    print(f"  {problem.title:<36} bare {base:8.2f} ms, to {FINE:.0e} {fine:8.2f} ms, this layer {ours:8.2f} ms", end="")
    print(f"   x {ours / base:5.2f}, x {ours / fine:5.2f}")


# --- compiling --------------------------------------------------------------------------------------------------------

LARGE = "dim m, n\nparam A : R^(m,n)\nparam b : R^m\nvar x : R^n\nminimize {loss}(A*x - b) + norm1(x)"


def planned(loss: str, backend: str, size: int = 200) -> None:
    A, b = torch.randn(size, size).double(), torch.randn(size).double()
    began = time.perf_counter()
    layer = declarative.compile(declarative.parse(LARGE.format(loss=loss), name="large"), backend=backend)  # pyright: ignore
    built = time.perf_counter()
    layer(A, b)
    first = time.perf_counter()
    layer(A, b)
    again = time.perf_counter()
    print(f"  {loss}(A*x - b) + norm1(x), {backend:<5} built in {built - began:5.2f} s, first call", end="")
    print(f" {first - built:5.2f} s, later calls {again - first:5.2f} s")


def main() -> None:
    warnings.simplefilter("ignore")
    compared(robust_lp(32), ("cone",))
    compared(nearest_correlation(16), ("cone",))
    compared(logistic(16), ("auto", "cone"))
    print("\nforward and backward beside Clarabel on the same data, one LU of the system at the solution and one solve")
    for problem in (
        robust_lp(32),
        nearest_correlation(16),
        logistic(16),
        robust_lp(1),
        nearest_correlation(1),
        logistic(1),
    ):
        overhead(problem)
    print("\ncompiling for a parameter of 200 x 200")
    for loss, backend in (("norm", "cone"), ("sumsq", "cone"), ("sumsq", "kkt")):
        planned(loss, backend)


if __name__ == "__main__":
    main()
