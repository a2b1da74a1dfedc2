"""A certified point of a nonlinear program -> whether its solution map may have no derivative there, or a useless one.

What the shares of `certify` do not show: they measure a row beside its own terms, which all vanish at x = 0.
"""

import torch
from torch import Tensor

from declarative.backends.kkt.program.certify import Local, Primal, rounding, units, worst
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import Active
from declarative.backends.kkt.verdict.polish import Polished

NEARLY = 1e-7  # a pivot below this: flat but for rounding, as at the minimum of x^4
HUGE = 1e10  # multipliers whose terms are so much larger than the gradient of f: there are none at the solution


def doubtful(d: Derivatives, found: Polished) -> Tensor:
    """(B,): a constraint holds but for rounding and carries no force, the system is nearly singular or a curvature
    infinite, or no multipliers exist (the iterates drive them to infinity).
    """
    at, local, active = found.at, found.local, found.active
    if local.g.shape[1] or bool((local.lower.isfinite() | local.upper.isfinite()).any()):
        (doubts,) = d.run(doubts_at_once, *at.parts(), *local.parts(), *active.parts())
    else:  # there is nothing to touch
        (doubts,) = d.run(hard_at_once, *at.parts(), *local.parts())
    return doubts | (found.system.smallest_pivot < NEARLY)


def doubts_at_once(d: Derivatives, *tensors: Tensor) -> tuple[Tensor]:
    """What a point (five tensors), the model there (nine) and the active set (three) show of it."""
    at, local, active = Primal(*tensors[:5]), Local(*tensors[5:14]), Active(*tensors[14:])
    return (hard_at_once(d, *tensors[:14])[0] | touching(local, at, active, d.program.open_domain),)


def hard_at_once(d: Derivatives, *tensors: Tensor) -> tuple[Tensor]:
    """The same but for what the point touches."""
    at, local = Primal(*tensors[:5]), Local(*tensors[5:])
    return (without_multipliers(local, at) | ~local.H.diagonal(dim1=-2, dim2=-1).isfinite().all(-1),)


def touching(local: Local, at: Primal, active: Active, open_domain: Tensor) -> Tensor:
    """(B,): some inactive constraint is nearer than what a rounding error in x moves it."""
    noise = rounding(local, at, units(local, at))
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
