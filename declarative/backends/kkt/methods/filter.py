"""A direction -> an accepted step, item by item: the filter line search of Waechter and Biegler (2006).

A trial point is taken if it improves the violation or the barrier objective by a little, beside the current point and
beside every pair in the filter; along directions in which the objective falls fast, by Armijo's rule instead. The first
trial that fails for its violation is bent back onto the constraints, several times if need be (second-order
corrections).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from declarative.backends.kkt.compiled.constants import (
    ARMIJO,
    CORRECTIONS,
    FILTER,
    HALVINGS,
    MARGIN_OBJECTIVE,
    MARGIN_VIOLATION,
    ROUNDING,
    SHRINKING,
)
from declarative.backends.kkt.program.items import Items


@dataclass(frozen=True)
class Filter(Items):
    """Forbidden corners (B, FILTER): violation and objective both at least these. `limit` (B,): never violate more."""

    violation: Tensor
    objective: Tensor
    next: Tensor
    limit: Tensor

    def admits(self, violation: Tensor, objective: Tensor) -> Tensor:
        """(B,): not in a forbidden corner."""
        inside = (violation[:, None] >= self.violation) & (objective[:, None] >= self.objective)
        return ~inside.any(-1) & (violation <= self.limit)

    def add(self, items: Tensor, violation: Tensor, objective: Tensor) -> "Filter":
        """The same with a corner more for some items (bool, B)."""
        here = torch.nn.functional.one_hot(self.next, FILTER).bool() & items[:, None]
        corner = (1 - MARGIN_VIOLATION) * violation, objective - MARGIN_OBJECTIVE * violation
        return Filter(
            torch.where(here, corner[0][:, None], self.violation),
            torch.where(here, corner[1][:, None], self.objective),
            torch.where(items, (self.next + 1) % FILTER, self.next),
            self.limit,
        )

    def clear(self, items: Tensor) -> "Filter":
        """The same, empty for some items (bool, B)."""
        forget = items[:, None]
        violation = torch.where(forget, torch.inf, self.violation)
        return replace(self, violation=violation, objective=torch.where(forget, torch.inf, self.objective))


def empty_filter(limit: Tensor) -> Filter:
    """A filter that only limits the violation (B,)."""
    corners = limit.new_full((len(limit), FILTER), torch.inf)
    return Filter(corners, corners, torch.zeros_like(limit, dtype=torch.int64), limit)


@dataclass(frozen=True)
class Merit:
    """At the current point: violation, barrier objective, its slope along the direction, and rounding in it, (B,)."""

    violation: Tensor
    objective: Tensor
    slope: Tensor


Trial = Callable[[Tensor], tuple[Tensor, Tensor]]  # step lengths (B,) -> violation and barrier objective there
Bends = Iterator[tuple[Tensor, Tensor]]  # the same for each of the corrected steps


@dataclass(frozen=True)
class Found:
    """Step lengths (B,), which items accepted one, whether it was by Armijo's rule, and how often the step was bent."""

    alpha: Tensor
    accepted: Tensor
    armijo: Tensor
    bent: Tensor


def search(filter: Filter, merit: Merit, longest: Tensor, trial: Trial, bends: Bends) -> Found:
    """Halve the step from `longest` until it is accepted; `bends` are the trials of second-order corrections."""
    alpha = longest.clone()
    violation, objective = trial(alpha)
    accepted, armijo = acceptable(filter, merit, alpha, violation, objective)
    bent, last = torch.zeros_like(filter.next), violation
    bending = ~accepted & (violation >= merit.violation)
    for count in range(1, 1 + CORRECTIONS):
        if not bending.any():
            break
        violation, objective = next(bends)
        good, rule = acceptable(filter, merit, alpha, violation, objective)
        taken = bending & good
        bent, armijo, accepted = torch.where(taken, count, bent), torch.where(taken, rule, armijo), accepted | taken
        bending, last = bending & ~good & (violation <= SHRINKING * last), violation
    for _ in range(HALVINGS):
        if accepted.all():
            break
        alpha = torch.where(accepted, alpha, alpha / 2)
        found, rule = acceptable(filter, merit, alpha, *trial(alpha))
        armijo = torch.where(accepted, armijo, rule)
        accepted = accepted | found
    return Found(alpha, accepted, armijo, bent)


def acceptable(
    filter: Filter, merit: Merit, alpha: Tensor, violation: Tensor, objective: Tensor
) -> tuple[Tensor, Tensor]:
    """(B,), (B,): acceptable, and whether the step counts as one along which the objective falls."""
    gain = -alpha * merit.slope
    falls = (
        (gain > 0)
        & (2.3 * gain.clamp(min=0).log() > 1.3 * alpha.log() + 1.1 * merit.violation.clamp(min=0).log())
        & (merit.violation <= 1e-4 * filter.limit)
    )
    slack = ROUNDING * merit.objective.abs()
    armijo = objective <= merit.objective - ARMIJO * gain + slack
    either = (violation <= (1 - MARGIN_VIOLATION) * merit.violation) | (
        objective <= merit.objective - MARGIN_OBJECTIVE * merit.violation + slack
    )
    sound = violation.isfinite() & objective.isfinite()
    return sound & filter.admits(violation, objective - slack) & torch.where(falls, armijo, either), falls & armijo
