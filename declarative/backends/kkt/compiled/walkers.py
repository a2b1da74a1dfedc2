"""The compiled trust region for whole batches: its functions, memory and threads."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from declarative.backends.kkt.compiled.ball import Ball, ball_memory
from declarative.backends.kkt.compiled.batch import shared_out
from declarative.backends.kkt.compiled.blas import ROUTINES
from declarative.backends.kkt.compiled.evaluate import ENOUGH, Evaluator, addresses
from declarative.backends.kkt.compiled.interpret import BLOCK
from declarative.backends.kkt.compiled.lanes import ENDS, Parts, split
from declarative.backends.kkt.compiled.model import Function
from declarative.backends.kkt.compiled.region import Task, spots, walk_block


@dataclass(frozen=True)
class Free:
    """A program's functions of x (n), for `local` of the weight of f, and of its parameters; it has no constraints."""

    n: int
    local: Evaluator
    values: Evaluator
    spare: list[tuple] = field(default_factory=list)  # memory that no call is using

    @cached_property
    def _parts(self) -> tuple[Parts, Parts]:
        before, H, _, _ = split(self.local.listing.results, self.n, 0, 0)
        local = np.concatenate([before, H[np.tril_indices(self.n)]])
        return Parts(self.local, self.n, 1, local), Parts(self.values, self.n, 0, self.values.listing.results)

    def memory(self) -> tuple[Function, Function, Ball, np.ndarray, np.ndarray]:
        """The two functions with memory of their own, that of a quadratic, of a block, and of its idle directions."""
        local, values = (part.function() for part in self._parts)
        block, idle = np.zeros((spots(self.n).rows, BLOCK)), np.empty((BLOCK, self.n, self.n))
        return local, values, ball_memory(self.n), block, idle


def walk(
    free: Free, given: np.ndarray, theta: Sequence[Tensor], limit: int, tolerance: float
) -> tuple[list[np.ndarray], np.ndarray]:
    """Whether each of the items (B,) stops for each of the ENDS, and their iterations; `given` as in `walk_block`."""
    batch, o = len(given), spots(free.n)
    kept, table = addresses(theta, free.values.sizes[1:], batch)  # x comes before them
    why, rounds = np.zeros(batch, np.int8), np.zeros(batch, np.int64)

    def some(first: int, last: int) -> None:
        try:
            own = free.spare.pop()
        except IndexError:  # other calls have them all
            own = free.memory()
        local, values, ball, memory, idle = own
        task = Task(local, values, table, idle)
        walk_block(ROUTINES, task, ball, memory, o, given, why, rounds, tolerance, limit, first, last)
        free.spare.append(own)

    work = batch * (len(free.local.listing.operations) + free.n**3)
    shared_out(some, batch, min(torch.get_num_threads(), work // ENOUGH))
    del kept  # whose addresses were in use till here
    return [why == end for end in ENDS], rounds
