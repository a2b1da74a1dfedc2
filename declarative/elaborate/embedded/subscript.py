"""`x[i + 1, :]` in Python to an `Index` node: numbers from the end and missing axes as Python users mean them."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from declarative.elaborate.embedded.place import Place, fail, located
from declarative.elaborate.indexing import Subscript, family_axes, index
from declarative.elaborate.integers import size_value
from declarative.elaborate.report import Report
from declarative.elaborate.to_text import expression_to_text
from declarative.ir.expr import Expr, Slice
from declarative.ir.size import Size, shape_text

Lift = Callable[[Any, Place], Any]  # what stands in a subscript to its handle


def subscript(base: Expr, items: tuple[Any, ...], place: Place, lift: Lift) -> Expr:
    """`base[items]`. Raises DiagnosticError where there are too many, or where one is surely out of range."""
    text, spots = _text(base, place), _spots(place, len(items))
    if len(items) > len(base.shape):
        times = f"{len(base.shape)} subscript{'s' * (len(base.shape) != 1)}"
        message = f"`{text}` is {shape_text(base.shape)}: it takes {times}, not {len(items)}"
        raise fail("E213", message if base.shape else f"`{text}` is a scalar, it has no entries", place)
    parts = [_part(i, n, spot, lift) for i, n, spot in zip(items, base.shape, spots, strict=False)]
    subscripts = [Subscript(part, spot.span) for part, spot in zip(parts, spots, strict=True)]
    if len(subscripts) != family_axes(base):
        whole = base.shape[len(subscripts) :]
        subscripts += [Subscript(Slice(Size.of(0), length), place.span) for length in whole]
    report = Report()
    origin = _value_place(place).span or base.origin
    found = index(report, {}, replace(base, origin=origin), subscripts, place.span)
    if found is None:
        raise located(report.in_order(), place)
    return found


def _part(item: Any, length: Size, place: Place, lift: Lift) -> Expr | Slice:
    if isinstance(item, slice):
        return _slice(item, length, place, lift)
    if item is None or item is Ellipsis or isinstance(item, list):
        raise fail("E214", "a subscript is an index, a whole number, a dim or a slice", place)
    handle = lift(item, place)
    size = _from_end(handle.size, length)
    return handle.expr if size is None else replace(size_value(size, handle.expr), origin=place.span)


def _slice(item: slice, length: Size, place: Place, lift: Lift) -> Slice:
    if item.step not in (None, 1):
        raise fail("E214", "a slice takes every entry: it has no step", place)
    return Slice(_end(item.start, Size.of(0), length, place, lift), _end(item.stop, length, length, place, lift))


def _end(value: Any, default: Size, length: Size, place: Place, lift: Lift) -> Size:
    if value is None:
        return default
    size = _from_end(lift(value, place).size, length)
    if size is None:
        raise fail("E214", "the ends of a slice are whole numbers and dims", place)
    return size


def _from_end(size: Size | None, length: Size) -> Size | None:
    """Negative numbers count from the end, as everywhere in Python."""
    negative = size is not None and size.constant is not None and size.constant < 0
    return length + size if negative and size is not None else size


def _text(base: Expr, place: Place) -> str:
    return _value_place(place).text or expression_to_text(base)


def _value_place(place: Place) -> Place:
    match place.syntax():
        case ast.Subscript(value=value):
            return place.part(value)
        case _:
            return replace(place, span=None)


def _spots(place: Place, count: int) -> list[Place]:
    match place.syntax():
        case ast.Subscript(slice=ast.Tuple(elts=items)) if len(items) == count:
            return [place.part(item) for item in items]
        case ast.Subscript(slice=item) if count == 1:
            return [place.part(item)]
        case _:
            return [place] * count
