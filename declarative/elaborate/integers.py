"""Whole-number expressions of indices and sizes: their least and greatest values, and their normal form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from declarative.atoms.apply import apply
from declarative.atoms.literals import size_of
from declarative.elaborate.context import Range
from declarative.ir.expr import Call, Constant, Expr, Index, IndexSymbol, Parameter, SizeValue
from declarative.ir.size import Size
from declarative.ir.walk import postorder

Bounds: TypeAlias = tuple[Size | None, Size | None]  # both ends included; None where it cannot be told
Ranges: TypeAlias = Mapping[IndexSymbol, Range]
UNTOLD: Bounds = (None, None)


def bounds(e: Expr, ranges: Ranges) -> Bounds | None:
    """The least and greatest value of a whole-number expression; None where it is not one."""
    match e:
        case Constant(value):
            return _exactly(Size.of(int(value))) if value.is_integer() else None
        case SizeValue(size):
            return _exactly(size)
        case IndexSymbol():
            found = ranges.get(e)
            return UNTOLD if found is None else (found.lo, found.hi - 1)
        case Parameter(index_range=Size() as range_) | Index(base=Parameter(index_range=Size() as range_)):
            return (Size.of(0), range_ - 1) if not e.shape else None
        case Call("neg", (body,)):
            inner = bounds(body, ranges)
            return None if inner is None else (_negated(inner[1]), _negated(inner[0]))
        case Call("add", args):
            return _sum([bounds(a, ranges) for a in args])
        case Call("mul", (a, b)):
            return _product(bounds(a, ranges), bounds(b, ranges))
        case _:
            return None


def _exactly(size: Size) -> Bounds:
    return size, size


def _negated(size: Size | None) -> Size | None:
    return None if size is None else -size


def _sum(parts: list[Bounds | None]) -> Bounds | None:
    known = [p for p in parts if p is not None]
    if len(known) < len(parts):
        return None
    lows, highs = [lo for lo, _ in known if lo is not None], [hi for _, hi in known if hi is not None]
    return (
        sum(lows, Size.of(0)) if len(lows) == len(parts) else None,
        sum(highs, Size.of(0)) if len(highs) == len(parts) else None,
    )


def _product(a: Bounds | None, b: Bounds | None) -> Bounds | None:
    """Known where one factor is a number, or where neither factor can be negative."""
    if a is None or b is None:
        return None
    for (low, high), factor in ((a, b), (b, a)):
        number = factor[0].constant if factor[0] is not None and factor[0] == factor[1] else None
        if number is not None and low is not None and high is not None:
            return (low * number, high * number) if number >= 0 else (high * number, low * number)
    if None in (*a, *b) or not (_nonnegative(a[0]) and _nonnegative(b[0])):
        return UNTOLD
    return a[0] * b[0], a[1] * b[1]  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]


def _nonnegative(size: Size | None) -> bool:
    return size is not None and size.is_nonnegative()


def is_guarded(e: Expr, ranges: Ranges) -> bool:
    """True where a condition reads one of the indices, so that the ends of its range may be left out."""
    return any(isinstance(n, IndexSymbol) and n in ranges and ranges[n].guarded for n in postorder(e))


def normal(e: Expr) -> Expr:
    """A subscript in normal form: what reads indices first, then one number or size, so that `i+2-1` is `i+1`."""
    if isinstance(e, Constant | IndexSymbol | SizeValue):
        return e
    moving, fixed = [], Size.of(0)
    for sign, term in _signed(e):
        size = size_of(term)
        if size is None:
            moving.append(term if sign > 0 else apply("neg", term, origin=term.origin))
        else:
            fixed += size * sign
    if not moving:
        return size_value(fixed, e)
    if fixed != Size.of(0):
        moving.append(size_value(fixed, e))
    return moving[0] if len(moving) == 1 else apply("add", *moving, origin=e.origin)


def _signed(e: Expr) -> Iterator[tuple[int, Expr]]:
    """The terms of a sum, those of sums in it too, with their signs: k - 1 of -(1 - k)."""
    pending = [(1, e)]
    while pending:
        sign, node = pending.pop()
        match node:
            case Call("add", args):
                pending += [(sign, arg) for arg in reversed(args)]
            case Call("neg", (body,)):
                pending.append((-sign, body))
            case _:
                yield sign, node


def size_value(size: Size, e: Expr) -> Expr:
    """A size as an expression, written where `e` was."""
    number = size.constant
    return SizeValue(size, origin=e.origin) if number is None else Constant(float(number), origin=e.origin)
