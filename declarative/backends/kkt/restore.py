"""A point -> the point of least violation near it: a feasible one, or the proof that there is none nearby.

The Hessian of Gauss and Newton leads to feasible points fast, for it knows no negative curvature. Where there is none,
the exact one tells whether the violation has a minimum. Of rows that are affine only a ray proves it.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from declarative.backends.kkt.attempt import assess, improves, try_once
from declarative.backends.kkt.methods.effort import EFFORTS, approach
from declarative.backends.kkt.methods.nlp import Stop, inside
from declarative.backends.kkt.methods.restoration import FEASIBLE, beginning, feasible, soon, violation
from declarative.backends.kkt.methods.variants import feasibility
from declarative.backends.kkt.program.certify import Primal
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import Options, SmoothProgram, Theta, repeated, take
from declarative.backends.kkt.program.quadratic import rows_alone
from declarative.backends.kkt.spread import spread
from declarative.backends.kkt.verdict.answer import Answer, Blame
from declarative.backends.kkt.verdict.rays import infeasible
from declarative.backends.method import AUTO
from declarative.backends.status import Status

TRIALS, ENTRIES = 128, 4096  # places at which the violation is measured, and their entries, at most
PLACES = 8  # from where a feasible point is looked for, before it is denied


@dataclass(frozen=True)
class Restored:
    """Points of least violation (B, n): `feasible` (B,), or certainly not (`hopeless`); and the rows' violations.

    `nearer` (B,): less is violated than before.
    """

    x: Tensor
    feasible: Tensor
    hopeless: Tensor
    nearer: Tensor
    blame: Blame


def restore(program: SmoothProgram, theta: Theta, x: Tensor, options: Options) -> Restored:
    """The point of least violation near x (B, n)."""
    d, n, own = Derivatives(program, theta), program.n, replace(options, forward=AUTO)
    before, begin = violation(d, inside(x, *d.bounds(x))), beginning(d, x)
    at, stop, count = approach(feasibility(program, linearised=True), theta, begin, soon(own), EFFORTS[0])
    x, done = at.x[:, :n], feasible(d, at.x[:, :n])
    minimum, low, high = torch.zeros_like(done), torch.zeros_like(x), torch.zeros_like(x)
    items = (~done).nonzero()[:, 0]
    if len(items):
        reached = at.take(items), stop.take(items), count[items]
        found = least(feasibility(program), take(theta, items), begin[items], reached, own)
        minimum = minimum.index_put((items,), (found.status == Status.SOLVED) & found.minimum)
        x, low, high = (
            whole.index_put((items,), part[:, :n])
            for whole, part in ((x, found.x), (low, found.z_lower), (high, found.z_upper))
        )
        done = feasible(d, x)
    after = violation(d, x)
    hopeless = ~done & minimum & (after <= before * (1 + FEASIBLE))  # else it was no way down
    blame = Blame(d.c(x).abs(), d.g(x).clamp(min=0), low, high)
    if program.affine:
        hopeless, blame = refuted(d, x, ~done, blame)
    return Restored(x, done, hopeless, after < before, blame)


def refuted(d: Derivatives, x: Tensor, doubtful: Tensor, blame: Blame) -> tuple[Tensor, Blame]:
    """(B,): those of the `doubtful` that a ray contradicts, where all rows are affine, x being (B, n); its parts.

    A violation with a minimum that is not zero is no proof: a side of 1e-30 is not told from 0 by a sum of squares.
    """
    items = doubtful.nonzero()[:, 0]
    if len(items) == 0:
        return doubtful, blame
    rows = rows_alone(Derivatives(d.program, take(d.theta, items)), x[items])
    proved, weights = infeasible(rows, torch.zeros_like(x[items]))
    return doubtful.index_put((items,), proved), blame.put(items, weights)


def look_around(program: SmoothProgram, theta: Theta, found: Restored, x: Tensor, options: Options) -> Restored:
    """The same, with a feasible point for items that had none, where one is reached from somewhere around x (B, n)."""
    items = (~found.feasible).nonzero()[:, 0]
    if len(items) == 0:
        return found
    d, n, own = Derivatives(program, take(theta, items)), program.n, replace(options, forward=AUTO)
    some, best = promising(d, x[items])
    d = Derivatives(program, repeated(d.theta, PLACES))
    begin = beginning(d, some.flatten(0, 1)), beginning(d, best.flatten(0, 1))
    linear, exact = feasibility(program, linearised=True), feasibility(program)
    ends = [
        approach(linear, d.theta, begin[0], soon(own), EFFORTS[0])[0].x[:, :n].view_as(some),
        approach(exact, d.theta, begin[1], own, EFFORTS[0])[0].x[:, :n].view_as(best),
    ]
    there = torch.cat([best, *ends], 1)
    led = torch.cat([feasible(d, part.flatten(0, 1)).view(-1, PLACES) for part in (best, *ends)], 1)
    which, first = led.any(-1).nonzero()[:, 0], led.to(torch.int8).argmax(-1)
    items, no = items[which], torch.zeros_like(which, dtype=torch.bool)
    return replace(
        found,
        x=found.x.index_copy(0, items, there[which, first[which]]),
        feasible=found.feasible.index_copy(0, items, ~no),
        hopeless=found.hopeless.index_copy(0, items, no),
    )


def promising(d: Derivatives, x: Tensor) -> tuple[Tensor, Tensor]:
    """(B, PLACES, n): the first of many places around x (B, n), and of the others those of least violation."""
    count = max(2 * PLACES, min(TRIALS, ENTRIES // max(x.shape[1], 1)))
    first, rest = around(x, *d.bounds(x), count).split([PLACES, count - PLACES], 1)
    several = Derivatives(d.program, repeated(d.theta, count - PLACES))
    worth = violation(several, rest.flatten(0, 1)).view(len(x), -1)
    best = worth.topk(PLACES, largest=False).indices
    return first, rest.gather(1, best[:, :, None].expand(-1, -1, x.shape[1]))


def around(x: Tensor, lower: Tensor, upper: Tensor, count: int) -> Tensor:
    """(B, count, n): all entries moved up by the same, all moved down, and at random; half of these evenly in boxes."""
    x = inside(x, lower, upper)
    size = x.abs().amax(-1, keepdim=True).clamp(min=1)
    ways = [inside(x + size, lower, upper), inside(x - size, lower, upper)]
    others = spread(x, lower, upper, count - 1).view(len(x), count - 1, -1)[:, 1:]
    gap = (upper - lower)[:, None]
    over = lower[:, None] + even((count - 1) // 2, x) * gap
    others[:, ::2] = torch.where(gap.isfinite(), over, others[:, ::2])
    return torch.cat([torch.stack(ways, 1), others], 1)


def even(count: int, x: Tensor) -> Tensor:
    """(count, n): fractions, the same in each column but for their order; always the same (a Latin hypercube)."""
    seeded = torch.Generator().manual_seed(0)
    orders = [torch.randperm(count, generator=seeded) for _ in range(x.shape[1])]
    return (torch.stack(orders, 1).to(x) + 0.5) / count


def least(
    program: SmoothProgram, theta: Theta, begin: Tensor, reached: tuple[Primal, Stop, Tensor], options: Options
) -> Answer:
    """The minimum of the violation, from a point that a method has reached; what it shows to be a saddle is left."""
    first = assess(program, theta, begin, reached, options, begin)
    answer, solved = first.answer, first.answer.status == Status.SOLVED
    items = (~solved | ~answer.minimum).nonzero()[:, 0]
    if len(items) == 0:
        return answer
    on = torch.where(solved[:, None], first.way_out, answer.x)  # far away, units change: once more in those of the end
    on = torch.where(on.isfinite(), on, begin)[items]
    again = try_once(program, take(theta, items), on, options, EFFORTS[1], begin[items]).answer
    return answer.put(items, again.where(improves(again, answer.take(items)), answer.take(items)))
