"""Indices that no `for` declares: one message for a line, with the range that all their uses there allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from declarative.elaborate.indexing import over
from declarative.elaborate.report import Report
from declarative.ir.size import ZERO, Size
from declarative.source.span import Span
from declarative.syntax import tree


@dataclass(frozen=True)
class Use:
    """`x[t+1]`: where `t` stands, and the half-open range that keeps the subscript on its axis (None: unknown)."""

    span: Span
    runs: tuple[Size, Size] | None
    hints: tuple[str, ...]


def shifted(node: tree.Expression, length: Size | None) -> tuple[Size, Size] | None:
    """Where the index of a subscript `t`, `t+1` or `t-1` may run along an axis of this length."""
    if length is None:
        return None
    match node:
        case tree.Sum(first=tree.Name(), rest=((op, tree.Number(text=text)),)) if text.isdigit():
            by = Size.of(int(text))
            return (ZERO, length - by) if op == "+" else (by, length)
        case _:
            return (ZERO, length)


def report_undeclared(report: Report, uses: Mapping[tuple[str, int], list[Use]]) -> None:
    for (name, _), found in uses.items():
        ranges = [use.runs for use in found if use.runs is not None]
        hints = next((use.hints for use in found if use.hints), ())
        if not hints:
            hints = (f"say where it runs: `for {name} in {_common(ranges)}`",)
        report.error("E212", found[0].span, f"the index `{name}` is not declared", hints=hints)


def _common(ranges: list[tuple[Size, Size]]) -> str:
    """What is in all of the ranges, where their ends can be compared."""
    if not ranges:
        return "n"
    lo, hi = ranges[0]
    for a, b in ranges[1:]:
        lo = a if (a - lo).is_nonnegative() else lo
        hi = b if (hi - b).is_nonnegative() else hi
    return over(lo, hi)
