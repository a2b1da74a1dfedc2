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
from declarative.backends.kkt.scalar import codes as op

BLOCK = 64
LIMIT = 1 << 20  # more places than any list has


def _number_at(typingctx, address, entry):
    def codegen(context, builder, signature, args):
        array = builder.inttoptr(args[0], ir.DoubleType().as_pointer())
        return builder.load(builder.gep(array, [args[1]]))

    return types.float64(types.int64, types.int64), codegen


# number_at(address, entry): an entry of an array of numbers that begins at an address.
number_at: Any = intrinsic(_number_at)


@inner()
def operate(code, x, y, z, out, count):
    """out = the operation on x, y, z, entry by entry; `out` is none of them."""
    if code == op.ADD:
        for j in range(count):
            out[j] = x[j] + y[j]
    elif code == op.SUB:
        for j in range(count):
            out[j] = x[j] - y[j]
    elif code == op.MUL:
        for j in range(count):
            out[j] = x[j] * y[j]
    elif code == op.MULADD:
        for j in range(count):
            out[j] = x[j] * y[j] + z[j]
    elif code == op.DIV:
        for j in range(count):
            out[j] = x[j] / y[j]
    elif code == op.NEG:
        for j in range(count):
            out[j] = -x[j]
    elif code == op.WHERE:
        for j in range(count):
            out[j] = y[j] if x[j] != 0 else z[j]
    elif code < op.NEG:
        combine(code, x, y, out, count)
    else:
        transform(code, x, out, count)


@inner()
def combine(code, x, y, out, count):
    """The other operations on two numbers; the larger or smaller of not a number and another is not a number."""
    if code == op.POW:
        for j in range(count):
            out[j] = x[j] ** y[j]
    elif code == op.MAX:
        for j in range(count):
            out[j] = x[j] if x[j] > y[j] or x[j] != x[j] else y[j]
    elif code == op.MIN:
        for j in range(count):
            out[j] = x[j] if x[j] < y[j] or x[j] != x[j] else y[j]
    elif code == op.GT:
        for j in range(count):
            out[j] = 1.0 if x[j] > y[j] else 0.0
    elif code == op.GE:
        for j in range(count):
            out[j] = 1.0 if x[j] >= y[j] else 0.0
    elif code == op.EQ:
        for j in range(count):
            out[j] = 1.0 if x[j] == y[j] else 0.0
    elif code == op.NE:
        for j in range(count):
            out[j] = 1.0 if x[j] != y[j] else 0.0
    elif code == op.AND:
        for j in range(count):
            out[j] = 1.0 if x[j] != 0 and y[j] != 0 else 0.0
    elif code == op.OR:
        for j in range(count):
            out[j] = 1.0 if x[j] != 0 or y[j] != 0 else 0.0


@inner()
def transform(code, x, out, count):
    """The other functions of one number."""
    if code == op.ABS:
        for j in range(count):
            out[j] = abs(x[j])
    elif code == op.SIGN:
        for j in range(count):
            out[j] = (1.0 if x[j] > 0 else 0.0) - (1.0 if x[j] < 0 else 0.0)
    elif code == op.SQRT:
        for j in range(count):
            out[j] = np.sqrt(x[j])
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


NUMBERS, WHOLE = types.CPointer(types.float64), types.CPointer(types.int64)


@apart(types.void(types.CPointer(types.int32), WHOLE, NUMBERS, WHOLE))
def run_operations(operations, number, memory, count):
    """So many operations on the first items of a block's memory; numbers by reference, as `fortran` gives them."""
    rows, places = carray(operations, (number[0], 5)), carray(memory, (LIMIT, BLOCK))
    for k in range(number[0]):
        o = rows[k]
        operate(o[0], places[o[1]], places[o[2]], places[o[3]], places[o[4]], count[0])


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
