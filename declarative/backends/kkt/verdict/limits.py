"""A certified point -> does the Lagrangian only tend to a limit, on from there and to infinity?

The way from the start is asked, and those parts of it along which the Lagrangian is hardly curved (`portions.py`):
exp(x) + (y - 2)^2 has come to rest in y, and falls on in x. On a part that fell to a minimum, the
fall is half the curvature; where it levels off, there is hardly any. Beyond a minimum it rises at some length, and more
than by what rounding leaves of curvatures that cancel, which very far away alone makes the slope.
"""

import torch
from torch import Tensor

from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.linear.system import Right
from declarative.backends.kkt.program.certify import Local, Primal, stationarity_residual, worst
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import take
from declarative.backends.kkt.verdict.bottoms import at_bottoms
from declarative.backends.kkt.verdict.falls import (
    FLAT,
    LAST_DIGIT,
    OVERFLOWS,
    SEVERAL,
    Suspects,
    allowed,
    flattened,
    tremor,
    walk,
)
from declarative.backends.kkt.verdict.heard import heard
from declarative.backends.kkt.verdict.here import at_point
from declarative.backends.kkt.verdict.polish import EXACT, Polished
from declarative.backends.kkt.verdict.portions import portions
from declarative.backends.kkt.verdict.recede import RISES, blurred, receding

LEVEL = 1e-14  # a slope that is none, beside the fall or the slope at the start
BEYOND = (1e-4, 1e-2, 1.0, 1e2, 1e4, 1e8, 1e16, 1e32, 1e64)  # lengths of the way
AFAR = 1e16  # where a slope shows what rounding makes of curvatures that cancel along the way
HARDLY = 1e-4  # an eigenvalue beside the fall
TOLD = 1e-8  # of the fall on a way: rounding errors of its slope, where it is told from one that rises
STEP = 1e-6  # of the way: a longer step of Newton's method leads to another point
OPEN = 1e-2  # of the way: where errors of slopes hide so long a step, x is one of many


def tends_to_a_limit(d: Derivatives, found: Polished, start: Tensor, suspects: Suspects, usable: Tensor) -> Tensor:
    """(B,): from some of the `usable` points the Lagrangian falls towards a limit, and on however far beyond."""
    tends = maybe_to_a_limit(d, found, start, suspects, usable)
    items = tends.nonzero()[:, 0]
    return tends.index_put((items,), ~at_bottoms(d, found, start, items)) if len(items) else tends


def maybe_to_a_limit(d: Derivatives, found: Polished, start: Tensor, suspects: Suspects, usable: Tensor) -> Tensor:
    """The same, maybe with minima beside which the fall to them drowns all slopes."""
    tends, taken = torch.zeros_like(usable), usable & suspects.flat & (suspects.fall > 0)
    for way in ways(walk(found.at, start), d.program.hidden):
        flat = (taken & ~tends).nonzero()[:, 0]
        if len(flat):
            tends = tends.index_put((flat,), levels(d, found, flat, way[flat]))
    items = (usable & ~tends & (suspects.fall > 0) & suspects.fall.isfinite()).nonzero()[:, 0]
    if len(items) == 0:
        return tends
    way, here = (found.at.x - start)[items], Derivatives(d.program, take(d.theta, items))
    _, _, _, noise = at_point(here, bending, found.at.take(items), found.local, way, items=items)
    least = torch.maximum(HARDLY * suspects.fall[items], noise.nan_to_num(nan=0, posinf=0))
    which, portion = portions(found.system.take(items), way, least)
    if len(which) == 0:
        return tends
    items = items[which]
    portion = heard(d, found, start, items, portion)
    return tends.index_put((items[levels(d, found, items, portion)],), tends.new_ones(()))


def without_end(
    d: Derivatives, found: Polished, start: Tensor, usable: Tensor, doubtful: Tensor
) -> tuple[Tensor, Tensor]:
    """Of `usable` points (bool, B) that are `doubtful`, or from which Newton's method would go on, (B,) those beyond
    which the Lagrangian falls towards a limit along the part of the way that stays within the constraints; and (B, n)
    that part, where it does not rise there, however far: with so many other solutions, or none. Or the step of Newton's
    method, where a point that is flat leaves a long one open, since rounding hides its slopes. 0 for all others.
    """
    none, nowhere = torch.zeros_like(usable), torch.zeros_like(found.at.x)
    if not d.program.affine:
        return none, nowhere
    step, share = left_open(found, start)
    items = (usable & (doubtful | (share > STEP))).nonzero()[:, 0]
    if len(items) == 0:
        return none, nowhere
    way = heard(d, found, start, items, receding(d, found, start, items))
    here, x = Derivatives(d.program, take(d.theta, items)), found.at.x[items]
    told = blurred(found.local.H[items], x, way) <= TOLD * (here.f(x - way) - found.local.f[items])
    tends = told & levels(d, found, items, way, RISES) & way.any(-1)
    assert found.suspects is not None
    unsettled = (found.suspects.flat & found.flat.any(-1) & (share > OPEN))[items] & ~way.any(-1)
    way = torch.where(unsettled[:, None], step[items], way)
    return none.index_put((items,), tends), nowhere.index_put((items,), way)


