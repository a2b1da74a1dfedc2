"""The equations of an active set, linearised at a point -> the point that solves them: Newton's step."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from declarative.backends.kkt.compiled import compiles
from declarative.backends.kkt.compiled.pattern import Pattern
from declarative.backends.kkt.differentiate.adjoint import active_system
from declarative.backends.kkt.linear.factored import LARGEST
from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.linear.system import SINGULAR, ActiveSystem, Right
from declarative.backends.kkt.program.certify import Local, Primal, stationarity_residual, worst
from declarative.backends.kkt.program.program import Active
from declarative.backends.kkt.verdict.here import Here
from declarative.backends.numbers import plain

NEARLY = 1e-8  # what is pursued for SLOWLY times as many steps
CREEPING = 0.5  # what a step towards a flat minimum leaves of the gradient, at most
FLATTEST = 0.5 + 1e-8  # the error that it leaves, at most: of x^3
STILL, WIDE = 1e-10, 0.25  # of x: what goes less far gains nothing, what goes farther leads elsewhere


def steps(
    local: Local, at: Primal, active: Active, going: Tensor, pattern: Pattern | None = None
) -> tuple[Primal, Tensor]:
    """Newton's steps of the items that are `going` (B,), and whether their active rows are dependent (B,)."""
    several, items, new = torch.zeros_like(going), going.nonzero()[:, 0], at
    small = 0 < at.x.shape[1] + local.Jc.shape[1] + local.Jg.shape[1] <= LARGEST
    if small and plain((*local.parts(), *at.parts())) and compiles():
        new, hard = compiled_steps(local, at, active, going)
        items = hard.nonzero()[:, 0]
    if len(items):
        local, at, active = local.take(items), at.take(items), active.take(items)
        system = active_system(active, local.H, jacobian(local), pattern)
        new = new.put(items, newton(system, local, at, active))
        several = several.index_put((items,), system.dual_nonunique)
    return new, several


def compiled_steps(local: Local, at: Primal, active: Active, going: Tensor) -> tuple[Primal, Tensor]:
    """The same of small programs, and the items (B,) that are left out, for their matrices may be singular."""
    from declarative.backends.kkt.compiled.steps import Places, room, take_steps

    n, p, q = at.x.shape[1], at.y.shape[1], at.z.shape[1]
    places = Places(*(part.contiguous().numpy() for part in (*local.parts()[1:9], *at.parts(), *active.parts())))
    point, hard = np.empty((len(going), 3 * n + p + q)), np.zeros(len(going), np.bool_)
    take_steps(places, going.numpy(), SINGULAR, room(n, p + q), point, hard)
    return Primal(*torch.from_numpy(point).split_with_sizes([n, p, q, n, n], -1)), torch.from_numpy(hard)


def goes(at: Primal, there: Primal) -> Tensor:
    """(B,): a step takes x farther than rounding, and not far. Along a curved valley it may lead to larger residuals,
    and the next one to much smaller ones (Deuflhard 2004, on steps that are measured by the steps that follow).
    """
    size, step = at.x.abs(), (there.x - at.x).abs()
    if at.x.shape[1] == 0:
        return size.sum(-1) > 0
    return (step.amax(-1) > STILL * size.amax(-1)) & (step.amax(-1) < WIDE * size.amax(-1))


def creeps(here: Here, there: Here, unsure: Tensor, several: Tensor) -> Tensor:
    """(B,): of items that are `unsure` (B,), those that a step takes nearer to a flat minimum.

    There the gradient shrinks with all its terms: a step on x^k leaves less than 1/e of it, and an error of 1/(k-1).
    That may have been less before, beside multipliers of `several` rows (B,) that the step lets go together.
    """
    most = torch.where(several, here.shares.error.clamp(min=FLATTEST), (1 + NEARLY) * here.shares.error)
    holds = torch.maximum(there.shares.primal, there.shares.gap) <= (1 + NEARLY) * here.shares.error
    unsure = unsure & (here.shares.error > NEARLY) & holds & (there.shares.error <= most)
    if not unsure.any():
        return unsure
    before, after = (worst(stationarity_residual(place.local, place.at).abs()) for place in (here, there))
    return unsure & (after <= CREEPING * before)


def jacobian(local: Local) -> Tensor:
    """The rows of c and g, (B, p + q, n)."""
    return torch.cat([local.Jc, local.Jg], 1)


def newton(system: ActiveSystem, local: Local, at: Primal, active: Active) -> Primal:
    """The solution of the equations of the active set, linearised at a point.

    Multipliers come out of least norm; where that makes one of an inequality negative (dependent rows), the least
    change of the multipliers at hand is taken instead.
    """
    bound = torch.where(active.lower, local.lower, torch.where(active.upper, local.upper, at.x))
    rows = -torch.cat([local.c, local.g], -1)
    equal = ~active.z.any(-1)  # a guess of what is active may contradict itself by more than rounding
    r = system.consistent(Right(-local.gradient, rows, bound - at.x), equal)
    new = unpack(system.solve(r), at, bound, active)
    if system.dual_nonunique.any():
        bent = system.dual_nonunique & ((new.z < 0).any(-1) | (new.z_lower < 0).any(-1) | (new.z_upper < 0).any(-1))
        new = bend(system, r, at, bound, active).where(bent, new)
    return replace(new, x=held_alone(system, local, at, new.x))


def held_alone(system: ActiveSystem, local: Local, at: Primal, x: Tensor) -> Tensor:
    """The new x (B, n) with entries that an active row of one entry holds where that row says, to the last digit.

    Beside entries of size 1, the factors do not tell a state that starts at 1e-20 from 0.
    """
    entries = system.A != 0
    alone = (entries.sum(-1) == 1) & system.rows & ~system.dual_nonunique[:, None]
    b, r = alone.nonzero().unbind(-1)
    if len(b) == 0:
        return x
    i = entries[b, r].to(torch.int8).argmax(-1)
    found = at.x[b, i] - torch.cat([local.c, local.g], -1)[b, r] / system.A[b, r, i]
    return x.index_put((b, i), torch.where(system.fixed[b, i], x[b, i], found))


def bend(system: ActiveSystem, r: Right, at: Primal, bound: Tensor, active: Active) -> Primal:
    """The step for the same right-hand side with the least change of the multipliers, instead of their least norm."""
    multipliers = torch.cat([at.y, at.z * active.z], -1)
    b = at.z_upper * active.upper - at.z_lower * active.lower
    step = system.solve(Right(r.x - times(system.A.mT, multipliers) - b, r.rows, r.bounds))
    return unpack(Right(step.x, step.rows + multipliers, step.bounds + b), at, bound, active)


def unpack(w: Right, at: Primal, bound: Tensor, active: Active) -> Primal:
    """A step in x and new multipliers -> a point; variables at a bound stand there exactly."""
    x = torch.where(active.lower | active.upper, bound, at.x + w.x)
    p = at.y.shape[1]
    both = active.lower & active.upper
    lower = torch.where(both, (-w.bounds).clamp(min=0), -w.bounds * active.lower)
    upper = torch.where(both, w.bounds.clamp(min=0), w.bounds * active.upper)
    return Primal(x, w.rows[:, :p], w.rows[:, p:], lower, upper)
