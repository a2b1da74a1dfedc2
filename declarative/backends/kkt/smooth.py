"""A batch of smooth programs -> certified answers: forward method, polishing, and what to do where that is not enough.

Where the point found is stationary but no minimum along the active constraints (negative curvature, or an inflection),
the item leaves it along the direction that shows it. Where feasibility was not reached, the violation is minimised:
either a feasible point comes out, to start again from, or a local minimum of the violation, which is what `infeasible`
means for a nonconvex program.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from declarative.backends.kkt.answer import MOST_BLAMED, Answer, Blame, Reason, certified, unknown
from declarative.backends.kkt.certify import Primal, evaluate, measure, units
from declarative.backends.kkt.derivatives import Derivatives
from declarative.backends.kkt.doubts import doubtful
from declarative.backends.kkt.effort import EFFORTS, Effort, approach, efforts
from declarative.backends.kkt.falls import falls_for_ever, far_fetched
from declarative.backends.kkt.nlp import FAR, Stop, inside
from declarative.backends.kkt.polish import Polished, polish
from declarative.backends.kkt.program import Options, SmoothProgram, Theta, take
from declarative.backends.kkt.system import ActiveSystem
from declarative.backends.kkt.variants import least_violation
from declarative.backends.kkt.warm import Warm, resumed
from declarative.backends.method import AUTO
from declarative.backends.status import Status

POLISH = 10
CURVED = 1e-7  # curvature below minus this, in equilibrated units, is negative
LEAVE = 0.1  # the step away from a saddle, beside the size of x
FEASIBLE = 1e-7
NEAR = 1e-3  # how far, beside the size of x, an inflection is looked for
ROUNDING = 1e-12
Blamed = dict[int, list[tuple[str, int]]]


@dataclass(frozen=True)
class Attempt:
    """An answer, why the method stopped and at which points, and where a saddle can be left, both (B, n)."""

    answer: Answer
    stop: Stop
    reached: Tensor  # before polishing, which leads back from far away
    way_out: Tensor


def solve_smooth(program: SmoothProgram, theta: Theta, x0: Tensor, options: Options) -> tuple[Answer, Blamed]:
    """Answers for B items from x0 (B, n), and the rows to blame for those that are infeasible."""
    answer, start = screened(program, theta, x0)
    pending = (answer.reason == Reason.STALLED).nonzero()[:, 0]
    lower, upper = Derivatives(program, theta).bounds(x0)
    start, began, blamed = start[pending], x0.clamp(lower, upper)[pending], crossing(lower, upper)
    for attempts, effort in enumerate(efforts(options)):
        if len(pending) == 0:
            break
        here = take(theta, pending)
        attempt = try_once(program, here, start, options, effort, began)
        verdict = judge(program, here, answer.take(pending), attempt, start, options, last=attempts > 0)
        blamed |= {int(pending[i]): rows for i, rows in verdict.blamed.items()}
        answer = answer.put(pending, verdict.answer)
        start, began, pending = verdict.start[verdict.retry], began[verdict.retry], pending[verdict.retry]
    away = (
        answer.x.abs().amax(-1) > FAR * x0.abs().amax(-1).clamp(min=1)
        if program.n
        else torch.zeros_like(answer.nonunique)
    )
    answer = answer.marked(away & (answer.status == Status.SOLVED), Status.FAILED, Reason.ESCAPES)
    saddle = (answer.status == Status.SOLVED) & ~answer.minimum  # no attempt to leave it led to anything better
    answer = replace(answer, degenerate=answer.degenerate | saddle)
    return answer, {i: rows for i, rows in blamed.items() if answer.status[i] == Status.INFEASIBLE}


def crossing(lower: Tensor, upper: Tensor) -> Blamed:
    """By item, bounds that contradict each other, entry by entry."""
    blamed: Blamed = {}
    for item, entry in (lower > upper).nonzero()[:MOST_BLAMED].tolist():
        blamed.setdefault(item, []).extend([("lower", entry), ("upper", entry)])
    return blamed


def following(
    afresh: Callable[[SmoothProgram, Theta, Tensor, Options], tuple[Answer, Blamed]],
    program: SmoothProgram,
    theta: Theta,
    x0: Tensor,
    options: Options,
    warm: Warm | None,
) -> tuple[Answer, Blamed]:
    """What the previous solution leads to where that is sure, on its branch; the others `afresh`."""
    if warm is None or options.forward.name in ("ipopt", "given"):
        return afresh(program, theta, x0, options)
    answer = resume_smooth(program, theta, x0, options, warm)
    rest = (answer.status != Status.SOLVED).nonzero()[:, 0]
    if len(rest) == 0:
        return answer, {}
    other, blamed = afresh(program, take(theta, rest), x0[rest], options)
    return answer.put(rest, other), {int(rest[i]): rows for i, rows in blamed.items()}


def resume_smooth(program: SmoothProgram, theta: Theta, x0: Tensor, options: Options, warm: Warm) -> Answer:
    """What the previous solution leads to; solved where that is sure, and nothing elsewhere."""
    answer = unknown(len(x0), program.n, program.p, program.q, x0)
    sound = [~t.reshape(len(t), -1).isnan().any(-1).expand(len(x0)) for t in theta]
    items = torch.stack([warm.usable, *sound]).all(0).nonzero()[:, 0]
    if len(items) == 0:
        return answer
    d = Derivatives(program, take(theta, items))
    found, sure = resumed(d, program, warm.take(items), POLISH)
    some, _ = examined(d, found, torch.zeros_like(items), options)
    sure &= (some.status == Status.SOLVED) & some.minimum & ~some.degenerate
    sure &= (found.local.lower <= found.local.upper).all(-1)
    return answer.put(items[sure], some.take(sure.nonzero()[:, 0]))


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
    away = lost & attempt.stop.diverged & (new.primal <= FEASIBLE)
    falls = away & falls_for_ever(Derivatives(program, theta), start, attempt.reached) if away.any() else away
    answer = new.where(improves(new, old), old).marked(falls, Status.UNBOUNDED, Reason.FALLS)
    answer = answer.marked(away & ~falls & (answer.status != Status.SOLVED), Status.FAILED, Reason.ESCAPES)
    saddle = ~lost & ~new.minimum
    following = torch.where(saddle[:, None], attempt.way_out, start)
    seek = (lost & ~falls).nonzero()[:, 0]
    if len(seek) == 0:
        return Verdict(answer, saddle, following, {})
    d = Derivatives(program, theta)
    nearer = (violation(d, new.x) <= violation(d, start)) & ~attempt.stop.diverged
    point = torch.where(nearer[:, None], new.x, start)[seek]
    found = restore(program, take(theta, seek), point, options)
    hopeless = torch.zeros_like(lost).index_put((seek,), found.hopeless)
    answer = answer.marked(hopeless & (answer.status != Status.SOLVED), Status.INFEASIBLE, Reason.VIOLATION)
    hopeful = torch.zeros_like(lost).index_put((seek,), found.feasible) & (answer.status == Status.INFEASIBLE)
    answer = answer.marked(hopeful, Status.FAILED, Reason.STALLED)  # a feasible point has come to light
    away = torch.where(found.hopeless[:, None], elsewhere(start[seek]), found.x)
    retry = saddle.index_put((seek,), found.feasible | (found.hopeless & (not last)))
    blamed = {int(seek[i]): found.blame.heaviest(int(i)) for i in found.hopeless.nonzero()[:, 0]}
    return Verdict(answer, retry, following.index_put((seek,), away), blamed)


def violation(d: Derivatives, x: Tensor) -> Tensor:
    """(B,): how much the rows are violated in all; infinite where x is not a number."""
    return torch.cat([d.c(x).abs(), d.g(x).clamp(min=0)], -1).sum(-1).nan_to_num(nan=torch.inf)


def elsewhere(x: Tensor) -> Tensor:
    """Another start, about as far from x as x is large; always the same one."""
    wave = torch.sin(1.0 + 2.0 * torch.arange(x.shape[1], dtype=x.dtype, device=x.device))
    return x + wave * x.abs().amax(-1, keepdim=True).clamp(min=1)


def screened(program: SmoothProgram, theta: Theta, x0: Tensor) -> tuple[Answer, Tensor]:
    """Items that cannot be begun are marked; the others are `STALLED`, with a start (B, n) where all is finite."""
    answer = unknown(len(x0), program.n, program.p, program.q, x0)
    d = Derivatives(program, theta)
    lower, upper = d.bounds(x0)
    numbers = torch.stack(
        [~t.reshape(len(t), -1).isnan().any(-1).expand(len(x0)) for t in theta] or [x0.isfinite().all(-1)]
    ).all(0)
    crossed = (lower > upper).any(-1)
    start, ready = x0, torch.zeros_like(crossed)
    for candidate in (x0, torch.ones_like(x0), torch.full_like(x0, 0.1), -torch.ones_like(x0)):
        candidate = inside(candidate, lower, upper)
        sound = torch.cat([d.f(candidate)[:, None], d.gradient(candidate), d.c(candidate)], -1).isfinite().all(-1)
        sound &= (d.g(candidate) < torch.inf).all(-1) & candidate.isfinite().all(-1)
        start, ready = torch.where((sound & ~ready)[:, None], candidate, start), ready | sound
        if (ready | ~numbers).all():
            break
    answer = answer.marked(numbers & ~ready, Status.FAILED, Reason.START)
    answer = answer.marked(numbers & crossed, Status.INFEASIBLE, Reason.NO_POINT)
    return answer.marked(numbers & ready & ~crossed, Status.FAILED, Reason.STALLED), start


def improves(new: Answer, old: Answer) -> Tensor:
    """(B,): solved beats not solved, then the lower value, or the smaller residual."""
    solved, before = new.status == Status.SOLVED, old.status == Status.SOLVED
    worst = torch.maximum(torch.maximum(old.primal, old.dual), old.gap)
    smaller = torch.maximum(torch.maximum(new.primal, new.dual), new.gap) < worst.nan_to_num(nan=torch.inf)
    undecided = ~solved & ~before & (old.status != Status.INFEASIBLE)
    return solved & (~before | (new.value < old.value)) | undecided & (smaller | old.x.isnan().any(-1))


def try_once(
    program: SmoothProgram, theta: Theta, x0: Tensor, options: Options, effort: Effort, began: Tensor
) -> Attempt:
    """A forward method, then Newton steps on the active set, then the second-order test.

    The first attempt `began` where the user wanted to, or at the nearest point within the bounds.
    """
    d = Derivatives(program, theta)
    at, stop, count = approach(program, theta, x0, options, effort)
    found = polish(d, at, program.open_domain, program.blocks, POLISH, began)
    first = (x0 == inside(began, *d.bounds(began))).all(-1)
    still = (found.shares.error > options.tolerance) & first
    if still.any() and (still := still & standing(d, began)).any():  # the method has only walked away
        found = polish(d, resting(d, began).where(still, at), program.open_domain, program.blocks, POLISH, began)
    answer, way = examined(d, found, count, options)
    stop = replace(stop, diverged=stop.diverged | far_fetched(found.local.H, began, found.at.x))
    answer = answer.marked(stop.diverged & (answer.status == Status.SOLVED), Status.FAILED, Reason.ESCAPES)
    step = LEAVE * found.at.x.abs().amax(-1, keepdim=True).clamp(min=1) if program.n else at.x
    return Attempt(answer, stop, at.x, found.at.x + step * way)


def examined(d: Derivatives, found: Polished, count: Tensor, options: Options) -> tuple[Answer, Tensor]:
    """A point with its status and its second-order test; and the unit direction (B, n) that leaves it, or 0."""
    answer = certified(found, count, options.tolerance)
    minimum, way = second_order(found.system)
    bent, over = inflection(d, found, minimum & (found.system.loose | found.flat).any(-1))
    doubts = answer.degenerate | doubtful(found, d.program.open_domain)
    return replace(answer, minimum=minimum & ~bent, degenerate=doubts), torch.where(bent[:, None], over, way)


def standing(d: Derivatives, x: Tensor) -> Tensor:
    """(B,): nothing moves x: it is feasible, and f has no slope there."""
    rows = (d.c(x) == 0).all(-1) & (d.g(x) <= 0).all(-1)
    return rows & (d.gradient(x) == 0).all(-1)


def resting(d: Derivatives, x: Tensor) -> Primal:
    """x without multipliers."""
    nothing = torch.zeros_like(x)
    return Primal(x, x.new_zeros(len(x), d.program.p), x.new_zeros(len(x), d.program.q), nothing, nothing)


def second_order(system: ActiveSystem) -> tuple[Tensor, Tensor]:
    """(B,): no negative curvature along the active constraints; and the unit direction (B, n) of the most negative.

    The direction is 0 where the curvature is positive.
    """
    minimum, way = system.surely_curved.clone(), system.H.new_zeros(system.H.shape[:2])
    items = (~minimum).nonzero()[:, 0]
    if len(items) == 0 or way.shape[1] == 0:
        return torch.ones_like(minimum), way
    curvature, directions = system.curvature(items)
    least, where = curvature.min(-1)
    minimum[items] = least > -CURVED
    found = directions.gather(2, where[:, None, None].expand(-1, directions.shape[1], 1))[..., 0]
    way[items] = found / found.abs().amax(-1, keepdim=True).clamp(min=1e-300)
    return minimum, way


def inflection(d: Derivatives, found: Polished, suspects: Tensor) -> tuple[Tensor, Tensor]:
    """(B,): the Lagrangian falls along a direction without curvature, as x^3 does at 0; and that direction (B, n).

    Looked for where the second-order test says nothing, in `suspects` (B,). Near a flat minimum it falls a little too,
    but then rises at least three times as much on the other side.
    """
    no, way = torch.zeros_like(suspects), torch.zeros_like(found.at.x)
    items = suspects.nonzero()[:, 0]
    if len(items) == 0:
        return no, way
    W = torch.cat([found.system.flat(items), torch.diag_embed(found.flat[items].to(way.dtype))], -1)
    W = W / W.abs().amax((1, 2), keepdim=True).clamp(min=1e-300)
    at, here = found.at.take(items), Derivatives(d.program, take(d.theta, items))
    step, base = NEAR * at.x.abs().amax(-1, keepdim=True).clamp(min=1), here.lagrangian(at.x, at.y, at.z)
    for w in W.unbind(-1):
        up, down = (here.lagrangian(at.x + sign * step * w, at.y, at.z) for sign in (1, -1))
        drop = base - torch.minimum(up, down)
        falls = (drop > (torch.maximum(up, down) - base) / 2) & (drop > ROUNDING * (up.abs() + base.abs() + down.abs()))
        over = torch.where((falls & (up < down))[:, None], w, torch.where(falls[:, None], -w, way[items]))
        no, way = no.index_put((items,), no[items] | falls), way.index_put((items,), over)
    return no, way


@dataclass(frozen=True)
class Restored:
    """Points of least violation (B, n): `feasible` (B,), or certainly not (`hopeless`); and the rows' violations."""

    x: Tensor
    feasible: Tensor
    hopeless: Tensor
    blame: Blame


