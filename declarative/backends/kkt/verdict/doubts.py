"""A point of a nonlinear program -> whether its solution map may have no derivative there, or a useless one.

What the shares of `certify` do not show: they measure a row beside its own terms, which all vanish at x = 0.
"""

import torch
from torch import Tensor

from declarative.backends.kkt.program.certify import Local, Primal, rounding, worst
from declarative.backends.kkt.program.program import Active

NEARLY = 1e-7  # a pivot below this: flat but for rounding, as at the minimum of x^4
HUGE = 1e10  # multipliers whose terms are so much larger than the gradient of f: there are none at the solution


def doubtful(local: Local, at: Primal, active: Active, open_domain: Tensor, D: Tensor) -> Tensor:
    """(B,): a constraint holds but for rounding and carries no force, a curvature is infinite, or no multipliers exist
    (the iterates drive them to infinity). D (B, n) are the units at the point.
    """
    bent = ~local.H.diagonal(dim1=-2, dim2=-1).isfinite().all(-1)
    return bent | without_multipliers(local, at) | touching(local, at, active, open_domain, D)


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
