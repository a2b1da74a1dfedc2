"""A way -> the same without its part along directions in which f is flat everywhere, where rounding errors are least.

A function of differences, as logsumexp(x) - 0.3*x[0] - 0.7*x[1], is the same along x + t*(1, ..., 1). Of all ways that
differ by such a part, that one is asked whose slopes have the smallest terms: along (40, 40, -17, -17) their rounding
errors drown what is left of the slopes of the last two entries, which (0, 0, -57, -57) tells exactly.
"""

import torch
from torch import Tensor

from declarative.backends.kkt.compiled.constants import IDLE
from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.methods.idle import seek_idle
from declarative.backends.kkt.program.certify import worst
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import take
from declarative.backends.kkt.verdict.polish import Polished
from declarative.backends.kkt.verdict.portions import exactly

LIGHT = 1e-9  # the weight of an entry beside the largest, at least
LEFT = 1e-6  # of the way: less is no other way


def heard(d: Derivatives, found: Polished, start: Tensor, items: Tensor, way: Tensor) -> Tensor:
    """Ways (K, n) of some items (long, K) that began at a start (B, n), where nothing constrains.

    Flat directions are looked for where curvatures may be of one size, at the start or else at 0, and hold if the
    Hessian at the point does not see them either.
    """
    if d.program.p + d.program.q:
        return way
    d, x, local = Derivatives(d.program, take(d.theta, items)), found.at.x[items], found.local.take(items)
    N = torch.zeros_like(local.H)
    for place in (start[items], torch.zeros_like(x)):
        missing = ~N.flatten(1).any(-1)
        if missing.any():
            g, H = d.gradient(place), d.lagrangian_hessian(place, x[:, :0], x[:, :0])
            N = torch.where(missing[:, None, None], seek_idle(g.nan_to_num(0, 0, 0), H.nan_to_num(0, 0, 0)).N, N)
    N = N * ((local.H @ N).abs() <= IDLE * (local.H.abs() @ N.abs())).all(1)[:, None]
    if not N.any():
        return way
    terms = local.gradient.abs() + times(local.H.abs(), x.abs())
    weights = torch.maximum(terms, LIGHT * terms.amax(-1, keepdim=True))[:, :, None]
    part = torch.linalg.pinv(weights * N) @ (weights * way[:, :, None])
    rest = exactly(way - (N @ part)[..., 0])
    return torch.where((worst(rest.abs()) > LEFT * worst(way.abs()))[:, None], rest, way)
