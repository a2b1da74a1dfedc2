"""The work of `declarative warmup`: a small program of each kind is solved, so that the methods are compiled ahead."""

from collections.abc import Mapping
from time import perf_counter

import click
import torch
from torch import Tensor

from declarative.cli.report import Form, show_json
from declarative.cli.status import Exit
from declarative.elaborate.load import parse
from declarative.layer.compile import compile as compile_layer

QUADRATIC = """var x : R^5
minimize {}
subject to
  -1 <= x <= 1
  sum(x) <= 1
"""
SMOOTH = """var x : R^5
minimize sum(exp(x[i]) + x[i]^4 - a[i]*x[i] for i in 5)
"""
# Kinds of programs, by what their first use compiles; each for a parameter `a` in R^5 or in S^3.
PROGRAMS: Mapping[str, str] = {
    "strictly convex quadratic programs": QUADRATIC.format("1/2*sumsq(x) - 3*a'*x"),
    "linear programs": QUADRATIC.format("-a'*x"),
    "other quadratic programs": """var x : R^9
minimize sum((x[i] + x[i+4] - a[i])^2 for i in 5) + 0.1*norm1(x)
""",
    "smooth programs without constraints": SMOOTH,
    "smooth programs with constraints": f"""{SMOOTH}subject to
  sum(x[i]^3 for i in 5) == 1
  sumsq(x) <= 2
""",
    "large smooth programs": """var x : R^200, start(1)
minimize sum(exp(x[i]) - a[0]*x[i] for i in 200)
subject to
  x[i]*x[i+1] <= 1 for i in 0..198
""",
    "second-order cones": """var x : R^5
minimize norm(x - a) + sum(x)
subject to
  norm(x) <= 1
""",
    "large programs with cones": """var x : R^600
minimize sum(norm([x[i] - a[0], x[i+1]]) for i in 0..598) + sumsq(x)
""",
    "semidefinite matrices": """var X : S^3, psd
minimize normfro(X - a)
subject to
  X[i,i] == 1 for i in 3
""",
    "exponential cones": """var x : R^5
minimize logsumexp(x) + norm(x - a)
""",
}


def run(form: Form) -> int:
    seconds = {}
    for kind, text in PROGRAMS.items():
        begun = perf_counter()
        solve_twice(text)
        seconds[kind] = round(perf_counter() - begun, 1)
        if form != "json":
            click.echo(f"{kind}: {seconds[kind]} s")
    if form == "json":
        show_json(seconds)
    return Exit.FINE


def solve_twice(text: str) -> None:
    """A batch of two, forward and backward, and once more from the solution."""
    space, shape = ("S^3", (2, 3, 3)) if "psd" in text else ("R^5", (2, 5))
    layer = compile_layer(parse(f"param a : {space}\n{text}", name="warmup"), on_failure="mask")
    a = torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    a = (a + a.mT if space == "S^3" else a).requires_grad_()
    found = layer.solve(a)
    differentiate(found.value, found.values)
    moved = layer.solve(a + 1e-3, warm=found)
    differentiate(moved.value, moved.values)


def differentiate(value: Tensor, values: Mapping[str, Tensor]) -> None:
    """The backward pass of the value and all variables."""
    (value.sum() + sum(part.square().sum() for part in values.values())).backward()
