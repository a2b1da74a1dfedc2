"""`x[i+1, :]` to an `Index` node: counts the subscripts, checks their ranges, joins `x[t][0]` into `x[t,0]`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from declarative.elaborate.integers import Bounds, Ranges, bounds, is_guarded, normal
from declarative.elaborate.report import Report
from declarative.elaborate.values import range_text, shown
from declarative.ir.expr import Call, Constant, Expr, Index, IndexSymbol, Parameter, SizeValue, Slice, Stack, Variable
from declarative.ir.size import ZERO, Size, shape_text
from declarative.source.diagnostic import Label
from declarative.source.span import Span

Limits: TypeAlias = tuple[Size, Size]  # the first index, and the one after the last


@dataclass(frozen=True)
class Subscript:
    """One subscript: an integer expression or a slice, and where it was written."""

    value: Expr | Slice
    span: Span | None


def family_axes(e: Expr) -> int:
    """How many of the leading axes come from a family's brackets (or from a `let` over indices)."""
    match e:
        case Parameter(family=family) | Variable(family=family):
            return family
        case Stack(binders=binders):
            return len(binders)
        case Index(base, subscripts):
            return max(0, family_axes(base) - len(subscripts))
        case _:
            return 0


def index(
    report: Report, ranges: Ranges, base: Expr, subscripts: Sequence[Subscript], span: Span | None
) -> Expr | None:
    """`base[subscripts]`; None where that is not allowed, which is then reported.

    Integer subscripts drop their axes and slices keep them; whole slices at the end are left out of the node.
    """
    if not _counts(report, base, subscripts, span):
        return None
    axes = base.shape[: len(subscripts)]
    given = zip(subscripts, axes, strict=True)
    checked = [check(report, ranges, s, (ZERO, n), base.origin, subscripts) for s, n in given]
    known = [c for c in checked if c is not None]
    if len(known) < len(checked):
        return None
    while known and isinstance(known[-1], Slice) and known[-1] == Slice(ZERO, base.shape[len(known) - 1]):
        known.pop()
    return _node(base, tuple(known), span)


def _node(base: Expr, subscripts: tuple[Expr | Slice, ...], span: Span | None) -> Expr:
    if not subscripts:
        return base
    if isinstance(base, Index) and not any(isinstance(s, Slice) for s in base.subscripts):
        return _node(base.base, base.subscripts + subscripts, span)
    kept = tuple(s.hi - s.lo for s in subscripts if isinstance(s, Slice))
    return Index(base, subscripts, kept + base.shape[len(subscripts) :], origin=span)


def _counts(report: Report, base: Expr, subscripts: Sequence[Subscript], span: Span | None) -> bool:
    given, rank, family = len(subscripts), len(base.shape), family_axes(base)
    if given in ({rank, family} if family else {rank}) and given:
        return True
    text = _text(base.origin)
    if not rank:
        report.error("E213", span, f"{text} is a scalar, it has no entries to index")
    elif given > rank:
        report.error("E213", span, f"{text} is {shape_text(base.shape)}: it takes {_times(rank)}, not {given}")
    elif family:
        both = f"{_times(family)} for a member, or {rank} for an entry"
        report.error("E213", span, f"{text} is a family: it takes {both}; this has {given}")
    else:
        full = ", ".join([_text(s.span).strip("`") for s in subscripts] + [":"] * (rank - given))
        hint = f"`{text.strip('`')}[{full}]`"
        message = f"a matrix takes all its indices: {text} is {shape_text(base.shape)}"
        report.error("E213", span, message, hints=[hint])
    return False


def _times(n: int) -> str:
    return "1 subscript" if n == 1 else f"{n} subscripts"


def _text(span: Span | None) -> str:
    return "this" if span is None else shown(span)


def check(
    report: Report,
    ranges: Ranges,
    s: Subscript,
    limits: Limits,
    base: Span | None,
    beside: Sequence[Subscript] = (),
) -> Expr | Slice | None:
    """A subscript in normal form, known to lie in (or not known to lie outside) the half-open range `limits`.

    `base` is the place of the array and `beside` are all its subscripts, for messages.
    """
    if isinstance(s.value, Slice):
        return _checked_slice(report, s.value, s.span, limits[1], base)
    value = normal(s.value)
    ends = bounds(value, ranges)
    if ends is None:
        return _not_whole(report, value, s.span, limits[1])
    if not isinstance(value, Constant) and is_guarded(value, ranges):
        return value
    if _fits(ends, limits):
        return value
    _report_range(report, ranges, Subscript(value, s.span), ends, limits, base, beside or (s,))
    return None


def _not_whole(report: Report, value: Expr, span: Span | None, length: Size) -> None:
    hints = []
    source = value.base if isinstance(value, Index) else value
    if isinstance(source, Parameter):
        sizes = f"[{', '.join(map(str, source.shape))}]" if source.shape else ""
        hints = [f"data that indexes is declared `const {source.name}{sizes} : index({length})`"]
    message = f"{_text(span)} cannot be a subscript: subscripts are made of indices, whole numbers and index data"
    return report.error("E214", span, message, hints=hints)


