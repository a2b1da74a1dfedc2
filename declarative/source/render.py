"""Diagnostics to text with source lines and carets, to one line each, or to plain data for tools."""

from collections.abc import Iterable
from itertools import islice
from typing import Any, Literal

from declarative.source.diagnostic import Diagnostic, Label, Severity
from declarative.source.picture import picture
from declarative.source.span import Span

MOST = 50  # messages that are shown in full; of the others, their number
_RESET = "\033[0m"
_BOLD = "\033[1m"
_COLORS = {Severity.ERROR: "\033[1;31m", Severity.WARNING: "\033[1;33m", Severity.REMARK: "\033[1;36m"}


def render(
    diagnostics: Iterable[Diagnostic], format: Literal["full", "concise"] = "full", color: bool = False, more: int = 0
) -> str:
    """All of them in order; in the full format with a blank line between two, and no more than the first 50.

    `more` are not among them, and are counted where some are left out.

    >>> from declarative.source.diagnostic import error
    >>> from declarative.source.span import Source, Span
    >>> print(render([error("E105", Span(Source("a.opt", "minimize 2x"), 9, 11), "missing", hints=["write `2*x`"])]))
    error[E105]: missing
     --> a.opt:1:10
      |
    1 | minimize 2x
      |          ^^
      = help: write `2*x`
    """
    if format == "concise":
        return "\n".join(_concise(diagnostic, color) for diagnostic in diagnostics)
    waiting = iter(diagnostics)
    told = [_full(diagnostic, color) for diagnostic in islice(waiting, MOST)]
    others = more + sum(1 for _ in waiting)
    return "\n\n".join([*told, f"... and {others} more"] if others else told)


def to_json(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Dicts of plain values. Lines and columns count from 1; `end_column` is that of the first character after."""
    return [_data(diagnostic) for diagnostic in diagnostics]


def _title(diagnostic: Diagnostic, color: bool) -> str:
    head = f"{diagnostic.severity.value}[{diagnostic.code}]"
    if color:
        return f"{_COLORS[diagnostic.severity]}{head}{_RESET}{_BOLD}: {diagnostic.message}{_RESET}"
    return f"{head}: {diagnostic.message}"


def _concise(diagnostic: Diagnostic, color: bool) -> str:
    span = diagnostic.span
    place = f"{span.source.name}:{span.line}:{span.column}: " if span else ""
    return place + _title(diagnostic, color)


def _full(diagnostic: Diagnostic, color: bool) -> str:
    lines = [_title(diagnostic, color)]
    margin = 0
    if diagnostic.span:
        marks = [(diagnostic.span, diagnostic.label, True)]
        marks += [(label.span, label.text, False) for label in diagnostic.labels]
        margin, pictured = picture(marks, _COLORS[diagnostic.severity] if color else "")
        lines += pictured
    indent = " " * (margin + 1)
    lines += [f"{indent}= note: {_hanging(note, margin + 9)}" for note in diagnostic.notes]
    lines += [f"{indent}= help: {_hanging(hint, margin + 9)}" for hint in diagnostic.hints]
    return "\n".join(lines)


def _hanging(text: str, width: int) -> str:
    return text.replace("\n", "\n" + " " * width)


def _data(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        **_place(diagnostic.span),
        "message": diagnostic.message,
        "label": diagnostic.label,
        "labels": [_label(label) for label in diagnostic.labels],
        "notes": list(diagnostic.notes),
        "hints": list(diagnostic.hints),
    }


def _label(label: Label) -> dict[str, Any]:
    return {**_place(label.span), "text": label.text}


def _place(span: Span | None) -> dict[str, Any]:
    if span is None:
        return dict.fromkeys(("file", "line", "column", "end_line", "end_column"))
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return {
        "file": span.source.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }
