"""A start -> one attempt: a forward method, polishing, and the second-order test, with the way out of a saddle."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from declarative.backends.kkt.compiled.constants import FAR
from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.linear.system import ActiveSystem
from declarative.backends.kkt.methods.effort import Effort
from declarative.backends.kkt.methods.nlp import Stop, inside
from declarative.backends.kkt.methods.restoration import approach_restored
from declarative.backends.kkt.program.certify import Primal, worst
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import Active, Options, SmoothProgram, Theta, take
from declarative.backends.kkt.verdict.afresh import polished_afresh
from declarative.backends.kkt.verdict.answer import USABLE, Answer, Reason, certified
from declarative.backends.kkt.verdict.doubts import frail
from declarative.backends.kkt.verdict.edges import falls_at_an_edge
from declarative.backends.kkt.verdict.extents import missed, unsettled
from declarative.backends.kkt.verdict.falls import (
    LAST_DIGIT,
    SEVERAL,
    come_to_rest,
    far_fetched,
    levels_off,
    runs_away,
    tremor,
)
from declarative.backends.kkt.verdict.limits import tends_to_a_limit, without_end
from declarative.backends.kkt.verdict.mended import mended
from declarative.backends.kkt.verdict.polish import Polished, polish
from declarative.backends.kkt.verdict.settled import unfounded
from declarative.backends.kkt.verdict.slides import TORN, slides, tension
from declarative.backends.kkt.verdict.unsteady import unsteady
from declarative.backends.status import Status

POLISH = 10
CURVED = 1e-7  # curvature below minus this, in equilibrated units, is negative
LEAVE = 0.1  # the step away from a saddle, beside the size of x
NOTICED, LONGER = 1e-2, 20  # a fall beside the value; how often a step is made ten times longer to get there
NEAR = 1e-3  # how far, beside the size of x, an inflection is looked for
ROUNDING = 1e-12
LEAST = 1e-12  # by which a plateau near the start is above it


@dataclass(frozen=True)
class Attempt:
    """An answer, why the method stopped and at which points, and where a saddle can be left, both (B, n).

    `system` is that of the answer's active set.
    """

    answer: Answer
    system: ActiveSystem
    stop: Stop
    reached: Tensor  # before polishing, which leads back from far away
    way_out: Tensor

    def take(self, items: Tensor) -> "Attempt":
        """Those of some items (long, K)."""
        answer, system, stop = self.answer.take(items), self.system.take(items), self.stop.take(items)
        return Attempt(answer, system, stop, self.reached[items], self.way_out[items])


def try_once(
    program: SmoothProgram, theta: Theta, x0: Tensor, options: Options, effort: Effort, began: Tensor
) -> Attempt:
    """A forward method, then Newton steps on the active set, then the second-order test.

    The first attempt `began` where the user wanted to, or at the nearest point within the bounds.
    """
    reached = approach_restored(program, theta, x0, options, effort)
    return assess(program, theta, x0, reached, options, began)


def assess(
    program: SmoothProgram,
    theta: Theta,
    x0: Tensor,
    approached: tuple[Primal, Stop, Tensor],
    options: Options,
    began: Tensor,
) -> Attempt:
    """What there is at the point that a method has reached from x0."""
    (at, stop, count), d = approached, Derivatives(program, theta)
    found = polish(d, at, program.open_domain, program.blocks, POLISH, began, hidden=program.hidden)
    still = found.shares.error > options.tolerance
    if still.any():
        # has the method only walked away?
        still &= (x0 == inside(began, *d.bounds(began))).all(-1) & standing(d, began)
    if still.any():
        at = resting(d, began).where(still, at)
        found = polish(d, at, program.open_domain, program.blocks, POLISH, began, hidden=program.hidden)
    found, departed = polished_afresh(d, found, began, POLISH, options.tolerance)
    answer, way = examined(d, found, count, options, departed)
    answer, stop, runs = on_the_way(d, found, answer, stop, began)
    reached = found.at.x.where(runs[:, None], at.x)
    return Attempt(answer, found.system, stop, reached, found.at.x + leaving(d, found, way))


def leaving(d: Derivatives, found: Polished, way: Tensor) -> Tensor:
    """(B, n): the step away from saddles, along unit directions (B, n) or 0.

    Where the Lagrangian falls so little on it that a method would take its slope for none, it is made longer, as long
    as the fall is about what the curvature promises, but for rounding: cos(1e-9 x) is left by a step of 1e8.
    """
    at = found.at
    step = LEAVE * way * at.x.abs().amax(-1, keepdim=True).clamp(min=1) if at.x.shape[1] else way
    if not (way != 0).any():
        return step
    here = d.lagrangian(at.x, at.y, at.z)
    promised = -(times(found.local.H, step) * step).sum(-1) / 2
    for _ in range(LONGER):
        there = d.lagrangian(at.x + 10 * step, at.y, at.z)
        noise = LAST_DIGIT * (here.abs() + there.abs())
        grows = (promised > 0) & (promised < NOTICED * here.abs().clamp(min=1)) & (here - there > 50 * promised - noise)
        if not grows.any():
            break
        step, promised = torch.where(grows[:, None], 10 * step, step), torch.where(grows, 100 * promised, promised)
    return step


def on_the_way(
    d: Derivatives, found: Polished, answer: Answer, stop: Stop, began: Tensor
) -> tuple[Answer, Stop, Tensor]:
    """The answer, marked where a point is on its way to infinity; the stop, where that is sure; which items (B,) run
    away, from where they began (B, n).
    """
    at, local, suspects = found.at, found.local, found.suspects
    assert suspects is not None
    usable, far = answer.status <= Status.INACCURATE, bool(suspects.far.any())
    runs = runs_away(d, began, at.x, usable & suspects.far)
    if far:
        away = stop.diverged | (worst(at.x.abs()) > FAR * worst(began.abs()).clamp(min=1))
        away &= ~come_to_rest(local.H, suspects, at.x - began)
        stop = replace(stop, diverged=away | runs | far_fetched(local.H, began, at.x))
    answer = answer.marked(stop.diverged & (answer.status == Status.SOLVED), Status.FAILED, Reason.ESCAPES)
    if far:
        # no place for a method to have run out of iterations
        strays = ~(stop.converged | stop.stuck) & suspects.far & (local.f > d.f(began))
        answer = answer.marked(strays & usable, Status.FAILED, Reason.STALLED)
    usable = answer.status <= Status.INACCURATE
    edge = falls_at_an_edge(d, found, began, usable)
    answer, usable = answer.marked(edge, Status.FAILED, Reason.STALLED), usable & ~edge
    tends = tends_to_a_limit(d, found, began, suspects, usable)
    tends |= suspects.flat & (suspects.fall < 0) & answer.nonunique  # a plateau above where it began
    doubtful = answer.nonunique | answer.degenerate | suspects.flat
    gone, way = without_end(d, found, began, usable & ~tends, doubtful)
    tends, answer = tends | gone, answer.moving(way)
    if far:
        tends |= levels_off(d, local, began, at.x)
    answer = answer.marked(tends & usable, Status.FAILED, Reason.ESCAPES)
    blurred = answer.degenerate & answer.loose.any(-1)
    if blurred.any():
        blurred &= (answer.loose & (worst(local.H.abs()) > 0)).any(-1)  # curved less than others round
    flat = (answer.status <= Status.INACCURATE) & answer.nonunique & (suspects.far | blurred)
    if flat.any():
        first = d.f(began)
        least = torch.where(suspects.far, 0, LEAST) + ROUNDING * (local.f.abs() + first.abs())
        above = flat & (local.f - first > least)  # flat only by rounding
        answer = answer.marked(above & exactly_feasible(d, began), Status.FAILED, Reason.STALLED)
    return answer, stop, runs


def examined(
    d: Derivatives, found: Polished, count: Tensor, options: Options, began: Tensor | None = None
) -> tuple[Answer, Tensor]:
    """A point with its status and its second-order test; and the unit direction (B, n) that leaves it, or 0."""
    answer = certified(found, count, options.tolerance)
    if (loose := unsettled(d, found)).any():
        answer = short(answer, missed(d, found, loose), options.tolerance)
    fails = (answer.status <= Status.INACCURATE) & ~mended(d, found, began)
    fails |= unfounded(d, found, (answer.status <= Status.INACCURATE) & ~fails)
    answer = answer.marked(fails, Status.FAILED, Reason.STALLED)
    pull = tension(d, found, began)
    lower = slides(d, found, answer.status <= Status.INACCURATE, pull)
    answer = answer.marked(lower, Status.FAILED, Reason.DEPENDENT)
    minimum, way = second_order(found.system)
    bent, over = inflection(d, found, minimum & (found.system.loose | found.flat).any(-1))
    assert found.doubts is not None
    doubts = answer.degenerate | found.doubts | (pull > TORN) | frail(d, found.at, found.local, found.system)
    doubts |= unsteady(d, found, ~doubts & (answer.status <= Status.INACCURATE))
    return replace(answer, minimum=minimum & ~bent, degenerate=doubts), torch.where(bent[:, None], over, way)


def short(answer: Answer, error: Tensor, tolerance: float) -> Answer:
    """The answer, where its rows do not hold by an error (B,) beside what they are made of."""
    answer = answer.marked((error > tolerance) & (answer.status == Status.SOLVED), Status.INACCURATE, Reason.STALLED)
    answer = answer.marked((error > USABLE) & (answer.status == Status.INACCURATE), Status.FAILED, Reason.STALLED)
    return replace(answer, primal=torch.maximum(answer.primal, error))


def standing(d: Derivatives, x: Tensor) -> Tensor:
    """(B,): nothing moves x: it is feasible, and f has no slope there."""
    return exactly_feasible(d, x) & (d.gradient(x) == 0).all(-1)


def exactly_feasible(d: Derivatives, x: Tensor) -> Tensor:
    """(B,): the rows hold at x, without a tolerance."""
    return (d.c(x) == 0).all(-1) & (d.g(x) <= 0).all(-1)


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
    but then rises at least three times as much on the other side. What is not active must hold where it falls: t^3 has
    its minimum at 0 where t >= 0, with no multiplier.
    """
    no, way = torch.zeros_like(suspects), torch.zeros_like(found.at.x)
    items = suspects.nonzero()[:, 0]
    if len(items) == 0:
        return no, way
    flat = found.system.flat(items)
    flat = flat / flat.abs().amax((1, 2), keepdim=True).clamp(min=1e-300)
    W = torch.cat([flat, torch.diag_embed(found.flat[items].to(way.dtype))], -1)
    at, here = found.at.take(items), Derivatives(d.program, take(d.theta, items))
    step, base = NEAR * at.x.abs().amax(-1, keepdim=True).clamp(min=1), here.lagrangian(at.x, at.y, at.z)
    noise, active = tremor(lambda x: here.lagrangian(x, at.y, at.z), at.x), found.active.take(items)
    for w in W.unbind(-1):
        up, down = (here.lagrangian(at.x + sign * step * w, at.y, at.z) for sign in (1, -1))
        low = torch.where((up < down)[:, None], w, -w)
        drop = base - torch.minimum(up, down)
        falls = (drop > (torch.maximum(up, down) - base) / 2) & holds(here, at.x + step * low, active)
        falls &= drop > torch.maximum(SEVERAL * noise, ROUNDING * (up.abs() + base.abs() + down.abs()))
        over = torch.where(falls[:, None], low, way[items])
        no, way = no.index_put((items,), no[items] | falls), way.index_put((items,), over)
    return no, way


def holds(d: Derivatives, x: Tensor, active: Active) -> Tensor:
    """(B,): the bounds and the inequalities that are not active hold at x (B, n), but for rounding."""
    (lower, upper), room = d.bounds(x), ROUNDING * x.abs().amax(-1, keepdim=True).clamp(min=1)
    sides = active.z | (d.g(x) <= room), active.lower | (x >= lower - room), active.upper | (x <= upper + room)
    return torch.cat(sides, -1).all(-1)


def improves(new: Answer, old: Answer) -> Tensor:
    """(B,): solved beats not solved, then the lower value, or the smaller residual.

    Where lower values are known beside a saddle, another is no improvement.
    """
    solved, before = new.status == Status.SOLVED, old.status == Status.SOLVED
    solved &= new.minimum | (old.reason != Reason.SADDLE)
    worst = torch.maximum(torch.maximum(old.primal, old.dual), old.gap)
    smaller = torch.maximum(torch.maximum(new.primal, new.dual), new.gap) < worst.nan_to_num(nan=torch.inf)
    undecided = ~solved & ~before & (old.status != Status.INFEASIBLE)
    return solved & (~before | (new.value < old.value)) | undecided & (smaller | old.x.isnan().any(-1))
