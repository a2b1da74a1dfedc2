"""Diagnostics as data: what is wrong, where, and the smallest change that helps. `render` shows them."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from declarative.source.span import Span

MOST_MISTAKES = 1_000  # after so many, a stage looks for no more


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"
    REMARK = "remark"


@dataclass(frozen=True)
class Label:
    """A second place that explains the first, with a few words beside it."""

    span: Span
    text: str


@dataclass(frozen=True)
class Diagnostic:
    """One finding. `code` is explained in `codes`; `span` is None only where there is no text to show."""

    code: str
    severity: Severity
    span: Span | None
    message: str
    label: str = ""  # a few words beside the caret
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


def error(
    code: str,
    span: Span | None,
    message: str,
    *,
    label: str = "",
    labels: Iterable[Label] = (),
    notes: Iterable[str] = (),
    hints: Iterable[str] = (),
) -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, span, message, label, tuple(labels), tuple(notes), tuple(hints))


def too_many() -> Diagnostic:
    """Said before the mistakes themselves."""
    return error("E129", None, f"more than {MOST_MISTAKES:,} mistakes; the others are not looked for")


class DiagnosticError(Exception):
    """What a user wrote cannot be taken; `.diagnostics` says why, each with code, severity, span, message, hints."""

    def __init__(self, diagnostics: Iterable[Diagnostic]):
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        from declarative.source.render import render  # the renderer reads diagnostics, so it comes after them

        return "\n" + render(self.diagnostics)
