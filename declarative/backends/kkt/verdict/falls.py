"""A point that a method has run away to -> does the objective fall for ever in that direction?

A smooth program has no ray that would prove it. What can be asked is the program itself, along the way that the method
took and on beyond the point, as far as there are numbers.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.linear.spectra import eigh
from declarative.backends.kkt.program.certify import Local, Primal, beside, block_size, row_terms, worst
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import take

LASTING = 0.5  # what an objective that falls for ever falls in two decades, beside the two before
DOUBLED = 0.15  # of what a logarithm falls in two decades, where x doubles
RUNS = 1e-3  # entries that go less far than this part of the farthest do not run away
DECADES = range(0, 20, 2)  # how much nearer to the start f is asked too
HARDLY = 1e-6  # of the largest eigenvalue
DOUBLINGS = 10  # of the exponent, beyond the point: 2^512 is about 1e154
OVERFLOWS = 1e100  # cubes of more are no numbers, nor their differences
ALLOWED = 1e-7  # a violation beside its terms
ROUNDING = 1e-12
LAST_DIGIT = 1e-14
SEVERAL = 10.0
TREMBLES = 4  # points about one, in whose last digits they differ
AWAY = 1e6  # farther than this, beside the start's size, an entry has left, and a point may be on its way to infinity
DROWNED = 1e9  # terms so many times larger than their sum, on a way so many times longer than the start is large
BENT = 0.1  # of the fall on a way: a curvature along it that a minimum has, and no slope that only dies away
FLAT = 1e-2  # a slope or curvature along the way, beside the fall on it: a parabola's is twice as large


def falls_for_ever(d: Derivatives, start: Tensor, x: Tensor, sure: bool = False) -> Tensor:
    """(B,): on the way from the start to a far point, the objective falls about as much in each decade, or more.

    So does -log(x), and all that falls faster; what has a limit (exp(-x), 1/x) falls ever less. Beyond the point it
    falls on as much, and the constraints hold: x*log(x) - 50*x rises, from e^49 on, and exp(-x/1e9) has a limit there.
    Where curvature makes rounding errors that hide this, it is `sure` only if it falls so where there is none.
    """
    way = x - start
    far = way.abs() > RUNS * way.abs().amax(-1, keepdim=True)  # the others have arrived where they stay
    here, near, nearer = (d.f(torch.where(far, start + way / 10.0**k, x)) for k in (0, 2, 4))
    last, before = near - here, nearer - near
    real = last > ROUNDING * (here.abs() + near.abs())
    falls = (real & (last > LASTING * before)) | (here == -torch.inf)
    curved = falls & (here > -torch.inf) & (last <= LAST_DIGIT * curvature_terms(d, x))
    if curved.any():
        falls &= ~curved | really(d, x, way)
        if sure:
            falls &= ~curved | told_beyond(d, x, way, last)
    bottom, least = ~falls | (here == -torch.inf), LASTING * DOUBLED * last
    for k in range(DOUBLINGS):
        if bottom.all():
            break
        there, low = torch.where(far, start + way * 2.0 ** (2**k), x), here
        here = d.f(there)
        near = ~(here - low > SEVERAL * tremor(d.f, there)) if k == 0 else True  # at the next place f still tells
        bottom = bottom | undecided(d, there, here - low + least) & near
        falls = falls & (bottom | (low - here > least) & allowed(d, there))
        least = torch.maximum(least, LASTING * (low - here))
        bottom = bottom | ~falls | (here == -torch.inf)
    return falls


def told_beyond(d: Derivatives, x: Tensor, way: Tensor, last: Tensor) -> Tensor:
    """(B,): no place beyond x shows, along the part of a way (B, n) to it on which f is not curved, that f falls there
    by less than a logarithm, whose `last` two decades fell so much (B,), or by less than half as much as before.

    (x - y)^2 is exact where x = y, however large both are, as x'Qx is not; what falls beside it is told from a limit.
    """
    level = level_part(curvature_of_f(d, x), way, d.f(x - way) - d.f(x))
    low, least, holds = d.f(x), LASTING * DOUBLED * last, torch.ones_like(last, dtype=torch.bool)
    for k in range(DOUBLINGS):
        there = x + level * (2.0 ** (2**k) - 1)
        here = d.f(there)
        short = least - (low - here)
        holds &= ~(short > SEVERAL * tremor(d.f, there)) | ~here.isfinite()
        least, low = torch.maximum(least, LASTING * (low - here)), here
    return holds


def really(d: Derivatives, x: Tensor, way: Tensor) -> Tensor:
    """(B,): along the part of a way (B, n) to x on which f is not curved, it falls about as much in some decades as in
    those before, and by more than rounding makes of its curvature.

    x'Px of a singular P is 0 along its null space, and any number times |x|^2 that is not told from it.
    """
    level = level_part(curvature_of_f(d, x), way, d.f(x - way) - d.f(x))
    places = [x - level + level / 10.0**k for k in DECADES]
    values, real = [d.f(place) for place in places], torch.zeros(len(x), dtype=torch.bool, device=x.device)
    for place, here, near, nearer in zip(places, values, values[1:], values[2:], strict=False):
        last = near - here
        noise = ROUNDING * (here.abs() + near.abs()) + LAST_DIGIT * curvature_terms(d, place)
        real |= (last > noise) & (last > LASTING * (nearer - near))
    return real


def level_part(H: Tensor, way: Tensor, fall: Tensor) -> Tensor:
    """The projection of ways (B, n) on the eigenvectors of H (B, n, n) that make nothing of a `fall` (B,), or
    whose curvature may be rounding: that of functions of x, which are less exact than H, far away.
    """
    values, Q = eigh(H.nan_to_num(0, 0, 0))
    along, rounding = times(Q.mT, way), HARDLY * values.abs().amax(-1, keepdim=True)
    return times(Q, along * ((values * along**2 <= FLAT * fall[:, None]) | (values <= rounding)))


def curvature_of_f(d: Derivatives, x: Tensor) -> Tensor:
    """The Hessian of f at x (B, n)."""
    return d.lagrangian_hessian(x, x.new_zeros(len(x), d.program.p), x.new_zeros(len(x), d.program.q))


def curvature_terms(d: Derivatives, x: Tensor) -> Tensor:
    """(B,): the terms of x'Hx, for the Hessian of f at x (B, n), summed without their signs."""
    return (times(curvature_of_f(d, x).abs(), x.abs()) * x.abs()).sum(-1)


