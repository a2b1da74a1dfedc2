"""A list of scalar operations (`scalar/listing.py`), run for many items: over blocks of them, operation by operation.

Each operation is a loop over the block's items, which lie side by side in memory, so choosing what to do costs little
beside doing it. Blocks are small enough for all values to stay in the processor's caches.
"""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, types  # pyright: ignore[reportPrivateImportUsage]
from numba.extending import intrinsic

from declarative.backends.kkt.compiled.blas import fortran
from declarative.backends.kkt.compiled.jit import apart, inner, outer
from declarative.backends.kkt.compiled.vectors import VECTOR, WHOLE, Combine, each, nonzero, of_one
from declarative.backends.kkt.scalar import codes as op

BLOCK = 64  # a multiple of the vectors' WIDTH
LIMIT = 1 << 20  # more places than any list has
NUMBERS, COUNT = types.CPointer(types.float64), types.CPointer(types.int64)


def _number_at(typingctx, address, entry):
    def codegen(context, builder, signature, args):
        array = builder.inttoptr(args[0], ir.DoubleType().as_pointer())
        return builder.load(builder.gep(array, [args[1]]))

    return types.float64(types.int64, types.int64), codegen


# number_at(address, entry): an entry of an array of numbers that begins at an address.
number_at: Any = intrinsic(_number_at)


def _truth(builder: Any, condition: Any) -> Any:
    return builder.uitofp(condition, VECTOR)


def _compared(sign: str) -> Combine:
    return lambda b, x, y, z: _truth(b, b.fcmp_ordered(sign, x, y))


def _beyond(sign: str) -> Combine:
    """The larger or smaller; of not a number and another it is not a number."""
    return lambda b, x, y, z: b.select(b.or_(b.fcmp_ordered(sign, x, y), b.fcmp_unordered("uno", x, x)), x, y)


# What takes one instruction or a few.
SIMPLE: dict[int, Combine] = {
    op.ADD: lambda b, x, y, z: b.fadd(x, y),
    op.SUB: lambda b, x, y, z: b.fsub(x, y),
    op.MUL: lambda b, x, y, z: b.fmul(x, y),
    op.DIV: lambda b, x, y, z: b.fdiv(x, y),
    op.MULADD: lambda b, x, y, z: b.fadd(b.fmul(x, y), z),
    op.NEG: lambda b, x, y, z: b.fneg(x),
    op.ABS: of_one("fabs"),
    op.SQRT: of_one("sqrt"),
    op.WHERE: lambda b, x, y, z: b.select(nonzero(b, x), y, z),
    op.MAX: _beyond(">"),
    op.MIN: _beyond("<"),
    op.GT: _compared(">"),
    op.GE: _compared(">="),
    op.EQ: _compared("=="),
    op.NE: lambda b, x, y, z: _truth(b, b.fcmp_unordered("!=", x, y)),
    op.AND: lambda b, x, y, z: _truth(b, b.and_(nonzero(b, x), nonzero(b, y))),
    op.OR: lambda b, x, y, z: _truth(b, b.or_(nonzero(b, x), nonzero(b, y))),
}


def _operate(typingctx, memory, code, x, y, z, out, count):
    def codegen(context, builder, signature, args):
        memory, code, *places, count = args
        *rows, target = (builder.gep(memory, [builder.mul(place, WHOLE(BLOCK))]) for place in places)
        other, known, end = (builder.append_basic_block(name) for name in ("other", "known", "end"))
        choice = builder.switch(code, other)
        for number, combine in SIMPLE.items():
            choice.add_case(ir.IntType(32)(number), builder.append_basic_block())
            builder.position_at_end(choice.cases[-1][1])
            each(builder, rows, target, count, combine)
            builder.branch(known)
        found = []
        for block, answer in ((other, 0), (known, 1)):
            builder.position_at_end(block)
            builder.branch(end)
            found.append((ir.IntType(1)(answer), block))
        builder.position_at_end(end)
        result = builder.phi(ir.IntType(1))
        for pair in found:
            result.add_incoming(*pair)
        return result

    place = types.int64
    return types.boolean(NUMBERS, types.int32, place, place, place, place, place), codegen


