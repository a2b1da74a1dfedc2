"""`max(X, axis = 0)`: a function of the whole array to one of each column (axis 0) or row (axis 1), as a family."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from declarative.atoms.build import call
from declarative.atoms.products import TRANSPOSE
from declarative.atoms.record import ShapeMismatch
from declarative.ir.expr import Binder, Constant, Expr, Index, IndexSymbol, Slice, Stack
from declarative.ir.size import Size
from declarative.ir.walk import postorder

AXES = {0: 0, 1: 1, -1: 1}
FIRST = 1_000_000  # numbers of indices that no front end gives; problems are numbered anew when they are whole


def along(x: Expr, axis: Any, each: Callable[[Expr], Expr]) -> Expr:
    """The values of `each` for the columns or rows of a matrix; a vector has one axis only, and so is taken whole."""
    number = axis.value if isinstance(axis, Constant) else axis
    if len(x.shape) == 1 and number in (0, -1):
        return each(x)
    if len(x.shape) != 2 or int(number) not in AXES or int(number) != number:
        raise ShapeMismatch("`axis` is 0 (down each column of a matrix) or 1 (along each row)", 0)
    index = IndexSymbol(max((FIRST, *_numbers(x))) + 1, "j" if AXES[int(number)] == 0 else "i")
    if AXES[int(number)] == 1:
        return Stack(each(_part(x, (index,))), (Binder(index, Size.of(0), x.shape[0]),))
    column = each(_part(x, (Slice(Size.of(0), x.shape[0]), index)))
    columns = Stack(column, (Binder(index, Size.of(0), x.shape[1]),))
    return columns if not column.shape else call(TRANSPOSE, columns)


def _numbers(x: Expr) -> Iterator[int]:
    return (node.number for node in postorder(x) if isinstance(node, IndexSymbol))


def _part(x: Expr, subscripts: tuple[Expr | Slice, ...]) -> Expr:
    """A row or a column; of a member of a family, with the member's own subscripts before."""
    shape = x.shape[1:] if len(subscripts) == 1 else x.shape[:1]
    if isinstance(x, Index) and not any(isinstance(s, Slice) for s in x.subscripts):
        return Index(x.base, x.subscripts + subscripts, shape, origin=x.origin)
    return Index(x, subscripts, shape, origin=x.origin)
