"""A smooth program's functions at given parameters -> their values, gradients, Jacobians and Lagrangian Hessian.

By the program's structure where that is known, else by torch.func on the batched functions: a sum over the batch
separates the items, and a vmap over basis vectors gives whole matrices. The results are differentiable with respect to
x, the multipliers and the parameters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import grad, vjp, vmap

from declarative.backends.kkt.compiled.pattern import Pattern
from declarative.backends.kkt.linear.factored import LARGEST
from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.program.program import AtOnce, Everything, SmoothProgram, Theta
from declarative.backends.kkt.scalar.rounding import rounding_error
from declarative.backends.push import push

Map = Callable[[Tensor], Tensor]
MEMORY = 1 << 18  # entries of a batch of matrices that several pullbacks at once may take
CANCELLED = 1e-14  # a Hessian this small, beside that of f, is rounding error


@dataclass(frozen=True)
class Derivatives:
    """The derivatives of `program` at `theta`, each a function of x (B, n) and the multipliers y (B, p), z (B, q)."""

    program: SmoothProgram
    theta: Theta

    def run(self, function: AtOnce, *tensors: Tensor) -> Sequence[Tensor]:
        """function(self, *tensors): tensors (B, ...); of numbers as one list of operations, where there is one."""
        found = self.listed(function, *tensors)
        return function(self, *tensors) if found is None else found

    def listed(self, function: AtOnce, *tensors: Tensor) -> Sequence[Tensor] | None:
        """The same by a list of operations; None where there is none."""
        listed = self.program.listed
        return None if listed is None else listed(function, self.theta, tensors)

    def pattern(self, x: Tensor) -> Pattern | None:
        """Which derivatives at points like x (B, n) may be other than 0, where few of many are; see `Listed`."""
        program = self.program
        small = program.n + program.p + program.q <= LARGEST  # whose matrices are factored whole
        return None if small or program.listed is None or program.linearised else program.listed.pattern(x, self.theta)

    def f(self, x: Tensor) -> Tensor:
        """The objective, (B,)."""
        return self.program.objective(x, self.theta).expand(x.shape[0])

    def c(self, x: Tensor) -> Tensor:
        """The equality residuals, (B, p)."""
        return self.program.equalities(x, self.theta).expand(x.shape[0], self.program.p)

    def g(self, x: Tensor) -> Tensor:
        """The inequality values, (B, q)."""
        return self.program.inequalities(x, self.theta).expand(x.shape[0], self.program.q)

    def at_zero(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """c and g at 0, for items as many as x (B, n) has; NaN for functions from outside, which may not be defined."""
        if self.program.structure is None:
            return x.new_full((len(x), self.program.p), torch.nan), x.new_full((len(x), self.program.q), torch.nan)
        zero = torch.zeros_like(x)
        return self.c(zero), self.g(zero)

    def rounding(self, x: Tensor, y: Tensor, z: Tensor, values: Everything) -> Sequence[Tensor]:
        """Bounds on what rounding makes of c, g and the Lagrangian's gradient, whose `values` are those of `local`; 0
        where they are no list of operations.
        """
        return self.listed(rounded, x, y, z) or errors_of(y, z, values)

    def bounds(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Lower and upper bounds, (B, n) each."""
        lower, upper = self.program.bounds(self.theta)
        return lower.expand(x.shape), upper.expand(x.shape)

    def gradient(self, x: Tensor) -> Tensor:
        """The gradient of f, (B, n)."""
        if self.program.structure is not None:
            return self.program.structure.gradient(x, self.theta)
        return grad(lambda v: self.f(v).sum())(x)

    def jacobian_c(self, x: Tensor) -> Tensor:
        """The Jacobian of c, (B, p, n)."""
        if self.program.structure is not None:
            return self.program.structure.jacobian_c(x, self.theta)
        return jacobian(self.c, x, self.program.p)

    def jacobian_g(self, x: Tensor) -> Tensor:
        """The Jacobian of g, (B, q, n)."""
        if self.program.structure is not None:
            return self.program.structure.jacobian_g(x, self.theta)
        return jacobian(self.g, x, self.program.q)

    def lagrangian(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """f + y'c + z'g, (B,): the bounds' terms are left to the caller, who knows their sparsity."""
        value = self.f(x)
        if self.program.p:
            value = value + (y * self.c(x)).sum(-1)
        return value + (z * self.g(x)).sum(-1) if self.program.q else value

    def lagrangian_gradient(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """The gradient of f + y'c + z'g in x, (B, n)."""
        if self.program.structure is not None:
            return self.program.structure.slope(x, self.theta, (x.new_ones(len(x)), y, z))
        return grad(lambda v: self.lagrangian(v, y, z).sum())(x)

    def lagrangian_hessian(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """The Hessian of f + y'c + z'g in x, (B, n, n), symmetric to the last bit; 0 where all of it is rounding.

        Curvatures of f and of the constraints may cancel (at an eigenvector of the identity, say). Reverse
        over reverse: forward over reverse was measured six times slower, for what it interprets.
        """
        if self.program.linearised:
            return self._gauss_newton(x, y, z)
        if self.program.structure is not None:
            return self.program.structure.hessian(x, self.theta, (x.new_ones(len(x)), y, z))
        H = reverse_jacobian(lambda v: self.lagrangian_gradient(v, y, z), x, self.program.n)
        if self.program.kind == "qp" or self.program.p + self.program.q == 0:
            return (H + H.mT) / 2
        probe = torch.linspace(1, 2, self.program.n, dtype=x.dtype, device=x.device).expand(x.shape)
        curvature = vjp(self.gradient, x.detach())[1](probe)[0].detach().abs().amax(-1)
        real = H.detach().abs().flatten(1).amax(-1) > CANCELLED * curvature
        return (H + H.mT) / 2 * real[:, None, None]

    def local(self, x: Tensor, y: Tensor, z: Tensor) -> Everything:
        """f, its gradient, c, g, the Lagrangian's Hessian, the Jacobians of c and g."""
        if self.program.structure is not None and not self.program.linearised:
            return self.program.structure.local(x, self.theta, (x.new_ones(len(x)), y, z))
        J = self.jacobian_c(x), self.jacobian_g(x)
        return self.f(x), self.gradient(x), self.c(x), self.g(x), self.lagrangian_hessian(x, y, z), *J

    def _gauss_newton(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """2 J'J of the residuals, and the Hessian of y'c + z'g."""
        residuals, program = self.program.residuals, self.program
        assert residuals is not None
        J = jacobian(lambda v: residuals(v, self.theta), x, residuals(x, self.theta).shape[-1])
        H = 2 * J.mT @ J
        if program.p + program.q == 0:
            return H
        if program.structure is not None:
            return H + program.structure.hessian(x, self.theta, (None, y, z))
        rows = grad(lambda v: ((y * self.c(v)).sum(-1) + (z * self.g(v)).sum(-1)).sum())
        bent = reverse_jacobian(rows, x, program.n)
        return H + (bent + bent.mT) / 2


def rounded(d: Derivatives, x: Tensor, y: Tensor, z: Tensor) -> list[Tensor]:
    """What rounding makes of c, g and the Lagrangian's gradient at a point."""
    return errors_of(y, z, d.local(x, y, z))


def errors_of(y: Tensor, z: Tensor, values: Everything) -> list[Tensor]:
    """The same of values that are at hand."""
    _, gradient, c, g, _, Jc, Jg = values
    return [rounding_error(v) for v in (c, g, gradient + times(Jc.mT, y) + times(Jg.mT, z))]


def jacobian(function: Map, x: Tensor, rows: int) -> Tensor:
    """(B, rows, n): by columns or by rows, whichever are fewer."""
    return forward_jacobian(function, x) if 0 < x.shape[1] < rows else reverse_jacobian(function, x, rows)


def forward_jacobian(function: Map, x: Tensor) -> Tensor:
    """One directional derivative for each entry of x, at once for all items."""
    basis = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    columns = vmap(lambda e: push(function, (x,), (e.expand(x.shape),)))(basis)
    return columns.permute(1, 2, 0)


def reverse_jacobian(function: Map, x: Tensor, rows: int) -> Tensor:
    """One pullback for each row of the function's value, at once for all items."""
    if rows == 0:
        return x.new_zeros(x.shape[0], 0, x.shape[1])
    pullback = vjp(function, x)[1]
    basis = torch.eye(rows, dtype=x.dtype, device=x.device)
    size = max(1, MEMORY // max(1, x.numel() * x.shape[1]))
    J = vmap(lambda e: pullback(e.expand(x.shape[0], rows))[0], chunk_size=min(size, rows))(basis)
    return J.permute(1, 0, 2)
