"""Data on a GPU, forward and backward: our layers beside the same layers on the CPU's data, and beside qpth on the GPU.

A layer chooses where to solve (`layer/by_device.py`); the rows "on the CPU" and "on the GPU" force it. Errors are those
of solution and gradients beside the layer's on the CPU, whose own error `bench_qp.py` and `bench_nonlinear.py` tell.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from bench_nonlinear import pnp, trust_region, welsch_pool
from bench_qp import SIZES as DENSE
from qp_problems import random_problems
from qp_ways import EQUATIONS, TEXT, qpth_layer
from side_by_side import Way, measure, show
from torch import Tensor

import declarative
import declarative.layer.by_device as by_device

SIZES = (*DENSE, (10, 20, 16384, 0), (50, 50, 2048, 0), (200, 200, 256, 0))
BATCHES = ((pnp, 64), (pnp, 4096), (trust_region, 256), (trust_region, 8192), (welsch_pool, 1024), (welsch_pool, 32768))
ALWAYS_CPU, ALWAYS_GPU = float("inf"), 0.0
Results = tuple[Tensor, ...]  # the solution, then the gradients of all data


def both(solve: Callable[[Mapping[str, Tensor]], list[Tensor]], data: Mapping[str, Tensor]) -> Callable[[], Results]:
    """Forward, and backward through the sum of sines of what `solve` gives."""

    def run() -> Results:
        leaves = {name: t.detach().requires_grad_() for name, t in data.items()}
        found = solve(leaves)
        moved = list(leaves.values())
        gradients = torch.autograd.grad(sum(t.sin().sum() for t in found), moved, allow_unused=True)  # pyright: ignore
        if found[0].is_cuda:
            torch.cuda.synchronize()
        return (*(t.detach() for t in found), *(g for g in gradients if g is not None))

    return run


def forced(run: Callable[[], Results], limit: float) -> Callable[[], Results]:
    """The same, where it is solved decided by `limit`."""

    def there() -> Results:
        usual, by_device.EQUAL = by_device.EQUAL, limit
        try:
            return run()
        finally:
            by_device.EQUAL = usual

    return there


def error(found: Results, exact: Results) -> float:
    pairs = zip(found, exact, strict=True)
    return max((float((a.cpu() - b).abs().max() / b.abs().max()) for a, b in pairs if b.numel()), default=0.0)


def compare(title: str, layer: declarative.DeclarativeLayer, data: Mapping[str, Tensor], *peers: Way) -> None:
    names = [declared.symbol.name for declared in layer.problem.variables]

    def solve(leaves: Mapping[str, Tensor]) -> list[Tensor]:
        solution = layer.solve(**leaves)  # pyright: ignore[reportArgumentType]
        return [solution[name] for name in names]

    here, there = both(solve, data), both(solve, {name: t.cuda() for name, t in data.items()})
    exact = here()
    ways = [
        Way("data on the GPU", there, lambda found: error(found, exact)),
        Way("data on the GPU, solved on the CPU", forced(there, ALWAYS_CPU), lambda found: error(found, exact)),
        Way("data on the GPU, solved on the GPU", forced(there, ALWAYS_GPU), lambda found: error(found, exact)),
        Way("data on the CPU", here, lambda found: error(found, exact)),
    ]
    ways += [replace(peer, error=lambda found: error(found, exact)) for peer in peers]
    show(title, measure(ways, 5, torch.get_num_threads()))


def quadratic(n: int, m: int, batch: int, p: int) -> None:
    problems = random_problems(n, m, batch, p)
    data = {"P": problems.P, "q": problems.q, "G": problems.G, "h": problems.h}
    data |= {"A": problems.A, "b": problems.b} if p else {}
    layer = declarative.compile(declarative.parse(EQUATIONS if p else TEXT))
    solver, nothing = qpth_layer(problems), {"A": problems.A.cuda(), "b": problems.b.cuda()}

    def peer(leaves: Mapping[str, Tensor]) -> list[Tensor]:
        given = nothing | dict(leaves)
        return [solver(tuple(given[name] for name in ("P", "q", "A", "b", "G", "h")))]

    run = both(peer, {name: t.cuda() for name, t in data.items()})
    title = f"n={n} m={m} B={batch}, {p} equations"
    compare(title, layer, data, Way("qpth on the GPU", run, lambda found: 0.0))


def main() -> None:
    if not torch.cuda.is_available():
        print("no GPU: nothing to measure")
        return
    warnings.simplefilter("ignore")  # the peers'
    print(f"{torch.cuda.get_device_name()}, {torch.get_num_threads()} threads of the CPU, double precision")
    for size in SIZES:
        quadratic(*size)
    for make, batch in BATCHES:
        name, problem, data, _ = make(batch=batch)
        layer = declarative.compile(problem, solve="auto", on_failure="mask")
        compare(f"{name}, B={batch}", layer, data)


if __name__ == "__main__":
    main()
