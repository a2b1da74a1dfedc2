"""How functions are compiled: once, kept on disk, without the interpreter's lock, division as in numpy.

The compiler looks only at the file of the function that Python calls to see whether what it has kept is still good, and
reads what it has kept before it looks. So such a function is kept under a name of its own for every state of the files.
"""

import logging
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any
from zlib import crc32

from llvmlite import ir
from numba import cfunc, njit, types
from numba.core.caching import FunctionCache
from numba.extending import intrinsic

from declarative.backends.kkt.compiled.part import PartCompiler

SUMS = {"reassoc", "contract", "nsz", "nnan"}  # sums in any order
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}  # arrays come from Python, uncounted
inner: Any = partial(njit, pipeline_class=PartCompiler, no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)
# What is called in one place only: as part of its caller, with which all that it calls is compiled anyway.
once: Any = partial(inner, inline="always")
DIGEST = crc32(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))))


def outer(function: Callable) -> Any:
    """The decorator of a function that Python calls."""
    function.__qualname__ += f"_{DIGEST:08x}"
    dispatcher: Any = njit(**OPTIONS)(function)
    dispatcher._cache = Kept(function)
    return dispatcher


class Kept(FunctionCache):
    """What is kept on disk; what cannot be read, because it is damaged, is compiled again."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            found = super().load_overload(sig, target_context)
        except Exception:  # whatever unpickling makes of a damaged file
            self.flush()
            found = None
        if found is None:
            _tell()
        return found


@cache
def _tell() -> None:
    """Once a process, where all see it: why a first call takes many seconds."""
    logging.getLogger(__name__).warning(
        "compiling the methods for their first use on this machine; some 15 seconds each, then they are kept on disk"
    )


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
