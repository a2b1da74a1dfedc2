"""`declarative check FILE...`: diagnostics of what is wrong, and for what is right a line that says what it is."""

from typing import Any

import click

from declarative.analysis.hints import semidefinite_hints
from declarative.backends.method import forward_of
from declarative.cli.judge import Judgement, has_method, judge
from declarative.cli.report import Form, count, reporting, show, show_json
from declarative.cli.status import Exit
from declarative.ir.expr import Role
from declarative.ir.problem import Problem
from declarative.rewrite.not_yet import not_yet
from declarative.rewrite.repair import Repair
from declarative.source.diagnostic import Diagnostic
from declarative.source.render import to_json

NOUNS = {Role.PARAM: "parameter", Role.CONST: "constant", Role.LEARN: "learned parameter"}


@click.command(name="check")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@reporting
def command(files: tuple[str, ...], form: Form) -> int:
    """Say what is wrong with each FILE (`-`: standard input), or what it is."""
    good, told = True, []
    for path in files:
        found = judge(path, every=form != "full")
        good &= found.repaired is not None
        if form == "json":
            told.append(_data(path, found))
        else:
            _tell(path, found, form)
    if form == "json":
        show_json({"files": told})
    return Exit.FINE if good else Exit.DIAGNOSTICS


def _tell(path: str, found: Judgement, form: Form) -> None:
    if found.diagnostics:
        show(found.diagnostics, form, found.more)
    if found.problem is not None and found.repaired is not None:
        later = "".join(f"; {d.message.partition(';')[0]}" for d in _not_run(found.problem))
        click.echo(f"{path}: {_summary(found.problem, found.repaired, found.constraints)}; ok{later}")
        for hint in semidefinite_hints(found.repaired.found) if form == "full" else ():
            click.echo(f"  {hint}")


def _not_run(problem: Problem) -> list[Diagnostic]:
    """What no backend runs as it stands; a method may be given when compiling."""
    method = None if has_method(problem) else forward_of(problem.solve)
    return [*not_yet(problem), *([method] if isinstance(method, Diagnostic) else [])]


def _summary(problem: Problem, repaired: Repair, more: int) -> str:
    """`quadratic program; dims n, k; 1 variable, 3 parameters, 2 constraints`; the problem lacks some constraints."""
    dims = ", ".join(dim.name for dim in problem.dims)
    counts = [count(number, noun) for noun, number in _counts(problem, more).items() if number]
    return "; ".join(part for part in (repaired.text, dims and f"dims {dims}", ", ".join(counts)) if part)


def _counts(problem: Problem, more: int) -> dict[str, int]:
    roles = [declaration.symbol.role for declaration in problem.parameters]
    named = {constraint.name or id(constraint) for constraint in problem.constraints}
    return {
        "variable": len(problem.variables),
        **{noun: roles.count(role) for role, noun in NOUNS.items()},
        "constraint": len(named) + more,
    }


def _data(path: str, judged: Judgement) -> dict[str, Any]:
    problem, repaired = judged.problem, judged.repaired
    found = to_json(judged.diagnostics)
    if problem is None or repaired is None:
        return {"file": path, "ok": False, "diagnostics": found}
    return {
        "file": path,
        "ok": True,
        "not_yet": [d.message for d in _not_run(problem)],
        "problem": problem.name,
        "class": repaired.text,
        "dims": [dim.name for dim in problem.dims],
        "variables": [declaration.symbol.name for declaration in problem.variables],
        **{f"{role.value}s": _names(problem, role) for role in Role},
        "outputs": [output.name for output in problem.outputs],
        "diagnostics": found,
    }


def _names(problem: Problem, role: Role) -> list[str]:
    return [declaration.symbol.name for declaration in problem.parameters if declaration.symbol.role is role]
