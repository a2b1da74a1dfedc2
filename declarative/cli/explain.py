"""`declarative explain FILE`: what a problem is, how it is solved, and what each backend says to it."""

import click

from declarative.analysis.classify import classify
from declarative.analysis.reasons import accounts
from declarative.analysis.tell import to_data
from declarative.cli.inputs import Wanted, backend_option
from declarative.cli.report import Form, reporting, show_json
from declarative.cli.status import Exit
from declarative.cli.texts import read_problem
from declarative.cli.words import in_words_of_the_command
from declarative.ir.problem import Problem
from declarative.layer.compile import unsupported
from declarative.layer.route import BackendName, explain, route
from declarative.rewrite.repair import repair
from declarative.source.diagnostic import DiagnosticError
from declarative.source.render import render


@click.command(name="explain")
@click.argument("file")
@backend_option
@reporting
def command(file: str, backend: Wanted, form: Form) -> int:
    """Tell what FILE (`-`: standard input) is and why, what each backend says to it, and what is rewritten."""
    problem = read_problem(file)
    lines = _lines(problem, backend)
    if form == "json":
        reasons = to_data(accounts(classify(problem)))
        show_json({"problem": problem.name, "explanation": lines, "reasons": reasons})
    else:
        click.echo("\n".join(lines if form == "full" else [lines[0]]))
    return Exit.FINE


def _lines(problem: Problem, backend: Wanted) -> list[str]:
    found = unsupported(problem)
    if any(diagnostic.code == "E321" for diagnostic in found):
        return [f"{problem.name}: {repair(problem).text}", *render(found).splitlines()]
    lines = explain(problem, chosen=_chosen(problem, backend))
    return [*lines, *render(in_words_of_the_command(found)).splitlines()] if found else lines


def _chosen(problem: Problem, backend: Wanted) -> BackendName | None:
    """The backend that takes it, None where none does: `explain` says why. Raises where one was asked for by name."""
    try:
        return route(problem, backend, {}).name
    except DiagnosticError:
        if backend == "auto":
            return None
        raise
