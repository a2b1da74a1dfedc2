"""Expressions that are numbers or sizes in the text, as options need them: `3`, `n-1`, `inf`."""

from __future__ import annotations

from declarative.ir.expr import Call, Constant, Expr, SizeValue
from declarative.ir.size import Size


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
