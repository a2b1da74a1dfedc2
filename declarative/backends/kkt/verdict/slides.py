"""A certified point of rows that depend on each other -> does f fall along them?

Where the gradients of active rows are parallel but for rounding, multipliers of any size cancel, and beside their terms
any slope of f is small: x'x = 1 and x_0 x'x = x_0 hold on a circle, and a linear f would have a stationary point
wherever a method comes to them. So f is followed along the directions that the rows leave where what rounding makes of
their differences does not count, and from there back to the rows by the steps of Gauss and Newton. A cusp, which has no
multipliers either, is passed: nothing feasible beside it is lower.
"""

import torch
from torch import Tensor

from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.linear.spectra import svd
from declarative.backends.kkt.program.certify import Local, Primal, evaluate, rounding, units, violation, worst
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import Active, take
from declarative.backends.kkt.verdict.here import at_point
from declarative.backends.kkt.verdict.polish import Polished

STRAINED, TORN = 1e3, 1e6  # forces of rows beside the slope of f: they may cancel each other; there is no other way
LEAST = 1e-8  # of what a change of x makes that is not told from rounding error: what rounding itself makes
APART = 1e-6  # singular values of rows of length 1: less is no difference between them
NOTHING = 1e-8  # the length of a row beside the longest: less is that of one that vanishes
STEEP = 1e-6  # a slope along the rows beside that of f
LENGTHS = (1e-1, 1e-2, 1e-3)  # of x
RETURNS = 10  # steps back to the rows
HELD = 1e-9  # what is violated beside the terms of its row, at most
PART, LAST = 0.25, 1e-9  # of the fall that the slope foretells, and of f: the least that counts


def tension(d: Derivatives, found: Polished, start: Tensor | None) -> Tensor:
    """(B,): how much larger the forces of the rows are than the slope that they balance; they nearly cancel where it is
    large. More than a rounding error in x changes that slope, by the way from the start (B, n) too.
    """
    if d.program.p + d.program.q == 0:
        return torch.zeros_like(found.shares.error)
    return at_point(d, tension_at, found.at, found.local, *([] if start is None else [start]))[0]


def tension_at(_: Derivatives, at: Primal, local: Local, *start: Tensor) -> tuple[Tensor]:
    """The same of a point with its model, and maybe a start."""
    forces = torch.cat([local.Jc * at.y[:, :, None], local.Jg * at.z[:, :, None]], 1).abs().flatten(1)
    noise = rounding(local, at, units(local, at), *start)
    slope = torch.maximum(local.gradient.abs(), LEAST * worst(local.H.abs() * noise[:, None]))
    forces, slope = worst(forces), worst(slope)
    return (torch.where(forces > 0, forces / slope, 0),)


def vanishing(found: Polished) -> Tensor:
    """(B,): some equation has nearly no slope beside the others: its multiplier may be any number."""
    sizes = found.local.Jc.norm(dim=-1)
    return (sizes < NOTHING * sizes.amax(-1, keepdim=True)).any(-1) if sizes.shape[1] else sizes.any(-1)


def entwined(d: Derivatives, x: Tensor) -> Tensor:
    """(B,): the equations depend on each other at x (B, n)."""
    if d.program.affine or d.program.p == 0:
        return torch.zeros(len(x), dtype=torch.bool, device=x.device)
    _, V = independent(d.jacobian_c(x))
    return V.any(1).sum(-1) < d.program.p


def slides(d: Derivatives, found: Polished, items: Tensor, pull: Tensor) -> Tensor:
    """(B,): of some items (bool, B), those that are lower nearby; `pull` (B,): their `tension`."""
    no = torch.zeros_like(items)
    if d.program.affine or d.program.p + d.program.q == 0:
        return no
    which = (items & ((pull > STRAINED) | vanishing(found) | found.system.dual_nonunique)).nonzero()[:, 0]
    if len(which) == 0:
        return no
    d, at, local, active = (
        Derivatives(d.program, take(d.theta, which)),
        found.at.take(which),
        found.local.take(which),
        found.active.take(which),
    )
    lower = descends(d, at, local, active, units(local, at))
    lower |= descends(d, at, local, active, torch.ones_like(at.x))  # huge multipliers make units that tell nothing
    return no.index_put((which,), lower)


def descends(d: Derivatives, at: Primal, local: Local, active: Active, unit: Tensor) -> Tensor:
    """(B,): f falls along the rows, in these units (B, n) of x."""
    D = unit * ~(active.lower | active.upper)
    exact, _ = returned(d, at.x, active, D)  # what x misses the rows by makes differences of their slopes
    _, V = independent(torch.cat([d.jacobian_c(exact), d.jacobian_g(exact) * active.z[:, :, None]], 1) * D[:, None])
    slope = D * local.gradient
    way = times(V, times(V.mT, slope)) - slope
    steep = worst(way.abs()) > STEEP * worst(slope.abs())
    way = D * way / worst(way.abs()).clamp(min=torch.finfo(way.dtype).tiny)[:, None]
    size = worst(at.x.abs() / unit)
    size = torch.where(size > 0, size, 1.0)
    here, lower = d.f(at.x), torch.zeros_like(steep)
    for length in LENGTHS:
        step = (length * size)[:, None] * way
        x, holds = returned(d, at.x + step, active, D)
        foretold = -(local.gradient * step).sum(-1)
        lower |= holds & (here - d.f(x) > torch.maximum(PART * foretold, LAST * here.abs()))
    return steep & lower


def returned(d: Derivatives, x: Tensor, active: Active, D: Tensor) -> tuple[Tensor, Tensor]:
    """x (B, n) led to where the rows hold, the active ones with equality, in the units D; and where they do (B,)."""
    nothing = torch.zeros_like(x)
    for _ in range(RETURNS):
        g = torch.where(active.z, d.g(x), d.g(x).clamp(min=0))
        J = torch.cat([d.jacobian_c(x), d.jacobian_g(x) * (g != 0)[:, :, None]], 1) * D[:, None]
        inverse, V = independent(J)
        x = x - D * times(V, times(inverse, torch.cat([d.c(x), g], -1)))
    y, z = x.new_zeros(len(x), d.program.p), x.new_zeros(len(x), d.program.q)
    local = evaluate(d, Primal(x, y, z, nothing, nothing))
    return x, violation(local, x, nothing) <= HELD


def independent(J: Tensor) -> tuple[Tensor, Tensor]:
    """What differs of the rows J (B, m, n), each beside its own length: a left inverse (B, k, m) of U S, and V
    (B, n, k), an orthonormal basis of what the rows span; with zeros beyond the rank.
    """
    length = J.norm(dim=-1, keepdim=True)
    length = torch.maximum(length, NOTHING * length.amax(1, keepdim=True)) if J.shape[1] else length
    length = torch.where(length > 0, length, 1)
    U, S, Vt = svd((J / length).nan_to_num(0, 0, 0))
    kept = S > APART
    inverse = torch.where(kept, 1 / torch.where(kept, S, 1), 0)[:, :, None] * (U / length).mT
    return inverse, Vt.mT * kept[:, None]
