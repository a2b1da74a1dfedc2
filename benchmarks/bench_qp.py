"""Dense quadratic programs, forward and backward for all data, beside moreau, qpth and cvxpylayers: one thread.

A peer counts where its answer is right to 1e-4. Figures are medians of runs in turn; the ratio is to the first row.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import os
import resource
import time
import warnings
from collections.abc import Callable
from statistics import median

import torch
from qp_problems import Problems, Reference, error, random_problems, reference
from qp_ways import TEXT, Run, Solver, cvxpylayers_layer, engine, layer, moreau_layer, qpth_layer
from side_by_side import Measured, Way, measure, show
from torch import Tensor

import declarative

ROUNDS = 15
SIZES = (
    (10, 10, 128, 0),
    (10, 20, 1024, 0),
    (50, 50, 128, 0),
    (100, 100, 32, 10),
    (128, 128, 128, 0),
    (500, 500, 4, 0),
)
RIGHT = 1e-4
SLOW = {(100, 100, 32, 10), (128, 128, 128, 0), (500, 500, 4, 0)}  # cvxpylayers needs many seconds there
MODULES = {
    "declarative, engine": engine,
    "declarative, layer": layer,
    "declarative, layer, check='never'": lambda problems: layer(problems, "never"),
    "moreau": moreau_layer,
    "qpth": qpth_layer,
    "cvxpylayers": cvxpylayers_layer,
}


def ways(problems: Problems, exact: Reference, names: list[str]) -> list[Way]:
    """Forward and backward; what cannot be set up is left for the table to say."""
    return [
        Way(name, Run(_late(MODULES[name], problems), problems), lambda r: error(r[0], r[1], exact)) for name in names
    ]


def _late(make, problems: Problems) -> Solver:
    """The solver, made at its first call, so that a peer that fails is a line of the table."""
    made: list[Solver] = []

    def run(data):
        if not made:
            made.append(make(problems))
        return made[0](data)

    return run


def forward_and_backward(size: tuple[int, int, int, int]) -> list[Measured]:
    n, m, batch, p = size
    problems = random_problems(n, m, batch, p)
    exact = reference(problems)
    names = [name for name in MODULES if name != "cvxpylayers" or size not in SLOW]
    rows = measure(ways(problems, exact, names))
    show(f"n={n} m={m} B={batch}, {p} equations, {exact.active:.0%} of the rows active: forward and backward", rows)
    peers = [row.seconds for row in rows[3:] if row.error is not None and row.error < RIGHT]
    if peers:
        print(f"  the engine takes {rows[0].seconds / min(peers):.2f} of the best peer that is right, "
              f"the layer {rows[1].seconds / min(peers):.2f}")  # fmt: skip
    return rows


def backward_alone(size: tuple[int, int, int, int], make: Callable[[Problems], Solver], name: str) -> None:
    """Each pass by itself, in turn; gradients of all data, which `.backward()` would copy once more into `.grad`."""
    problems = random_problems(*size)
    solver, times = make(problems), ([], [])
    for _ in range(ROUNDS):
        data = tuple(t.detach().requires_grad_() for t in problems.data)
        began = time.perf_counter()
        total = (solver(data) * problems.weight).sum()
        between = time.perf_counter()
        torch.autograd.grad(total, data, allow_unused=True)
        times[0].append(between - began)
        times[1].append(time.perf_counter() - between)
    forward, backward = (median(part[1:]) for part in times)  # the first turn warms up
    print(
        f"  {name}, n={size[0]} B={size[2]}: forward {forward * 1e3:.1f} ms, "
        f"backward {backward * 1e3:.1f} ms, {backward / forward:.2f} of it"
    )


def growing_batches() -> None:
    """Time an item, and memory, over the batch."""
    print("\ntime an item over the batch, n = m = 50, forward and backward, and the most memory that the process had")
    for batch in (16, 128, 1024):
        problems = random_problems(50, 50, batch)
        run = Run(engine(problems), problems)
        (row,) = measure([Way("engine", run, lambda r: 0.0)], 5)
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"  B={batch:<5} {row.seconds / batch * 1e6:8.1f} us an item   {most:8.0f} MB")


def warm_start() -> None:
    """The next step of slowly changing parameters (1 %), with and without the previous solution.

    The floor is a warm start from the answer itself: one factorisation and one check, the least that any one takes.
    """
    print("\na step after one whose parameters differ by 1 %, forward alone, as a layer")
    for n, m, batch in ((50, 50, 128), (128, 128, 128), (50, 200, 128)):
        problems = random_problems(n, m, batch)
        module = declarative.compile(declarative.parse(TEXT), check="never")
        P, q, G, h = problems.P, problems.q, problems.G, problems.h
        own, shared = (P, q, G, h), (P[0], q, G[0], h + 10)
        _step(module, f"n={n} m={m} B={batch}, all data", own, tuple(map(_changed, own)))
        changed = (P[0], _changed(q), G[0], _changed(h + 10))
        _step(module, f"n={n} m={m} B={batch}, q and h, P and G shared", shared, changed)


def _step(module: declarative.DeclarativeLayer, name: str, old: tuple[Tensor, ...], new: tuple[Tensor, ...]) -> None:
    with torch.no_grad():
        first, exact = module.solve(*old), module.solve(*new)
        cold, warm, floor = measure([
            Way("cold", lambda: module.solve(*new), lambda s: float((s.x - exact.x).abs().max())),
            Way("warm", lambda: module.solve(*new, warm=first), lambda s: float((s.x - exact.x).abs().max())),
            Way("floor", lambda: module.solve(*new, warm=exact), lambda s: float((s.x - exact.x).abs().max())),
        ])  # fmt: skip
    print(
        f"  {name:<44} cold {cold.seconds * 1e3:7.1f} ms, warm {warm.seconds * 1e3:7.1f} ms: "
        f"{cold.seconds / warm.seconds:.1f} times faster, {cold.seconds / floor.seconds:.1f} at the floor, "
        f"apart by {warm.error:.0e}"
    )


def _changed(t: Tensor) -> Tensor:
    """By 1 %; a symmetric matrix stays symmetric."""
    change = 0.01 * torch.randn(t.shape, generator=torch.Generator().manual_seed(1), dtype=t.dtype)
    if t.dim() == 3 and t.shape[1] == t.shape[2] and torch.equal(t, t.mT):
        change = (change + change.mT) / 2
    return t * (1 + change)


def main() -> None:
    os.environ["RAYON_NUM_THREADS"] = "1"  # moreau's
    warnings.simplefilter("ignore")  # the peers'
    torch.set_num_threads(1)
    growing_batches()
    warm_start()
    print("\nthe backward pass alone")
    for make, name in ((engine, "engine"), (layer, "layer")):
        backward_alone((128, 128, 128, 0), make, name)
    for size in SIZES:
        forward_and_backward(size)


if __name__ == "__main__":
    main()
