"""`max(X, axis = 0)`: a function of the whole array to one of each column (axis 0) or row (axis 1), as a family."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import compress
from typing import Any

from declarative.atoms.build import call
from declarative.atoms.products import TRANSPOSE
from declarative.atoms.record import ShapeMismatch
from declarative.ir.expr import Binder, Constant, Expr, Index, IndexSymbol, Slice, Stack
from declarative.ir.size import Shape, Size
from declarative.ir.walk import postorder

AXES = {0: 0, 1: 1, -1: 1}
FIRST = 1_000_000  # numbers of indices that no front end gives; problems are numbered anew when they are whole


def along(x: Expr, axis: Any, each: Callable[[Expr], Expr]) -> Expr:
    """The values of `each` for the columns or rows of a matrix; a vector has one axis only, and so is taken whole."""
    number = axis.value if isinstance(axis, Constant) else axis
    if len(x.shape) == 1 and number in (0, -1):
        return each(x)
    if len(x.shape) == 1:
        raise ShapeMismatch("a vector has one axis only", 0, hints=("leave `axis` out",))
    if len(x.shape) != 2 or number not in AXES:
        raise ShapeMismatch("`axis` is 0 (down each column of a matrix) or 1 (along each row)", 0)
    if AXES[int(number)] == 1:
        (row,) = new_indices("i", x.shape[:1], x)
        return Stack(each(part(x, (row.index,))), (row,))
    (across,) = new_indices("j", x.shape[1:], x)
    column = each(part(x, (Slice(Size.of(0), x.shape[0]), across.index)))
    columns = Stack(column, (across,))
    return columns if not column.shape else call(TRANSPOSE, columns)


def new_indices(names: str, lengths: Shape, *beside: Expr) -> tuple[Binder, ...]:
    """An index for each length that none of these expressions holds."""
    first = max((FIRST, *(n for e in beside for n in _numbers(e)))) + 1
    symbols = (IndexSymbol(first + k, name) for k, name in enumerate(names))
    return tuple(Binder(index, Size.of(0), length) for index, length in zip(symbols, lengths, strict=True))


def _numbers(x: Expr) -> Iterator[int]:
    return (node.number for node in postorder(x) if isinstance(node, IndexSymbol))


def part(x: Expr, subscripts: tuple[Expr | Slice, ...]) -> Expr:
    """An entry, a row or a column; of a member of a family, with the member's own subscripts before."""
    left = (k >= len(subscripts) or isinstance(subscripts[k], Slice) for k in range(len(x.shape)))
    shape = tuple(compress(x.shape, left))
    if isinstance(x, Index) and not any(isinstance(s, Slice) for s in x.subscripts):
        return Index(x.base, x.subscripts + subscripts, shape, origin=x.origin)
    return Index(x, subscripts, shape, origin=x.origin)
