"""How functions are compiled: once, kept on disk, without the interpreter's lock, division as in numpy.

The compiler looks only at the file of the function that Python calls to see whether what it has kept is still good, and
reads what it has kept before it looks. So such a function is kept under a name of its own for every state of the files.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

from llvmlite import ir
from numba import cfunc, njit, types
from numba.core.caching import FunctionCache
from numba.extending import intrinsic

from declarative.backends.kkt.compiled.part import PartCompiler
from declarative.backends.machine import Kept

SUMS = {"reassoc", "contract", "nsz", "nnan"}  # sums in any order
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}  # arrays come from Python, uncounted
inner: Any = partial(njit, pipeline_class=PartCompiler, no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)
# What is called in one place only: as part of its caller, with which all that it calls is compiled anyway.
once: Any = partial(inner, inline="always")
DIGEST = crc32(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))))


def outer(function: Callable, purpose: str = "") -> Any:
    """The decorator of a function that Python calls."""
    function.__qualname__ += f"_{DIGEST:08x}"
    dispatcher: Any = njit(**OPTIONS)(function)
    dispatcher._cache = Kept(function, purpose)
    return dispatcher


def large(purpose: str) -> Callable[[Callable], Any]:
    """The same for one that takes seconds to compile, which is told with what it is for."""
    return partial(outer, purpose=purpose)


def apart(signature: Any) -> Callable[[Callable], Any]:
    """The decorator of a function that others call by its `address`, so that it is not compiled into each of them."""

    def decorated(function: Callable) -> Any:
        function.__qualname__ += f"_{DIGEST:08x}"
        made = cfunc(signature, cache=True, error_model="numpy")
        try:
            return made(function)
        except Exception:  # as above
            FunctionCache(function).flush()
            return made(function)

    return decorated


def _largest(typingctx, a, b):
    def codegen(context, builder, signature, args):
        number = ir.DoubleType()
        kind = ir.FunctionType(number, [number, number])
        return builder.call(builder.module.declare_intrinsic("llvm.maxnum", [number], kind), args, fastmath=("fast",))

    return types.float64(types.float64, types.float64), codegen


# The larger of two numbers, in the one form of which the compiler makes vector instructions in a reduction.
largest: Any = intrinsic(_largest)
