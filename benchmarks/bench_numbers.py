"""How long NaN data take to be found, in the check alone and in a whole call that answers, beside one millisecond."""

import time
from statistics import median
from unittest.mock import patch

import torch

import declarative
from declarative.layer.promises import Promises

BUDGET = 1e-3
RUNS = 50
TEXT = """
dim m, n
param A : R^(m,n)
param b : R^m
param g : R, pos
var x : R^n
minimize sumsq(A*x - b) + g*norm(x)
subject to
  cap: x <= 1
"""


def seconds(batch: int, size: int) -> tuple[float, float]:
    """Medians of the check and of the call, where the last entry of b is NaN in every item."""
    layer = declarative.compile(declarative.parse(TEXT, name="numbers"), backend="cone", on_failure="mask")
    b = torch.randn(batch, size, dtype=torch.float64)
    b[:, -1] = torch.nan
    data = torch.randn(batch, size, size, dtype=torch.float64), b, torch.ones(batch, dtype=torch.float64)
    solution = layer.solve(*data)
    assert solution.messages[(batch - 1,)] == f"`b[{size - 1}]` is NaN"
    check, checks, calls = Promises.breaches, [], []

    def timed(*args):
        began = time.perf_counter()
        found = check(*args)
        checks.append(time.perf_counter() - began)
        return found

    with patch.object(Promises, "breaches", timed):
        for _ in range(RUNS):
            began = time.perf_counter()
            layer.solve(*data)
            calls.append(time.perf_counter() - began)
    return median(checks), median(calls)


def main() -> None:
    torch.set_num_threads(1)
    print(f"\nNaN found by name and item (milliseconds, medians of {RUNS}, budget {BUDGET * 1e3:.0f} for the check)")
    print(f"  {'batch':>6} {'entries an item':>16} {'check':>8} {'call':>8}")
    slowest = 0.0
    for batch, size in ((1, 10), (16, 50), (64, 100)):
        check, call = seconds(batch, size)
        slowest = max(slowest, check)
        print(f"  {batch:6} {size * size + size + 1:16} {check * 1e3:8.3f} {call * 1e3:8.3f}")
    print(f"  slowest check: {slowest * 1e3:.3f} ms, {'within' if slowest <= BUDGET else 'OVER'} the budget")


if __name__ == "__main__":
    main()
