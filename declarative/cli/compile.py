"""The work of `declarative compile`: a Python module that rebuilds the layer without the file."""

from pathlib import Path

import click

from declarative.cli.inputs import Wanted
from declarative.cli.report import Form, show_json
from declarative.cli.status import Exit
from declarative.emit.module import class_name, module_text
from declarative.ir.problem import Problem
from declarative.layer.compile import unsupported
from declarative.layer.route import route
from declarative.source.diagnostic import DiagnosticError, error
from declarative.source.span import Source


def run(problem: Problem, source: Source, output: str | None, backend: Wanted, form: Form) -> int:
    _require_a_backend(problem, backend)
    text = module_text(problem, source.text)
    if output is None:
        click.echo(text, nl=False)
        return Exit.FINE
    _write(output, text)
    told = {"problem": problem.name, "class": class_name(problem.name), "module": output}
    if form == "json":
        show_json(told)
    else:
        click.echo("wrote {module}: class {class}".format_map(told))
    return Exit.FINE


def _require_a_backend(problem: Problem, backend: Wanted) -> None:
    """Raises DiagnosticError for what no backend runs, before anything is written."""
    found = unsupported(problem)
    if problem.imports and not found:
        text = "a problem with imports cannot be written as one module yet"
        found = [error("E321", problem.origin, text)]
    if found:
        raise DiagnosticError(found)
    route(problem, backend, {})


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8", newline="\n")
    except OSError as mistake:
        raise click.UsageError(f"cannot write {path}: {mistake.strerror}") from None
