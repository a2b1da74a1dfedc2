"""The derivatives of a program -> those of the two programs made from it (`variants.py`), by the chain rule."""

from dataclasses import dataclass

import torch
from torch import Tensor

from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.program.program import Everything, SmoothProgram, Structure, Theta, Weights

DAMPING = 0.1


@dataclass(frozen=True)
class ScaledStructure:
    """Of the program in other units: theta ends in the factors of f (B, 1), c (B, p), g (B, q) and x (B, n)."""

    inner: Structure

    def gradient(self, x: Tensor, theta: Theta) -> Tensor:
        """The gradient of f, (B, n)."""
        *rest, f, _, _, D = theta
        return f * D * self.inner.gradient(D * x, tuple(rest))

    def jacobian_c(self, x: Tensor, theta: Theta) -> Tensor:
        """The Jacobian of c, (B, p, n)."""
        *rest, _, c, _, D = theta
        return c[:, :, None] * self.inner.jacobian_c(D * x, tuple(rest)) * D[:, None]

    def jacobian_g(self, x: Tensor, theta: Theta) -> Tensor:
        """The Jacobian of g, (B, q, n)."""
        *rest, _, _, g, D = theta
        return g[:, :, None] * self.inner.jacobian_g(D * x, tuple(rest)) * D[:, None]

    def slope(self, x: Tensor, theta: Theta, weights: Weights) -> Tensor:
        """The gradient (B, n) of the weighted sum."""
        *rest, f, c, g, D = theta
        weights = (None if weights[0] is None else weights[0] * f[:, 0], weights[1] * c, weights[2] * g)
        return D * self.inner.slope(D * x, tuple(rest), weights)

    def hessian(self, x: Tensor, theta: Theta, weights: Weights) -> Tensor:
        """The Hessian (B, n, n) of the weighted sum."""
        *rest, f, c, g, D = theta
        weights = (None if weights[0] is None else weights[0] * f[:, 0], weights[1] * c, weights[2] * g)
        return D[:, :, None] * self.inner.hessian(D * x, tuple(rest), weights) * D[:, None]

    def local(self, x: Tensor, theta: Theta, weights: Weights) -> Everything:
        """All of them at once."""
        *rest, f, c, g, D = theta
        weights = (None if weights[0] is None else weights[0] * f[:, 0], weights[1] * c, weights[2] * g)
        value, slope, of_c, of_g, H, Jc, Jg = self.inner.local(D * x, tuple(rest), weights)
        H, (Jc, Jg) = D[:, :, None] * H * D[:, None], (e[:, :, None] * J * D[:, None] for e, J in ((c, Jc), (g, Jg)))
        return f[:, 0] * value, f * D * slope, c * of_c, g * of_g, H, Jc, Jg


@dataclass(frozen=True)
class ViolationStructure:
    """Of min |c|^2/2 + |t|^2/2 subject to g - t <= 0, in (x, t), for the derivatives of `program`.

    `linearised`: with the Hessian of the same program for linearised rows (Gauss and Newton), which has no negative
    curvature and is exact where nothing is violated; damped in the measure of the violation (Levenberg and Marquardt),
    for a step would be long in directions that the rows do not see.
    """

    program: SmoothProgram
    inner: Structure
    linearised: bool = False

    def gradient(self, x: Tensor, theta: Theta) -> Tensor:
        """The gradient [Jc'c; t], (B, n + q)."""
        x, t = self._split(x)
        return torch.cat([times(self.inner.jacobian_c(x, theta).mT, self._c(x, theta)), t], -1)

    def jacobian_c(self, x: Tensor, theta: Theta) -> Tensor:
        """There are no equations: (B, 0, n + q)."""
        return x.new_zeros(len(x), 0, x.shape[1])

    def jacobian_g(self, x: Tensor, theta: Theta) -> Tensor:
        """[Jg, -I], (B, q, n + q)."""
        J = self.inner.jacobian_g(self._split(x)[0], theta)
        return torch.cat([J, -self._unit(x).expand(len(x), -1, -1)], -1)

    def slope(self, x: Tensor, theta: Theta, weights: Weights) -> Tensor:
        """The gradient (B, n + q) of the weighted sum."""
        f, _, z = weights
        assert f is not None
        return f[:, None] * self.gradient(x, theta) + times(self.jacobian_g(x, theta).mT, z)

    def hessian(self, x: Tensor, theta: Theta, weights: Weights) -> Tensor:
        """The Hessian (B, n + q, n + q): Jc'Jc + sum c_i (c_i)'' + sum z_i (g_i)'' in x, the unit matrix in t."""
        f, _, z = weights
        assert f is not None
        own, t = self._split(x)
        J = self.inner.jacobian_c(own, theta)
        H = f[:, None, None] * (J.mT @ J)
        if self.linearised:
            far = DAMPING * torch.cat([self._c(own, theta), t], -1).square().sum(-1).sqrt().clamp(1e-5, 1)
            H = H + (f * far)[:, None, None] * torch.eye(own.shape[1], dtype=x.dtype, device=x.device)
        else:
            H = H + self.inner.hessian(own, theta, (None, f[:, None] * self._c(own, theta), z))
        corner = f[:, None, None] * self._unit(x)
        beside = x.new_zeros(len(x), own.shape[1], t.shape[1])
        return torch.cat([torch.cat([H, beside], -1), torch.cat([beside.mT, corner], -1)], -2)

    def local(self, x: Tensor, theta: Theta, weights: Weights) -> Everything:
        """All of them."""
        own, t = self._split(x)
        c, g = self._c(own, theta), self.program.inequalities(own, theta) - t
        value = ((c**2).sum(-1) + (t**2).sum(-1)) / 2
        J = self.jacobian_c(x, theta), self.jacobian_g(x, theta)
        return value, self.gradient(x, theta), c[:, :0], g, self.hessian(x, theta, weights), *J

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x[:, : self.program.n], x[:, self.program.n :]

    def _c(self, x: Tensor, theta: Theta) -> Tensor:
        return self.program.equalities(x, theta).expand(len(x), self.program.p)

    def _unit(self, x: Tensor) -> Tensor:
        return torch.eye(self.program.q, dtype=x.dtype, device=x.device)
