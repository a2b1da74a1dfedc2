"""The work of `declarative solve`: the solution for data, as a report or as JSON."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import click
import numpy as np
from torch import Tensor

from declarative.backends.status import AnsweredBy, Status
from declarative.cli.inputs import Data, Wanted
from declarative.cli.layers import build, solve
from declarative.cli.report import Form, count, show_json
from declarative.cli.status import Exit
from declarative.cli.values import to_json
from declarative.ir.problem import Problem
from declarative.layer.solution import Solution

MOST_ITEMS = 10  # of a batch that a report shows


def run(problem: Problem, data: Data, backend: Wanted, form: Form) -> int:
    solution = solve(build(problem, data, backend=backend), data.params)
    if form == "json":
        show_json(to_json(_data(problem.name, solution)))
    else:
        click.echo("\n".join(_report(problem.name, solution) if form == "full" else _concise(problem.name, solution)))
    return Exit.UNSOLVED if bool((solution.status > Status.INACCURATE).any()) else Exit.FINE


def _array(value: Tensor) -> np.ndarray:
    return value.detach().cpu().numpy()


def _arrays(values: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: _array(value) for name, value in values.items()}


def _data(name: str, solution: Solution) -> dict[str, Any]:
    return {
        "problem": name,
        "status": _names(solution.status, Status),
        "value": _array(solution.value),
        "outputs": {name: _array(solution[name]) for name in solution.output_names},
        "values": _arrays(solution.values),
        "duals": _arrays(solution.duals),
        "primal_residual": _array(solution.primal_residual),
        "dual_residual": _array(solution.dual_residual),
        "gap": _array(solution.gap),
        "iterations": _array(solution.iterations),
        "answered_by": _names(solution.answered_by, AnsweredBy),
        "degenerate": _array(solution.degenerate),
        "nonunique": _array(solution.nonunique),
        "dual_nonunique": _array(solution.dual_nonunique),
        "messages": [{"item": list(item), "message": text} for item, text in solution.messages.items()],
    }


def _names(numbers: Tensor, of: type[IntEnum]) -> Any:
    """One name, or nested lists of names for a batch."""
    return np.vectorize(lambda number: of(number).name.lower(), otypes=[object])(_array(numbers)).tolist()


def _concise(name: str, solution: Solution) -> list[str]:
    """A line for each item: how it ended, and its value."""
    lines = []
    for item in np.ndindex(*solution.status.shape):
        status = Status(int(solution.status[item]))
        value = _value(solution, item) if status <= Status.INACCURATE else ""
        told = ", ".join(part for part in (status.name.lower(), solution.messages.get(item), value) if part)
        lines.append(f"{name}{list(item) if item else ''}: {told}")
    return lines


def _value(solution: Solution, item: tuple[int, ...]) -> str:
    return f"value = {float(solution.value[item].detach()):.10g}"


def _report(name: str, solution: Solution) -> list[str]:
    """Status, value, every output, variable and dual, each with its name; one part an item for a batch."""
    items = list(np.ndindex(*solution.status.shape))
    if items == [()]:
        return _item(name, solution, ())
    lines = [f"{name}: {solution.summary()}"]
    for item in items[:MOST_ITEMS]:
        lines += ["", *_item(f"item {', '.join(map(str, item))}", solution, item)]
    left_out = len(items) - MOST_ITEMS
    return [*lines, "", f"and {left_out} more items; --format json shows all"] if left_out > 0 else lines


def _item(title: str, solution: Solution, item: tuple[int, ...]) -> list[str]:
    status = Status(int(solution.status[item]))
    lines = [f"{title}: {status.name.lower()}"]
    if item in solution.messages:
        lines.append(f"  {solution.messages[item]}")
    if status > Status.INACCURATE:
        return lines
    others = [name for name in solution.values if name not in solution.output_names]
    lines += [f"  {_value(solution, item)}"]
    lines += [_line(name, solution[name][item]) for name in [*solution.output_names, *others]]
    lines += [_line(f"{name}.dual", dual[item]) for name, dual in solution.duals.items()]
    return [*lines, *_remarks(solution, item)]


def _line(name: str, value: Tensor) -> str:
    head = f"  {name} = "
    text = np.array2string(_array(value) + 0.0, precision=8, suppress_small=True, max_line_width=110, prefix=head)
    return head + text


def _remarks(solution: Solution, item: tuple[int, ...]) -> list[str]:
    residuals = (solution.primal_residual[item], solution.dual_residual[item], solution.gap[item])
    told = "  residuals: primal {:.1e}, dual {:.1e}, gap {:.1e}".format(*map(float, residuals))
    flags = {
        "degenerate": "the solution may have no derivative here; its gradient is a choice",
        "nonunique": "other points are as good",
        "dual_nonunique": "other duals are as good",
    }
    return [f"{told}; {count(int(solution.iterations[item]), 'iteration')}"] + [
        f"  {name}: {text}" for name, text in flags.items() if bool(getattr(solution, name)[item])
    ]
