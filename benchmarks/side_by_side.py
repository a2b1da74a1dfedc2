"""Several ways to do the same, timed in turn in one run: a table of medians and ratios beside the error of each."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch


@dataclass(frozen=True)
class Way:
    """One way. `run` does the work that is timed; `error` measures what it returned against a reference."""

    name: str
    run: Callable[[], Any]
    error: Callable[[Any], float]


@dataclass(frozen=True)
class Measured:
    """Seconds: the median over the rounds. `error` is None where the way raised, and `failure` says what."""

    name: str
    seconds: float
    error: float | None
    failure: str = ""


def measure(ways: Sequence[Way], rounds: int = 7, threads: int = 1) -> list[Measured]:
    """Each way once to warm up and to take its error, then all of them in turn, `rounds` times."""
    torch.set_num_threads(threads)
    errors: dict[str, float] = {}
    failures: dict[str, str] = {}
    for way in ways:
        try:
            errors[way.name] = way.error(way.run())
        except Exception as problem:  # a peer that fails is a line of the table, not the end of the run
            failures[way.name] = f"{type(problem).__name__}: {problem}".splitlines()[0][:80]
    times: dict[str, list[float]] = {name: [] for name in errors}
    for _ in range(rounds):
        for way in ways:
            if way.name in times:
                gc.collect()
                began = time.perf_counter()
                way.run()
                times[way.name].append(time.perf_counter() - began)
    return [
        Measured(
            w.name,
            median(times[w.name]) if w.name in times else float("nan"),
            errors.get(w.name),
            failures.get(w.name, ""),
        )
        for w in ways
    ]


def show(title: str, rows: Sequence[Measured]) -> None:
    """The table; ratios are to the first row, which is ours."""
    print(f"\n{title}")
    ours = rows[0].seconds
    for row in rows:
        if row.error is None:
            print(f"  {row.name:<36} {row.failure}")
        else:
            print(
                f"  {row.name:<36} {row.seconds * 1e3:10.2f} ms   x {row.seconds / ours:7.2f}   error {row.error:8.1e}"
            )
