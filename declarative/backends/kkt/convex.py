"""A quadratic program with parameters -> certified answers: by the compiled method first, then by the general one.

Items that are not convex go to the method for smooth programs; those without a solution are explained by a ray.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import torch
from torch import Tensor

from declarative.backends.kkt.definite import Definite, solve_at, solve_beside, solve_definite, solve_from, suits
from declarative.backends.kkt.linear.scaling import equilibrate, inverse_root, times
from declarative.backends.kkt.linear.system import System, joined
from declarative.backends.kkt.methods.qp import Rough, solve_quadratic
from declarative.backends.kkt.program.certify import Primal, finite, worst
from declarative.backends.kkt.program.program import Options, SmoothProgram, Theta, once, take
from declarative.backends.kkt.program.quadratic import Quadratic, quadratic
from declarative.backends.kkt.smooth import Blamed, following, solve_smooth
from declarative.backends.kkt.symmetric import convex_items
from declarative.backends.kkt.verdict.answer import Answer, Reason, certified, unknown
from declarative.backends.kkt.verdict.here import appraised
from declarative.backends.kkt.verdict.polish import polish
from declarative.backends.kkt.verdict.rays import infeasible, unbounded
from declarative.backends.kkt.warm import Warm
from declarative.backends.status import Status

ITERATIONS = 60
POLISH = 4
PSD = 1e-9
ASTRAY = 1e-3  # rows that miss by more than this part of their terms are far from holding
REFINED = 1e-9  # the error that polishing leaves of a solution, at most
SHORT = 32  # rows of a linear program
FAR = 1e6
LOST = 1e12  # so far away, rounding errors of the terms are not told from the data


Solver = Callable[[SmoothProgram, Quadratic, Warm], Definite]


@dataclass(frozen=True)
class Near:
    """Points (B items) that are right up to their active sets, where `known` (B,)."""

    at: Primal
    known: Tensor


def solve_convex(
    program: SmoothProgram, theta: Theta, x0: Tensor, options: Options, warm: Warm | None
) -> tuple[Answer, Blamed, System | None]:
    """The answers, the rows to blame for contradictions, and the systems at the solutions.

    The solution of a similar program, if there is one, is tried first.
    """
    qp = quadratic(program, theta, x0)
    if len(x0) == 0 or not suits(program, qp):
        return remaining(program, theta, qp, x0, options, None, warm)
    if hollow(qp):
        return resume(program, theta, qp, x0, options, None, warm)
    first = solve_definite(program, qp, x0, warm and warm.active)
    if first.clear.all():
        return first.answer, {}, first.system
    items = (~first.clear).nonzero()[:, 0]
    near, warm = Near(first.answer.at.take(items), first.known[items]), warm and warm.take(items)
    rest, blamed, system = resume(program, take(theta, items), qp.take(items), x0[items], options, near, warm)
    blamed = {int(items[i]): rows for i, rows in blamed.items()}
    return first.answer.put(items, rest), blamed, joined(first.system, items, system, len(x0))


def hollow(qp: Quadratic) -> bool:
    """No item's P is positive definite, for entries of its diagonal are 0: a linear program, or an epigraph form."""
    return bool((qp.arrays[0].diagonal(axis1=1, axis2=2) == 0).any(-1).all())


def resume(
    program: SmoothProgram,
    theta: Theta,
    qp: Quadratic,
    x0: Tensor,
    options: Options,
    near: Near | None,
    warm: Warm | None,
) -> tuple[Answer, Blamed, System | None]:
    """What a similar solution leads to, where that is certain; the others as if there were none.

    Without one, small linear programs are begun by the simplex method too.
    """
    linear = flat(qp)
    if warm is None and not (linear and small(program)):
        return remaining(program, theta, qp, x0, options, near)
    if warm is None:
        found = solve_from(program, qp, unknown_before(program, x0))
    else:
        found = beside(program, qp, warm, (crowded if linear else held)(program, warm.active))
    clear = found.clear & ~adrift(found.answer, qp)
    if not linear:
        clear &= convex(program, qp)
    rest = (~clear).nonzero()[:, 0]
    if len(rest) == 0:
        return found.answer, {}, found.system
    near, warm = near and Near(near.at.take(rest), near.known[rest]), warm and warm.take(rest)
    some, blamed, system = remaining(program, take(theta, rest), qp.take(rest), x0[rest], options, near, warm)
    blamed = {int(rest[i]): rows for i, rows in blamed.items()}
    return found.answer.put(rest, some), blamed, joined(found.system, rest, system, len(x0))


