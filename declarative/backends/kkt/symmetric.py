"""Whether symmetric matrices are definite, on a CPU, by compiled code; torch takes two or three times as long."""

import torch
from torch import Tensor

from declarative.backends.kkt.program.quadratic import array


def definite_items(P: Tensor, tolerance: float) -> Tensor:
    """Which matrices (B, n, n) are symmetric, to `tolerance` beside their largest entry, and positive definite."""
    from declarative.backends.kkt.compiled import batch

    return torch.from_numpy(batch.definite_items(array(P), tolerance)).expand(len(P))


def convex_items(P: Tensor, shift: float) -> Tensor:
    """Which of the matrices (B, n, n) are positive semidefinite, but for `shift` beside their diagonals; (B,)."""
    from declarative.backends.kkt.compiled import batch

    return torch.from_numpy(batch.convex_items(array(P), shift)).expand(len(P))