def left_open(found: Polished, start: Tensor) -> tuple[Tensor, Tensor]:
    """A Newton step (B, n) from a point that is not exact, and its part (B,) of the way from the start to the point."""
    local, at = found.local, found.at
    inexact = found.shares.error > EXACT
    if not inexact.any():
        return torch.zeros_like(at.x), torch.zeros_like(found.shares.error)
    residual = torch.where(inexact[:, None], stationarity_residual(local, at), 0)
    none = torch.zeros_like(found.system.rows, dtype=residual.dtype)
    step = found.system.solve(Right(-residual, none, torch.zeros_like(residual))).x
    return step, worst(step.abs()) / worst((at.x - start).abs()).clamp(min=torch.finfo(step.dtype).tiny)


def ways(way: Tensor, hidden: Tensor | None) -> list[Tensor]:
    """A way (B, n), and the same with the epigraph variables, entries `hidden` (n,) of it, at the values that they came
    to: where pos(u)^4 has fallen to 0, its variable cannot fall on.
    """
    return [way] if hidden is None or not hidden.any() else [way, torch.where(hidden, 0, way)]


def levels(d: Derivatives, found: Polished, items: Tensor, way: Tensor, inexact: float = 0) -> Tensor:
    """(K,): on a way (K, n) to the points of some items (long, K) the Lagrangian fell, is flat beside that there, and
    rises nowhere beyond; but for what a way that is `inexact` makes of the terms of a slope.
    """
    d, at = Derivatives(d.program, take(d.theta, items)), found.at.take(items)
    flat, fall, bend, most = at_point(d, bending, at, found.local, way, items=items)
    flat = flat & (fall > 0)
    flat |= hidden(d, at, way, fall, bend.abs() <= most)
    if not flat.any():
        return flat
    (first, *steep), (_, *terms) = slopes(d, at, way, (-1.0, *BEYOND))
    noise = torch.zeros_like(fall)
    level = LEVEL * torch.maximum(fall, first.abs().nan_to_num(nan=0, posinf=0))
    for steepness, length in zip(steep, BEYOND, strict=True):
        far = steepness.abs().nan_to_num(nan=0, posinf=0) / length
        noise = torch.maximum(noise, far) if length >= AFAR else noise
    noise = SEVERAL * torch.minimum(noise, most)
    for steepness, parts, length in zip(steep, terms, BEYOND, strict=True):
        there, known = at.x + length * way, level + length * noise + (inexact * parts if inexact else 0)
        seen = (there.abs().amax(-1) < OVERFLOWS) & (~steepness.isnan() | (length <= 1))
        flat &= ~seen | (steepness <= known) & (steepness >= -FLAT * fall - known) & allowed(d, there)
    return flat


def bending(d: Derivatives, at: Primal, local: Local, way: Tensor) -> tuple[Tensor, ...]:
    """(B,): whether the Lagrangian is flat beside its fall on a way (B, n) to a point, the fall, the curvature along
    the way, and what rounding makes of it.
    """
    bend = (times(local.H, way) * way).sum(-1)
    return *flattened(d, at, local, way), bend, blur(local.H, way)


def blur(H: Tensor, way: Tensor) -> Tensor:
    """(B,): what rounding makes of the curvature along ways (B, n)."""
    return LAST_DIGIT * (times(H.abs(), way.abs()) * way.abs()).sum(-1)


def hidden(d: Derivatives, at: Primal, way: Tensor, fall: Tensor, blurred: Tensor) -> Tensor:
    """(K,): of points whose curvature along the way is `blurred` (K,), no more than rounding, those to which there was
    a fall (K,) that rounding does not make.
    """
    if not (blurred & (fall > 0)).any():
        return blurred & (fall > 0)
    bound = at.z_upper - at.z_lower

    def lagrangian(x: Tensor) -> Tensor:
        return d.lagrangian(x, at.y, at.z) + (bound * x).sum(-1)

    noise = torch.maximum(tremor(lagrangian, at.x), tremor(lagrangian, at.x - way))
    return blurred & (fall > SEVERAL * noise) & fall.isfinite()


def slopes(d: Derivatives, at: Primal, way: Tensor, lengths: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """(L, K): of the Lagrangian along the way (K, n), so many lengths beyond the point; the largest terms of each."""
    several, count = at.x.new_tensor(lengths), len(lengths)
    x = at.x + several[:, None, None] * way
    everywhere = Derivatives(
        d.program, tuple(t if t.shape[0] == 1 else t.repeat(count, *[1] * (t.dim() - 1)) for t in d.theta)
    )
    found = everywhere.lagrangian_gradient(x.flatten(0, 1), at.y.repeat(count, 1), at.z.repeat(count, 1))
    parts = (found.view_as(x) + at.z_upper - at.z_lower) * way
    return parts.sum(-1), worst(parts.abs())