def remaining(
    program: SmoothProgram,
    theta: Theta,
    qp: Quadratic,
    x0: Tensor,
    options: Options,
    near: Near | None,
    warm: Warm | None = None,
) -> tuple[Answer, Blamed, System | None]:
    """Items with finite data are solved together, by the interior-point method where no point is near."""
    qp = qp.expand(len(x0))
    answer, sound = unknown(len(x0), program.n, program.p, program.q, x0), usable(qp)
    curved = sound & ~convex(program, qp)
    answer, blamed, system = solve_together(program, qp, answer, (sound & ~curved).nonzero()[:, 0], options, near)
    if curved.any():
        items = curved.nonzero()[:, 0]
        last = warm and warm.take(items)
        some, found, own = following(solve_smooth, program, take(theta, items), x0[items], options, last)
        answer, blamed = answer.put(items, some), blamed | {int(items[i]): rows for i, rows in found.items()}
        system = joined(system, items, own, len(x0))
    return answer, blamed, system


def solve_together(
    program: SmoothProgram, qp: Quadratic, answer: Answer, items: Tensor, options: Options, near: Near | None
) -> tuple[Answer, Blamed, System | None]:
    """The answers of some items (long, K) put in their places, the rows to blame, and the systems at their points."""
    if len(items) == 0:
        return answer, {}, None
    qp = qp if len(items) == len(answer.x) else qp.take(items)
    rough = starting_points(qp, Near(near.at.take(items), near.known[items]) if near else None)
    some, blamed, system = finish(program, qp, rough, options)
    blamed = {int(items[i]): rows for i, rows in blamed.items()}
    return answer.put(items, some), blamed, joined(None, items, system, len(answer.x))


def starting_points(qp: Quadratic, near: Near | None) -> Rough:
    """Where the last steps begin, after no iterations where a point is known."""
    if near is None:
        return afresh(qp)
    items, count = (~near.known).nonzero()[:, 0], torch.zeros_like(near.known, dtype=torch.int64)
    active = torch.zeros_like(torch.cat([near.at.z, near.at.x, near.at.x], -1), dtype=torch.bool)
    if len(items) == 0:
        return Rough(near.at, count, active)
    found = afresh(qp.take(items))
    count, active = (old.index_put((items,), new) for old, new in ((count, found.iterations), (active, found.active)))
    return Rough(near.at.put(items, found.at), count, active)


def afresh(qp: Quadratic) -> Rough:
    """Points near solutions: without an objective any feasible point is one, and the nearest to 0 is found, which no
    forces hold.
    """
    idle = ~(qp.P.flatten(1).any(-1) | qp.q.any(-1))
    if not idle.any():
        return solve_quadratic(qp, ITERATIONS)
    unit = torch.eye(qp.P.shape[1], dtype=qp.P.dtype, device=qp.P.device)
    found = solve_quadratic(replace(qp, P=torch.where(idle[:, None, None], unit, qp.P)), ITERATIONS)
    at = replace(nowhere(found.at), x=found.at.x).where(idle, found.at)
    return Rough(at, found.iterations, found.active & ~idle[:, None])


def finish(
    program: SmoothProgram, qp: Quadratic, rough: Rough, options: Options
) -> tuple[Answer, Blamed, System | None]:
    """The answers near points, the rows to blame, and the systems: compiled where that is certain, or polished."""
    if not suits(program, qp) or not (fresh := rough.iterations > 0).any():
        return polished(program, qp, rough, options)
    found = beside(program, qp, Warm(torch.cat(rough.at.parts(), -1), rough.active), held(program, rough.active))
    rest = (~(found.clear & fresh) | adrift(found.answer, qp)).nonzero()[:, 0]
    answer = replace(found.answer, iterations=rough.iterations)
    if len(rest) == 0:
        return answer, {}, found.system
    some, blamed, system = polished(program, qp.take(rest), rough.take(rest), options)
    blamed = {int(rest[i]): rows for i, rows in blamed.items()}
    return answer.put(rest, some), blamed, joined(found.system, rest, system, len(answer.x))


def beside(program: SmoothProgram, qp: Quadratic, warm: Warm, first: Tensor) -> Definite:
    """What points lead to: where what is active there is so at the solution, or some other rows are.

    That which is tried at `first` (bool, B) comes first, and then the other.
    """
    solve_near = solve_from if flat(qp) else solve_beside
    found = either(program, qp, warm, first, solve_near)
    rest = (~found.clear).nonzero()[:, 0]
    if len(rest) == 0:
        return found
    return put(found, rest, either(program, qp.take(rest), warm.take(rest), ~first[rest], solve_near))


