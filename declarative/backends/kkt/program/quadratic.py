"""A quadratic program as tensors, and the questions that `Derivatives` answers; as a smooth program, and read off one.

min 1/2 x'Px + q'x + k   s.t.   Ax = b,  Gx <= h,  lower <= x <= upper
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.items import Items
from declarative.backends.kkt.program.program import SmoothProgram, Theta, once, take


@dataclass(frozen=True)
class Quadratic(Items):
    """P (B, n, n), q (B, n), k (B,), A (B, p, n), b (B, p), G (B, m, n), h (B, m), lower and upper (B, n).

    P is symmetric. What the items share leads with 1 instead of B. It answers what `Derivatives` answers.
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

    def take(self, items: Tensor) -> "Quadratic":
        """Some of the items (long, K); what is shared stays shared."""
        return Quadratic(*take(tuple(self.parts()), items))

    def expand(self, batch: int) -> "Quadratic":
        """The same with nothing shared, as views."""
        return Quadratic(*(part.expand(batch, *part.shape[1:]) for part in self.parts()))

    @cached_property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """P, q, A, b, G, h, lower and upper of data on a CPU, as compiled code reads them."""
        return tuple(map(array, (self.P, self.q, self.A, self.b, self.G, self.h, self.lower, self.upper)))

    def pattern(self, x: Tensor) -> None:
        """Of the data, it is not known."""

    def f(self, x: Tensor) -> Tensor:
        """The objective, (B,)."""
        return ((times(self.P, x) / 2 + self.q) * x).sum(-1) + self.k

    def c(self, x: Tensor) -> Tensor:
        """Ax - b."""
        return times(self.A, x) - self.b

    def at_zero(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Both at 0."""
        return self.c(torch.zeros_like(x)), self.g(torch.zeros_like(x))

    def rounding(self, x: Tensor, y: Tensor, z: Tensor, values: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """0: it is no more than that of the terms of a row."""
        return torch.zeros_like(y), torch.zeros_like(z), torch.zeros_like(x)

    def g(self, x: Tensor) -> Tensor:
        """Gx - h."""
        return times(self.G, x) - self.h

    def bounds(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Lower and upper bounds."""
        return self.lower.expand(x.shape), self.upper.expand(x.shape)

    def gradient(self, x: Tensor) -> Tensor:
        """Px + q."""
        return times(self.P, x) + self.q

    def jacobian_c(self, x: Tensor) -> Tensor:
        """A."""
        return self.A.expand(len(x), -1, -1)

    def jacobian_g(self, x: Tensor) -> Tensor:
        """G."""
        return self.G.expand(len(x), -1, -1)

    def lagrangian_gradient(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Px + q + A'y + G'z."""
        return self.gradient(x) + times(self.A.mT, y) + times(self.G.mT, z)

    def lagrangian_hessian(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """P."""
        return self.P.expand(len(x), -1, -1)

    def local(self, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, ...]:
        """f, its gradient, c, g, the Lagrangian's Hessian, the Jacobians of c and g."""
        J = self.jacobian_c(x), self.jacobian_g(x)
        return self.f(x), self.gradient(x), self.c(x), self.g(x), self.lagrangian_hessian(x, y, z), *J


def array(part: Tensor) -> np.ndarray:
    """Its numbers, in double precision and in order; those of one item where all share them."""
    return np.ascontiguousarray(once(part).numpy(), np.float64)


def model(program: SmoothProgram, theta: Theta) -> Quadratic | Derivatives:
    """Values and derivatives of a program: from its data where theta holds these, else by differentiating it."""
    return Quadratic(*theta) if program.explicit else Derivatives(program, theta)


def rows_alone(d: Derivatives, x: Tensor) -> Quadratic:
    """Rows that are affine, and bounds, for a batch like x (B, n); nothing is minimised."""
    zero = torch.zeros_like(x)
    sides = d.jacobian_c(zero), -d.c(zero), d.jacobian_g(zero), -d.g(zero)
    return Quadratic(torch.diag_embed(zero), zero, zero.sum(-1), *sides, *d.bounds(zero))


def explicit(program: SmoothProgram) -> SmoothProgram:
    """A quadratic program as a function of its data: its theta are the nine tensors of `Quadratic`."""
    return replace(
        program,
        objective=lambda x, theta: Quadratic(*theta).f(x),
        equalities=lambda x, theta: Quadratic(*theta).c(x),
        inequalities=lambda x, theta: Quadratic(*theta).g(x),
        bounds=lambda theta: theta[7:],
        explicit=True,
    )


def quadratic(program: SmoothProgram, theta: Theta, x: Tensor) -> Quadratic:
    """The data, connected to theta, of a program whose objective is quadratic and whose rows are affine.

    By derivatives at 0, for a batch like x (B, n).
    """
    if program.explicit:
        return Quadratic(*theta)
    d = Derivatives(program, theta)
    zero = torch.zeros_like(x)
    y, z = x.new_zeros(len(x), program.p), x.new_zeros(len(x), program.q)
    P = d.lagrangian_hessian(zero, y, z)
    lower, upper = d.bounds(zero)
    return Quadratic(
        P, d.gradient(zero), d.f(zero), d.jacobian_c(zero), -d.c(zero), d.jacobian_g(zero), -d.g(zero), lower, upper
    )
