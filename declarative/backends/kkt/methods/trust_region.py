"""A batch of smooth functions without constraints -> stationary points, by Newton's method in a trust region.

Each step is the global minimum of the quadratic model in a ball (`spherical`), negative curvature included, so a saddle
is left; the ball grows where the model was right and shrinks where it was not (Conn, Gould and Toint 2000). Where
functions are lists of scalar operations, all of it is compiled (`compiled/region.py`): the same method, with quadratics
that are minimised by Cholesky factors.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from declarative.backends.kkt.compiled.constants import ACCEPT, FAR, GOOD, POOR, ROUNDING, SMALLEST
from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.methods.blocks import numeric
from declarative.backends.kkt.methods.idle import Idle, seek_idle, without
from declarative.backends.kkt.methods.nlp import Stop
from declarative.backends.kkt.methods.spherical import minimise_spherical
from declarative.backends.kkt.program.certify import Primal
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.items import Items
from declarative.backends.kkt.program.program import SmoothProgram, Theta, take


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
    nothing, zero = x0[:, :0], torch.zeros_like(x0)
    x, stop, count = walked(program, theta, x0, iterations, tolerance) or iterated(
        program, theta, x0, iterations, tolerance
    )
    return Primal(x, nothing, nothing, zero, zero), stop, count


def walked(
    program: SmoothProgram, theta: Theta, x0: Tensor, iterations: int, tolerance: float
) -> tuple[Tensor, Stop, Tensor] | None:
    """The points, the reasons and the iterations by compiled code; None where there is none."""
    found = numeric(program, x0)
    free = found and found.free(x0, theta[:-4])
    if not free:
        return None
    from declarative.backends.kkt.compiled.walkers import walk

    units = (part.expand(len(x0), -1) for part in (theta[-1], theta[-4]))
    given = torch.cat([x0, *units], 1)
    reasons, rounds = walk(free, given.numpy(), theta[:-4], iterations, tolerance)
    stop = Stop(*(torch.from_numpy(which) for which in reasons))
    return given[:, : program.n].contiguous(), stop, torch.from_numpy(rounds)


def iterated(
    program: SmoothProgram, theta: Theta, x0: Tensor, iterations: int, tolerance: float
) -> tuple[Tensor, Stop, Tensor]:
    """The same in torch."""
    d, no = Derivatives(program, theta), torch.zeros(len(x0), dtype=torch.bool, device=x0.device)
    idle = seek_idle(*slopes(d, x0)[:2])
    everyone = Walker(x0, d.f(x0), x0.abs().amax(-1).clamp(min=1), no, no, no)
    count, alive = torch.zeros(len(x0), dtype=torch.int64, device=x0.device), torch.arange(len(x0), device=x0.device)
    here = everyone
    for k in range(iterations):
        here = step(d, here, x0[alive], idle, tolerance)
        count[alive] = k + 1
        if here.done.any():
            everyone = everyone.put(alive, here)
            going = (~here.done).nonzero()[:, 0]
            alive, here, d = alive[going], here.take(going), Derivatives(program, take(d.theta, going))
            idle = idle.take(going)
        if len(alive) == 0:
            break
    everyone = everyone.put(alive, here)
    return everyone.x, Stop(everyone.converged, everyone.stuck, everyone.diverged), count


def step(d: Derivatives, at: Walker, start: Tensor, idle: Idle, tolerance: float) -> Walker:
    """One trial step; items that are done stay."""
    g, H, numbers = slopes(d, at.x)
    converged, g = g.abs().amax(-1) <= tolerance, torch.where(numbers[:, None], g, 0)
    noise = ROUNDING * times(H.abs(), at.x.abs())  # of g, where it is H x but for what cancels
    held, positive, N = idle.held(g, H)
    s = without(minimise_spherical(positive, held, at.radius**2, torch.ones_like(g), ball=True, noise=noise).x, N)
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
    stuck |= (at.x + s == at.x).all(-1)  # by less than the last digit
    return replace(
        at, x=x, f=f, radius=radius, converged=converged, stuck=stuck & ~converged, diverged=diverged & ~converged
    )


def slopes(d: Derivatives, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """g (B, n), H (B, n, n), and whether all of them are numbers (B,), where H is 0 if not."""
    nothing = x[:, :0]
    g, H = d.gradient(x), d.lagrangian_hessian(x, nothing, nothing)
    numbers = g.isfinite().all(-1) & H.isfinite().all((1, 2))
    return g, torch.where(numbers[:, None, None], H, 0), numbers
