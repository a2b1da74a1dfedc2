"""What a solution is like as a point: which constraints are active, are they independent, what curvature is left."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Report:
    """B items. `active`: by constraint, named and shaped as its dual (B, *binders, *shape), where it holds and pushes.

    `rank` (B,): the number of independent active rows, equations included. `positive`, `zero`, `negative` (B,): the
    inertia of the Lagrangian's Hessian along the directions that the active rows leave, in equilibrated units (Nocedal
    and Wright, section 16.1): no negative ones, and the point is a local minimum to second order; no zero ones either,
    and it is strict. `smallest_pivot` (B,): of the equilibrated KKT matrix, relative to its largest; small: gradients
    lose as many digits.
    """

    active: dict[str, Tensor]
    rank: Tensor
    positive: Tensor
    zero: Tensor
    negative: Tensor
    smallest_pivot: Tensor
