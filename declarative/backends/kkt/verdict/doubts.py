"""A point of a nonlinear program -> whether its solution map may have no derivative there, or a useless one.

What the shares of `certify` do not show: they measure a row beside its own terms, which all vanish at x = 0.
"""

import torch
from torch import Tensor

from declarative.backends.kkt.linear.least_norm import RANK
from declarative.backends.kkt.linear.scaling import inverse_root
from declarative.backends.kkt.linear.spectra import svd
from declarative.backends.kkt.linear.system import ActiveSystem
from declarative.backends.kkt.program.certify import Local, Primal, rounding, worst
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import Active, take

NEARLY = 1e-7  # a pivot below this: flat but for rounding, as at the minimum of x^4
ASIDE = 1e-3  # how far from x, beside its size, equations are asked again whether they depend on each other
HUGE = 1e10  # multipliers whose terms are so much larger than the gradient of f: there are none at the solution


def doubtful(local: Local, at: Primal, active: Active, open_domain: Tensor, D: Tensor) -> Tensor:
    """(B,): a constraint holds but for rounding and carries no force, a curvature is infinite, or no multipliers exist
    (the iterates drive them to infinity). D (B, n) are the units at the point.
    """
    bent = ~local.H.diagonal(dim1=-2, dim2=-1).isfinite().all(-1)
    return bent | without_multipliers(local, at) | touching(local, at, active, open_domain, D)


def frail(d: Derivatives, at: Primal, local: Local, system: ActiveSystem) -> Tensor:
    """(B,): the system is nearly singular. Equations that depend on each other wherever x is are no reason (marginals
    that have the same sum): their solutions differ in the multipliers alone. Nor is an epigraph variable that no row
    holds: nothing else moves with it.
    """
    doubts, loose = system.smallest_pivot < NEARLY, system.loose
    if d.program.hidden is not None:
        loose = loose & ~d.program.hidden
    doubts = doubts & ~(apart := doubts & ~loose.any(-1)) | apart & (system.firmness < NEARLY)
    items = (apart & ~doubts & system.dual_nonunique).nonzero()[:, 0]
    if len(items) == 0:
        return doubts
    d, at, local, some = (
        Derivatives(d.program, take(d.theta, items)),
        at.take(items),
        local.take(items),
        system.take(items),
    )
    among = ~some.entangled[:, d.program.p :].any(-1)
    if not d.program.affine:
        wave = torch.sin(1.0 + 2.0 * torch.arange(at.x.shape[1], dtype=at.x.dtype, device=at.x.device))
        beside = at.x + ASIDE * at.x.abs().amax(-1, keepdim=True).clamp(min=1) * wave
        here, there = (rank(J * ~some.fixed[:, None]) for J in (local.Jc, d.jacobian_c(beside)))
        among &= here == there
    return doubts.index_put((items,), ~among)


def rank(J: Tensor) -> Tensor:
    """(B,): of rows (B, p, n), each in its own unit."""
    unit = J * inverse_root((J**2).sum(-1))[:, :, None]
    return (svd(unit.nan_to_num(0, 0, 0))[1] > RANK).sum(-1)


def touching(local: Local, at: Primal, active: Active, open_domain: Tensor, D: Tensor) -> Tensor:
    """(B,): some inactive constraint is nearer than what a rounding error in x moves it."""
    noise = rounding(local, at, D)
    rows = (local.g.abs() <= (local.Jg.abs() * noise[:, None]).sum(-1)) & ~active.z & (local.Jg != 0).any(-1)
    free = ~active.lower & ~active.upper
    low = ((at.x - local.lower).abs() <= noise) & free & ~open_domain[0] & local.lower.isfinite()
    high = ((local.upper - at.x).abs() <= noise) & free & ~open_domain[1] & local.upper.isfinite()
    return rows.any(-1) | (low | high).any(-1)


def without_multipliers(local: Local, at: Primal) -> Tensor:
    """(B,): the forces of the rows cancel each other, far beyond the gradient that they are to balance."""
    forces = worst(torch.cat([local.Jc * at.y[:, :, None], local.Jg * at.z[:, :, None]], 1).abs().flatten(1))
    pull = torch.maximum(worst(local.gradient.abs()), local.f.abs())
    return (forces > HUGE * pull) & (forces > NEARLY * worst(local.H.abs().flatten(1)))
