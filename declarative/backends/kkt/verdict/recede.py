"""A certified point where something is flat -> a direction that the constraints always allow, and f only falls along.

The way from the start leads to a point, but seldom to infinity: beside the direction in which the objective tends to a
limit it holds what is needed to come to rest in all others. Of that way the part is taken that stays within the
constraints however far it goes, and along which no known gradient of f rises: its projection on the cone of directions
that these rows leave. Where f rises on it all the same, far beyond the point, the gradient there is another such row.
"""

import torch
from torch import Tensor

from declarative.backends.kkt.program.certify import worst
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import take
from declarative.backends.kkt.program.quadratic import Quadratic
from declarative.backends.kkt.verdict.polish import Polished
from declarative.backends.kkt.verdict.rays import optimum

BACK = (1.0, 0.5, 0.1, 1e-2, 1e-3)  # of the way, where f is asked for its gradients
BEYOND = (1e-1, 1.0, 1e1, 1e2, 1e4, 1e8)  # the same beyond the point
ROUNDS = 6
RISES = 1e-12  # a slope along a direction, beside the steepest there is on the way
LEFT = 1e-6  # of the way: less is no direction


def receding(d: Derivatives, found: Polished, start: Tensor, items: Tensor) -> Tensor:
    """(K, n): of some items (long, K) that direction, the part of the way from a start; 0 if there is none."""
    here, x = Derivatives(d.program, take(d.theta, items)), found.at.x[items]
    way, local = x - start[items], found.local.take(items)
    cuts = [unit(here.gradient(x - part * way)) for part in BACK]
    direction, going = way, worst(way.abs()) > 0
    for _ in range(ROUNDS):
        direction = torch.where(
            going[:, None], projected(way, unit(local.Jc), local.Jg, local.lower, local.upper, cuts), direction
        )
        direction = torch.where((worst(direction.abs()) > LEFT * worst(way.abs()))[:, None], direction, 0)
        steepest = [here.gradient(x + length * direction) for length in BEYOND]
        rises = [(g * direction).sum(-1) > RISES * worst((g * direction).abs()) for g in steepest]
        new = [unit(torch.where(up[:, None], g, 0)) for g, up in zip(steepest, rises, strict=True)]
        going = torch.stack([g.any(-1) for g in new]).any(0)
        if not going.any():
            return direction
        cuts += new
    return torch.where(going[:, None], 0, direction)


def projected(way: Tensor, A: Tensor, Jg: Tensor, lower: Tensor, upper: Tensor, cuts: list[Tensor]) -> Tensor:
    """The nearest direction to a way (K, n) in which rows A stay what they are, and Jg, bounds, cuts do not grow."""
    size, none = worst(way.abs())[:, None], torch.zeros_like(way)
    G, I = unit(torch.cat([Jg, torch.stack(cuts, 1)], 1)), torch.diag_embed(none + 1)
    low, high = torch.where(lower.isfinite(), none, -torch.inf), torch.where(upper.isfinite(), none, torch.inf)
    b, h = torch.zeros_like(A[..., 0]), torch.zeros_like(G[..., 0])
    q = -way / size.clamp(min=torch.finfo(way.dtype).tiny)
    return size * optimum(Quadratic(I, q, none[:, 0], A, b, G, h, low, high)).x


def unit(rows: Tensor) -> Tensor:
    """Rows of length one, and zeros for those that are no numbers."""
    rows = torch.where(rows.isfinite().all(-1, keepdim=True), rows, 0)
    length = worst(rows.abs())[..., None]
    return rows / torch.where(length > 0, length, 1)
