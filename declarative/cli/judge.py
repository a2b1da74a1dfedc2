"""A path to what `check` says of it: its problem, what backends make of that, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace

from declarative.analysis.alike import may_stand_for_others
from declarative.backends.method import forward_of
from declarative.backends.mode import mode_of
from declarative.cli.texts import STDIN, check_source, read_source
from declarative.elaborate.clauses import RUN
from declarative.elaborate.load import Parsed, check_file
from declarative.ir.problem import Problem
from declarative.layer.taken import taken_names
from declarative.rewrite.repair import Repair, no_backend, repair
from declarative.source.diagnostic import Diagnostic, DiagnosticError
from declarative.source.span import Source
from declarative.syntax.alike import shorten
from declarative.syntax.parse import read_tree


@dataclass(frozen=True)
class Judgement:
    """`problem` is None where it cannot be read, `repaired` too where no backend takes it.

    `constraints` of the text are not in `problem`: others in it are like them.
    """

    problem: Problem | None
    repaired: Repair | None
    diagnostics: list[Diagnostic]
    constraints: int = 0


def judge(path: str) -> Judgement:
    """Never raises."""
    try:
        source = read_source(path)
    except DiagnosticError as mistake:
        return Judgement(None, None, list(mistake.diagnostics) if path == STDIN else check_file(path)[1])
    return _short(path, source) or _whole(path, source)


def _short(path: str, source: Source) -> Judgement | None:
    """The judgement of a long text by a part of it; None where it has to be read as a whole, as for all messages."""
    short = shorten(source)
    if short is None:
        return None
    found = _whole(path, source, read_tree(source, short.tokens, short.layout))
    if found.problem is None or found.repaired is None or found.diagnostics:
        return None
    if not may_stand_for_others(found.problem, short.numbers):
        return None
    return replace(found, repaired=replace(found.repaired, of_all=False), constraints=short.constraints)


def _whole(path: str, source: Source, parsed: Parsed | None = None) -> Judgement:
    problem, diagnostics = check_source(path, source, parsed)
    repaired = None if problem is None else repair(problem)
    if problem is not None and (obstacles := _obstacles(problem, repaired)):
        return Judgement(problem, None, [*diagnostics, *obstacles])
    return Judgement(problem, repaired, diagnostics)


def _obstacles(problem: Problem, repaired: Repair | None) -> list[Diagnostic]:
    """Why the problem cannot be compiled, however it is done."""
    clauses = (forward_of(problem.solve) if has_method(problem) else None, mode_of(problem.differentiate))
    settings = [found for found in clauses if isinstance(found, Diagnostic)]
    return [*no_backend(problem, repaired), *taken_names(problem), *settings]


def has_method(problem: Problem) -> bool:
    return problem.solve is None or problem.solve.name in RUN
