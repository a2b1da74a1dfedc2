"""The work of `declarative gradcheck`: the layer's gradients beside finite differences, as a table or as JSON."""

import sys
from dataclasses import asdict

import click
import torch

from declarative.cli.differences import Probe, Row, is_solved
from declarative.cli.inputs import Data, Wanted
from declarative.cli.layers import build
from declarative.cli.report import Form, count, show_json
from declarative.cli.status import Exit
from declarative.ir.problem import Problem


def run(problem: Problem, data: Data, backend: Wanted, form: Form) -> int:
    layer = build(problem, data, backend=backend, check="first", on_failure="mask")
    params = {name: torch.from_numpy(value) for name, value in data.params.items()}
    probe = Probe(layer.double(), params)  # differences of what is learned need the digits that float32 has not
    if not is_solved(probe.solution):
        told = [f"{problem.name}: {probe.solution.summary()}; there is no solution to differentiate"]
        told += [f"  {message}" for message in dict.fromkeys(probe.solution.messages.values())]
        click.echo("\n".join(told), err=True)
        return Exit.UNSOLVED
    with click.progressbar(probe.rows(), length=len(probe.inputs), file=sys.stderr) as bar:  # nothing but on a terminal
        rows, notes = list(bar), _notes(probe)
    if form == "json":
        parameters = [{**asdict(row), "agrees": row.agrees} for row in rows]
        show_json({"problem": problem.name, "parameters": parameters, "notes": notes})
    else:
        lines = [*_table(problem.name, rows), *(f"  note: {note}" for note in notes)]
        click.echo("\n".join(lines if form == "full" else lines[:1]))
    return Exit.FINE if probe.is_choice or not probe.inputs or _agree(rows) else Exit.MISMATCH


def _agree(rows: list[Row]) -> bool:
    """Something was compared, and nothing differs."""
    found = [row.agrees for row in rows]
    return True in found and False not in found


def _notes(probe: Probe) -> list[str]:
    """What the layer itself says of its gradients here."""
    left_out = [output.name for output in probe.layer.problem.outputs if output.name not in probe.weights]
    notes = [f"the duals are not unique here; left out: {', '.join(left_out)}"] if left_out else []
    if (mode := probe.layer.mode) != "implicit":
        notes.append(f"the layer differentiates by {mode}, which is not the derivative of the solution")
    choice = "the solution is not differentiable here; the layer's gradient is a choice, and says so by a flag"
    return [*notes, choice] if probe.is_choice else notes


def _table(name: str, rows: list[Row]) -> list[str]:
    width = max((len(row.name) for row in rows), default=0)
    return [f"{name}: {_verdict(rows)}", *(_line(row, width) for row in rows)]


def _verdict(rows: list[Row]) -> str:
    if wrong := [row.name for row in rows if row.agrees is False]:
        return f"gradients differ for {', '.join(wrong)}"
    if not _agree(rows):
        return "not checked: no gradient was compared with finite differences"
    left_out = [row.name for row in rows if row.agrees is None]
    return "gradients agree with finite differences" + (f"; not checked: {', '.join(left_out)}" if left_out else "")


def _line(row: Row, width: int) -> str:
    tried = count(row.directions, "direction") + (f", {count(row.kinks, 'kink')} left out" if row.kinks else "")
    if row.difference is None:
        return f"  {row.name:<{width}}  not checked: {tried}"
    return f"  {row.name:<{width}}  {row.difference:.1e} relative, {tried}  {'ok' if row.agrees else 'DIFFERS'}"
