"""A place in the body of a `def` to notes on what its names stand for there: "with z = y - x[i], from line 7"."""

from __future__ import annotations

import re

from declarative.ir.problem import Expansion, Problem
from declarative.source.span import Span

DEEPEST = 5  # definitions in one another


def argument_notes(problem: Problem, owner: Span | None, span: Span | None) -> list[str]:
    """What the names in the text of `span` stand for, by the call of its `def` in `owner`, if calls do not differ."""
    notes: list[str] = []
    while span is not None and len(notes) < DEEPEST and (found := _expansion(problem, owner, span)) is not None:
        pairs = _read(found, span)
        if pairs:
            listed = ", ".join(f"{name} = {text}" for name, text in pairs)
            notes.append(f"with {listed}, from line {found.call.line}")
        span = found.call
    return notes


def _expansion(problem: Problem, owner: Span | None, span: Span) -> Expansion | None:
    around = [e for e in problem.expansions if _within(span, e.body)]
    own = [e for e in around if owner is not None and _within(e.call, owner)] or around
    return own[0] if len({_read(e, span) for e in own}) == 1 else None


def _read(expansion: Expansion, span: Span) -> tuple[tuple[str, str], ...]:
    """The arguments that a text names, without those that are called the same outside."""
    words = set(re.findall(r"\w+", span.text))
    return tuple((name, text) for name, text in expansion.arguments if name in words and name != text)


def _within(inner: Span, outer: Span) -> bool:
    return inner.source is outer.source and outer.start <= inner.start and inner.end <= outer.end
