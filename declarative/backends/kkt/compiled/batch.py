"""The compiled solver for whole batches of numpy arrays: memory, and threads where they are worth it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from declarative.backends.kkt.compiled.blas import ROUTINES
from declarative.backends.kkt.compiled.corner import corner_for
from declarative.backends.kkt.compiled.dependent import Left, settle_dependent
from declarative.backends.kkt.compiled.interior import Found, find_points, room
from declarative.backends.kkt.compiled.item import Data
from declarative.backends.kkt.compiled.kept import Kept
from declarative.backends.kkt.compiled.kernel import (
    CLEAR,
    DEPENDENT_ROWS,
    DOUBTFUL,
    Answers,
    find_convex,
    memory_for,
    solve_items,
)  # fmt: skip
from declarative.backends.kkt.compiled.linear import Vectors, memory_for_solve, solve_kept
from declarative.backends.kkt.compiled.outline import outline_of
from declarative.backends.kkt.compiled.piece import factor_pieces, slabs_for, solve_pieces
from declarative.backends.kkt.compiled.proximal import probe, solve_beside
from declarative.backends.kkt.compiled.symmetric import find_definite
from declarative.backends.kkt.compiled.turned import Turned, turned_for
from declarative.backends.kkt.compiled.vertex import find_vertices, tableau_for
from declarative.backends.threads import blas_threads

ENOUGH = 1 << 20  # entries of matrices that a thread's share should have


@dataclass(frozen=True)
class Factors:
    """The systems at the solutions of a batch; `items` (K,) are those that are solved for."""

    data: Data
    kept: Kept
    items: np.ndarray

    def take(self, places: np.ndarray) -> "Factors":
        """The same for some of the items."""
        return replace(self, items=self.items[places])

    def active(self) -> tuple[np.ndarray, np.ndarray]:
        """Which rows (K, p + m) and which bounds (K, n) are active."""
        data, rows = self.data, self.data.b.shape[1] + self.data.h.shape[1]
        whole = np.zeros((len(self.items), rows + data.q.shape[1]), bool)
        columns = np.concatenate([np.arange(rows), rows + data.bounded])
        for place, item in enumerate(self.items):
            whole[place, columns[self.kept.rows[item, : self.kept.count[item]]]] = True
        return whole[:, :rows], whole[:, rows:]

    def solve(self, x: np.ndarray, rows: np.ndarray, bounds: np.ndarray, threads: int) -> tuple[np.ndarray, ...]:
        """The solution for a right-hand side x (K, n), rows (K, p + m), bounds (K, n)."""
        right = Vectors(*(np.ascontiguousarray(part, dtype=np.float64) for part in (x, rows, bounds)))
        found = Vectors(*(np.empty(part.shape) for part in right))
        n, most = x.shape[1], self.kept.V.shape[1]

        def some(first: int, last: int) -> None:
            here, there = (Vectors(*(v[first:last] for v in vectors)) for vectors in (right, found))
            solve_kept(ROUTINES, self.data, self.kept, self.items[first:last], here, there, memory_for_solve(n, most))

        in_chunks(some, len(x), n * n, threads)
        return found


@dataclass(frozen=True)
class Pieces:
    """The systems of the pieces on which solutions with dependent rows move, for the `items` (K,) of a batch."""

    data: Data
    left: Left
    items: np.ndarray

    @cached_property
    def factors(self) -> tuple[Turned, np.ndarray]:
        """Those of all items, and which are sound."""
        data, sound = self.data, np.empty(len(self.items), np.bool_)
        slabs = slabs_for(len(self.items), data.q.shape[1], data.b.shape[1] + data.h.shape[1])
        factor_pieces(data, self.left.held, self.items, slabs, sound)
        return slabs, sound

    def active(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which rows (K, p + m) and which bounds (K, n) are in the systems of some of the items."""
        held, side = self.left.held[self.items[places]] != 0, self.data.b.shape[1] + self.data.h.shape[1]
        bounds = np.zeros((len(places), self.data.q.shape[1]), bool)
        bounds[:, self.data.bounded] = held[:, side:]
        return held[:, :side], bounds

    def solve(self, places: np.ndarray, x: np.ndarray, rows: np.ndarray, bounds: np.ndarray, threads: int) -> Vectors:
        """The solution for a right-hand side x (K, n), rows (K, p + m), bounds (K, n) of some of the items."""
        right = Vectors(*(np.ascontiguousarray(part, dtype=np.float64) for part in (x, rows, bounds)))
        found, factors = Vectors(*(np.empty(part.shape) for part in right)), self.factors[0]
        n, size, rows_only = x.shape[1], self.left.held.shape[1], rows.shape[1]

        def some(first: int, last: int) -> None:
            here, there = (Vectors(*(v[first:last] for v in vectors)) for vectors in (right, found))
            own = places[first:last]
            sizes = size, size, size, n, n, n, rows_only
            memory = tuple(np.empty(length) for length in sizes)
            solve_pieces(self.data, self.left, factors, self.items[own], own, here, there, memory)

        in_chunks(some, len(places), n * n, threads)
        return found


