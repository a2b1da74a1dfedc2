"""A certified point where something is flat -> a direction that the constraints always allow, and f only falls along.

The way from the start leads to a point, but seldom to infinity: beside the direction in which the objective tends to a
limit it holds what is needed to come to rest in all others. Of that way the part is taken that stays within the
constraints however far it goes, and along which no known gradient of f rises: its projection on the cone of directions
that these rows leave. Where f rises on it all the same, far beyond the point, the gradient there is another such row.
"""

import torch
from torch import Tensor

from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.program.certify import worst
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import take
from declarative.backends.kkt.program.quadratic import Quadratic
from declarative.backends.kkt.verdict.falls import FLAT, LAST_DIGIT
from declarative.backends.kkt.verdict.polish import Polished
from declarative.backends.kkt.verdict.portions import exactly
from declarative.backends.kkt.verdict.rays import optimum

BACK = (1.0, 0.5, 0.1, 1e-2, 1e-3)  # of the way, where f is asked for its gradients
FINITE = (1e-1, 1.0, 1e1, 1e2, 1e4)  # of it, beyond the point: there f is a number
BEYOND = (*FINITE, 1e8)  # where f is asked for its gradients too
ROUNDS = 6
RISES = 1e-10  # a slope beside its terms: rounding errors of the direction make less
LEFT = 1e-6  # of the way: less is no direction


def receding(d: Derivatives, found: Polished, start: Tensor, items: Tensor) -> Tensor:
    """(K, n): of some items (long, K) that direction, the part of the way from a start; 0 if there is none, or where
    rounding errors of slopes hide what counts beside the fall on the way.
    """
    here, x = Derivatives(d.program, take(d.theta, items)), found.at.x[items]
    way, local = x - start[items], found.local.take(items)
    cuts = [unit(here.gradient(x - part * way)) for part in BACK]
    for _ in range(ROUNDS):
        direction = worthwhile(projected(way, unit(local.Jc), local.Jg, local.lower, local.upper, cuts), way)
        steps = [length * direction for length in BEYOND]
        steepest = [here.gradient(x + step) for step in steps]
        rises = [rising(g, direction, noise(local.H, x, step)) for g, step in zip(steepest, steps, strict=True)]
        overflows = [here.f(x + length * direction) == torch.inf for length in FINITE]
        still = torch.where(torch.stack([*rises, *overflows]).any(0)[:, None], 0, direction)
        if not (direction.any(-1) & ~still.any(-1)).any():
            break
        cuts += [unit(torch.where(up[:, None], g, 0)) for g, up in zip(steepest, rises, strict=True)]
    return torch.where((blurred(local.H, x, still) > FLAT * (here.f(x - way) - local.f).abs())[:, None], 0, still)


def worthwhile(direction: Tensor, way: Tensor) -> Tensor:
    """A direction (B, n) without rounding errors; none where it is no part of a way (B, n)."""
    some = worst(direction.abs()) > LEFT * worst(way.abs())
    return torch.where(some[:, None], exactly(direction), 0)


def rising(gradient: Tensor, direction: Tensor, noise: Tensor) -> Tensor:
    """(B,): the slope along a direction (B, n) is positive, by more than what rounding errors of the gradient, some
    `noise` (B, n), make of it, and those of the direction.
    """
    parts = gradient * direction
    return parts.sum(-1) > RISES * worst(parts.abs()) + (noise * direction.abs()).sum(-1)


def blurred(H: Tensor, x: Tensor, direction: Tensor) -> Tensor:
    """(B,): what rounding errors of the gradient at x make of a slope along a direction (B, n)."""
    return (noise(H, x, 0 * x) * direction.abs()).sum(-1)


def noise(H: Tensor, x: Tensor, way: Tensor) -> Tensor:
    """(B, n): rounding errors of a gradient on a way (B, n) from x, which reads x through H."""
    return LAST_DIGIT * times(torch.where(H.isfinite(), H, 0).abs(), x.abs() + way.abs())


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
