"""Cone programs with numbers to their checked solutions, ready to be differentiated.

Scale; solve by an interior-point method; balance the cones at what it found; polish by Newton's method; check.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

import numpy as np

from declarative.backends.cone.methods.attained import Attainment
from declarative.backends.cone.methods.blame import least_violation_ray
from declarative.backends.cone.methods.empty import is_far_out, proved_empty
from declarative.backends.cone.methods.escape import regular
from declarative.backends.cone.methods.interior import DEEP, ROUGH, Answer, Claim, interior_points
from declarative.backends.cone.methods.mehrotra import rough_point
from declarative.backends.cone.methods.polish import STEPS, Iterate, polish, polish_boldly
from declarative.backends.cone.methods.rays import infeasibility_ray, unboundedness_ray
from declarative.backends.cone.methods.reduction import falls, is_inside, with_room
from declarative.backends.cone.methods.remainder import minimise_remainders
from declarative.backends.cone.methods.sizes import fitted, resized
from declarative.backends.cone.program.adrift import adrift
from declarative.backends.cone.program.certificate import (
    ADRIFT,
    TOLERANCE,
    Blocks,
    block_norm,
    far_fetched,
    residuals,
)
from declarative.backends.cone.program.degenerate import is_regular, near_kinks, weakly_active
from declarative.backends.cone.program.equalities import least_norm, with_implied, without_contradictions
from declarative.backends.cone.program.item import Items, Point, without_infinite_rows
from declarative.backends.cone.program.read_off import read_off
from declarative.backends.cone.program.scaling import Scaling, equilibrate, rebalance, unscaled
from declarative.backends.cone.program.solved import Solved, without_numbers
from declarative.backends.cone.program.system import System
from declarative.backends.cone.sets.stretches import stretches
from declarative.backends.status import Status

FINE = 1e-11  # the interior-point method's tolerance where a rough point was not enough
CLOSE = 1e-11  # where a step costs less than a wrong set of active rows
HEAVY = 5e7  # operations of a factorisation
PLAIN = 1e-8  # as far as the interior-point method goes without refining its steps
EXACT = 1e3  # an error within so many times rounding is none
LOST = 1e-9  # of a row or column: where rounding errors are more, cones should be stretched
DISTANT = 1e6  # where the program's size is one
LIGHT = 1e-3  # where the program's size is one
NEIGHBOUR = 8  # steps from the solution of a similar program: where these are not enough, more seldom are
LEAPS = 2  # of these
BEST_FIRST = (Status.SOLVED, Status.INFEASIBLE, Status.UNBOUNDED, Status.INACCURATE, Status.FAILED)


def solve_items(items: Items, blocks: Blocks, last: Point | None = None) -> list[Solved]:
    """Never raises for an outcome: what fails is `failed`. Checks refer to `items` as they are given.

    A rough point is enough where Newton's method converges from it to a regular solution. Where solutions are many,
    one from the middle of them is wanted, and that takes an interior-point method to its end. `last` may hold points
    of similar programs, NaN where there is none.
    """
    items, data = with_implied(without_infinite_rows(items))
    left = np.flatnonzero(items.finite)
    found: dict[int, Solved] = {}
    if len(left) < len(items):
        found = dict.fromkeys(range(len(items)), replace(without_numbers(items, Status.FAILED, 0), broken=True))
    if last is not None:
        left = _resume(found, left, items, data, blocks, last)
    if len(left):
        chosen, known = items.some(left), data.some(left)
        for k, solved in zip(left.tolist(), _attempt(chosen, known, blocks, equilibrate(known), ROUGH), strict=True):
            found[k] = solved if _determined(solved) else _by_itself(solved, items.some(np.array([k])), blocks)
    return [found[k] for k in range(len(items))]


def _sure(solved: Solved) -> bool:
    return solved.status is Status.SOLVED and _sharp(solved) and (solved.cones.linear or regular(solved))


def _determined(solved: Solved) -> bool:
    """Is there but one solution with one derivative, whatever it was found from?"""
    if solved.system is None or solved.system.matrix.singular or solved.degenerate:
        return False
    return not solved.system.matrix.null_sample(1).size and _sure(solved)


def _by_itself(solved: Solved, item: Items, blocks: Blocks) -> Solved:
    """An answer for `item`, a batch of one, for which others may do as well.

    Neighbours in a batch have no say in which: not even by zeros that stand where they have entries, since orders of
    elimination depend on these.
    """
    own = item.without_zeros()
    if own is not item:
        (solved,) = _attempt(own, own, blocks, equilibrate(own), ROUGH)
    if _sure(solved):
        return solved
    empty = proved_empty(solved, own)
    if empty is not None:
        return empty
    found = _looked_at(solved, own, blocks)
    return found if is_far_out(solved, own) else proved_empty(found, own) or found


def _resume(
    found: dict[int, Solved], chosen: np.ndarray, items: Items, data: Items, blocks: Blocks, last: Point
) -> np.ndarray:
    """Put the answers that Newton's method finds from `last` into `found`; which of the `chosen` items are left.

    From a neighbour's solution they converge fast where v = s - z of both lies on one smooth piece of the projection,
    and nowhere near a kink. Only a settled answer counts: it is the one solution, whatever it was found from, since the
    program is convex, and K regular there. What may be one by rounding only is looked at afresh. Programs without
    curved cones change pieces too easily, and for sparse ones a few of these steps take as long as all from afresh.
    """
    near = chosen[np.isfinite(last.x[chosen]).all(1)]
    if not len(near) or items.cones.linear or items.sparse:
        return chosen
    own, known = items.some(near), data.some(near)
    scaling = equilibrate(known)
    start, nowhere = scaling.scaled_point(last.some(near)), np.zeros(len(near), dtype=bool)
    done = _finish(own, known, scaling, blocks, start, nowhere, steps=NEIGHBOUR, leaps=LEAPS)
    points = Point(*(np.array([getattr(solved.point, part) for solved in done]) for part in ("x", "s", "z")))
    sound = ~far_fetched(own, points) & [_settled_there(solved) for solved in done]
    for k in np.flatnonzero(sound):
        found[int(near[k])] = done[k]
    left = np.ones(len(items), dtype=bool)
    left[near[sound]] = False
    return chosen[left[chosen]]


def _settled_there(solved: Solved) -> bool:
    """Also where what was near may have been on the way to infinity."""
    return solved.status is Status.SOLVED and _sharp(solved) and regular(solved)


def _looked_at(solved: Solved, item: Items, blocks: Blocks) -> Solved:
    """An answer for `item`, a batch of one, that may be no more than a rough one."""
    if not _settled(solved, item):
        return _carefully(solved, item, blocks)
    return Attainment(item).checked(solved) if solved.status is Status.SOLVED else solved


def _sharp(solved: Solved) -> bool:
    return solved.settled and solved.residuals.loss <= LOST


def _settled(solved: Solved, item: Items) -> bool:
    """`item` is a batch of one; a contradiction of its equalities that is rounding proves nothing."""
    match solved.status:
        case Status.SOLVED:
            return _sharp(solved)
        case Status.INFEASIBLE:
            return without_contradictions(item) is item
        case status:
            return status is Status.UNBOUNDED


def _carefully(rough: Solved, item: Items, blocks: Blocks) -> Solved:
    """A batch of one, from a point as exact as the interior-point method can give.

    Where there may be none, a proof takes less time than methods that go on and on.
    """
    attainment, outcomes = Attainment(item), []
    if rough.status is not Status.SOLVED and attainment.direction is not None:
        proof = _endless(item, blocks, attainment, rough)
        if proof.status is Status.UNBOUNDED:
            return proof
    for tolerance in (FINE, DEEP):
        for stretched in (True, False) if stretches(item.cones) else (False,):
            (found,) = _attempt(item, item, blocks, equilibrate(item, stretched), tolerance)
            outcomes.append(attainment.checked(found))
            if outcomes[-1].escapes:
                return _endless(item, blocks, attainment, outcomes[-1])
            if outcomes[-1].status is Status.SOLVED:
                answer = _undisputed(outcomes[-1], outcomes, blocks)
                return _ray_beside(item, blocks, answer) or _believed(item, answer)
        consistent = without_contradictions(item) if tolerance == FINE else item
        if consistent is not item:
            outcomes += map(attainment.checked, _attempt(item, consistent, blocks, equilibrate(consistent), FINE))
        for another in (resized, unscaled, fitted):
            if _open(outcomes):
                outcomes += map(attainment.checked, _attempt(item, item, blocks, another(item), tolerance))
        if not _open(outcomes):
            break
    best = min(outcomes, key=lambda o: (BEST_FIRST.index(o.status), not o.escapes, o.residuals.adrift))
    best = attainment.explained(_believed(item, _undisputed(best, outcomes, blocks)))
    return _endless(item, blocks, attainment, best) if best.recedes or best.escapes else best


def _undisputed(found: Solved, outcomes: list[Solved], blocks: Blocks) -> Solved:
    """Of two answers that meet all rows and differ, the one that loses fewer digits to the cones."""
    if found.status is not Status.SOLVED:
        return found
    rivals = [o for o in outcomes if o.usable and o.residuals.worst <= TOLERANCE]
    rivals = [o for o in rivals if o.residuals.loss < found.residuals.loss and _differ(o, found, blocks)]
    return min(rivals, key=lambda o: o.residuals.loss, default=found)


def _differ(one: Solved, other: Solved, blocks: Blocks) -> bool:
    """In the variables that are shown, beside their norms."""
    x, y = one.point.x[None], other.point.x[None]
    size = np.maximum(block_norm(x, blocks.columns), block_norm(y, blocks.columns))
    return bool((np.abs(x - y) > ADRIFT * size)[:, blocks.shown].any())


def _open(outcomes: list[Solved]) -> bool:
    """Is nothing known that a user could rely on?"""
    return all(o.status in (Status.FAILED, Status.INACCURATE) for o in outcomes)


def _endless(item: Items, blocks: Blocks, attainment: Attainment, found: Solved) -> Solved:
    """For a batch of one where the objective may fall for ever along no straight line: the same, or that it does."""
    even, first = equilibrate(item), attainment.direction
    assert first is not None
    scaled = even.apply(item)
    moves = falls(scaled, first)
    if moves is None:
        return found
    for weight in (0.0, LIGHT):
        room, own = with_room(scaled, blocks, weight)
        (inside,) = _attempt(room, room, own, equilibrate(room), FINE)
        if inside.usable and is_inside(scaled, inside.point.x[:-1]):
            return replace(without_numbers(item, Status.UNBOUNDED, found.iterations, shares=moves), bends=True)
    return found


def _believed(item: Items, found: Solved) -> Solved:
    """For a batch of one: no answer on the way to where curved constraints would hold, but never do.

    Such a point (of a weakly infeasible program) misses by 1/|x|, which is rounding beside x, and its multipliers grow
    with it. Where x and multipliers are that large at once, only a regular system speaks for them.
    """
    if not found.usable or found.settled or item.cones.linear:
        return found
    at = equilibrate(item).scaled_point(_alone(found.point))
    if min(np.abs(at.x).max(initial=0.0), np.abs(at.z).max(initial=0.0)) <= DISTANT:
        return found
    return without_numbers(item, Status.FAILED, found.iterations)


def _alone(point: Point) -> Point:
    return Point(point.x[None], point.s[None], point.z[None])


def _ray_beside(item: Items, blocks: Blocks, found: Solved) -> Solved | None:
    """For a batch of one: the proof that there is no solution where the point found is far-fetched, or None."""
    if not far_fetched(item, _alone(found.point))[0]:
        return None
    proof = _infeasible(item, equilibrate(item), None, found.iterations)
    if proof.status is Status.FAILED:
        proof = _unbounded(item, blocks, found.point.x, found.iterations)
    return None if proof.status is Status.FAILED else proof


def _attempt(items: Items, data: Items, blocks: Blocks, scaling: Scaling, tolerance: float) -> list[Solved]:
    """Solve `data`, which are `items` or nearly so, and check the answers on `items`."""
    answers = _approximate(scaling.apply(data), tolerance)
    found = [_without_point(items, blocks, scaling, k, answer) for k, answer in enumerate(answers)]
    left = np.array([k for k, solved in enumerate(found) if solved is None], dtype=np.int64)
    if len(left):
        start = Point(*(np.array([getattr(answers[k].point, part) for k in left]) for part in ("x", "s", "z")))
        close = np.array([answers[k].close for k in left])
        own, known, scale = items.some(left), data.some(left), scaling.some(left)
        done = _finish(own, known, scale, blocks, start, close, bold=tolerance <= FINE)
        for k, solved in zip(left, done, strict=True):
            found[k] = replace(solved, iterations=answers[k].iterations)
    return [solved for solved in found if solved is not None]


def _approximate(scaled: Items, tolerance: float) -> list[Answer]:
    """Points or rays. The faster method has the first word, for rough points that it takes.

    Where factors are heavy that is Clarabel, which factors many columns at once.
    """
    if tolerance < ROUGH or not (scaled.cones.linear and scaled.sparse):
        return interior_points(scaled, tolerance)
    if scaled.kkt is not None and scaled.kkt.work > HEAVY:
        return interior_points(scaled, PLAIN)
    found = {k: rough_point(scaled.one(k), CLOSE) for k in range(len(scaled))}
    left = np.array([k for k, answer in found.items() if answer is None], dtype=np.int64)
    if len(left):
        found |= zip(left.tolist(), interior_points(scaled.some(left), tolerance), strict=True)
    return [answer for answer in found.values() if answer is not None]


def _without_point(items: Items, blocks: Blocks, scaling: Scaling, k: int, answer: Answer) -> Solved | None:
    """The outcome of an item for which the solver claims a ray, or has no numbers; None where it has a point."""
    match answer.claim:
        case Claim.INFEASIBLE:
            return _infeasible(
                items.some(np.array([k])), scaling.some(np.array([k])), answer.point.z, answer.iterations
            )
        case Claim.UNBOUNDED:
            return _unbounded(items.some(np.array([k])), blocks, scaling.E[k] * answer.point.x, answer.iterations)
        case Claim.POINT:
            parts = (answer.point.x, answer.point.s, answer.point.z)
            finite = all(np.isfinite(part).all() for part in parts)
            return None if finite else without_numbers(items, Status.FAILED, answer.iterations)
        case _:
            assert_never(answer.claim)


def _infeasible(item: Items, scaling: Scaling, z: np.ndarray | None, iterations: int) -> Solved:
    """The checked ray that blames the fewest rows, for a batch of one; `z` is one that was found, in that scaling."""
    even = equilibrate(item)  # rays are judged where data are of size one, whatever scaling they were found in
    judged = even.apply(item).dense(0)
    sparse = least_violation_ray(scaling.apply(item).dense(0))
    found = [scaling.D[0] * z / even.D[0] for z in (sparse, z) if z is not None]
    found = [z / (np.abs(z).max(initial=0.0) or 1.0) for z in found]
    ray = next((r for r in (infeasibility_ray(judged, z) for z in found) if r is not None), None)
    if ray is None:
        return without_numbers(item, Status.FAILED, iterations)
    shares = np.abs(ray) * np.maximum(np.abs(judged.A).max(1, initial=0.0), np.abs(judged.b))
    return without_numbers(item, Status.INFEASIBLE, iterations, even.D[0] * ray, shares)


def _unbounded(item: Items, blocks: Blocks, ray: np.ndarray, iterations: int) -> Solved:
    """A direction in which the objective falls proves something only where there is a point to start from."""
    even = equilibrate(item)
    checked = unboundedness_ray(even.apply(item).dense(0), ray / even.E[0])
    if checked is None:
        return without_numbers(item, Status.FAILED, iterations)
    constraints = replace(item, P=replace(item.P, values=0 * item.P.values), q=0 * item.q)
    (start,) = _attempt(constraints, constraints, blocks, equilibrate(constraints), FINE)
    match start.status:
        case Status.SOLVED:
            return without_numbers(item, Status.UNBOUNDED, iterations, even.E[0] * checked, np.abs(checked))
        case Status.INFEASIBLE:
            return start
        case _:
            return without_numbers(item, Status.FAILED, iterations)


@np.errstate(over="ignore", invalid="ignore")  # on the way to infinity; what is no number is no answer
def _finish(
    items: Items,
    data: Items,
    scaling: Scaling,
    blocks: Blocks,
    start: Point,
    close: np.ndarray,
    bold: bool = False,
    steps: int = STEPS,
    leaps: int = 0,
) -> list[Solved]:
    """Balance, polish, check. Where the start is `close` (B,), it serves where solutions are many too."""
    balanced = rebalance(scaling, start, data)
    factor = balanced.D / scaling.D
    scaled = balanced.apply(data)
    best, systems = polish(scaled, Point(start.x, start.s * factor, start.z / factor), steps, leaps=leaps)
    for k in np.flatnonzero(bold | (data.cones.linear & (best.error > EXACT * best.floor))).tolist():
        own = np.array([k])
        new, systems[k] = polish_boldly(scaled.some(own), best.some(own), systems[k])
        best = best.with_some(own, new)
    found = _judged(items, scaled, balanced, blocks, best, systems, close)
    if bold and found[0].status is not Status.SOLVED:
        small, system = minimise_remainders(scaled, best, systems[0])
        found += _judged(items, scaled, balanced, blocks, small, [system], close)
    return found if len(found) == len(items) else [min(found, key=_rank)]


def _rank(found: Solved) -> tuple[int, float]:
    return BEST_FIRST.index(found.status), found.residuals.adrift


def _judged(
    items: Items,
    scaled: Items,
    balanced: Scaling,
    blocks: Blocks,
    best: Iterate,
    systems: list[System],
    close: np.ndarray,
) -> list[Solved]:
    """What the points and systems of a scaled batch are worth for `items`."""
    points = balanced.point(replace(best.point, x=read_off(scaled, best.x, best.s)))
    dependent = {k for k, system in enumerate(systems) if system.matrix.singular} | scaled.with_implied
    points, spans = least_norm(items, points, dependent)
    checked = residuals(items, points, blocks, balanced)
    weak, exact = weakly_active(scaled, best.point), best.error <= EXACT * best.floor
    off = adrift(scaled, best.point, ~exact, systems, balanced, blocks)
    checked = [replace(own, adrift=float(share)) for own, share in zip(checked, off, strict=True)]
    central = close & exact
    if central.any():
        central &= ~far_fetched(items, points)
    kinks = near_kinks(items.cones, best.v, best.s)
    found = []
    for k, (residual, system) in enumerate(zip(checked, systems, strict=True)):
        if residual.status is Status.FAILED:
            found.append(without_numbers(items, Status.FAILED, 0))
            continue
        settled = bool(exact[k]) and not system.matrix.singular and not kinks[k]
        if settled and weak[k].any():
            settled = items.cones.linear and is_regular(scaled.some(np.array([k])), best.v[[k]], weak[[k]])
        settled = settled or bool(central[k])
        degenerate = bool(kinks[k] or weak[k].any())
        own = (points.some(k), 0, residual, balanced.some(k), system, spans[k])
        found.append(Solved(items.cones, residual.status, *own, degenerate=degenerate, settled=settled))
    return found
