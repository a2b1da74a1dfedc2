"""A batch of smooth programs -> certified answers: barrier method, polishing, and what to do where that is not enough.

Where the point found is stationary but has negative curvature along the active constraints, the item leaves it along
that direction. Where feasibility was not reached, the violation is minimised: either a feasible point comes out, to
start again from, or a local minimum of the violation, which is what `infeasible` means for a nonconvex program.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from declarative.backends.kkt.answer import Answer, Blame, Reason, certified, unknown
from declarative.backends.kkt.certify import Primal, evaluate, measure, units
from declarative.backends.kkt.derivatives import Derivatives
from declarative.backends.kkt.nlp import Stop, barrier_method, inside
from declarative.backends.kkt.polish import polish
from declarative.backends.kkt.program import Options, SmoothProgram, Theta, take
from declarative.backends.kkt.system import ActiveSystem
from declarative.backends.kkt.variants import factors, least_violation, scaled, unscaled
from declarative.backends.status import Status

POLISH = 10
ROUNDS = 4
CURVED = 1e-7  # curvature below minus this, in equilibrated units, is negative
LEAVE = 0.1  # the step away from a saddle, beside the size of x
FEASIBLE = 1e-7
Blamed = dict[int, list[tuple[str, int]]]


@dataclass(frozen=True)
class Attempt:
    """An answer, why the method stopped, and where a saddle can be left, (B, n)."""

    answer: Answer
    stop: Stop
    way_out: Tensor


def solve_smooth(program: SmoothProgram, theta: Theta, x0: Tensor, options: Options) -> tuple[Answer, Blamed]:
    """Answers for B items from x0 (B, n), and the rows to blame for those that are infeasible."""
    answer, start = screened(program, theta, x0)
    pending, blamed = (answer.reason == Reason.STALLED).nonzero()[:, 0], {}
    start = start[pending]
    for _ in range(ROUNDS):
        if len(pending) == 0:
            break
        here = take(theta, pending)
        attempt = try_once(program, here, start, options)
        old, new = answer.take(pending), attempt.answer
        answer = answer.put(pending, new.where(improves(new, old), old))
        lost, saddle = new.status != Status.SOLVED, (new.status == Status.SOLVED) & ~new.minimum
        falls = lost & attempt.stop.diverged & (new.primal <= FEASIBLE)
        answer = answer.put(pending, answer.take(pending).marked(falls, Status.UNBOUNDED, Reason.FALLS))
        next_start = torch.where(saddle[:, None], attempt.way_out, start)
        retry = saddle.clone()
        seek = (lost & ~falls).nonzero()[:, 0]
        if len(seek):
            point = torch.where(new.x.isfinite().all(-1)[:, None] & ~attempt.stop.diverged[:, None], new.x, start)[seek]
            found, feasible, certain, blame = restore(program, take(here, seek), point, options)
            next_start = next_start.index_copy(0, seek, found)
            retry[seek] = feasible
            hopeless = pending[seek[certain]]
            mark = torch.zeros(len(x0), dtype=torch.bool, device=x0.device).index_fill(0, hopeless, True)
            answer = answer.marked(mark & (answer.status != Status.SOLVED), Status.INFEASIBLE, Reason.VIOLATION)
            blamed |= {int(pending[seek[i]]): blame.heaviest(int(i)) for i in certain.nonzero()[:, 0]}
        start, pending = next_start[retry], pending[retry]
    return answer, {i: rows for i, rows in blamed.items() if answer.status[i] == Status.INFEASIBLE}


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
    answer = answer.marked(numbers & ~ready, Status.FAILED, Reason.START)
    answer = answer.marked(numbers & crossed, Status.INFEASIBLE, Reason.NO_POINT)
    return answer.marked(numbers & ready & ~crossed, Status.FAILED, Reason.STALLED), start


def improves(new: Answer, old: Answer) -> Tensor:
    """(B,): solved beats not solved, then the lower value, or the smaller residual."""
    solved, before = new.status == Status.SOLVED, old.status == Status.SOLVED
    worst = torch.maximum(torch.maximum(old.primal, old.dual), old.gap)
    smaller = torch.maximum(torch.maximum(new.primal, new.dual), new.gap) < worst.nan_to_num(nan=torch.inf)
    return solved & (~before | (new.value < old.value)) | ~solved & ~before & (smaller | old.x.isnan().any(-1))


def try_once(program: SmoothProgram, theta: Theta, x0: Tensor, options: Options) -> Attempt:
    """The barrier method in good units, then Newton steps on the active set, then the second-order test."""
    d = Derivatives(program, theta)
    by = factors(program, theta, inside(x0, *d.bounds(x0)))
    at, stop, count = barrier_method(scaled(program), (*theta, *by), x0, options.max_iterations)
    found = polish(d, unscaled(at, by), program.open_domain, program.blocks, POLISH)
    answer = certified(found, count, options.tolerance)
    minimum, way = second_order(found.system)
    step = LEAVE * at.x.abs().amax(-1, keepdim=True).clamp(min=1) if program.n else at.x
    return Attempt(replace(answer, minimum=minimum), stop, found.at.x + step * way)


def second_order(system: ActiveSystem) -> tuple[Tensor, Tensor]:
    """(B,): no negative curvature along the active constraints; and the unit direction (B, n) of the most negative."""
    curvature, directions = system.curvature()
    if curvature.shape[-1] == 0:
        return curvature.new_ones(len(curvature), dtype=torch.bool), curvature
    least, where = curvature.min(-1)
    way = directions.gather(2, where[:, None, None].expand(-1, directions.shape[1], 1))[..., 0]
    return least > -CURVED, way / way.abs().amax(-1, keepdim=True).clamp(min=1e-300)


def restore(program: SmoothProgram, theta: Theta, x: Tensor, options: Options) -> tuple[Tensor, Tensor, Tensor, Blame]:
    """The point of least violation near x: whether it is feasible, or certainly not, and the rows' violations."""
    d = Derivatives(program, theta)
    t = d.g(inside(x, *d.bounds(x))).clamp(min=0)
    answer = try_once(least_violation(program), theta, torch.cat([x, t], -1), options).answer
    n = program.n
    x = answer.x[:, :n]
    nothing = x.new_zeros(len(x), program.p), x.new_zeros(len(x), program.q), torch.zeros_like(x), torch.zeros_like(x)
    at = Primal(x, *nothing)
    local = evaluate(d, at)
    feasible = measure(local, at, program.blocks, units(local)).primal <= FEASIBLE
    blame = Blame(d.c(x).abs(), d.g(x).clamp(min=0), answer.z_lower[:, :n], answer.z_upper[:, :n])
    return x, feasible, ~feasible & (answer.status == Status.SOLVED), blame
