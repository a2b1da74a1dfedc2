"""A certified point and its system -> does what rounding makes of the point make another matrix of the system?

Where x^2 == 0 is what holds x, rounding leaves x at 1e-9, say, and a row with the slope 2e-9: scaled to unit length, it
is as regular as any other, and the derivative of x is 5e8. That slope is rounding error. So the system is asked what
errors of the point its residuals amount to, and whether its rows and columns are still what they were that far away.
"""

import torch
from torch import Tensor

from declarative.backends.kkt.linear.scaling import equilibrate
from declarative.backends.kkt.linear.system import Right
from declarative.backends.kkt.program.certify import Local, Primal, rounding, stationarity_terms, units
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import take
from declarative.backends.kkt.verdict.here import at_point
from declarative.backends.kkt.verdict.polish import Polished

LAST = 1e-14  # of the terms of a row: its rounding error
PART = 1e-3  # of an entry of the point: what moves it by less leaves it what it is
CHANGED = 0.5  # of a row or column of the equilibrated matrix
ROUNDS = 12  # of equilibration, for rows and columns that may nearly vanish


def unsteady(d: Derivatives, found: Polished, usable: Tensor) -> Tensor:
    """(B,): of the `usable` items (bool, B), those whose matrix rounding errors of the point change."""
    at, error = found.at, found.shares.error.clamp(min=LAST)[:, None]
    ofx, rows = at_point(d, terms, at, found.local)
    wave = torch.sin(1.0 + 2.0 * torch.arange(ofx.shape[1] + rows.shape[1], dtype=ofx.dtype, device=ofx.device)).sign()
    signs = wave.split([ofx.shape[1], rows.shape[1]])
    step = found.system.solve(Right(error * ofx * signs[0], error * rows * signs[1], torch.zeros_like(ofx)))
    moved = (step.x.abs() > PART * at.x.abs()).any(-1) | ~step.x.isfinite().all(-1)
    items = (usable & moved).nonzero()[:, 0]
    if len(items) == 0:
        return torch.zeros_like(usable)
    here, at = Derivatives(d.program, take(d.theta, items)), at.take(items)
    free, active = ~found.system.fixed[items], found.system.rows[items]
    D, E = at_point(here, sizes, at, found.local, free, active, items=items)
    (most,) = at_point(here, changes, at, found.local, D, E, step.x[items], step.rows[items], items=items)
    return torch.zeros_like(usable).index_put((items,), most > CHANGED)


def sizes(_: Derivatives, at: Primal, local: Local, free: Tensor, active: Tensor) -> tuple[Tensor, Tensor]:
    """Units of the variables (B, n), of which some are `free`, and rows (B, m), of which some are `active`; 0 of those
    that are out or have no entries.
    """
    H = local.H * free[:, :, None] * free[:, None]
    A = torch.cat([local.Jc, local.Jg], 1) * active[:, :, None] * free[:, None]
    D, E = equilibrate(H, A, ROUNDS)
    return D * free * ((H != 0).any(1) | (A != 0).any(1)), E * (A != 0).any(-1)


def changes(d: Derivatives, at: Primal, local: Local, D: Tensor, E: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor]:
    """(B,): the largest change of an entry of the matrix, in units D and E, where x and the multipliers have moved by x
    and w, or back.
    """
    p, most = d.program.p, torch.zeros_like(local.f)
    A = torch.cat([local.Jc, local.Jg], 1)
    for sign in (1, -1):
        there, y, z = at.x + sign * x, at.y + sign * w[:, :p], at.z + sign * w[:, p:]
        J = torch.cat([d.jacobian_c(there), d.jacobian_g(there)], 1)
        of_H = D[:, :, None] * (d.lagrangian_hessian(there, y, z) - local.H) * D[:, None]
        of_A = E[:, :, None] * (J - A) * D[:, None]
        most = torch.maximum(most, torch.cat([of_H, of_A], 1).abs().nan_to_num(0, 0, 0).flatten(1).amax(-1))
    return (most,)


def terms(_: Derivatives, at: Primal, local: Local) -> tuple[Tensor, Tensor]:
    """The terms of the stationarity rows (B, n) at a point with its model, and of c and g."""
    D = units(local, at)
    noise, own = rounding(local, at, D), at.x.abs()
    of_c = local.terms_of_c(at.x, own, noise)
    of_g = local.terms_of_g(at.x, own, noise)
    return stationarity_terms(local, at, noise, D), torch.cat([of_c, of_g], -1)
