"""Texts and files to problems: read, parse, follow imports, elaborate; everything that is wrong in one list."""

from __future__ import annotations

from pathlib import Path

from declarative.elaborate.tree_to_ir import elaborate
from declarative.elaborate.values import name_span
from declarative.ir.problem import Problem
from declarative.source.diagnostic import Diagnostic, DiagnosticError, Severity, error
from declarative.source.span import Source, Span
from declarative.syntax import tree
from declarative.syntax.parse import parse_tree

SUFFIX = ".opt"


def parse(text: str, name: str | None = None, path: str | Path | None = None) -> Problem:
    """The problem that a text means.

    `name` is taken where the text has no `problem` line; `path` says where imports are looked for and is shown in
    messages. Raises DiagnosticError, with everything that is wrong.
    """
    return _required(*check(text, name, path))


def load(path: str | Path) -> Problem:
    """The problem in a file; it takes the file's name where it has no `problem` line. Raises DiagnosticError."""
    return _required(*check_file(path))


def check(
    text: str, name: str | None = None, path: str | Path | None = None
) -> tuple[Problem | None, list[Diagnostic]]:
    """The problem of a text, or None, with all findings, warnings included. Never raises."""
    where = Path(path) if path is not None else None
    stem = where.stem if where is not None else "problem"
    return _check(Source(str(path) if path is not None else "<text>", text), name or stem, where, ())


def check_file(path: str | Path) -> tuple[Problem | None, list[Diagnostic]]:
    """The problem of a file, or None, with all findings; a file that cannot be read is one. Never raises."""
    text = read(Path(path), None)
    return (None, [text]) if isinstance(text, Diagnostic) else check(text, path=path)


def read(path: Path, span: Span | None) -> str | Diagnostic:
    """The text of a file, or why there is none; `span` is where the file was asked for."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return error("E229", span, f"there is no file `{path}`", hints=_nearby(path))
    except IsADirectoryError:
        return error("E229", span, f"`{path}` is a directory, not a file", hints=_inside(path))
    except UnicodeDecodeError as found:
        return error("E229", span, f"`{path}` is not text in UTF-8 (byte {found.start} is not)")
    except (OSError, ValueError) as found:
        reason = getattr(found, "strerror", None) or "no such name is possible"
        return error("E229", span, f"`{path}` cannot be read: {reason}")


def _nearby(path: Path) -> tuple[str, ...]:
    with_suffix = path.with_name(path.name + SUFFIX) if path.name else path
    return (f"did you mean `{with_suffix}`?",) if with_suffix.is_file() else ()


def _inside(path: Path) -> tuple[str, ...]:
    found = sorted(p.name for p in path.glob(f"*{SUFFIX}"))
    return (f"it holds {', '.join(f'`{name}`' for name in found[:3])}",) if found else ()


def _required(problem: Problem | None, diagnostics: list[Diagnostic]) -> Problem:
    if problem is None:
        raise DiagnosticError(diagnostics)
    return problem


def _check(
    source: Source, name: str, path: Path | None, under_way: tuple[Path, ...]
) -> tuple[Problem | None, list[Diagnostic]]:
    """`under_way`: the files whose imports led here."""
    file, diagnostics = parse_tree(source)
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
    directory = path.parent if path is not None else Path()
    target = directory / (statement.name + SUFFIX)
    if target.resolve() in under_way:
        names = [p.stem for p in under_way[under_way.index(target.resolve()) :]]
        way = " imports ".join(f"`{n}`" for n in (*names, names[0]))
        return None, [error("E226", span, f"imports form a circle: {way}")]
    text = read(target, span)
    if isinstance(text, Diagnostic):
        return None, [text]
    return _check(Source(str(target), text), statement.name, target, under_way)
