"""A quadratic objective with one quadratic row, as data: read once off the program, then cheap to evaluate anywhere.

f = 1/2 x'Hx + h'x + e,    row = 1/2 x'Mx + m'x + k   (an equality or an inequality)
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.items import Items

ROUNDED = 4e-15  # of an eigenvalue, beside the largest entry of the matrix


@dataclass(frozen=True)
class Ellipsoid(Items):
    """H, M (B, n, n), h, m (B, n), e, k (B,); `equal` (B,): the row is an equality. It is a `certify.Model`."""

    H: Tensor
    h: Tensor
    e: Tensor
    M: Tensor
    m: Tensor
    k: Tensor
    equal: Tensor

    def pattern(self, x: Tensor) -> None:
        """All entries may be other than 0."""
        return None

    def f(self, x: Tensor) -> Tensor:
        return ((times(self.H, x) / 2 + self.h) * x).sum(-1) + self.e

    def c(self, x: Tensor) -> Tensor:
        return self._row(x)[:, : self._rows(True)]

    def g(self, x: Tensor) -> Tensor:
        return self._row(x)[:, : self._rows(False)]

    def at_zero(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.c(torch.zeros_like(x)), self.g(torch.zeros_like(x))

    def rounding(self, x: Tensor, y: Tensor, z: Tensor, values: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """0: it is no more than that of the terms of a row."""
        return torch.zeros_like(y), torch.zeros_like(z), torch.zeros_like(x)

    def bounds(self, x: Tensor) -> tuple[Tensor, Tensor]:
        open_side = torch.full_like(x, torch.inf)
        return -open_side, open_side

    def gradient(self, x: Tensor) -> Tensor:
        return times(self.H, x) + self.h

    def jacobian_c(self, x: Tensor) -> Tensor:
        return self._slope(x)[:, : self._rows(True)]

    def jacobian_g(self, x: Tensor) -> Tensor:
        return self._slope(x)[:, : self._rows(False)]

    def lagrangian_gradient(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        return self.gradient(x) + torch.cat([y, z], -1) * self._slope(x)[:, 0]

    def lagrangian_hessian(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """What an eigenvalue leaves of entries that it cancels is its rounding error, and counts as 0."""
        pull = torch.cat([y, z], -1)[:, :, None] * self.M
        whole = self.H + pull
        size = torch.maximum(self.H.abs(), pull.abs()).flatten(1).amax(1)[:, None, None] if whole.numel() else 0
        return torch.where((pull != 0) & (whole.abs() <= ROUNDED * size), 0, whole)

    def local(self, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, ...]:
        """f, its gradient, c, g, the Lagrangian's Hessian, the Jacobians of c and g."""
        J = self.jacobian_c(x), self.jacobian_g(x)
        return self.f(x), self.gradient(x), self.c(x), self.g(x), self.lagrangian_hessian(x, y, z), *J

    def _rows(self, equality: bool) -> int:
        return int(bool(self.equal.all()) == equality)

    def _row(self, x: Tensor) -> Tensor:
        return ((times(self.M, x) / 2 + self.m) * x).sum(-1, keepdim=True) + self.k[:, None]

    def _slope(self, x: Tensor) -> Tensor:
        return (times(self.M, x) + self.m)[:, None]


def ellipsoid(d: Derivatives, x: Tensor) -> Ellipsoid:
    """The data of a program of kind "sphere", for the items of x (B, n)."""
    zero, p = torch.zeros_like(x), d.program.p
    y, z = zero.new_zeros(len(x), p), zero.new_zeros(len(x), d.program.q)
    H = d.lagrangian_hessian(zero, y, z)
    M = d.lagrangian_hessian(zero, y + 1, z + 1) - H
    m, k = (d.jacobian_c(zero), d.c(zero)) if p else (d.jacobian_g(zero), d.g(zero))
    equal = torch.full((len(x),), bool(p), dtype=torch.bool, device=x.device)
    return Ellipsoid(H, d.gradient(zero), d.f(zero), M, m[:, 0], k[:, 0], equal)