@dataclass(frozen=True)
class Batch:
    """Answers, which of the items are `clear` (B,) and of which at least a point is `known` (B,), and the factors.

    Those of `pieces` are for its items.
    """

    answers: Answers
    clear: np.ndarray
    known: np.ndarray
    factors: Factors | None
    pieces: Pieces | None


def outlined(data: Data) -> Data:
    """The same with what its methods need to know where entries are few."""
    return data._replace(outline=outline_of(data.P, data.A, data.G, data.bounded))


def solve_batch(data: Data, guess: np.ndarray, threads: int) -> Batch:
    """Solve B items from a guess (B, rows) of their active sets."""
    (batch, rows), n = guess.shape, data.q.shape[1]
    kinds = int(data.blocks.max()) + 1
    kept = kept_for(len(data.P), batch, rows, n)
    answers = answers_from(np.zeros((batch, n)), np.zeros((batch, rows)), guess)

    def some(first: int, last: int) -> None:
        own = kept._replace(L=np.empty_like(kept.L)) if first > 0 and len(data.P) == 1 else kept
        solve_items(ROUTINES, data, *memory_for(n, rows, kinds), own, answers, first, last)

    in_chunks(some, batch, n * (n + rows), threads)
    return judged(data, answers, Factors(data, kept, np.arange(batch)), threads)


def solve_batch_beside(data: Data, x: np.ndarray, w: np.ndarray, state: np.ndarray, threads: int) -> Batch:
    """Solve B items from the solutions x (B, n), w and state (B, rows) of similar ones, which they overwrite."""
    (batch, rows), n = state.shape, data.q.shape[1]
    kinds = int(data.blocks.max()) + 1
    kept, answers = kept_for(batch, batch, rows, n), answers_from(x, w, state)

    def some(first: int, last: int) -> None:
        own = np.empty(n), np.empty(n), probe(n)
        solve_beside(ROUTINES, data, *memory_for(n, rows, kinds), kept, answers, own, first, last)

    in_chunks(some, batch, n * (n + rows), threads)
    return judged(data, answers, Factors(data, kept, np.arange(batch)), threads)


def solve_batch_at(data: Data, x: np.ndarray, state: np.ndarray, threads: int) -> Batch:
    """Solve B items near their solutions x (B, n) from their active rows, state (B, rows), which it overwrites."""
    answers = answers_from(x, np.zeros(state.shape), state)
    answers.verdict[:] = DEPENDENT_ROWS
    return judged(data, answers, None, threads)


def solve_batch_from(data: Data, state: np.ndarray, threads: int) -> Batch:
    """Solve B linear programs from the active sets of similar ones, state (B, rows), which it overwrites."""
    (batch, rows), n, m = state.shape, data.q.shape[1], data.b.shape[1] + data.h.shape[1]
    answers, kinds = answers_from(np.zeros((batch, n)), np.zeros(state.shape), state), int(data.blocks.max()) + 1

    def some(first: int, last: int) -> None:
        work, _ = memory_for(n, rows, kinds)
        find_vertices(data, work, tableau_for(n, m), answers, first, last)

    in_chunks(some, batch, n * (n + rows), threads)
    return judged(data, answers, None, threads)


