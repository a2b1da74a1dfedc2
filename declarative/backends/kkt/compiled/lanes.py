"""The compiled barrier method for whole batches: its functions, memory and threads."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from declarative.backends.kkt.compiled.barrier import CONVERGED, DIVERGED, STUCK, Task, solve_block
from declarative.backends.kkt.compiled.batch import shared_out
from declarative.backends.kkt.compiled.blas import ROUTINES
from declarative.backends.kkt.compiled.evaluate import ENOUGH, Evaluator, addresses
from declarative.backends.kkt.compiled.interpret import BLOCK, INTERPRETER
from declarative.backends.kkt.compiled.model import Function
from declarative.backends.kkt.compiled.newton import LARGEST, System, system_memory
from declarative.backends.kkt.compiled.pattern import Pattern, pattern_of
from declarative.backends.kkt.compiled.places import Places, places

ENDS = CONVERGED, STUCK, DIVERGED  # why an item stops that does not run out of iterations


@dataclass(frozen=True)
class Functions:
    """A program's functions of x (n), for `local` of the weights of f, c and g, and of its parameters; the `pattern` of
    its derivatives. `reflects`: each negative curvature, which makes H dense, where other methods shift all.
    """

    n: int
    p: int
    q: int
    local: Evaluator
    values: Evaluator
    pattern: Pattern
    reflects: bool = False
    spare: list[tuple] = field(default_factory=list)  # memory that no call is using

    @cached_property
    def _parts(self) -> tuple["Parts", "Parts"]:
        n, shape, listing = self.n, self.pattern, self.local.listing
        before, *matrices = split(listing.results, n, self.p, self.q)
        entries = zip(matrices, (shape.H, shape.Jc, shape.Jg), strict=True)
        local = np.concatenate([before, *(places[tuple(of.T)] for places, of in entries)])
        values = self.values.listing.results
        return Parts(self.local, n, 1 + self.p + self.q, local), Parts(self.values, n, 0, values)

    @cached_property
    def reflecting(self) -> "Functions | None":
        """The same for a method that reflects; None where the matrices are too large."""
        H, Jc, Jg = nonzero(self.n, self.p, self.q, self.local)
        pattern = pattern_of(np.ones_like(H), Jc, Jg) if self.n <= LARGEST else None
        return pattern and replace(self, pattern=pattern, reflects=True, spare=[])

    def places(self, low: int, high: int) -> Places:
        """Those of a block, for so many lower and upper bounds."""
        shape = self.pattern
        return places(self.n, self.p, self.q, low, high, (len(shape.H), len(shape.Jc), len(shape.Jg)))

    def memory(self) -> tuple[Function, Function, System, np.ndarray]:
        """The two functions with memory of their own, that of the systems, and that of a block."""
        local, values = (part.function() for part in self._parts)
        return local, values, system_memory(self.pattern, BLOCK), np.zeros((self.places(self.n, self.n).rows, BLOCK))


def functions(n: int, p: int, q: int, local: Evaluator, values: Evaluator) -> Functions | None:
    """The functions; None where the derivatives make too long a factorisation."""
    pattern = pattern_of(*nonzero(n, p, q, local))
    return Functions(n, p, q, local, values, pattern) if pattern is not None else None


def whole_pattern(n: int, p: int, q: int, local: Evaluator) -> Pattern | None:
    """That of the Hessian and of all rows as equations; None where these make too long a factorisation."""
    H, Jc, Jg = nonzero(n, p, q, local)
    return pattern_of(H, np.concatenate([Jc, Jg]), np.zeros((0, n), bool))


def nonzero(n: int, p: int, q: int, local: Evaluator) -> list[np.ndarray]:
    """Which entries of H (n, n), Jc (p, n) and Jg (q, n) may be other than 0."""
    listing = local.listing
    zero = listing.constant_places[listing.constants == 0]
    _, *matrices = split(listing.results, n, p, q)
    return [~np.isin(places, zero) for places in matrices]


def split(results: np.ndarray, n: int, p: int, q: int) -> list[np.ndarray]:
    """What belongs to f, its slope, c and g, to H (n, n), Jc (p, n) and Jg (q, n)."""
    first, H, Jc, Jg = np.split(results, np.cumsum([1 + n + p + q, n * n, p * n]))
    return [first, H.reshape(n, n), Jc.reshape(p, n), Jg.reshape(q, n)]


def run(
    functions: Functions,
    given: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    theta: Sequence[Tensor],
    limit: int,
    tolerance: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Why each of the items (B,) stops, and their iterations; `given` (B, rows) as in `solve_block`."""
    f, batch = functions, len(given)
    kept, table = addresses(theta, f.values.sizes[1:], batch)  # x comes before them
    o = f.places(len(low), len(high))
    why, rounds = np.zeros(batch, np.int8), np.zeros(batch, np.int64)

    def some(first: int, last: int) -> None:
        try:
            own = f.spare.pop()
        except IndexError:  # other calls have them all
            own = f.memory()
        local, values, system, memory = own
        task = Task(f.pattern, low, high, local, values, table, f.reflects)
        solve_block(ROUTINES, task, system, memory, o, given, why, rounds, tolerance, limit, first, last)
        f.spare.append(own)

    work = batch * len(f.local.listing.operations)
    shared_out(some, batch, min(torch.get_num_threads(), work // ENOUGH))
    del kept  # whose addresses were in use till here
    return why, rounds


class Parts:
    """A list's places of x (n), of the weights, of the parameters, which come after them, and of results (r,).

    What is not read goes to a place after all others.
    """

    def __init__(self, of: Evaluator, n: int, weights: int, results: np.ndarray):
        listing = self.listing = of.listing
        first = np.full(n + weights, listing.places, np.int64)
        own = listing.inputs[:, 0] < n + weights
        first[listing.inputs[own, 0]] = listing.inputs[own, 1]
        self.x, self.weights = first[:n], first[n:]
        before = 1 + (3 if weights else 0)  # arguments
        rows = [(of.entries[entry][0] - before, of.entries[entry][1], place) for entry, place in listing.inputs[~own]]
        self.parameters, self.results = np.array(rows, np.int64).reshape(-1, 3), results.astype(np.int64)

    def function(self) -> Function:
        """With memory of its own."""
        memory = np.zeros((self.listing.places + 1, BLOCK))
        memory[self.listing.constant_places] = self.listing.constants[:, None]
        return Function(
            INTERPRETER, self.listing.operations, self.x, self.weights, self.parameters, self.results, memory
        )