class Suspects(NamedTuple):
    """Items (B,) that are `far` from the start, or `flat` beside the `fall` (B,) on the way, or beside the rise."""

    far: Tensor
    flat: Tensor
    fall: Tensor


def suspected(d: Derivatives, at: Primal, local: Local, start: Tensor) -> Suspects:
    """Which points may be on the way to infinity."""
    return Suspects(far(at.x, start), *flattened(d, at, local, walk(at, start)))


def far(x: Tensor, start: Tensor) -> Tensor:
    """(B,): some entry of a point is far from the start."""
    return worst((x - start).abs()) > AWAY * extent(start)


def flattened(d: Derivatives, at: Primal, local: Local, way: Tensor) -> tuple[Tensor, Tensor]:
    """(B,): on a way (B, n) to a point the Lagrangian fell, or rose, and is flat beside that there; how much it fell.

    With the bounds' terms but for their constants, at the multipliers of the point.
    """
    bound = at.z_upper - at.z_lower
    high = d.lagrangian(at.x - way, at.y, at.z) + (bound * (at.x - way)).sum(-1)
    low = local.f + (at.y * local.c).sum(-1) + (at.z * local.g).sum(-1) + (bound * at.x).sum(-1)
    fall, bend = high - low, (times(local.H, way) * way).sum(-1)
    told = (fall.abs() > ROUNDING * (high.abs() + low.abs())) & fall.isfinite()
    return told & (bend.abs() < FLAT * fall.abs()), fall


def extent(start: Tensor) -> Tensor:
    """(B,): the largest entry of a start, at least 1."""
    return worst(start.abs()).clamp(min=1)


def walk(at: Primal, start: Tensor) -> Tensor:
    """(B, n): the way from the start, without the entries that have arrived where they stay."""
    way = at.x - start
    return torch.where(way.abs() > RUNS * worst(way.abs())[:, None], way, 0)


def runs_away(d: Derivatives, start: Tensor, x: Tensor, far: Tensor, sure: bool = False) -> Tensor:
    """(B,): of the points that are `far` away (B,), those beyond which the objective falls on, maybe or for `sure`."""
    items = far.nonzero()[:, 0]
    if len(items) == 0:
        return far
    d = Derivatives(d.program, take(d.theta, items))
    return far.index_put((items,), falls_for_ever(d, start[items], x[items], sure))


def undecided(d: Derivatives, x: Tensor, rise: Tensor) -> Tensor:
    """(B,): rounding of x alone may make the objective rise, or fall short, by so much (B,); the way has no curvature
    but in its last digit.
    """
    rounding = (rise >= 0) & (rise <= LAST_DIGIT * curvature_terms(d, x))
    return rounding | (rise.isnan() & (x.abs() > OVERFLOWS).any(-1))


def tremor(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """What rounding errors make of f at x (B, n), its own and those of x: how much its values tremble there."""
    here = f(x)
    most = torch.zeros_like(here)
    for k in range(TREMBLES):
        wave = torch.sin(1.0 + 3.0 * k + (2.0 + k) * torch.arange(x.shape[1], dtype=x.dtype, device=x.device))
        most = torch.maximum(most, (f(x * (1 + LAST_DIGIT * wave)) - here).abs().nan_to_num(nan=0, posinf=0))
    return most


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
    way = x - start
    terms, total = worst(times(H.abs(), way.abs())), worst(times(H, way).abs())
    return (terms > DROWNED * total) & (worst(way.abs()) > DROWNED * extent(start))


def come_to_rest(H: Tensor, suspects: Suspects, way: Tensor) -> Tensor:
    """(B,): however far away, the Lagrangian fell on the way there and is bent along it as about a minimum.

    x*log(x) - 50*x is least at exp(49); along what runs away there is no such curvature left.
    """
    bend, fall = (times(H, way) * way).sum(-1), suspects.fall
    return ~suspects.flat & (fall > 0) & fall.isfinite() & (bend >= BENT * fall)


def levels_off(d: Derivatives, local: Local, start: Tensor, x: Tensor) -> Tensor:
    """(B,): some entries are far away, where they make no difference to f any more, which they did on their way.

    There every point is stationary: exp(-x) has no slope that numbers could tell from 0, beyond 745.
    """
    way = x - start
    far = way.abs() > AWAY * extent(start)[:, None]
    way, f, before = torch.where(far, way, 0), local.f, d.f(torch.where(far, start, x))
    change = (local.gradient * way).abs().sum(-1) + (times(local.H.abs(), way.abs()) * way.abs()).sum(-1)
    size = before.abs() + f.abs()
    return far.any(-1) & ((before - f).abs() > ROUNDING * size) & (change <= LAST_DIGIT * size)