def either(program: SmoothProgram, qp: Quadratic, warm: Warm, at: Tensor, solve_near: Solver) -> Definite:
    """Some items, `at` (bool, B), with what is active at their points, the others beside it, as `solve_near` does."""
    others = (~at).nonzero()[:, 0]
    if len(others) == 0:
        return solve_at(program, qp, warm)
    if len(others) == len(at):
        return solve_near(program, qp, warm)
    items = at.nonzero()[:, 0]
    answer, nothing = unknown(len(at), program.n, program.p, program.q, warm.point), torch.zeros_like(at)
    found = put(Definite(answer, nothing, nothing, None), items, solve_at(program, qp.take(items), warm.take(items)))
    return put(found, others, solve_near(program, qp.take(others), warm.take(others)))


def flat(qp: Quadratic) -> bool:
    """A linear program."""
    return not qp.arrays[0].any()


def small(program: SmoothProgram) -> bool:
    """Does the simplex method take less time than an interior point? Measured: a third at 10 rows and 10 unknowns, or 3
    and 50, three quarters at 30 and 30, as much at 50 and 50; more with more than twice as many rows as unknowns.
    """
    return program.p + program.q <= min(SHORT, 2 * program.n)


def unknown_before(program: SmoothProgram, x0: Tensor) -> Warm:
    """No previous solution, for items that begin at x0 (B, n): nothing is known to be active."""
    n, p, q = program.n, program.p, program.q
    return Warm(x0.new_zeros(len(x0), p + q + 3 * n), x0.new_zeros(len(x0), q + 2 * n, dtype=torch.bool))


def crowded(program: SmoothProgram, active: Tensor) -> Tensor:
    """(B,): is more active than fits at a vertex, so that a choice of it says little? Active: (B, q + 2n)."""
    return program.p + active.sum(-1) > program.n


def put(found: Definite, items: Tensor, other: Definite) -> Definite:
    """The same with what is found of some items (long, K) at their places."""
    answer, system = found.answer.put(items, other.answer), joined(found.system, items, other.system, len(found.clear))
    clear = found.clear.index_copy(0, items, other.clear)
    return Definite(answer, clear, clear, system)


def held(program: SmoothProgram, active: Tensor) -> Tensor:
    """(B,): are rows among the variables that no bound holds less work than whole matrices? Active: (B, q + 2n)."""
    z, lower, upper = active.split([program.q, program.n, program.n], -1)
    free, rows = (~(lower | upper)).sum(-1), program.p + z.sum(-1)
    return 2 * free**2 * rows <= program.n**3


def polished(
    program: SmoothProgram, qp: Quadratic, rough: Rough, options: Options
) -> tuple[Answer, Blamed, System | None]:
    """The same by Newton's method on what is active, whatever the program; explained where that leads nowhere.

    Where rows are far from holding, a contradiction is looked for at once, which is less work.
    """
    shares, batch = appraised(qp, rough.at, program.blocks, None).shares, len(rough.iterations)
    astray = (shares.primal > ASTRAY).nonzero()[:, 0]
    if len(astray) == 0:
        return polished_near(program, qp, rough, options)
    proved, blame = infeasible(qp.take(astray), torch.zeros_like(rough.at.x[astray]))
    blamed = {int(astray[i]): blame.heaviest(int(i)) for i in proved.nonzero()[:, 0]}
    contradictory = torch.zeros(batch, dtype=torch.bool, device=proved.device).index_copy(0, astray, proved)
    answer = unknown(batch, program.n, program.p, program.q, rough.at.x)
    answer = answer.marked(contradictory, Status.INFEASIBLE, Reason.NO_POINT)
    answer = replace(answer, iterations=rough.iterations, primal=shares.primal, dual=shares.dual, gap=shares.gap)
    rest = (~contradictory).nonzero()[:, 0]
    if len(rest) == 0:
        return answer, blamed, None
    some, found, system = polished_near(program, qp.take(rest), rough.take(rest), options)
    blamed |= {int(rest[i]): rows for i, rows in found.items()}
    return answer.put(rest, some), blamed, joined(None, rest, system, batch)


def polished_near(
    program: SmoothProgram, qp: Quadratic, rough: Rough, options: Options
) -> tuple[Answer, Blamed, System]:
    """The same of points near which there may be solutions."""
    found = polish(qp, rough.at, program.open_domain, program.blocks, POLISH, hidden=program.hidden)
    return *explain(certified(found, rough.iterations, options.tolerance), qp), found.system


def usable(qp: Quadratic) -> Tensor:
    """(B,): all data finite, infinities allowed as a whole side."""
    data = (qp.P, qp.q, qp.A, qp.b, qp.G)
    finite = [once(part).flatten(1).isfinite().all(-1).expand(len(part)) for part in data]
    sides = (qp.h > -torch.inf, qp.lower < torch.inf, qp.upper > -torch.inf)
    return torch.stack(finite + [side.all(-1) for side in sides]).all(0)