def _report_range(
    report: Report,
    ranges: Ranges,
    s: Subscript,
    ends: Bounds,
    limits: Limits,
    base: Span | None,
    beside: Sequence[Subscript],
) -> None:
    """An end of the subscript's range surely lies outside.

    Two declared names are two sizes, so an index over m does not run along an axis of n.
    """
    (low, high), (least, past) = ends, limits
    below = low is not None and (least - low - 1).is_nonnegative()
    end = low if below else high
    assert end is not None
    if low == high:
        _report_fixed(report, s, end, limits, base, beside)
    else:
        _report_outside(report, ranges, s, end, limits, base, least - end if below else past - 1 - end)


@lru_cache(maxsize=10_000)  # of a few numbers and lengths, again and again
def _fits(ends: Bounds, limits: Limits) -> bool:
    """Does neither end of a subscript's range surely lie outside?"""
    (low, high), (least, past) = ends, limits
    if low is not None and (least - low - 1).is_nonnegative():
        return False
    if high is None or (past - high - 1).is_nonnegative():
        return True
    return not ((high - past).is_nonnegative() or (low != high and not high.names <= past.names))


def _report_outside(
    report: Report, ranges: Ranges, s: Subscript, end: Size, limits: Limits, base: Span | None, shift: Size
) -> None:
    """`shift`: what would bring the end back inside; negative at the upper end."""
    where = f"{_text(base)} has indices {range_text(*limits)}"
    symbol = _single_index(s.value)
    labels, hints = [], []
    if symbol is not None and symbol in ranges:
        range_ = ranges[symbol]
        above = not shift.is_nonnegative()
        new = (range_.lo, range_.hi + shift) if above else (range_.lo + shift, range_.hi)
        hints = [f"`for {symbol.name} in {over(*new)}`"]
        if isinstance(s.value, IndexSymbol) and range_.hi - range_.lo == limits[1] - limits[0]:
            hints = [f"indices start at 0: `for {symbol.name} in {over(*limits)}`"]
        runs = f"`{symbol.name}` runs over {range_text(range_.lo, range_.hi)}"
        labels = [Label(range_.span, runs)] if range_.span else []
    report.error("E211", s.span, f"{_text(s.span)} reaches {end}, but {where}", labels=labels, hints=hints)


def _report_fixed(
    report: Report, s: Subscript, end: Size, limits: Limits, base: Span | None, beside: Sequence[Subscript]
) -> None:
    """One place, not a range. A dim in the place of an index may be meant as all that it counts."""
    text = _text(base)

    def entry(place: Size) -> str:
        items = [str(place) if other.span == s.span else _text(other.span).strip("`") for other in beside]
        return f"`{text.strip('`')}[{','.join(items)}]`"

    hints = [f"indices start at 0, so that the last is {entry(limits[1] - 1)}"]
    if (-end - 1).is_nonnegative():
        hints = [f"from the end it is {entry(limits[1] + end)}"]
    elif isinstance(s.value, SizeValue) and end == limits[1]:
        hints.append(f"for all of them an index runs: `... for i in {over(*limits)}`")
    message = f"index {end} is out of range: {text} has indices {range_text(*limits)}"
    report.error("E211", s.span, message, hints=hints)


def over(lo: Size, hi: Size) -> str:
    """A range as it follows `in`."""
    return str(hi) if lo == ZERO and str(hi).isidentifier() else range_text(lo, hi)


def _single_index(value: Expr | Slice) -> IndexSymbol | None:
    """The index of `i` or `i + c`, whose range could be moved."""
    match value:
        case IndexSymbol():
            return value
        case Call("add", (IndexSymbol() as symbol, _)):
            return symbol
        case _:
            return None


def _checked_slice(report: Report, s: Slice, span: Span | None, length: Size, base: Span | None) -> Slice | None:
    where = f"{_text(base)} has {length} entries"
    if (-s.lo - 1).is_nonnegative() or (-s.hi - 1).is_nonnegative():
        lo, hi = (length + end if (-end - 1).is_nonnegative() else end for end in (s.lo, s.hi))
        hints = [f"from the end it is `{'' if lo == ZERO else lo}:{'' if hi == length else hi}`"]
        return report.error(
            "E211", span, f"{_text(span)} counts from the end; slices count from 0: {where}", hints=hints
        )
    if (s.hi - length - 1).is_nonnegative():
        return report.error("E211", span, f"{_text(span)} ends at {s.hi}, but {where}", hints=[f"`{s.lo}:{length}`"])
    if (s.lo - s.hi).is_nonnegative():
        return report.error("E211", span, f"{_text(span)} is empty: it begins at {s.lo} and ends before {s.hi}")
    return s