def judged(data: Data, answers: Answers, factors: Factors | None, threads: int) -> Batch:
    """What is clear, after a look at the items whose points are right, but not yet what to make of them."""
    found = ((answers.verdict != CLEAR) & (answers.verdict <= DEPENDENT_ROWS)).nonzero()[0]
    pieces = settle_batch(data, answers, found, threads) if len(found) else None
    return Batch(answers, answers.verdict == CLEAR, answers.verdict <= DOUBTFUL, factors, pieces)


def settle_batch(data: Data, answers: Answers, items: np.ndarray, threads: int) -> Pieces:
    """Answers for those of the items (K,) whose active rows are as `answers` has them, written into it; the systems."""
    (batch, rows), n, m = answers.state.shape, data.q.shape[1], data.b.shape[1] + data.h.shape[1]
    flags = np.zeros(batch, np.bool_), np.zeros(batch, np.bool_)
    left = Left(
        np.empty((batch, rows), np.int8), np.empty((batch, m, rows)), np.zeros(batch, np.int64), *flags
    )  # fmt: skip
    kinds = int(data.blocks.max()) + 1

    def some(first: int, last: int) -> None:
        own = turned_for(n, m), corner_for(rows, m)
        settle_dependent(data, *memory_for(n, rows, kinds), *own, answers, left, items, first, last)

    in_chunks(some, len(items), n * (n + rows), threads)
    return Pieces(data, left, items)


def find_batch(data: Data, batch: int, low: np.ndarray, high: np.ndarray, iterations: int, threads: int) -> Found:
    """Points of B items near their solutions; `low` and `high` list the variables that any item bounds there."""
    n, p, g = data.q.shape[1], data.b.shape[1], data.h.shape[1]
    m = g + len(low) + len(high)
    active, count = np.empty((batch, m), np.bool_), np.empty(batch, np.int64)
    found = Found(np.empty((batch, n)), np.empty((batch, p)), np.empty((batch, m)), active, count)

    def some(first: int, last: int) -> None:
        find_points(ROUTINES, data, room(n, p, g, low, high), found, iterations, first, last)

    in_chunks(some, batch, n * (n + p + m), threads)
    return found


def convex_items(P: np.ndarray, shift: float) -> np.ndarray:
    """Which of the matrices (B, n, n) are positive semidefinite, but for `shift` beside their diagonals."""
    found = np.empty(len(P), np.bool_)
    with blas_threads(1):
        find_convex(ROUTINES, P, shift, np.empty(P.shape[1:]), np.zeros(1, np.int32), found)
    return found


def definite_items(P: np.ndarray, tolerance: float) -> np.ndarray:
    """Which matrices (B, n, n) are symmetric, to `tolerance` beside their largest entry, and positive definite."""
    found = np.empty(len(P), np.bool_)
    with blas_threads(1):
        find_definite(ROUTINES, P, tolerance, np.empty(P.shape[1:]), np.zeros(1, np.int32), found)
    return found


def kept_for(curvatures: int, batch: int, rows: int, n: int) -> Kept:
    """Where the factors of B items go, of which so many have a P of their own."""
    most, whole = min(rows, n), np.int64
    L, V, K = np.empty((curvatures, n * n)), np.empty((batch, most, n)), np.empty((batch, most * most))
    return Kept(L, V, K, np.empty((batch, most), whole), np.empty((batch, most), whole), np.zeros(batch, whole))


def answers_from(x: np.ndarray, w: np.ndarray, state: np.ndarray) -> Answers:
    """Where the answers go."""
    batch = len(x)
    return Answers(
        x, w, np.zeros(batch), state, np.zeros((batch, 3)), np.zeros(batch, np.int64), np.zeros(batch, np.int64)
    )


def in_chunks(work: Callable[[int, int], None], items: int, size: int, threads: int) -> None:
    """Call `work(first, last)` for all items, in threads where each has enough to do; one item has BLAS's own threads.

    For matrices of these sizes BLAS's threads cost more than they give, and all of them at once far more.
    """
    with blas_threads(threads if items == 1 else 1):
        shared_out(work, items, min(threads, items * size // ENOUGH))


def shared_out(work: Callable[[int, int], None], items: int, threads: int) -> None:
    """Call `work(first, last)` for all items, in so many threads at most."""
    parts = max(1, min(threads, items))
    edges = [items * k // parts for k in range(parts + 1)]
    if parts == 1:
        return work(0, items)
    with ThreadPoolExecutor(parts) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))