def convex(program: SmoothProgram, qp: Quadratic) -> Tensor:
    """(B,): P is positive semidefinite to rounding, in units in which its diagonal is one."""
    if suits(program, qp):
        return convex_items(qp.P, PSD)
    size = qp.P.diagonal(dim1=-2, dim2=-1).abs()
    D = inverse_root(torch.maximum(size, 1e-12 * size.amax(-1, keepdim=True)) if qp.P.shape[1] else size)
    P = D[:, :, None] * qp.P * D[:, None] + PSD * torch.eye(qp.P.shape[1], dtype=qp.P.dtype, device=qp.P.device)
    return torch.linalg.cholesky_ex(P.nan_to_num(0, 0, 0))[1] == 0


def explain(answer: Answer, qp: Quadratic) -> tuple[Answer, Blamed]:
    """Items that are not solved: infeasible or unbounded, where a ray proves it.

    What looks solved far away, or was not refined to the last digits, is refuted by a ray, or believed; where nothing
    but rounding is left of the data, a ray decides, and without one the answer is inaccurate.
    """
    far, error = remoteness(answer, qp), torch.stack([answer.primal, answer.dual, answer.gap]).amax(0)
    doubtful = ((answer.status != Status.SOLVED) | (far > FAR) | (error > REFINED)).nonzero()[:, 0]
    if len(doubtful) == 0:
        return answer, {}
    rest, some = qp.take(doubtful), answer.take(doubtful)
    solved, lost = some.status == Status.SOLVED, far[doubtful] > LOST
    at = some.at.where(solved & ~lost, nowhere(some.at))
    contradictory, blame = infeasible(rest, at.x)
    some = some.marked(solved & lost, Status.INACCURATE, Reason.STALLED)
    some = some.marked(contradictory, Status.INFEASIBLE, Reason.NO_POINT)
    possible = (~contradictory).nonzero()[:, 0]
    if len(possible) > 0:
        falls = torch.zeros_like(contradictory)
        falls = falls.index_copy(0, possible, unbounded(rest.take(possible), at.take(possible)))
        some = some.marked(falls, Status.UNBOUNDED, Reason.RAY)
    blamed = {int(doubtful[i]): blame.heaviest(int(i)) for i in contradictory.nonzero()[:, 0]}
    return answer.put(doubtful, some), blamed


def nowhere(at: Primal) -> Primal:
    """0 with multipliers 0."""
    return Primal(*(torch.zeros_like(part) for part in at.parts()))


def adrift(answer: Answer, qp: Quadratic) -> Tensor:
    """(B,): answers that are remote in the units of the data, from compiled code."""
    P, q, b, *walls = (np.abs(qp.arrays[k]) for k in (0, 1, 3, 5, 6, 7))
    x, *forces = (np.abs(part.numpy()) for part in answer.at.parts())
    pull, Px = largest(q), largest((P @ x[..., None])[..., 0])
    sides = reduce(np.maximum, (largest(np.where(part < np.inf, part, 0)) for part in (b, *walls)))
    reach = np.maximum(sides, np.where(P.any((1, 2)), pull, 0))
    ratios = (largest(x), reach), (reduce(np.maximum, map(largest, forces)), np.maximum(pull, Px)), (Px, pull)
    return torch.from_numpy(reduce(np.logical_or, ((data > 0) & (terms > FAR * data) for terms, data in ratios)))


def largest(values: np.ndarray) -> np.ndarray:
    """Of the last axis of values that are not negative."""
    return values.max(-1, initial=0)


def remoteness(answer: Answer, qp: Quadratic) -> Tensor:
    """(B,): how far the terms of x and of the multipliers drown the data, in equilibrated units.

    They do on the way along a ray, where they cancel each other and leave small residuals beside themselves. Where all
    sides are 0, or q is, there is nothing to drown: a solution has any length.
    """
    B, p = len(answer.x), qp.A.shape[1]
    D, E = equilibrate(qp.P, torch.cat([qp.A.expand(B, -1, -1), qp.G.expand(B, -1, -1)], 1))
    P = once(qp.P).abs()
    pull, Px = worst(D * qp.q.abs()), worst(D * times(P, answer.x.abs()))
    sides = [E[:, :p] * qp.b, E[:, p:] * finite(qp.h), finite(qp.lower) / D, finite(qp.upper) / D]
    forces = [answer.y / E[:, :p], answer.z / E[:, p:], D * answer.z_lower, D * answer.z_upper]
    sides = torch.cat([part.expand(B, -1) for part in sides], -1)
    reach = torch.maximum(worst(sides.abs()), torch.where(worst(P.flatten(1)) > 0, pull, 0))
    ratios = [
        (worst(answer.x.abs() / D), reach),
        (worst(torch.cat(forces, -1).abs()), torch.maximum(pull, Px)),
        (Px, pull),
    ]
    return torch.stack([torch.where(data > 0, terms / data, 0) for terms, data in ratios]).amax(0)
