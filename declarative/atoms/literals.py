"""Expressions that are numbers or sizes in the text, as options need them: `3`, `n-1`, `inf`."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from declarative.ir.expr import Call, Constant, Expr, SizeValue
from declarative.ir.size import Monomial, Size
from declarative.source.span import Span


def literal(e: Expr) -> float | Size | None:
    """The number or the size that an expression is without its data, None where it is neither."""
    match e:
        case Constant(value):
            return value
        case SizeValue(size):
            return size
        case _:
            return size_of(e)


def size_of(e: Expr) -> Size | None:
    """The integer polynomial of sizes that an expression is, None where it is not one."""
    match e:
        case Constant(value) if value == int(value):
            return Size.of(int(value))
        case SizeValue(size):
            return size
        case Call("neg", (body,)):
            inner = size_of(body)
            return None if inner is None else -inner
        case Call("add" | "mul" as op, args):
            sizes = [size_of(a) for a in args]
            return None if None in sizes else _combined(op, [s for s in sizes if s is not None])
        case _:
            return None


def _combined(op: str, sizes: list[Size]) -> Size:
    result = sizes[0]
    for size in sizes[1:]:
        result = result + size if op == "add" else result * size
    return result


def written_out(apply: Callable[..., Expr], size: Size, origin: Span | None = None) -> Expr:
    """A size as a text would write its value: a sum of products of names. The inverse of `size_of`."""
    if size.constant is not None:
        return Constant(float(size.constant), origin=origin)
    return apply("add", *(_product(apply, names, factor, origin) for names, factor in size.terms), origin=origin)


def _product(apply: Callable[..., Expr], names: Monomial, factor: int, origin: Span | None) -> Expr:
    number: list[Expr] = [Constant(float(abs(factor)), origin=origin)] if abs(factor) != 1 or not names else []
    factors = [*number, *(SizeValue(Size.of(name), origin=origin) for name in names)]
    product = reduce(lambda x, y: apply("mul", x, y, origin=origin), factors)
    return product if factor > 0 else apply("neg", product, origin=origin)
