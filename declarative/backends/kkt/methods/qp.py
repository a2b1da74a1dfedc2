"""A batch of convex quadratic programs -> primal and dual points: equilibrate, interior point, and back.

x = sigma D x_hat,  objective = sigma^2 kappa (objective_hat),  rows scaled by E: everything of unit size.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from declarative.backends.kkt.linear.scaling import equilibrate, times
from declarative.backends.kkt.methods.interior import Data, Rows, interior_point
from declarative.backends.kkt.program.certify import Primal, finite, worst
from declarative.backends.kkt.program.quadratic import Quadratic


@dataclass(frozen=True)
class Units:
    """D (B, n), E (B, p + m), sigma and kappa (B, 1)."""

    D: Tensor
    E: Tensor
    sigma: Tensor
    kappa: Tensor


@dataclass(frozen=True)
class Rough:
    """A point near the solution, its number of iterations (B,), and what seems active there (B, m + 2n)."""

    at: Primal
    iterations: Tensor
    active: Tensor

    def take(self, items: Tensor) -> "Rough":
        """Some of the items (long, K)."""
        return Rough(self.at.take(items), self.iterations[items], self.active[items])


def solve_quadratic(qp: Quadratic, iterations: int) -> Rough:
    """The best point of each item; what it is worth is for the certificate to say."""
    n, fixed = qp.P.shape[1], qp.lower == qp.upper
    reduced = substitute(qp, fixed)
    data, units = scaled(reduced)
    state, count = interior_point(data, iterations)
    x = torch.where(fixed, qp.lower, units.sigma * units.D * state.x)
    p, rho = qp.A.shape[1], units.sigma * units.kappa
    g, low, high = data.C.split(state.z)
    active = spread(state.z > state.s, data.C, n)
    y, z = rho * units.E[:, :p] * state.y, rho * units.E[:, p:] * g
    lower = torch.zeros_like(x).index_add(1, data.C.low, low) * rho / units.D
    upper = torch.zeros_like(x).index_add(1, data.C.high, high) * rho / units.D
    b = -(times(qp.P, x) + qp.q + times(qp.A.mT, y) + times(qp.G.mT, z))
    lower, upper = torch.where(fixed, (-b).clamp(min=0), lower), torch.where(fixed, b.clamp(min=0), upper)
    return Rough(Primal(x, y, z, lower, upper), count, active)


def spread(rows: Tensor, C: Rows, n: int) -> Tensor:
    """Of the rows of C (B, m) what belongs to those of G and to all lower and all upper bounds, (B, q + 2n)."""
    g, low, high = C.split(rows)
    bounds = rows.new_zeros(len(rows), 2 * n)
    bounds[:, C.low], bounds[:, n + C.high] = low, high
    return torch.cat([g, bounds], -1)


def substitute(qp: Quadratic, fixed: Tensor) -> Quadratic:
    """The same problem in the variables that are not fixed by equal bounds; the fixed ones are held at 0 by P = 1."""
    if not fixed.any():
        return qp
    t, free = torch.where(fixed, qp.lower, 0), ~fixed
    P = qp.P * free[:, :, None] * free[:, None] + torch.diag_embed(fixed.to(qp.P.dtype))
    lower, upper = torch.where(fixed, -torch.inf, qp.lower), torch.where(fixed, torch.inf, qp.upper)
    q = (qp.q + times(qp.P, t)) * free
    A, G = qp.A * free[:, None], qp.G * free[:, None]
    return Quadratic(P, q, qp.k, A, qp.b - times(qp.A, t), G, qp.h - times(qp.G, t), lower, upper)


def scaled(qp: Quadratic) -> tuple[Data, Units]:
    """The problem in units in which its matrices and vectors are near one."""
    p = qp.A.shape[1]
    D, E = equilibrate(qp.P, torch.cat([qp.A, qp.G], 1))
    bounds = torch.cat([finite(qp.lower), finite(qp.upper)], -1).abs() / D.repeat(1, 2)
    sides = torch.cat([E[:, :p] * qp.b, E[:, p:] * finite(qp.h), bounds], -1).abs()
    q = D * qp.q
    sigma = torch.where(worst(sides) > 0, worst(sides), positive(worst(q.abs())))[:, None]
    P = D[:, :, None] * qp.P * D[:, None]
    kappa = positive(worst(torch.cat([q.abs() / sigma, P.abs().flatten(1)], -1)))[:, None]
    low, high = (side.isfinite().any(0).nonzero()[:, 0] for side in (qp.lower, qp.upper))
    C = Rows(E[:, p:, None] * qp.G * D[:, None], low, high)
    d = torch.cat([E[:, p:] * qp.h, (-qp.lower / D)[:, low], (qp.upper / D)[:, high]], -1) / sigma
    A, b = E[:, :p, None] * qp.A * D[:, None], E[:, :p] * qp.b / sigma
    on = d.isfinite()
    data = Data(P / kappa[:, :, None], q / (sigma * kappa), A, b, C, torch.where(on, d, 0), on)
    return data, Units(D, E, sigma, kappa)


def positive(size: Tensor) -> Tensor:
    """The size, or 1 where it is 0."""
    return torch.where(size > 0, size, 1)
