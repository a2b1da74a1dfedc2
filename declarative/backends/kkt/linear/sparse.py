"""Systems of active sets with few entries, of numbers in double precision on a CPU: factored and solved by these."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from declarative.backends.kkt.compiled import compiles
from declarative.backends.kkt.compiled.pattern import Pattern
from declarative.backends.numbers import plain

if TYPE_CHECKING:
    from declarative.backends.kkt.compiled.sparse import Given, System


@dataclass(frozen=True)
class Sparse:
    """B systems with their factors, a block after the other. `pivot` (B,): about the least eigenvalue beside 1, or 0
    where it is nearly that, or the curvature along the rows is not surely positive: such items are to be solved
    elsewhere.
    """

    pattern: Pattern
    given: "Given"
    blocks: "list[System]"
    pivot: Tensor

    @cached_property
    def left(self) -> Tensor:
        """The items (long, K) that are not factored."""
        return (self.pivot == 0).nonzero()[:, 0]

    def solve(self, x: Tensor, rows: Tensor, bounds: Tensor) -> tuple[Tensor, ...]:
        """The solution for a right-hand side x (B, n), rows (B, m), bounds (B, n), in three parts like it."""
        from declarative.backends.kkt.compiled.sparse import BLOCK, solve_block

        batch, n, m = len(x), x.shape[1], rows.shape[1]
        right = [part.detach().contiguous().numpy() for part in (x, rows, bounds)]
        w, memory = np.zeros((batch, n + m + n)), (np.empty((BLOCK, n + m)), np.empty(n + m))
        for k, block in enumerate(self.blocks):
            first = k * BLOCK
            solve_block(self.pattern, block, self.given, first, min(BLOCK, batch - first), *right, w, *memory)
        return torch.from_numpy(w).split([n, m, n], -1)


def factored_sparsely(pattern: Pattern, H: Tensor, A: Tensor, rows: Tensor, fixed: Tensor) -> Sparse | None:
    """H (B, n, n), A (B, m, n), the rows (B, m) and bounds (B, n) in use; None where torch is to do it."""
    if not plain((H, A)) or not compiles():
        return None
    from declarative.backends.kkt.compiled.sparse import BLOCK, Given, factor_block, memory

    given, batch = Given(*(part.detach().contiguous().numpy() for part in (H, A, ~rows, fixed))), len(H)
    pivot, blocks = np.empty(batch), [memory(pattern) for _ in range(0, batch, BLOCK)]
    for k, block in enumerate(blocks):
        factor_block(pattern, block, given, k * BLOCK, min(BLOCK, batch - k * BLOCK), pivot)
    return Sparse(pattern, given, blocks, torch.from_numpy(pivot))
