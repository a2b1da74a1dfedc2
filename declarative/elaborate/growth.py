"""Sums that use sums: `let y2 = y1 + c*y1` has twice the terms of y1, and a chain of n such lines n^2/2 in all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from declarative.elaborate.report import Report
from declarative.ir.expr import Call, Expr, joined_in, terms_in
from declarative.ir.walk import children

MOST_IN_ALL = 1_000_000
STATE = "a state over many steps can be a variable: `var y[0..T] : R`, with `y[k+1] == y[k] + c*y[k] for k in 0..T-1`"


def check_growth(report: Report, roots: Iterable[Expr]) -> bool:
    """Are they short enough to be put together? Else reported at the longest sum."""
    sums = _sums_of_sums(roots)
    total = sum(map(terms_in, sums))
    if total > MOST_IN_ALL:
        longest = max(sums, key=terms_in)
        message = f"written out, the sums that use sums have {total:,} terms; {MOST_IN_ALL:,} are the most"
        report.error("E205", longest.origin, message, hints=[STATE])
    return total <= MOST_IN_ALL


def _sums_of_sums(roots: Iterable[Expr]) -> list[Call]:
    """Those that are terms of another sum alone do not count: they are nowhere put together."""
    pending, seen, found = [(root, True) for root in roots], set(), []
    while pending:
        node, is_whole = pending.pop()
        if (id(node), is_whole) in seen:
            continue
        seen.add((id(node), is_whole))
        joined = joined_in(node) if isinstance(node, Call) else None
        if joined is not None and is_whole:
            found.append(node)
        pending += [(part, joined is None) for part in (children(node) if joined is None else joined)]
    return found


def unjoined(roots: Iterable[Expr]) -> Iterator[Expr]:
    """Every node once, sums that are not put together yet as they are."""
    pending, seen = list(roots), set()
    while pending:
        node = pending.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            joined = joined_in(node) if isinstance(node, Call) else None
            pending += children(node) if joined is None else joined
