"""Directions in which functions are flat at their starts, as in `compiled/idle.py`, which says why; in torch."""

from dataclasses import dataclass

import torch
from torch import Tensor

from declarative.backends.kkt.compiled.constants import IDLE, MULTIPLE, NEARLY_CONVEX
from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.linear.spectra import eigh
from declarative.backends.kkt.program.items import Items


@dataclass(frozen=True)
class Idle(Items):
    """Columns of N (B, n, n), of which the others are 0, and the sizes (B,) of g and H at the start."""

    N: Tensor
    steep: Tensor
    bent: Tensor

    def held(self, g: Tensor, H: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """g (B, n) without its part along directions that are still idle, H (B, n, n) positive there, and these."""
        slope, pull = times(self.N.mT, g).abs(), (H @ self.N).abs().amax(1)
        N = self.N * ((slope <= IDLE * self.steep[:, None]) & (pull <= IDLE * self.bent[:, None]))[:, None]
        size = H.diagonal(dim1=1, dim2=2).abs().amax(-1)[:, None, None]
        return without(g, N), H + size * (N @ N.mT), N


def seek_idle(g: Tensor, H: Tensor) -> Idle:
    """Those of starts with slopes g (B, n) and symmetric H (B, n, n), which no row of a convex H sees."""
    N, steep, bent = torch.zeros_like(H), g.abs().amax(-1), H.abs().amax((1, 2))
    values, Q = eigh(H)
    size = values.abs().amax(-1)
    items = ((values.abs().amin(-1) <= MULTIPLE * size) & (values[:, 0] >= -NEARLY_CONVEX * size)).nonzero()[:, 0]
    if len(items):
        few, own = H[items], Q[items]
        unseen = ((few @ own).abs() <= IDLE * (few.abs() @ own.abs())).all(1)
        N[items] = own * (unseen & (values[items].abs() <= MULTIPLE * size[items, None]))[:, None]
    return Idle(N, steep, bent)


def without(x: Tensor, N: Tensor) -> Tensor:
    """x (B, n) without its part along the columns of N (B, n, n)."""
    return x - times(N, times(N.mT, x))
