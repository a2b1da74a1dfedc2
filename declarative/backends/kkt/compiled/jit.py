"""How functions are compiled: once, kept on disk, without the interpreter's lock, division as in numpy.

The compiler looks only at the file of the function that Python calls to see whether what it has kept is still good. So
such a function is made with `DIGEST` in its closure, which is part of the key that it is kept under.
"""

from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

SUMS = {"reassoc", "contract", "nsz", "nnan"}  # sums in any order
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}  # arrays come from Python, uncounted
inner: Any = partial(njit, no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)
outer: Any = njit(cache=True, **OPTIONS)
DIGEST = crc32(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))))


def _largest(typingctx, a, b):
    def codegen(context, builder, signature, args):
        number = ir.DoubleType()
        kind = ir.FunctionType(number, [number, number])
        return builder.call(builder.module.declare_intrinsic("llvm.maxnum", [number], kind), args, fastmath=("fast",))

    return types.float64(types.float64, types.float64), codegen


# The larger of two numbers, in the one form of which the compiler makes vector instructions in a reduction.
largest: Any = intrinsic(_largest)
