"""A point that a method has run away to -> does the objective fall for ever in that direction, or towards a limit?

A smooth program has no ray that would prove it. What can be asked is the program itself, along the way that the method
took and on beyond the point, as far as there are numbers.
"""

import torch
from torch import Tensor

from declarative.backends.kkt.certify import beside, block_size, row_terms
from declarative.backends.kkt.derivatives import Derivatives
from declarative.backends.kkt.scaling import times

LASTING = 0.5  # what an objective that falls for ever falls in two decades, beside the two before
RUNS = 1e-3  # entries that go less far than this part of the farthest do not run away
DOUBLINGS = 10  # of the exponent, beyond the point: 2^512 is about 1e154
OVERFLOWS = 1e100  # cubes of more are no numbers, nor their differences
ALLOWED = 1e-7  # a violation beside its terms
ROUNDING = 1e-12
LAST_DIGIT = 1e-14
DROWNED = 1e9  # terms so many times larger than their sum, on a way so many times longer than the start is large


def falls_for_ever(d: Derivatives, start: Tensor, x: Tensor) -> Tensor:
    """(B,): on the way from the start to a far point, the objective falls about as much in each decade, or more.

    So does -log(x), and all that falls faster; what has a limit (exp(-x), 1/x) falls ever less. Beyond the point it
    falls on, and the constraints hold: x*log(x) - 50*x rises, from e^49 on.
    """
    way = x - start
    far = way.abs() > RUNS * way.abs().amax(-1, keepdim=True)  # the others have arrived where they stay
    here, near, nearer = (d.f(torch.where(far, start + way / 10.0**k, x)) for k in (0, 2, 4))
    last, before = near - here, nearer - near
    real = last > ROUNDING * (here.abs() + near.abs())
    falls = (real & (last > LASTING * before)) | (here == -torch.inf)
    bottom = ~falls | (here == -torch.inf)
    for k in range(DOUBLINGS):
        if bottom.all():
            break
        there, low = torch.where(far, start + way * 2.0 ** (2**k), x), here
        here = d.f(there)
        bottom = bottom | undecided(d, there, here - low)
        falls = falls & (bottom | (here < low) & allowed(d, there))
        bottom = bottom | ~falls | (here == -torch.inf)
    return falls


def undecided(d: Derivatives, x: Tensor, rise: Tensor) -> Tensor:
    """(B,): rounding of x alone may make the objective rise; the way has no curvature but in its last digit."""
    H = d.lagrangian_hessian(x, x.new_zeros(len(x), d.program.p), x.new_zeros(len(x), d.program.q))
    rounding = (rise >= 0) & (rise <= LAST_DIGIT * (times(H.abs(), x.abs()) * x.abs()).sum(-1))
    return rounding | (rise.isnan() & (x.abs() > OVERFLOWS).any(-1))


def allowed(d: Derivatives, x: Tensor) -> Tensor:
    """(B,): the constraints hold, each beside its own terms."""
    (lower, upper), X, none = d.bounds(x), block_size(x, d.program.blocks), torch.zeros_like(x)
    c, g = d.c(x), d.g(x)
    c = beside(c, row_terms(d.jacobian_c(x), c, x, X, none)).abs()
    g = beside(g, row_terms(d.jacobian_g(x), g, x, X, none))
    return (torch.cat([c, g, beside(lower - x, X), beside(x - upper, X)], -1) <= ALLOWED).all(-1)


def far_fetched(H: Tensor, start: Tensor, x: Tensor) -> Tensor:
    """(B,): x is far away, and the curvature on the way there is what rounding leaves of larger terms.

    The slope that it balances may be none: (x + y)^2 + x - y has no minimum, but at 1e16 a residual of 1e-16.
    """
    if not x.shape[1]:
        return torch.zeros(len(x), dtype=torch.bool, device=x.device)
    way = x - start
    terms, total = times(H.abs(), way.abs()).amax(-1), times(H, way).abs().amax(-1)
    return (terms > DROWNED * total) & (way.abs().amax(-1) > DROWNED * start.abs().amax(-1).clamp(min=1))
