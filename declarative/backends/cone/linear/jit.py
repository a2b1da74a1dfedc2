"""How functions are compiled here: once, kept on disk, without the interpreter's lock, division as in numpy."""

from typing import Any

from numba import njit

OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}  # they make no arrays
compiled: Any = njit(**OPTIONS)
summing: Any = njit(fastmath={"reassoc", "contract", "nsz"}, **OPTIONS)  # sums in any order
