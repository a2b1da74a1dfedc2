"""A quadratic program as tensors: read off a smooth program by derivatives at 0, and the same questions answered.

min 1/2 x'Px + q'x + k   s.t.   Ax = b,  Gx <= h,  lower <= x <= upper
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from declarative.backends.kkt.derivatives import Derivatives
from declarative.backends.kkt.items import Items
from declarative.backends.kkt.scaling import times


@dataclass(frozen=True)
class Quadratic(Items):
    """P (B, n, n), q (B, n), k (B,), A (B, p, n), b (B, p), G (B, m, n), h (B, m), lower and upper (B, n).

    It answers what `Derivatives` answers, for x of the same batch.
    """

    P: Tensor
    q: Tensor
    k: Tensor
    A: Tensor
    b: Tensor
    G: Tensor
    h: Tensor
    lower: Tensor
    upper: Tensor

    def f(self, x: Tensor) -> Tensor:
        """The objective, (B,)."""
        return ((times(self.P, x) / 2 + self.q) * x).sum(-1) + self.k

    def c(self, x: Tensor) -> Tensor:
        """Ax - b."""
        return times(self.A, x) - self.b

    def g(self, x: Tensor) -> Tensor:
        """Gx - h."""
        return times(self.G, x) - self.h

    def bounds(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Lower and upper bounds."""
        return self.lower, self.upper

    def gradient(self, x: Tensor) -> Tensor:
        """Px + q."""
        return times(self.P, x) + self.q

    def jacobian_c(self, x: Tensor) -> Tensor:
        """A."""
        return self.A

    def jacobian_g(self, x: Tensor) -> Tensor:
        """G."""
        return self.G

    def lagrangian_gradient(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Px + q + A'y + G'z."""
        return self.gradient(x) + times(self.A.mT, y) + times(self.G.mT, z)

    def lagrangian_hessian(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """P."""
        return self.P


def quadratic(d: Derivatives, batch: int, dtype: torch.dtype, device: torch.device) -> Quadratic:
    """The data of a program whose objective is quadratic and whose rows are affine."""
    zero = torch.zeros(batch, d.program.n, dtype=dtype, device=device)
    y, z = zero.new_zeros(batch, d.program.p), zero.new_zeros(batch, d.program.q)
    P = d.lagrangian_hessian(zero, y, z)
    lower, upper = d.bounds(zero)
    return Quadratic(
        P, d.gradient(zero), d.f(zero), d.jacobian_c(zero), -d.c(zero), d.jacobian_g(zero), -d.g(zero), lower, upper
    )
