"""Small systems of active sets, of numbers in double precision on a CPU: built, factored, solved in compiled code."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from declarative.backends.kkt.compiled import compiles
from declarative.backends.numbers import plain

if TYPE_CHECKING:
    from declarative.backends.kkt.compiled.systems import Systems

LARGEST = 40  # unknowns and rows; of larger matrices the factorisations of torch are faster


@dataclass(frozen=True)
class Factored:
    """The matrices of B systems with their factors."""

    systems: "Systems"

    @property
    def pivot(self) -> Tensor:
        """(B,): the smallest beside the largest."""
        return torch.from_numpy(self.systems.pivot)

    @property
    def curved(self) -> Tensor:
        """(B,): H is positive definite along the rows and bounds, as one factorisation tells."""
        return torch.from_numpy(self.systems.curved)

    @property
    def matrix(self) -> tuple[Tensor, Tensor]:
        """The equilibrated matrices (B, n + m, n + m), and their scaling (B, n + m)."""
        return torch.from_numpy(self.systems.K), torch.from_numpy(self.systems.scale)

    def solve(self, x: Tensor, rows: Tensor, bounds: Tensor) -> tuple[Tensor, ...]:
        """The solution for a right-hand side x (B, n), rows (B, m), bounds (B, n), in three parts like it."""
        from declarative.backends.kkt.compiled.systems import solve_systems

        n, m = x.shape[1], rows.shape[1]
        given = (part.detach().contiguous().numpy() for part in (x, rows, bounds))
        w = np.zeros((len(x), n + m + n))
        solve_systems(self.systems, *given, w, np.empty(n + m + n), np.empty(n + m))
        return torch.from_numpy(w).split([n, m, n], -1)


def factored(H: Tensor, A: Tensor, rows: Tensor, fixed: Tensor) -> Factored | None:
    """H (B, n, n), A (B, m, n), the rows (B, m) and bounds (B, n) in use; None where torch is to do it."""
    (batch, m, n), parts = A.shape, (H, A)
    if not 0 < n + m <= LARGEST or not plain(parts) or not compiles():
        return None
    from declarative.backends.kkt.compiled.systems import Systems, factor_systems

    side = n + m
    H_, A_, out, held = (part.detach().contiguous().numpy() for part in (H, A, ~rows, fixed))
    K, order, scale = np.empty((batch, side, side)), np.empty((batch, side), np.int64), np.empty((batch, side))
    pivot, curved = np.empty(batch), np.empty(batch, np.bool_)
    systems = Systems(H_, A_, out, held, K, np.empty_like(K), order, scale, pivot, curved)
    factor_systems(systems, np.empty((n, n)), np.empty(side))
    return Factored(systems)
