"""A certified point -> does f rise on both sides of it, in every direction in which it came there, as about a minimum?

Beside a fall of e^66 a slope of 66 is nothing, and exp(x) - x, begun at 66, is as flat on the other side of 0 as exp(x)
is. Near the point slopes tell one from the other: on both sides of a minimum f rises, about alike. Each direction of a
curvature of its own is asked by itself, or one that rises would hide another that falls.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.linear.spectra import eigh
from declarative.backends.kkt.program.certify import worst
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import take
from declarative.backends.kkt.verdict.falls import tremor
from declarative.backends.kkt.verdict.polish import Polished

PARTS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)  # of the way: where slopes are asked
ALIKE = 2.0  # times the slope on the other side
TOLD = 1e3  # times the rounding errors of a slope
STILL = 1e-9  # of the way, or of x: what did not move


def at_bottoms(d: Derivatives, found: Polished, start: Tensor, items: Tensor) -> Tensor:
    """(K,): those of some items (long, K) of points without active constraints, come from a start (B, n)."""
    d, x, H = Derivatives(d.program, take(d.theta, items)), found.at.x[items], found.local.H[items]
    system, way, at = found.system, x - start[items], found.at.take(items)
    Q = eigh(H.nan_to_num(0, 0, 0))[1]
    along, size = times(Q.mT, way), torch.maximum(worst(way.abs()), worst(x.abs()))
    bottoms = ~(system.rows.any(-1) | system.fixed.any(-1))[items]

    def slope(x: Tensor, w: Tensor) -> Tensor:
        return (d.lagrangian_gradient(x, at.y, at.z) * w).sum(-1)

    for k in range(x.shape[1]):
        moves = bottoms & (along[:, k].abs() > STILL * size)
        if moves.any():
            w, rises = Q[:, :, k] * along[:, k, None], ~moves
            for part in PARTS:
                on, back = (
                    rising(lambda x, w=w, sign=sign: sign * slope(x, w), x + sign * part * w) for sign in (1, -1)
                )
                rises = rises | (on > 0) & (back > 0) & (torch.maximum(on, back) < ALIKE * torch.minimum(on, back))
            bottoms = bottoms & rises
    return bottoms


def rising(slope: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """(B,): a slope at x (B, n), 0 where rounding errors may make it."""
    steepness = slope(x)
    return torch.where(steepness > TOLD * tremor(slope, x), steepness, 0)
