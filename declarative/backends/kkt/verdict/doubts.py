"""A certified point of a nonlinear program -> whether its solution map may have no derivative there, or a useless one.

What the shares of `certify` do not show: they measure a row beside its own terms, which all vanish at x = 0.
"""

import torch
from torch import Tensor

from declarative.backends.kkt.differentiate.adjoint import stiff
from declarative.backends.kkt.program.certify import rounding, units
from declarative.backends.kkt.verdict.polish import Polished

NEARLY = 1e-7  # a pivot below this: flat but for rounding, as at the minimum of x^4
HUGE = 1e10  # multipliers whose terms are so much larger than the gradient of f: there are none at the solution


def doubtful(found: Polished, open_domain: Tensor) -> Tensor:
    """(B,): a constraint holds but for rounding and carries no force, the system is nearly singular or a curvature
    infinite, or no multipliers exist (the iterates drive them to infinity).
    """
    singular = (found.system.smallest_pivot < NEARLY) | stiff(found.local.H).any(-1)
    return touching(found, open_domain) | singular | without_multipliers(found)


def touching(found: Polished, open_domain: Tensor) -> Tensor:
    """(B,): some inactive constraint is nearer than what a rounding error in x moves it."""
    local, x, active = found.local, found.at.x, found.active
    if not local.g.shape[1] and not bool((local.lower.isfinite() | local.upper.isfinite()).any()):
        return torch.zeros_like(found.degenerate)
    noise = rounding(local, found.at, units(local, found.at))
    rows = (local.g.abs() <= (local.Jg.abs() * noise[:, None]).sum(-1)) & ~active.z & (local.Jg != 0).any(-1)
    free = ~active.lower & ~active.upper
    low = ((x - local.lower).abs() <= noise) & free & ~open_domain[0]
    high = ((local.upper - x).abs() <= noise) & free & ~open_domain[1]
    return rows.any(-1) | (low | high).any(-1)


def without_multipliers(found: Polished) -> Tensor:
    """(B,): the forces of the rows cancel each other, far beyond the gradient that they are to balance."""
    local, at = found.local, found.at
    forces = torch.cat([local.Jc * at.y[:, :, None], local.Jg * at.z[:, :, None]], 1).abs()
    if not forces.shape[1] or not forces.shape[2]:
        return torch.zeros_like(found.degenerate)
    forces, pull = forces.amax((1, 2)), torch.maximum(local.gradient.abs().amax(-1), local.f.abs())
    return (forces > HUGE * pull) & (forces > NEARLY * local.H.abs().amax((1, 2)))
