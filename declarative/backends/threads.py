"""How many threads BLAS takes, which knows nothing of torch's own number."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """Let BLAS use so many threads at most."""
    changed = [(library, before) for library in blas() if (before := library.get_num_threads()) != count]
    for library, _ in changed:
        library.set_num_threads(count)
    try:
        yield
    finally:
        for library, before in changed:
            library.set_num_threads(before)


@cache
def blas() -> list[Any]:
    """The libraries of numpy and scipy; one that was built without threads (SCS brings such a one) is none."""
    found = ThreadpoolController().select(internal_api="openblas").lib_controllers
    return [library for library in found if library.threading_layer != "disabled"]
