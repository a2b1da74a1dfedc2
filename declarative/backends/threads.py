"""How many threads BLAS takes, which knows nothing of torch's own number."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController

_LOCK = Lock()
_wanted: list[int] = []  # by the calls that are going on, in any thread
_before: list[int] = []  # what each library had before the first of them
_now: list[int] = []


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """Let BLAS use so many threads at most. Its number is the process's, so of calls at one time the least counts."""
    with _LOCK:
        if not _wanted:
            _before[:] = _now[:] = [library.get_num_threads() for library in blas()]
        _wanted.append(count)
        _set([min(_wanted)] * len(_before))
    try:
        yield
    finally:
        with _LOCK:
            _wanted.remove(count)
            _set([min(_wanted)] * len(_before) if _wanted else _before)


def _set(counts: list[int]) -> None:
    if counts == _now:
        return
    for library, count, now in zip(blas(), counts, _now, strict=True):
        if count != now:
            library.set_num_threads(count)
    _now[:] = counts


@cache
def blas() -> list[Any]:
    """The libraries of numpy and scipy; one that was built without threads (SCS brings such a one) is none."""
    found = ThreadpoolController().select(internal_api="openblas").lib_controllers
    return [library for library in found if library.threading_layer != "disabled"]
