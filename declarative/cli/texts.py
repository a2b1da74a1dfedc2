"""A path, or `-` for standard input, to a source and to a problem."""

import sys

from declarative.elaborate.load import Parsed, check_file, check_read
from declarative.ir.problem import Problem
from declarative.source.diagnostic import Diagnostic, DiagnosticError
from declarative.source.read import decode, read
from declarative.source.span import Source

STDIN = "-"


def read_source(path: str) -> Source:
    """The text at a path. Raises DiagnosticError where there is none."""
    return decode(sys.stdin.buffer.read(), "<stdin>") if path == STDIN else read(path)


def check_problem(path: str) -> tuple[Problem | None, list[Diagnostic]]:
    """The problem at a path, or None, with all that was found. Never raises."""
    if path != STDIN:
        return check_file(path)
    try:
        return check_source(path, read_source(path))
    except DiagnosticError as mistake:
        return None, list(mistake.diagnostics)


def check_source(path: str, source: Source, parsed: Parsed | None = None) -> tuple[Problem | None, list[Diagnostic]]:
    """The same for a text that was read from the path, and maybe parsed."""
    return check_read(source, source.name, "stdin" if path == STDIN else None, parsed)


def read_problem(path: str) -> Problem:
    """The problem at a path. Raises DiagnosticError for what is wrong with it."""
    problem, diagnostics = check_problem(path)
    if problem is None:
        raise DiagnosticError(diagnostics)
    return problem
