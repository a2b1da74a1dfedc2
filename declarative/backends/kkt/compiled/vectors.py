"""Rows of numbers side by side, one of each item of a block -> what is done to all of them, WIDTH at once.

Written for LLVM as it is: a loop over arrays would first have to see that they do not overlap, and what is called with
arrays takes longer to call than to do. A row has a multiple of WIDTH numbers; what is done to the first `count` is done
to those after them too, up to a multiple of WIDTH.
"""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WIDTH = 8
VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)
ZEROS = ir.Constant(VECTOR, [0.0] * WIDTH)
WHOLE = ir.IntType(64)
Combine = Callable[..., Any]  # of a builder of instructions and of vectors, one of each row; it gives the target's


def each(builder: Any, rows: Sequence[Any], target: Any, count: Any, combine: Combine) -> None:
    """The loop: `rows` and `target` are addresses of numbers."""
    pieces = builder.udiv(builder.add(count, WHOLE(WIDTH - 1)), WHOLE(WIDTH))
    with cgutils.for_range(builder, pieces) as loop:
        first = builder.mul(loop.index, WHOLE(WIDTH))
        *given, out = (builder.bitcast(builder.gep(row, [first]), VECTOR.as_pointer()) for row in (*rows, target))
        found = combine(builder, *(builder.load(place, align=8) for place in given))
        builder.store(found, out, align=8)


def on_rows(combine: Combine) -> Any:
    """f(target, x, y, count): the rows target, x and y combined go to the target."""

    def typed(typingctx, target, x, y, count):
        def codegen(context, builder, signature, args):
            kinds = signature.args[:3]
            rows = [
                context.make_array(kind)(context, builder, arg).data for kind, arg in zip(kinds, args[:3], strict=True)
            ]
            each(builder, rows, rows[0], args[3], combine)
            return context.get_dummy_value()

        return types.void(target, x, y, types.int64), codegen

    return intrinsic(typed)


def of_one(name: str) -> Combine:
    """LLVM's own function of one number."""

    def call(builder: Any, x: Any, *_: Any) -> Any:
        kind = ir.FunctionType(VECTOR, [VECTOR])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{WIDTH}f64"), [x])

    return call


def nonzero(builder: Any, x: Any) -> Any:
    """Which numbers are not 0; what is no number is not 0."""
    return builder.fcmp_unordered("!=", x, ZEROS)


# target -= x y, target += x y, target = x / y, target = x y
subtract_product = on_rows(lambda b, target, x, y: b.fsub(target, b.fmul(x, y)))
add_product = on_rows(lambda b, target, x, y: b.fadd(target, b.fmul(x, y)))
divide = on_rows(lambda b, target, x, y: b.fdiv(x, y))
multiply = on_rows(lambda b, target, x, y: b.fmul(x, y))
