"""One cone program with numbers to its checked solution, ready to be differentiated.

Scale; solve by an interior-point method; balance the cones at what it found; polish by Newton's method; check.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

import numpy as np

from declarative.backends.cone.blame import least_violation_ray
from declarative.backends.cone.certificate import Blocks, infeasibility_ray, residuals, unboundedness_ray
from declarative.backends.cone.degenerate import is_degenerate
from declarative.backends.cone.equalities import least_norm, span_of_equalities, without_contradiction
from declarative.backends.cone.interior import Answer, Claim, interior_point
from declarative.backends.cone.item import Item, Point, without_infinite_rows
from declarative.backends.cone.polish import polish
from declarative.backends.cone.scaling import Scaling, equilibrate, rebalance
from declarative.backends.cone.solved import Solved, without_numbers
from declarative.backends.status import Status

BEST_FIRST = (Status.SOLVED, Status.INFEASIBLE, Status.UNBOUNDED, Status.INACCURATE, Status.FAILED)


def solve_item(item: Item, blocks: Blocks) -> Solved:
    """Never raises for an outcome: what fails is `failed`. Checks refer to `item` as it is given."""
    item = without_infinite_rows(item)
    if not all(np.isfinite(part).all() for part in (item.P, item.q, item.A, item.b)):
        return without_numbers(item, Status.FAILED, 0, _unscaled(item))
    found = _attempt(item, item, blocks, equilibrate(item))
    if found.status is Status.SOLVED:
        return found
    outcomes = [found]
    consistent = without_contradiction(item)
    if consistent is not None:
        outcomes.append(_attempt(item, consistent, blocks, equilibrate(consistent)))
    if all(o.status in (Status.FAILED, Status.INACCURATE) for o in outcomes):
        outcomes.append(_attempt(item, item, blocks, _unscaled(item)))
    return min(outcomes, key=lambda o: BEST_FIRST.index(o.status))


def _unscaled(item: Item) -> Scaling:
    return Scaling(np.ones(len(item.q)), np.ones(len(item.b)), 1.0, 1.0)


def _attempt(item: Item, data: Item, blocks: Blocks, scaling: Scaling) -> Solved:
    """Solve `data`, which is `item` or nearly so, and check the answer on `item`."""
    scaled = scaling.apply(data)
    answer = interior_point(scaled)
    match answer.claim:
        case Claim.INFEASIBLE:
            return _infeasible(item, scaled, scaling, answer)
        case Claim.UNBOUNDED:
            return _unbounded(item, blocks, scaling.E * answer.point.x, answer.iterations)
        case Claim.POINT:
            return _finish(item, data, blocks, scaling, answer)
        case _:
            assert_never(answer.claim)


def _infeasible(item: Item, scaled: Item, scaling: Scaling, answer: Answer) -> Solved:
    """The checked ray that blames the fewest rows."""
    even = equilibrate(item)  # rays are judged where data are of size one, whatever scaling they were found in
    judged = even.apply(item)
    sparse = least_violation_ray(scaled)
    rays = [infeasibility_ray(judged, scaling.D * z / even.D) for z in (sparse, answer.point.z) if z is not None]
    ray = next((r for r in rays if r is not None), None)
    if ray is None:
        return without_numbers(item, Status.FAILED, answer.iterations, scaling)
    shares = np.abs(ray) * np.abs(judged.A).max(1, initial=0.0)
    return without_numbers(item, Status.INFEASIBLE, answer.iterations, scaling, even.D * ray, shares)


def _unbounded(item: Item, blocks: Blocks, ray: np.ndarray, iterations: int) -> Solved:
    """A direction in which the objective falls proves something only where there is a point to start from."""
    even = equilibrate(item)
    checked = unboundedness_ray(even.apply(item), ray / even.E)
    if checked is None:
        return without_numbers(item, Status.FAILED, iterations, even)
    constraints = replace(item, P=0 * item.P, q=0 * item.q)
    start = _attempt(constraints, constraints, blocks, equilibrate(constraints))
    match start.status:
        case Status.SOLVED:
            return without_numbers(item, Status.UNBOUNDED, iterations, even, even.E * checked, np.abs(checked))
        case Status.INFEASIBLE:
            return start
        case _:
            return without_numbers(item, Status.FAILED, iterations, even)


def _finish(item: Item, data: Item, blocks: Blocks, scaling: Scaling, answer: Answer) -> Solved:
    """Balance, polish, check."""
    start = answer.point
    if not all(np.isfinite(part).all() for part in (start.x, start.s, start.z)):
        return without_numbers(item, Status.FAILED, answer.iterations, scaling)
    balanced = rebalance(scaling, start, data)
    factor = balanced.D / scaling.D
    scaled = balanced.apply(data)
    best, system = polish(scaled, Point(start.x, start.s * factor, start.z / factor))
    span = span_of_equalities(item) if system.matrix.singular else None
    point = least_norm(balanced.point(best.point), span, item)
    checked = residuals(item, point, blocks, balanced)
    if checked.status is Status.FAILED:
        return without_numbers(item, Status.FAILED, answer.iterations, scaling)
    found = Solved(item.cones, checked.status, point, answer.iterations, checked, balanced, system, span)
    return replace(found, degenerate=is_degenerate(item.cones, best.v))
