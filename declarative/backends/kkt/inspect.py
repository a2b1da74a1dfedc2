"""A result -> the report of its points: active set, rank, inertia and pivots, worked out when somebody asks."""

from __future__ import annotations

import torch
from torch import Tensor

from declarative.backends.kkt.adjoint import active_system, matrices
from declarative.backends.kkt.program import Result, SmoothProgram, Theta, take
from declarative.backends.kkt.quadratic import model
from declarative.backends.report import Report
from declarative.backends.status import Status


@torch.no_grad()
def inspect(program: SmoothProgram, result: Result, theta: Theta, active: dict[tuple[str, ...], Tensor]) -> Report:
    """The report of all items; `active` marks (by not being 0) the active constraints, shaped as the user's duals."""
    answered = result.status <= Status.INACCURATE
    items = answered.nonzero()[:, 0]
    found = _figures(program, result, take(theta, items), items)
    batch = len(answered)
    rank, positive, zero, negative, pivot = (f.new_zeros(batch).index_copy(0, items, f) for f in found)
    holds = {
        ".".join(path): (part != 0) & answered.reshape(-1, *[1] * (part.dim() - 1)) for path, part in active.items()
    }
    return Report(holds, rank, positive, zero, negative, pivot)


def _figures(program: SmoothProgram, result: Result, theta: Theta, items: Tensor) -> tuple[Tensor, ...]:
    """Rank, the inertia (positive, zero, negative) and the smallest pivot of some items."""
    solution = tuple(t[items] for t in (result.x, result.y, result.z, result.z_lower, result.z_upper))
    system = active_system(result.active.take(items), *matrices(model(program, theta), solution))
    rank, curvature = system.rank(), system.curvature()[0]
    positive, negative = (curvature > 0).sum(-1), (curvature < 0).sum(-1)
    left = (~system.fixed).sum(-1) - rank
    return rank + system.fixed.sum(-1), positive, left - positive - negative, negative, system.smallest_pivot
