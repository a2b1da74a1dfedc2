"""A recursion over deep expressions that costs memory and no stack: its functions yield the calls they make.

`def f(x): y = yield f(part); return made(y)` is `run(f(x))`, with a list in the place of Python's stack.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
Calls: TypeAlias = Generator["Calls[Any]", Any, T]  # a call under way, which yields those that it makes


def run(first: Calls[T]) -> T:
    """The result of a call."""
    under_way: list[Calls[Any]] = [first]
    result: Any = None
    while under_way:
        try:
            under_way.append(under_way[-1].send(result))
            result = None
        except StopIteration as done:
            under_way.pop()
            result = done.value
    return result


def each(calls: Iterable[Calls[T]]) -> Calls[tuple[T, ...]]:
    """The results of several calls, one after the other."""
    results = []
    for call in calls:
        results.append((yield call))
    return tuple(results)
