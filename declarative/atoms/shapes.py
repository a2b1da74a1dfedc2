"""Shapes of arguments to the shape of a value, with messages in the user's terms where they do not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from declarative.atoms.record import Options, ShapeMismatch
from declarative.ir.size import SCALAR, Shape, Size, count, shape_text

ShapeRule: TypeAlias = Callable[[tuple[Shape, ...], Options], Shape]


def same(shapes: tuple[Shape, ...], options: Options) -> Shape:
    """A function of one argument, entry by entry."""
    return shapes[0]


def to_scalar(shapes: tuple[Shape, ...], options: Options) -> Shape:
    """A scalar made of all entries of all arguments, whatever their shapes."""
    return SCALAR


def broadcast(written: str) -> ShapeRule:
    """Entry by entry over several arguments; scalars broadcast, nothing else does."""

    def rule(shapes: tuple[Shape, ...], options: Options) -> Shape:
        found = SCALAR
        for position, shape in enumerate(shapes):
            if shape in (SCALAR, found):
                continue
            if found != SCALAR:
                pair = f"{shape_text(found)} and {shape_text(shape)}"
                raise ShapeMismatch(f"{written} needs equal shapes, or a scalar: {pair}", position)
            found = shape
        return found

    return rule


def vector_to(written: str, result: Callable[[Size, Options], Shape]) -> ShapeRule:
    """A function of one vector; its result's shape from the length."""

    def rule(shapes: tuple[Shape, ...], options: Options) -> Shape:
        (length,) = need_rank(written, shapes[0], 1)
        return result(length, options)

    return rule


def vector_to_scalar(written: str) -> ShapeRule:
    return vector_to(written, lambda length, options: SCALAR)


def square_to(written: str, result: Callable[[Size], Shape]) -> ShapeRule:
    """A function of one square matrix."""

    def rule(shapes: tuple[Shape, ...], options: Options) -> Shape:
        return result(need_square(written, shapes[0]))

    return rule


def matrix_to_scalar(written: str) -> ShapeRule:
    def rule(shapes: tuple[Shape, ...], options: Options) -> Shape:
        need_rank(written, shapes[0], 2)
        return SCALAR

    return rule


def need_rank(written: str, shape: Shape, rank: int, argument: int = 0) -> Shape:
    if len(shape) != rank:
        wanted = {0: "a scalar", 1: "a vector", 2: "a matrix"}[rank]
        raise ShapeMismatch(f"{written} needs {wanted} here, this is {in_words(shape)}", argument)
    return shape


def need_square(written: str, shape: Shape, argument: int = 0) -> Size:
    rows, columns = need_rank(written, shape, 2, argument)
    if rows != columns:
        raise ShapeMismatch(f"{written} needs a square matrix, this is {shape_text(shape)}", argument)
    return rows


def need_equal(written: str, left: Size, right: Size, shapes: tuple[Shape, ...], argument: int = 1) -> None:
    if left != right:
        pair = " and ".join(map(shape_text, shapes))
        raise ShapeMismatch(f"{written}: {left} and {right} do not match, of {pair}", argument)


def in_words(shape: Shape) -> str:
    names = {0: "a scalar", 1: "a vector", 2: "a matrix"}
    name = names.get(len(shape), f"an array with {len(shape)} axes")
    return name if shape == SCALAR else f"{name} of {shape_text(shape)}"


def flat(shapes: tuple[Shape, ...], options: Options) -> Shape:
    return (count(shapes[0]),)
