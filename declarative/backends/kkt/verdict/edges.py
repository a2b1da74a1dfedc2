"""A certified point at the edge of a function's domain -> does the objective only fall on, towards that edge?

log(u) with u == c*x and x >= 0 falls without end, where u and x go to 0. At u = 1e-48 the multipliers of c*x == u and
x >= 0 balance its slope, and x is 0 but for rounding: every number of the certificate is small. So the distance to
the edge is halved once more, along the way from the start; a minimum at an edge (x*log(x), sqrt(x)) is no lower there.
"""

import torch
from torch import Tensor

from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.methods.nlp import inside
from declarative.backends.kkt.program.certify import worst
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import take
from declarative.backends.kkt.verdict.afresh import within_rows
from declarative.backends.kkt.verdict.polish import Polished

ABOUT = 1e-4  # of the size of a point: what is farther from the edge has not come near it
NEARER = 1e-8  # of the distance from the edge at the start: a point that is nearer may be on its way there
LOWER = 1e-6  # of the objective: a fall that counts
STILL = 1e-9  # of the terms of a row's change: it does not change


def falls_at_an_edge(d: Derivatives, found: Polished, began: Tensor, usable: Tensor) -> Tensor:
    """(B,): the `usable` items (bool, B) whose objective falls where the distance to an edge is halved, and from where
    it began (B, n) much of it was left; with bounds and rows no more violated.
    """
    none, open_domain, at = torch.zeros_like(usable), d.program.open_domain, found.at.x
    if not bool(open_domain.any()):
        return none
    size = torch.maximum(worst(at.abs()), worst(began.abs())).clamp(min=1)
    close = gaps(at, found.local.lower, found.local.upper) < ABOUT * size[:, None, None]
    items = (usable & (close & open_domain).flatten(1).any(-1)).nonzero()[:, 0]
    if len(items) == 0:
        return none
    here, local, x = Derivatives(d.program, take(d.theta, items)), found.local.take(items), at[items]
    start = within_rows(here, inside(began[items], local.lower, local.upper))
    share = gaps(x, local.lower, local.upper) / gaps(start, local.lower, local.upper)
    nearest = share.where(open_domain, torch.inf).nan_to_num(nan=torch.inf).flatten(1).amin(-1)
    step = (x - start) * nearest[:, None] / 2
    there = (x + step).clamp(local.lower, local.upper)  # where bounds hold the rest, which has arrived there
    J, moves = torch.cat([local.Jc, local.Jg], 1), (there - x).abs()
    before, after = violations(local.c, local.g), violations(here.c(there), here.g(there))
    holds = (after <= before + STILL * times(J.abs(), moves)).all(-1)
    falls = local.f - here.f(there) > LOWER * local.f.abs()
    return none.index_put((items,), holds & falls & (nearest > 0) & (nearest < NEARER))


def violations(c: Tensor, g: Tensor) -> Tensor:
    """(B, p + q): how much each row is violated."""
    return torch.cat([c.abs(), g.clamp(min=0)], -1)


def gaps(x: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """(B, 2, n): the distances from both bounds."""
    return torch.stack([x - lower, upper - x], 1)
