"""The compiled barrier method for whole batches: its functions, memory and threads."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from declarative.backends.kkt.compiled.barrier import CONVERGED, Function, Task, solve_block
from declarative.backends.kkt.compiled.batch import shared_out
from declarative.backends.kkt.compiled.blas import ROUTINES
from declarative.backends.kkt.compiled.evaluate import ENOUGH, Evaluator, addresses
from declarative.backends.kkt.compiled.interpret import BLOCK, INTERPRETER
from declarative.backends.kkt.compiled.newton import System, system_memory
from declarative.backends.kkt.compiled.places import places


@dataclass(frozen=True)
class Functions:
    """A program's functions of x (n), for `local` of the weights of f, c and g, and of its parameters."""

    n: int
    p: int
    q: int
    local: Evaluator
    values: Evaluator
    spare: list[tuple] = field(default_factory=list)  # memory that no call is using

    @cached_property
    def _parts(self) -> tuple["Parts", "Parts"]:
        return Parts(self.local, self.n, 1 + self.p + self.q), Parts(self.values, self.n, 0)

    def memory(self) -> tuple[Function, Function, System, np.ndarray]:
        """The two functions with memory of their own, that of the systems, and that of a block."""
        local, values = (part.function() for part in self._parts)
        most = places(self.n, self.p, self.q, self.n, self.n).rows
        return local, values, system_memory(self.n, self.p, BLOCK), np.zeros((most, BLOCK))


def run(
    functions: Functions,
    given: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    theta: Sequence[Tensor],
    limit: int,
    tolerance: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Which of the items (B,) have converged, and their iterations; `given` (B, rows) as in `solve_block`."""
    f, batch = functions, len(given)
    kept, table = addresses(theta, f.values.sizes[1:], batch)  # x comes before them
    o = places(f.n, f.p, f.q, len(low), len(high))
    why, rounds = np.zeros(batch, np.int8), np.zeros(batch, np.int64)

    def some(first: int, last: int) -> None:
        own = f.spare.pop() if f.spare else f.memory()
        local, values, system, memory = own
        task = Task(low, high, local, values, table)
        solve_block(ROUTINES, task, system, memory, o, given, why, rounds, tolerance, limit, first, last)
        f.spare.append(own)

    work = batch * len(f.local.listing.operations)
    shared_out(some, batch, min(torch.get_num_threads(), work // ENOUGH))
    del kept  # whose addresses were in use till here
    return why == CONVERGED, rounds


class Parts:
    """A list's places of x (n), of the weights, and of the parameters, which come after them; worked out once.

    What is not read goes to a place after all others.
    """

    def __init__(self, of: Evaluator, n: int, weights: int):
        listing = self.listing = of.listing
        first = np.full(n + weights, listing.places, np.int64)
        own = listing.inputs[:, 0] < n + weights
        first[listing.inputs[own, 0]] = listing.inputs[own, 1]
        self.x, self.weights = first[:n], first[n:]
        before = 1 + (3 if weights else 0)  # arguments
        rows = [(of.entries[entry][0] - before, of.entries[entry][1], place) for entry, place in listing.inputs[~own]]
        self.parameters, self.results = np.array(rows, np.int64).reshape(-1, 3), listing.results.astype(np.int64)

    def function(self) -> Function:
        """With memory of its own."""
        memory = np.zeros((self.listing.places + 1, BLOCK))
        memory[self.listing.constant_places] = self.listing.constants[:, None]
        return Function(
            INTERPRETER, self.listing.operations, self.x, self.weights, self.parameters, self.results, memory
        )
