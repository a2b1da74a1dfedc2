"""How functions are compiled here: once, kept on disk, without the interpreter's lock, division as in numpy."""

from collections.abc import Callable
from functools import partial
from typing import Any

from numba import njit

from declarative.backends.machine import Kept

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}  # they make no arrays


def kept(function: Callable, **options: Any) -> Any:
    """The decorator of a function that is compiled with such options."""
    dispatcher: Any = njit(**options)(function)
    dispatcher._cache = Kept(function, "cone programs")
    return dispatcher


compiled: Any = partial(kept, **OPTIONS)
summing: Any = partial(compiled, fastmath={"reassoc", "contract", "nsz"})  # sums in any order
