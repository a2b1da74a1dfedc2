"""A Newton direction of the barrier method -> the next iterate: line search, correction, multipliers, slacks."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from declarative.backends.kkt.compiled.constants import DAMPING, LEAST_LIFT, MOST_LIFT, REACH
from declarative.backends.kkt.methods.barrier import (
    Bounds,
    Columns,
    Direction,
    Iterate,
    NewtonSystem,
    barrier,
    direction,
    to_the_boundary,
    walk,
)
from declarative.backends.kkt.methods.filter import Filter, Found, Merit, search
from declarative.backends.kkt.methods.interior import Rows
from declarative.backends.kkt.program.certify import Local
from declarative.backends.kkt.program.derivatives import Derivatives


@dataclass(frozen=True)
class Place:
    """Where an iteration stands: the point, the model and the distances v (B, m) there, and the factored system."""

    d: Derivatives
    bounds: Bounds
    columns: Columns
    at: Iterate
    local: Local
    C: Rows
    v: Tensor
    system: NewtonSystem

    def newton(self, c: Tensor, g: Tensor) -> Direction:
        """The Newton step for residuals of c and of g + s."""
        return direction(self.system, self.local, self.at, self.C, self.v, self.bounds.on, (c, g))

    def room(self, step: Direction) -> Tensor:
        """(B,): how far the step may go."""
        return to_the_boundary(self.v, step.v, self._tau)

    def go(self, step: Direction, alpha: Tensor) -> tuple[Tensor, Tensor]:
        """x and s after a part alpha (B,) of the step."""
        return walk(self.at.x, alpha[:, None] * step.x, self._walls), self.at.s + alpha[:, None] * step.s

    def trial(self, step: Direction, alpha: Tensor) -> tuple[Tensor, Tensor]:
        """Violation and barrier objective there."""
        x, s = self.go(step, alpha)
        objective = barrier(self.d.f(x), self.columns.distances(x, s, self.bounds), self.at.mu, self.bounds.on)
        return self._violation(self.d.c(x), self.d.g(x), s), objective

    def merit(self, step: Direction) -> Merit:
        """Both at the point itself, and the slope of the objective along the step."""
        mu, on = self.at.mu, self.bounds.on
        slope = (self.local.gradient * step.x).sum(-1) - (mu[:, None] * step.v * (1 / self.v - DAMPING) * on).sum(-1)
        objective = barrier(self.local.f, self.v, mu, on)
        return Merit(self._violation(self.local.c, self.local.g, self.at.s), objective, slope)

    def arrive(self, step: Direction, alpha: Tensor, dz: Tensor, lift: Tensor) -> Iterate:
        """The new iterate: slacks are raised to -g where that is larger, multipliers kept within reach of mu/v."""
        on, (x, s) = self.bounds.on, self.go(step, alpha)
        g, y = self.d.g(x), self.at.y + alpha[:, None] * (step.y - self.at.y)
        s = torch.where(on[:, : s.shape[1]] & (g > -torch.inf), torch.maximum(s, -g), s)
        z = self.at.z + to_the_boundary(self.at.z, dz, self._tau)[:, None] * dz
        near = self.at.mu[:, None] / self.columns.distances(x, s, self.bounds)
        z = torch.where(on, torch.minimum(torch.maximum(z, near / REACH), near * REACH), 0)
        return Iterate(x, y, s, z, self.at.mu, lift)

    @property
    def _walls(self) -> tuple[Tensor, Tensor]:
        return self.bounds.wall_lower, self.bounds.wall_upper

    @property
    def _tau(self) -> Tensor:
        return torch.maximum(1 - self.at.mu, torch.full_like(self.at.mu, 0.99))

    def _violation(self, c: Tensor, g: Tensor, s: Tensor) -> Tensor:
        return torch.cat([c, torch.where(self.bounds.on[:, : s.shape[1]], g + s, 0)], -1).abs().sum(-1)


def move(place: Place, filter: Filter) -> tuple[Iterate, Filter, Tensor]:
    """The next iterate, the filter, and the part (B,) of Newton's step that was taken; 0 where none was acceptable."""
    step = place.newton(place.local.c, place.local.g + place.at.s)
    longest, merit = place.room(step), place.merit(step)
    bent: list[tuple[Direction, Tensor]] = []
    found = search(filter, merit, longest, lambda alpha: place.trial(step, alpha), bends(place, step, longest, bent))
    filter = filter.add(found.accepted & ~found.armijo, merit.violation, merit.objective)
    path, alpha = step, found.alpha
    for count, (other, room) in enumerate(bent, 1):
        path, alpha = other.where(found.bent == count, path), torch.where(found.bent == count, room, alpha)
    return (
        place.arrive(path, alpha, path.z, next_lift(place, found, longest)),
        filter,
        torch.where(found.accepted, alpha, 0),
    )


def bends(
    place: Place, step: Direction, longest: Tensor, bent: list[tuple[Direction, Tensor]]
) -> Iterator[tuple[Tensor, Tensor]]:
    """The trials of second-order corrections, each as far as it may go; what has been tried goes to `bent`.

    Each is Newton's step for the residuals that the last one has left, beside those that it was made for.
    """
    path, alpha, c, g = step, longest, place.local.c, place.local.g + place.at.s
    while True:
        (x, s), share = place.go(path, alpha), alpha[:, None]
        c, g = share * c + place.d.c(x), share * g + place.d.g(x) + s
        other = place.newton(c, g)
        path = other.where(other.x.isfinite().all(-1), path)
        alpha = place.room(path)
        bent.append((path, alpha))
        yield place.trial(path, alpha)


def next_lift(place: Place, found: Found, longest: Tensor) -> Tensor:
    """Where negative curvature was lifted: bolder after a step in full, more careful after one cut short."""
    full = (found.alpha == longest) & (found.bent == 0)
    lift = torch.where(full, place.at.lift / 4, place.at.lift * 4).clamp(LEAST_LIFT, MOST_LIFT)
    return torch.where(place.system.lifted, lift, place.at.lift)