# operate(memory, code, x, y, z, out, count): row `out` = the operation on rows x, y, z, entry by entry, if it is one of
# the SIMPLE ones; whether it is. `out` is none of the others.
operate: Any = intrinsic(_operate)


@inner()
def transform(code, x, y, out, count):
    """The other functions."""
    if code == op.POW:
        for j in range(count):
            out[j] = x[j] ** y[j]
    elif code == op.SIGN:
        for j in range(count):
            out[j] = (1.0 if x[j] > 0 else 0.0) - (1.0 if x[j] < 0 else 0.0)
    elif code == op.EXP:
        for j in range(count):
            out[j] = np.exp(x[j])
    elif code == op.EXPM1:
        for j in range(count):
            out[j] = np.expm1(x[j])
    elif code == op.LOG:
        for j in range(count):
            out[j] = np.log(x[j])
    elif code == op.LOG1P:
        for j in range(count):
            out[j] = np.log1p(x[j])
    elif code == op.SIN:
        for j in range(count):
            out[j] = np.sin(x[j])
    elif code == op.COS:
        for j in range(count):
            out[j] = np.cos(x[j])
    elif code == op.TAN:
        for j in range(count):
            out[j] = np.tan(x[j])
    elif code == op.ASIN:
        for j in range(count):
            out[j] = np.arcsin(x[j])
    elif code == op.ACOS:
        for j in range(count):
            out[j] = np.arccos(x[j])
    elif code == op.ATAN:
        for j in range(count):
            out[j] = np.arctan(x[j])
    elif code == op.SINH:
        for j in range(count):
            out[j] = np.sinh(x[j])
    elif code == op.COSH:
        for j in range(count):
            out[j] = np.cosh(x[j])
    elif code == op.TANH:
        for j in range(count):
            out[j] = np.tanh(x[j])
    elif code == op.ERF:
        for j in range(count):
            out[j] = math.erf(x[j])
    elif code == op.LGAMMA:
        for j in range(count):
            out[j] = math.lgamma(x[j])


@apart(types.void(types.CPointer(types.int32), COUNT, NUMBERS, COUNT))
def run_operations(operations, number, memory, count):
    """So many operations on the first items of a block's memory; numbers by reference, as `fortran` gives them."""
    rows, places = carray(operations, (number[0], 5)), carray(memory, (LIMIT, BLOCK))
    for k in range(number[0]):
        o = rows[k]
        if not operate(memory, o[0], o[1], o[2], o[3], o[4], count[0]):
            transform(o[0], places[o[1]], places[o[2]], places[o[4]], count[0])


INTERPRETER = run_operations.address


@outer
def run_blocks(interpreter, operations, inputs, results, arguments, memory, out, batch, first, last):
    """Items from `first` to before `last` of a batch; the constants are in `memory` (places, BLOCK) already.

    Row (argument, entry, place) of `inputs`: where an entry goes. Row (address, stride) of `arguments`: where the first
    item's entries are, and how far from one item's to the next one's (0 where the items share them). Row (place, first,
    size, entry) of `results`: an entry of a result with `size` entries, before which each item has `first` others.
    """
    for start in range(first, last, BLOCK):
        count = min(BLOCK, last - start)
        for k in range(len(inputs)):
            place, which = memory[inputs[k, 2]], inputs[k, 0]
            address, stride = arguments[which, 0], arguments[which, 1]
            entry = start * stride + inputs[k, 1]
            for j in range(count):
                place[j] = number_at(address, entry + j * stride)
        fortran(interpreter, (operations, np.int64(len(operations)), memory, np.int64(count)))
        for k in range(len(results)):
            value, size = memory[results[k, 0]], results[k, 2]
            entry = results[k, 1] * batch + start * size + results[k, 3]
            for j in range(count):
                out[entry + j * size] = value[j]
