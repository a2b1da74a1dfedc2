"""Texts and files to problems: read, parse, follow imports, elaborate; everything that is wrong in one list."""

from __future__ import annotations

import re
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from declarative.elaborate.tree_to_ir import elaborate
from declarative.elaborate.values import name_span
from declarative.ir.problem import Problem
from declarative.source.diagnostic import Diagnostic, DiagnosticError, Severity, error
from declarative.source.read import read
from declarative.source.span import Source
from declarative.source.warn import tell_warnings
from declarative.syntax import tree
from declarative.syntax.parse import parse_tree
from declarative.syntax.tokens.lexer import STATEMENT_WORDS

SUFFIX = ".opt"
Parsed: TypeAlias = tuple[tree.File, list[Diagnostic]]


def parse(text: str, name: str | None = None, path: str | Path | None = None) -> Problem:
    """The problem that a text means.

    `name` is taken where the text has no `problem` line; `path` says where imports are looked for and is shown in
    messages. Raises DiagnosticError, with everything that is wrong; what is only suspicious is warned of.
    """
    return _required(*check(text, name, path))


def load(path: str | Path) -> Problem:
    """The problem in a file; it takes the file's name where it has no `problem` line. Raises and warns as `parse`."""
    return _required(*check_file(path))


def check(
    text: str, name: str | None = None, path: str | Path | None = None
) -> tuple[Problem | None, list[Diagnostic]]:
    """The problem of a text, or None, with all findings, warnings included. Never raises."""
    if not isinstance(text, str):
        hints = ["declarative.load(path) reads a file"] if isinstance(text, Path) else []
        return None, [error("E315", None, f"a problem is parsed from its text, not from {text!r:.60}", hints=hints)]
    if text.endswith(SUFFIX) and not _is_text(text):
        hints = [f"declarative.load({text!r:.60}) reads a file"]
        return None, [error("E315", None, "the text of a problem is needed here; this is a path", hints=hints)]
    where = Path(path) if path is not None else None
    source = Source(str(path) if path is not None else "<text>", text)
    return _check(source, name or _name_of(where), where, ())


def check_file(path: str | Path) -> tuple[Problem | None, list[Diagnostic]]:
    """The problem of a file, or None, with all findings; a file that cannot be read is one. Never raises."""
    if not isinstance(path, str | PathLike):
        return None, [error("E315", None, f"a file is named by its path, not by {path!r:.60}")]
    if isinstance(path, str) and _is_text(path):
        hints = ["declarative.parse(text) reads a text"]
        return None, [error("E315", None, "a path is needed here; this is the text of a problem", hints=hints)]
    try:
        source = read(path)
    except DiagnosticError as failure:
        return None, [replace(d, hints=d.hints or _nearby(Path(path))) for d in failure.diagnostics]
    return check_read(source, path)


def check_read(
    source: Source, path: str | PathLike, name: str | None = None, parsed: Parsed | None = None
) -> tuple[Problem | None, list[Diagnostic]]:
    """The same for a file that has been read, and maybe parsed. Never raises."""
    return _check(source, name or _name_of(Path(path)), Path(path), (), parsed)


def _is_text(given: str) -> bool:
    """Can it be no path: several lines, or a statement?"""
    return "\n" in given or given.partition(" ")[0] in STATEMENT_WORDS


def _nearby(path: Path) -> tuple[str, ...]:
    """What may have been meant by a path that is no file."""
    if path.is_dir():
        found = sorted(p.name for p in path.glob(f"*{SUFFIX}"))
        return (f"it holds {', '.join(f'`{name}`' for name in found[:3])}",) if found else ()
    with_suffix = path.parent / (path.name + SUFFIX)
    return (f"did you mean `{with_suffix}`?",) if with_suffix.is_file() else ()


def _name_of(path: Path | None) -> str:
    """A problem's name from its file's."""
    stem = re.sub(r"\W", "_", path.stem) if path is not None else ""
    return stem if stem.isidentifier() else f"problem_{stem}" if stem else "problem"


def _required(problem: Problem | None, diagnostics: list[Diagnostic]) -> Problem:
    if problem is None:
        raise DiagnosticError(diagnostics)
    tell_warnings(diagnostics)
    return problem


def _check(
    source: Source, name: str, path: Path | None, under_way: tuple[Path, ...], parsed: Parsed | None = None
) -> tuple[Problem | None, list[Diagnostic]]:
    """`under_way`: the files whose imports led here."""
    file, diagnostics = parsed or parse_tree(source)
    if any(d.severity is Severity.ERROR for d in diagnostics):
        return None, diagnostics
    here = (*under_way, path.resolve()) if path is not None else under_way
    imports: dict[str, Problem | None] = {}
    for statement in file.statements:
        if isinstance(statement, tree.Import) and statement.name not in imports:
            imports[statement.name], found = _imported(statement, path, here)
            diagnostics += [d for d in found if d not in diagnostics]
    problem, found = elaborate(file, name, imports)
    diagnostics += found
    return (None if any(d.severity is Severity.ERROR for d in diagnostics) else problem), diagnostics


def _imported(
    statement: tree.Import, path: Path | None, under_way: tuple[Path, ...]
) -> tuple[Problem | None, list[Diagnostic]]:
    """The problem that an `import` names, from the file of that name in the same directory."""
    span = name_span(statement, statement.name)
    target = (path.parent if path is not None else Path()) / (statement.name + SUFFIX)
    if target.resolve() in under_way:
        names = [p.stem for p in under_way[under_way.index(target.resolve()) :]]
        way = " imports ".join(f"`{n}`" for n in (*names, names[0]))
        return None, [error("E225", span, f"imports form a circle: {way}")]
    try:
        source = read(target)
    except DiagnosticError as failure:
        return None, [d if d.span else replace(d, span=span, code="E225") for d in failure.diagnostics]
    return _check(source, statement.name, target, under_way)
