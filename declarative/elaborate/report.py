"""Collects what is wrong while a problem is given its meaning. One cause, one message: what failed stays silent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches

from declarative.source.diagnostic import MOST_MISTAKES, Diagnostic, Label, Severity, error, too_many
from declarative.source.span import Span


class TooMany(Exception):
    """So many errors have been found that no more are looked for; the last finding says so."""


class Report:
    """The findings of one run, in order of discovery."""

    def __init__(self) -> None:
        self._found: dict[Diagnostic, None] = {}  # a set in order
        self._errors = 0

    def error(
        self,
        code: str,
        span: Span | None,
        message: str,
        *,
        label: str = "",
        labels: Iterable[Label] = (),
        notes: Iterable[str] = (),
        hints: Iterable[str] = (),
    ) -> None:
        """Note an error, once. The result, None, is the value of whatever failed. Raises TooMany."""
        self.add(error(code, span, message, label=label, labels=labels, notes=notes, hints=hints))

    def warn(self, code: str, span: Span | None, message: str, *, hints: Iterable[str] = ()) -> None:
        self.add(Diagnostic(code, Severity.WARNING, span, message, hints=tuple(hints)))

    def add(self, found: Diagnostic) -> None:
        if found in self._found:
            return
        self._found[found] = None
        self._errors += found.severity is Severity.ERROR
        if self._errors > MOST_MISTAKES:
            self._found[too_many()] = None
            raise TooMany

    @property
    def failed(self) -> bool:
        return self._errors > 0

    @property
    def many(self) -> bool:
        """Have so many errors been found that no one reads guesses at what was meant by another?"""
        return self._errors >= MOST_GUESSES

    def in_order(self) -> list[Diagnostic]:
        """The findings as they stand in the text; those without a place come first. Errors make warnings moot."""
        found = [d for d in self._found if d.severity is Severity.ERROR or not self.failed]
        return _once(sorted(found, key=lambda d: (-1, -1) if d.span is None else (d.span.start, d.span.end)))


ABOUT_NAMES = ("E201", "E204")
MOST_GUESSES = 20  # each looks at every name
MOST_LINES = 5  # that a note lists


def _once(found: list[Diagnostic]) -> list[Diagnostic]:
    """One message for a name that stands for nothing, with the lines of its other uses."""
    alike: dict[object, list[Diagnostic]] = {}
    for d in found:
        key = (d.code, d.message) if d.code in ABOUT_NAMES and d.span is not None else id(d)
        alike.setdefault(key, []).append(d)
    return [replace(first, notes=(*first.notes, _uses(rest))) if rest else first for first, *rest in alike.values()]


def _uses(others: list[Diagnostic]) -> str:
    lines = list(dict.fromkeys(str(d.span.line) for d in others if d.span is not None))
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], "others"]
    where = f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(lines[:-1])} and {lines[-1]}"
    return f"{'one more use' if len(others) == 1 else f'{len(others)} more uses'}, on {where}"


def did_you_mean(name: str, candidates: Iterable[str]) -> tuple[str, ...]:
    """A hint with the closest of the names, or none."""
    nearest = closest(name, candidates)
    return (f"did you mean `{nearest}`?",) if nearest else ()


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that looks most like a misspelt name; differences in case alone count for little."""
    others = [c for c in dict.fromkeys(candidates) if c != name]
    folded: dict[str, str] = {}
    for candidate in others:
        folded.setdefault(candidate.lower(), candidate)
    found = get_close_matches(name, others, n=1, cutoff=0.6)
    again = get_close_matches(name.lower(), list(folded), n=1, cutoff=0.6)
    return found[0] if found else folded[again[0]] if again else None