def restore(program: SmoothProgram, theta: Theta, x: Tensor, options: Options) -> Restored:
    """The point of least violation near x (B, n)."""
    d, n = Derivatives(program, theta), program.n
    t = d.g(inside(x, *d.bounds(x))).clamp(min=0)
    least, own, at = least_violation(program), replace(options, forward=AUTO), torch.cat([x, t], -1)
    answer = try_once(least, theta, at, own, EFFORTS[0], at).answer
    if (answer.status != Status.SOLVED).any():  # far away, units change on the way: once more in those of the end
        again = try_once(least, theta, torch.where(answer.x.isfinite(), answer.x, at), own, EFFORTS[1], at).answer
        answer = again.where(improves(again, answer), answer)
    before, x = violation(d, inside(x, *d.bounds(x))), answer.x[:, :n]
    nothing = x.new_zeros(len(x), program.p), x.new_zeros(len(x), program.q), torch.zeros_like(x), torch.zeros_like(x)
    at = Primal(x, *nothing)
    local = evaluate(d, at)
    feasible = measure(local, at, program.blocks, units(local)).primal <= FEASIBLE
    blame = Blame(local.c.abs(), local.g.clamp(min=0), answer.z_lower[:, :n], answer.z_upper[:, :n])
    nearer = violation(d, x) <= before * (1 + FEASIBLE)  # else it was no way down
    return Restored(x, feasible, ~feasible & (answer.status == Status.SOLVED) & nearer, blame)
