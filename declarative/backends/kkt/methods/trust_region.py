"""A batch of smooth functions without constraints -> stationary points, by Newton's method in a trust region.

Each step is the global minimum of the quadratic model in a ball (`spherical`), negative curvature included, so a saddle
is left; the ball grows where the model was right and shrinks where it was not (Conn, Gould and Toint 2000).
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from declarative.backends.kkt.compiled.constants import FAR, ROUNDING
from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.methods.nlp import Stop
from declarative.backends.kkt.methods.spherical import minimise_spherical
from declarative.backends.kkt.program.certify import Primal
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.items import Items
from declarative.backends.kkt.program.program import SmoothProgram, Theta, take

ACCEPT, POOR, GOOD = 1e-4, 0.25, 0.75  # what the function falls, beside what the model promised
SMALLEST = 1e-14  # a ball smaller than this, beside x, is given up


@dataclass(frozen=True)
class Walker(Items):
    """x (B, n), f, the radius (B,), and why the item stopped."""

    x: Tensor
    f: Tensor
    radius: Tensor
    converged: Tensor
    stuck: Tensor
    diverged: Tensor

    @property
    def done(self) -> Tensor:
        """(B,)."""
        return self.converged | self.stuck | self.diverged


def trust_region(
    program: SmoothProgram, theta: Theta, x0: Tensor, iterations: int, tolerance: float
) -> tuple[Primal, Stop, Tensor]:
    """The last point of each item, why it stopped, and its iterations; `tolerance` is of the gradient."""
    d, no = Derivatives(program, theta), torch.zeros(len(x0), dtype=torch.bool, device=x0.device)
    everyone = Walker(x0, d.f(x0), x0.abs().amax(-1).clamp(min=1), no, no, no)
    count, alive = torch.zeros(len(x0), dtype=torch.int64, device=x0.device), torch.arange(len(x0), device=x0.device)
    here = everyone
    for k in range(iterations):
        here = step(d, here, x0[alive], tolerance)
        count[alive] = k + 1
        if here.done.any():
            everyone = everyone.put(alive, here)
            going = (~here.done).nonzero()[:, 0]
            alive, here, d = alive[going], here.take(going), Derivatives(program, take(d.theta, going))
        if len(alive) == 0:
            break
    everyone = everyone.put(alive, here)
    nothing, zero = x0[:, :0], torch.zeros_like(x0)
    stop = Stop(everyone.converged, everyone.stuck, everyone.diverged)
    return Primal(everyone.x, nothing, nothing, zero, zero), stop, count


def step(d: Derivatives, at: Walker, start: Tensor, tolerance: float) -> Walker:
    """One trial step; items that are done stay."""
    nothing = at.x[:, :0]
    g, H = d.gradient(at.x), d.lagrangian_hessian(at.x, nothing, nothing)
    converged, numbers = g.abs().amax(-1) <= tolerance, g.isfinite().all(-1) & H.isfinite().all((1, 2))
    g, H = torch.where(numbers[:, None], g, 0), torch.where(numbers[:, None, None], H, 0)
    s = minimise_spherical(H, g, at.radius**2, torch.ones_like(g), ball=True).x
    s = torch.where((converged | ~numbers)[:, None], 0, s)
    promised, new = -((g + times(H, s) / 2) * s).sum(-1), d.f(at.x + s)
    slack = ROUNDING * at.f.abs()
    ratio = torch.where(new.isfinite(), (at.f - new + slack) / (promised + slack).clamp(min=1e-300), -1)
    taken, length = ratio > ACCEPT, s.norm(dim=-1)
    radius = torch.where(ratio < POOR, length / 4, at.radius)
    radius = torch.where((ratio > GOOD) & (length > 0.9 * at.radius), 3 * at.radius, radius)
    x, f = torch.where(taken[:, None], at.x + s, at.x), torch.where(taken, new, at.f)
    size = start.abs().amax(-1).clamp(min=1)
    diverged = (x.abs().amax(-1) > FAR * size) | (f < -FAR * size)
    stuck = ~taken & (radius < SMALLEST * x.abs().amax(-1).clamp(min=SMALLEST)) | ~numbers
    return replace(
        at, x=x, f=f, radius=radius, converged=converged, stuck=stuck & ~converged, diverged=diverged & ~converged
    )
