"""A batch of smooth programs -> certified answers: forward method, polishing, and what to do where that is not enough.

Where the point found is stationary but no minimum along the active constraints (negative curvature, or an inflection),
the item leaves it along the direction that shows it; where that leads to lower values but to no minimum, it has failed.
Where feasibility was not reached, the violation is minimised: either a feasible point comes out, to start again from,
or a local minimum of the violation, which is what `infeasible` means for a nonconvex program (a ray where all rows are
affine).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from declarative.backends.kkt.attempt import POLISH, Attempt, examined, improves, try_once
from declarative.backends.kkt.linear.system import System, joined
from declarative.backends.kkt.methods.effort import BY_MULTIPLIERS, efforts
from declarative.backends.kkt.methods.nlp import inside
from declarative.backends.kkt.methods.restoration import FEASIBLE, drawn_back, feasible, violation
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.items import Items
from declarative.backends.kkt.program.program import Options, SmoothProgram, Theta, take
from declarative.backends.kkt.restore import look_around, restore
from declarative.backends.kkt.spread import mirrored
from declarative.backends.kkt.verdict.answer import MOST_BLAMED, Answer, Reason, unknown
from declarative.backends.kkt.verdict.falls import far, runs_away
from declarative.backends.kkt.verdict.slides import entwined
from declarative.backends.kkt.warm import Warm, resumed
from declarative.backends.status import Status

ROUNDING = 1e-12  # of the terms of an equation
LOWER = 1e-9  # values that differ by less, beside themselves, are the same

Blamed = dict[int, list[tuple[str, int]]]
Solved = tuple[Answer, Blamed, System | None]


def solve_smooth(program: SmoothProgram, theta: Theta, x0: Tensor, options: Options, starts: int = 1) -> Solved:
    """Answers for B items from x0 (B, n), the rows to blame for those that are infeasible, the others' systems.

    Where so many `starts` that follow each other are of one item, the others rest once one has found a minimum.
    """
    (answer, start, began), system = screened(program, theta, x0), None
    lower, upper = Derivatives(program, theta).bounds(x0)
    items = (answer.reason == Reason.STALLED).nonzero()[:, 0]
    blamed = crossing(lower, upper) if len(items) < len(x0) else {}
    pending = Pending(items, start[items], began[items])
    for attempts, effort in enumerate(efforts(options)):
        if len(pending.items) == 0:
            break
        here = theta if len(pending.items) == len(x0) else take(theta, pending.items)
        attempt = try_once(program, here, pending.start, options, effort, pending.began)
        if attempts == 0 and len(items) == len(x0) and finished(attempt.answer):
            answer, system = attempt.answer, attempt.system
            break
        old = answer.take(pending.items)
        better = improves(attempt.answer, old)
        taken = better.nonzero()[:, 0]
        answer = answer.put(pending.items[taken], attempt.answer.take(taken))
        system = joined(system, pending.items[taken], attempt.system.take(taken), len(x0))
        on = ~resting(answer, starts)[pending.items]
        if options.brief:
            on &= answer.status[pending.items] == Status.SOLVED
        on = on.nonzero()[:, 0]
        if len(on) == 0:
            break
        if len(on) < len(pending.items):
            pending, attempt, old = pending.take(on), attempt.take(on), old.take(on)
            here = take(theta, pending.items)
        verdict = judge(program, here, old, attempt, pending.start, options, last=attempts > 0)
        blamed |= {int(pending.items[i]): rows for i, rows in verdict.blamed.items()}
        answer = answer.put(pending.items, verdict.answer)
        pending = replace(pending, start=verdict.start).take(verdict.retry.nonzero()[:, 0])
        pending = pending.take((answer.reason[pending.items] != Reason.DEPENDENT).nonzero()[:, 0])
    if not answer.minimum.all():
        saddle = (answer.status == Status.SOLVED) & ~answer.minimum  # no attempt to leave it led to anything better
        answer = replace(answer, degenerate=answer.degenerate | saddle)
    return answer, {i: rows for i, rows in blamed.items() if answer.status[i] == Status.INFEASIBLE}, system


@dataclass(frozen=True)
class Pending(Items):
    """Items (K,) that have no answer yet, from where they try next, and where they began, both (K, n)."""

    items: Tensor
    start: Tensor
    began: Tensor


def rescued(program: SmoothProgram, theta: Theta, x0: Tensor, options: Options, solved: Solved) -> Solved:
    """The same, with items whose rows depend on each other solved by the augmented Lagrangian, which does not mind; and
    those at saddles that were not left, where it comes lower.
    """
    answer, blamed, system = solved
    stalled = ((answer.status > Status.SOLVED) & (answer.reason == Reason.STALLED)).nonzero()[:, 0]
    if len(stalled):
        items = stalled[entwined(Derivatives(program, take(theta, stalled)), answer.x[stalled])]
        dependent = torch.full_like(items, int(Reason.DEPENDENT)).to(answer.reason.dtype)
        answer = replace(answer, reason=answer.reason.index_put((items,), dependent))
    saddle = (answer.status == Status.SOLVED) & ~answer.minimum
    items = (saddle | (answer.reason == Reason.DEPENDENT)).nonzero()[:, 0]
    if len(items) == 0 or options.forward.name in ("ipopt", "given", "lbfgs") or options.brief:
        return answer, blamed, system
    began = screened(program, take(theta, items), x0[items])[2]
    attempt = try_once(program, take(theta, items), began, options, BY_MULTIPLIERS, began)
    found = (attempt.answer.status == Status.SOLVED) & attempt.answer.minimum
    taken = (found & ~(saddle[items] & (attempt.answer.value >= answer.value[items]))).nonzero()[:, 0]
    answer = answer.put(items[taken], attempt.answer.take(taken))
    return answer, blamed, joined(system, items[taken], attempt.system.take(taken), len(x0))


def finished(answer: Answer) -> bool:
    """All items are at a minimum."""
    return bool(((answer.status == Status.SOLVED) & answer.minimum).all())


def resting(answer: Answer, starts: int) -> Tensor:
    """(B,): no minimum, nor on the way to a better one than another of the starts of the same item has led to."""
    solved = answer.status == Status.SOLVED
    minimum = solved & answer.minimum
    best = torch.where(minimum, answer.value, torch.inf).view(-1, starts).amin(-1).repeat_interleave(starts)
    return (best < torch.inf) & ~minimum & ~(solved & (answer.value < best))


def crossing(lower: Tensor, upper: Tensor) -> Blamed:
    """By item, bounds that contradict each other, entry by entry."""
    blamed: Blamed = {}
    for item, entry in (lower > upper).nonzero()[:MOST_BLAMED].tolist():
        blamed.setdefault(item, []).extend([("lower", entry), ("upper", entry)])
    return blamed


def following(
    afresh: Callable[[SmoothProgram, Theta, Tensor, Options], Solved],
    program: SmoothProgram,
    theta: Theta,
    x0: Tensor,
    options: Options,
    warm: Warm | None,
) -> Solved:
    """What the previous solution leads to where that is sure, on its branch; the others `afresh`."""
    if warm is None or options.forward.name in ("ipopt", "given"):
        return afresh(program, theta, x0, options)
    answer, system = resume_smooth(program, theta, x0, options, warm)
    rest = (answer.status != Status.SOLVED).nonzero()[:, 0]
    if len(rest) == 0:
        return answer, {}, system
    other, blamed, own = afresh(program, take(theta, rest), x0[rest], options)
    blamed = {int(rest[i]): rows for i, rows in blamed.items()}
    return answer.put(rest, other), blamed, joined(system, rest, own, len(x0))


def resume_smooth(
    program: SmoothProgram, theta: Theta, x0: Tensor, options: Options, warm: Warm
) -> tuple[Answer, System | None]:
    """What the previous solution leads to; solved where that is sure, and nothing elsewhere."""
    answer = unknown(len(x0), program.n, program.p, program.q, x0)
    items = (warm.usable & _are_numbers(theta, x0)).nonzero()[:, 0]
    if len(items) == 0:
        return answer, None
    d = Derivatives(program, take(theta, items))
    found, sure = resumed(d, program, warm.take(items), POLISH)
    sure &= (found.local.lower <= found.local.upper).all(-1)
    if not sure.all():  # the others would only be looked at more closely
        taken = sure.nonzero()[:, 0]
        items, found, d = items[taken], found.take(taken), Derivatives(program, take(d.theta, taken))
        if len(items) == 0:
            return answer, None
    some, _ = examined(d, found, torch.zeros_like(items), options)
    taken = ((some.status == Status.SOLVED) & some.minimum & ~some.degenerate).nonzero()[:, 0]
    system = joined(None, items[taken], found.system.take(taken), len(x0))
    return answer.put(items[taken], some.take(taken)), system


@dataclass(frozen=True)
class Verdict:
    """The better answers so far, which items (B,) should try again, from where (B, n), and the rows to blame."""

    answer: Answer
    retry: Tensor
    start: Tensor
    blamed: Blamed


def judge(
    program: SmoothProgram, theta: Theta, old: Answer, attempt: Attempt, start: Tensor, options: Options, last: bool
) -> Verdict:
    """What an attempt has shown. An infeasible item tries once more from elsewhere, unless this is the `last` time."""
    new = attempt.answer
    lost = new.status != Status.SOLVED
    if not bool((lost | ~new.minimum | (old.status == Status.SOLVED)).any()):
        return Verdict(new, lost, start, {})
    held = lost & (new.primal <= FEASIBLE)
    away = held & attempt.stop.diverged
    beyond = away | held & far(attempt.reached, start)
    if program.p and program.open_domain.any() and beyond.any():
        beyond = beyond & defined(Derivatives(program, theta), attempt.reached)
    falls = runs_away(Derivatives(program, theta), start, attempt.reached, beyond, sure=True)
    answer = new.where(improves(new, old), old).marked(falls, Status.UNBOUNDED, Reason.FALLS)
    answer = answer.marked(away & ~falls & (answer.status != Status.SOLVED), Status.FAILED, Reason.ESCAPES)
    left = lost & ~falls & (old.status == Status.SOLVED) & ~old.minimum
    left &= comes_lower(Derivatives(program, theta), new, old.value)
    answer = answer.marked(left, Status.FAILED, Reason.SADDLE)
    saddle = ~lost & ~new.minimum
    following = torch.where(saddle[:, None], attempt.way_out, start)
    seek = (lost & ~falls).nonzero()[:, 0]
    if len(seek) == 0:
        return Verdict(answer, saddle, following, {})
    d = Derivatives(program, theta)
    nearer = (violation(d, new.x) <= violation(d, start)) & ~attempt.stop.diverged
    point = torch.where(nearer[:, None], new.x, start)[seek]
    found = restore(program, take(theta, seek), point, options)
    if last:
        found = look_around(program, take(theta, seek), found, start[seek], options)
    hopeless = torch.zeros_like(lost).index_put((seek,), found.hopeless)
    reason = Reason.NO_POINT if program.affine else Reason.VIOLATION
    answer = answer.marked(hopeless & (answer.status != Status.SOLVED), Status.INFEASIBLE, reason)
    hopeful = torch.zeros_like(lost).index_put((seek,), found.feasible) & (answer.status == Status.INFEASIBLE)
    answer = answer.marked(hopeful, Status.FAILED, Reason.STALLED)  # a feasible point has come to light
    lower, upper = (bound[seek] for bound in d.bounds(start))
    other = elsewhere(start[seek], lower, upper)
    there = drawn_back(Derivatives(program, take(theta, seek)), start[seek], found.x, found.feasible)
    away = torch.where((found.feasible | found.nearer & ~found.hopeless)[:, None], there, other)
    retry = saddle.index_put((seek,), ~found.hopeless | (not last))
    blamed = {int(seek[i]): found.blame.heaviest(int(i)) for i in found.hopeless.nonzero()[:, 0]}
    return Verdict(answer, retry, following.index_put((seek,), away), blamed)


def defined(d: Derivatives, x: Tensor) -> Tensor:
    """(B,): what the equations lack at x does not bring an entry out of its open domain, nor about as far.

    Of log(c*x), where c is 0, only u = 1e-9 is left, with u == c*x: nearly a point, and none.
    """
    (lower, upper), (low, high) = d.bounds(x), d.program.open_domain
    gap = torch.minimum((x - lower).where(low, torch.inf), (upper - x).where(high, torch.inf))[:, None]
    J, other = d.jacobian_c(x).abs(), (low | high).logical_not()
    room = torch.where(J > 0, J * gap, torch.inf).amin(-1) / 2
    rounding = ROUNDING * (J * (x.abs() * other)[:, None]).amax(-1)
    return (d.c(x).abs() <= torch.maximum(room, rounding)).all(-1)


def comes_lower(d: Derivatives, new: Answer, value: Tensor) -> Tensor:
    """(B,): points where the rows hold and the objective is below a value (B,), auxiliary variables at their values."""
    x, found, holds = new.x, new.value, new.primal <= FEASIBLE
    if d.program.settled is not None:
        settled = d.program.settled(x, d.theta)
        better = ~holds & feasible(d, settled)
        found, holds = torch.where(better, d.f(settled), found), holds | better
    return holds & (found < value - LOWER * torch.maximum(found.abs(), value.abs()))


def elsewhere(x: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """Another start between the bounds, about as far from x as x is large; always the same one."""
    wave = torch.sin(1.0 + 2.0 * torch.arange(x.shape[1], dtype=x.dtype, device=x.device))
    return mirrored(x + wave * x.abs().amax(-1, keepdim=True).clamp(min=1), lower, upper)


def screened(program: SmoothProgram, theta: Theta, x0: Tensor) -> tuple[Answer, Tensor, Tensor]:
    """Items that cannot be begun are marked; the others are `STALLED`, with a start (B, n) where all is finite, and
    with where the way to their answers begins (B, n): beside a fall from an infinite value every other is nothing.
    """
    answer, d = unknown(len(x0), program.n, program.p, program.q, x0), Derivatives(program, theta)
    start, ready, near, valued, numbers, crossed = d.run(tested, x0)
    if (ready & numbers & ~crossed).all():
        answer = replace(answer, reason=torch.full_like(answer.reason, int(Reason.STALLED)))
        return answer, start, near.where(valued[:, None], start)
    for number in (1.0, 0.1, -1.0):
        if (ready | ~numbers).all():
            break
        candidate, sound, *_ = d.run(tested, torch.full_like(x0, number))
        start, ready = torch.where(ready[:, None], start, candidate), ready | sound
    start = torch.where(ready[:, None], start, x0)
    answer = answer.marked(numbers & ~ready, Status.FAILED, Reason.START)
    if not ready.all():
        lower, upper = d.bounds(x0)
        edge = (program.open_domain.any(0) & (lower >= upper)).any(-1)
        answer = answer.marked(numbers & ~ready & edge, Status.FAILED, Reason.EDGE)
    answer = answer.marked(numbers & crossed, Status.INFEASIBLE, Reason.NO_POINT)
    answer = answer.marked(numbers & ready & ~crossed, Status.FAILED, Reason.STALLED)
    return answer, start, near.where(valued[:, None], start)


def tested(d: Derivatives, x0: Tensor) -> tuple[Tensor, ...]:
    """x0 moved between its bounds (B, n), and whether all is finite there (B,); x0 moved onto them, if it is beyond,
    and whether f is finite there; whether the data are numbers, and the bounds cross.
    """
    lower, upper = d.bounds(x0)
    x, near = inside(x0, lower, upper), x0.clamp(lower, upper)
    sound = torch.cat([d.f(x)[:, None], d.gradient(x), d.c(x), x], -1).isfinite().all(-1) & (d.g(x) < torch.inf).all(-1)
    return x, sound, near, d.f(near)[:, None].isfinite().all(-1), _are_numbers(d.theta, x0), (lower > upper).any(-1)


def _are_numbers(theta: Theta, x0: Tensor) -> Tensor:
    """Whether the data of an item, or its start where there are none, hold no NaN, (B,)."""
    missing = [t.reshape(len(t), -1).isnan().any(-1).expand(len(x0)) for t in theta]
    return ~torch.stack(missing).any(0) if missing else x0.isfinite().all(-1)
