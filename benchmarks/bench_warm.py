"""A step after one whose data differ by 1 %, with and without the previous solution; and memory over iterations.

Forward alone, as a layer, on one thread. The distance is that of the two answers, of items in the same minimum. The
floor is a warm start from the answer itself: one factorisation and one check, the least that any warm start takes.
"""

from __future__ import annotations

import resource
import warnings
from pathlib import Path
from typing import Any

import torch
from cone_problems import nearest_correlation, robust_lp
from side_by_side import Way, measure
from torch import Tensor

import declarative

EXAMPLES = Path(__file__).parents[1] / "examples"
Data = dict[str, Any]
LP = """
dim n, m
param c : R^n
param A : R^(m,n)
param b : R^m
var x : R^n, nonneg
minimize c'*x
subject to
  rows: A*x <= b
  box: x <= 10
"""
LASSO = """
dim m, n
param A : R^(m,n)
param b : R^m
param lam : R, nonneg
var x : R^n
minimize sumsq(A*x - b)/2 + lam*norm1(x)
"""
MINIMAX = """
dim m, n
param A : R^(m,n)
param b : R^m
var x : R^n
minimize max(abs(A*x - b))
"""
TV = """
dim n
param y : R^n
param lam : R, nonneg
var x : R^n
minimize 1/2*sumsq(x - y) + lam*sum(abs(x[i+1] - x[i]) for i in 0..n-2)
"""
WELLS = """
dim n
param a : R^n
param r : R, pos
var x : R^n, start(1)
minimize sum(x[i]^4/4 + a[i]*x[i]^3/3 - 2*x[i]^2 + a[i]*x[i] for i in n)
subject to
  ball: sum(exp(x[i]) for i in n) <= 3*n*r
  outside: sumsq(x) >= 1
"""


def normal(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def problems(g: torch.Generator) -> list[tuple[str, str, Data]]:
    """Name, text and data."""
    A, half = normal(g, 128, 50, 50), normal(g, 64).abs() / 2 + 0.5
    b = (A @ normal(g, 128, 50, 1).abs())[..., 0] + normal(g, 128, 50).abs()
    least = {"A": normal(g, 64, 40, 20), "b": 3 * normal(g, 64, 40), "lam": torch.full((64,), 5.0).double()}
    fit = {"A": normal(g, 64, 30, 10), "b": normal(g, 64, 30)}
    signal = {"y": normal(g, 64, 60).cumsum(-1), "lam": torch.ones(64).double()}
    pool = {"x": normal(g, 1024, 50), "d": normal(g, 1024).abs() / 2 + 0.5}
    cones = []
    for problem in (robust_lp(32), nearest_correlation(16), robust_lp(1)):
        names = [d.symbol.name for d in declarative.parse(problem.text).parameters]
        own = {name: t.detach() for name, t in zip(names, problem.data, strict=True)}
        cones.append((problem.title, problem.text, own))
    return [
        *cones,
        ("linear, n = m = 50, B = 128", LP, {"c": normal(g, 128, 50), "A": A, "b": b}),
        ("lasso, n = 20, m = 40, B = 64", LASSO, least),
        ("minimax, n = 10, m = 30, B = 64", MINIMAX, fit),
        ("total variation, n = 60, B = 64", TV, signal),
        ("welsch_pool, n = 50, B = 1024", (EXAMPLES / "welsch_pool.opt").read_text(), pool),
        ("smooth, nonconvex, n = 20, B = 64", WELLS, {"a": normal(g, 64, 20), "r": half}),
    ]


def step(name: str, text: str, data: Data, g: torch.Generator) -> None:
    layer = declarative.compile(declarative.parse(text, name="warm"), on_failure="mask")
    changed = {key: t * (1 + 0.01 * normal(g, *t.shape)) for key, t in data.items()}
    for symbol in (d.symbol for d in layer.problem.parameters if d.symbol.symmetric):
        changed[symbol.name] = (changed[symbol.name] + changed[symbol.name].mT) / 2
    with torch.no_grad():
        first, cold = layer.solve(**data), layer.solve(**changed)
        variable = layer.problem.variables[0].symbol.name

        def apart(s: declarative.Solution) -> float:
            same = s.solved & cold.solved & ((s.value - cold.value).abs() < 1e-6 * (1 + cold.value.abs()))
            return float((s[variable] - cold[variable])[same].abs().max())

        before, after, floor = measure([
            Way("cold", lambda: layer.solve(**changed), apart),
            Way("warm", lambda: layer.solve(**changed, warm=first), apart),
            Way("floor", lambda: layer.solve(**changed, warm=cold), apart),
        ], 5)  # fmt: skip
    print(
        f"  {name:<36} cold {before.seconds * 1e3:7.1f} ms, warm {after.seconds * 1e3:7.1f} ms: "
        f"{before.seconds / after.seconds:5.1f} times faster, {before.seconds / floor.seconds:5.1f} at the floor, "
        f"apart by {after.error:.0e}"
    )


def memory_over_iterations(g: torch.Generator) -> None:
    """Iterations that kept anything of theirs would show: a Hessian of the batch has 5 MB."""
    print("\nthe most memory that the process had, over the iterations: smooth, n = 50, B = 256")
    data: Data = {"a": normal(g, 256, 50), "r": normal(g, 256).abs() / 2 + 0.5}
    for limit in (5, 20, 80):
        text = f"{WELLS}solve by interior_point(max_iterations = {limit})"
        layer = declarative.compile(declarative.parse(text, name="memory"), on_failure="mask")
        with torch.no_grad():
            taken = layer.solve(**data).iterations.max()
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"  at most {limit:>2} iterations, {int(taken):>2} taken: {most:8.0f} MB")


def main() -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    g = torch.Generator().manual_seed(0)
    print("\na step after one whose parameters differ by 1 %, forward alone, as a layer")
    for name, text, data in problems(g):
        step(name, text, data, g)
    memory_over_iterations(g)


if __name__ == "__main__":
    main()
