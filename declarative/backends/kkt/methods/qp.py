"""A batch of convex quadratic programs -> primal and dual points: equilibrate, interior point, and back.

On a CPU item by item in compiled code (`compiled/interior.py`), elsewhere all items at once.

x = sigma D x_hat,  objective = sigma^2 kappa (objective_hat),  rows scaled by E: everything of unit size.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from declarative.backends.kkt.compiled import compiles
from declarative.backends.kkt.linear.scaling import equilibrate, times
from declarative.backends.kkt.methods.interior import Data, Rows, interior_point
from declarative.backends.kkt.program.certify import Primal, finite, worst
from declarative.backends.kkt.program.program import once
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
    fixed = qp.lower == qp.upper
    reduced = substitute(qp, fixed)
    found = (one_by_one if suits(qp) else together)(reduced, iterations)
    return with_fixed(qp, fixed.expand(qp.q.shape), found) if fixed.any() else found


def suits(qp: Quadratic) -> bool:
    """Are these items for compiled code?"""
    return qp.q.is_cpu and qp.q.dtype == torch.float64 and qp.q.shape[1] > 0 and compiles()


def one_by_one(qp: Quadratic, iterations: int) -> Rough:
    """Item by item, in compiled code."""
    from declarative.backends.kkt.compiled.batch import find_batch
    from declarative.backends.kkt.compiled.item import Data

    n, low, high = qp.q.shape[1], *bounded(qp)
    nothing = np.zeros(0, np.int64)
    parts = (once(part).contiguous().numpy() for part in (qp.P, qp.q, qp.A, qp.b, qp.G, qp.h, qp.lower, qp.upper))
    data = Data(*[*parts, nothing, nothing])
    found = find_batch(data, len(qp.q), low.numpy(), high.numpy(), iterations, torch.get_num_threads())
    x, y, z, active, count = (torch.from_numpy(part) for part in found)
    return Rough(Primal(x, y, *spread(z, low, high, n)), count, torch.cat(spread(active, low, high, n), -1))


def bounded(qp: Quadratic) -> tuple[Tensor, Tensor]:
    """The variables that any item bounds below, and those above (long)."""
    low, high = (side.isfinite().any(0).nonzero()[:, 0] for side in (qp.lower, qp.upper))
    return low, high


def together(qp: Quadratic, iterations: int) -> Rough:
    """All items at once, in torch."""
    n, p = qp.P.shape[1], qp.A.shape[1]
    data, units = scaled(qp)
    state, count = interior_point(data, iterations)
    rho, low, high = units.sigma * units.kappa, data.C.low, data.C.high
    g, lower, upper = spread(state.z, low, high, n)
    x, y, z = units.sigma * units.D * state.x, rho * units.E[:, :p] * state.y, rho * units.E[:, p:] * g
    active = torch.cat(spread(state.z > state.s, low, high, n), -1)
    return Rough(Primal(x, y, z, rho * lower / units.D, rho * upper / units.D), count, active)


def with_fixed(qp: Quadratic, fixed: Tensor, rough: Rough) -> Rough:
    """The same with the variables that are fixed by equal bounds (bool, B, n), which may need any force."""
    at = rough.at
    x = torch.where(fixed, qp.lower, at.x)
    b = -(times(qp.P, x) + qp.q + times(qp.A.mT, at.y) + times(qp.G.mT, at.z))
    lower, upper = (torch.where(fixed, part.clamp(min=0), at) for part, at in ((-b, at.z_lower), (b, at.z_upper)))
    return replace(rough, at=replace(at, x=x, z_lower=lower, z_upper=upper))


def spread(rows: Tensor, low: Tensor, high: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of rows of C (B, m) what belongs to those of G, and to all lower and all upper bounds (B, n)."""
    g, at_low, at_high = rows.split([rows.shape[1] - len(low) - len(high), len(low), len(high)], -1)
    lower, upper = rows.new_zeros(len(rows), n), rows.new_zeros(len(rows), n)
    lower[:, low], upper[:, high] = at_low, at_high
    return g, lower, upper


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
    low, high = bounded(qp)
    C = Rows(E[:, p:, None] * qp.G * D[:, None], low, high)
    d = torch.cat([E[:, p:] * qp.h, (-qp.lower / D)[:, low], (qp.upper / D)[:, high]], -1) / sigma
    A, b = E[:, :p, None] * qp.A * D[:, None], E[:, :p] * qp.b / sigma
    on = d.isfinite()
    data = Data(P / kappa[:, :, None], q / (sigma * kappa), A, b, C, torch.where(on, d, 0), on)
    return data, Units(D, E, sigma, kappa)


def positive(size: Tensor) -> Tensor:
    """The size, or 1 where it is 0."""
    return torch.where(size > 0, size, 1)
