"""A result -> the report of its points: active set, rank, inertia and pivots, worked out when somebody asks."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from declarative.backends.kkt.differentiate.adjoint import active_system, matrices
from declarative.backends.kkt.program.program import Result, SmoothProgram, Theta, take
from declarative.backends.kkt.program.quadratic import model
from declarative.backends.report import Report
from declarative.backends.status import Status


def inspect(program: SmoothProgram, result: Result, theta: Theta, active: Mapping[tuple[str, ...], Tensor]) -> Report:
    """The report of all items; `active` marks (by not being 0) the active constraints, shaped as the user's duals."""
    items = (result.status <= Status.INACCURATE).nonzero()[:, 0]
    solution = tuple(t[items] for t in (result.x, result.y, result.z, result.z_lower, result.z_upper))
    system = active_system(result.active.take(items), *matrices(model(program, take(theta, items)), solution))
    rank, curvature = system.rank(), system.curvature()[0]
    positive, negative = (curvature > 0).sum(-1), (curvature < 0).sum(-1)
    answered = Report(
        known=torch.ones_like(items, dtype=torch.bool),
        active={
            ".".join(path): part.expand(len(result.x), *part.shape[1:])[items] != 0 for path, part in active.items()
        },
        rank=rank + system.fixed.sum(-1),
        positive=positive,
        zero=(~system.fixed).sum(-1) - rank - positive - negative,
        negative=negative,
        smallest_pivot=system.smallest_pivot,
        iterations=result.iterations[items],
        primal_residual=result.primal[items],
        dual_residual=result.dual[items],
        gap=result.gap[items],
    )
    return answered.spread(torch.arange(len(items), device=items.device), items, len(result.x))
