"""The work of `declarative explain`: what a problem is, how it is solved, and what each backend says to it."""

import click

from declarative.analysis.classify import classify
from declarative.analysis.reasons import accounts
from declarative.analysis.tell import to_data
from declarative.cli.inputs import Wanted
from declarative.cli.report import Form, show_json
from declarative.cli.status import Exit
from declarative.cli.words import in_words_of_the_command
from declarative.ir.problem import Problem
from declarative.layer.compile import unsupported
from declarative.layer.route import BackendName, explain, route
from declarative.rewrite.repair import repair
from declarative.source.diagnostic import DiagnosticError
from declarative.source.render import render


def run(problem: Problem, backend: Wanted, form: Form) -> int:
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
