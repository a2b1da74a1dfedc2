"""A batch of smooth programs -> points near their solutions by first derivatives only: L-BFGS for large programs.

Bounds by projection: the entries that stand at a bound and are pushed against it keep still (Bertsekas 1982). Rows by
the augmented Lagrangian, whose multipliers are raised between rounds (Nocedal and Wright 2006, 17.4). The direction is
by the two loops of Nocedal (1980), the step by Armijo's rule along the projected path.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import grad_and_value

from declarative.backends.kkt.compiled.constants import FAR
from declarative.backends.kkt.methods.nlp import Stop, inside
from declarative.backends.kkt.program.certify import Primal, worst
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import SmoothProgram, Theta

PAIRS = 10
ARMIJO, HALVINGS = 1e-4, 30
ROUNDS = 30  # of multipliers
FIRST_PENALTY, RAISE, ENOUGH = 10.0, 10.0, 0.25
CURVED = 1e-12  # a pair with less curvature than this, beside its lengths, is not kept
Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Box:
    """lower and upper (B, n)."""

    lower: Tensor
    upper: Tensor

    def project(self, x: Tensor) -> Tensor:
        """The nearest point inside."""
        return torch.minimum(torch.maximum(x, self.lower), self.upper)

    def held(self, x: Tensor, g: Tensor) -> Tensor:
        """(B, n): at a bound, and pushed against it by -g."""
        return (x <= self.lower) & (g > 0) | (x >= self.upper) & (g < 0)


def lbfgs(
    program: SmoothProgram, theta: Theta, x0: Tensor, iterations: int, tolerance: float
) -> tuple[Primal, Stop, Tensor]:
    """The last point of each item with its multipliers, why it stopped, and its iterations."""
    d = Derivatives(program, theta)
    lower, upper = d.bounds(x0)
    wall_lower, wall_upper = program.open_domain
    x, box = inside(x0, lower, upper), Box(lower, upper)
    y, z = x0.new_zeros(len(x), program.p), x0.new_zeros(len(x), program.q)
    penalty, before = x0.new_full((len(x), 1), FIRST_PENALTY), x0.new_full((len(x),), torch.inf)
    count = torch.zeros(len(x), dtype=torch.int64, device=x.device)
    rows = program.p + program.q > 0
    for _ in range(ROUNDS if rows else 1):
        augmented = augment(d, y, z, penalty)
        x, used = minimise(augmented, x, box, iterations, tolerance)
        count += used
        c, g = d.c(x), d.g(x)
        y, z, violation = y + penalty * c, (z + penalty * g).clamp(min=0), violated(c, g, z, penalty)
        slow = violation > ENOUGH * before
        penalty, before = torch.where(slow[:, None], RAISE * penalty, penalty), violation
        if (violation <= tolerance).all():
            break
    slope = d.lagrangian_gradient(x, y, z)
    z_lower = torch.where((x <= lower) & ~wall_lower, slope.clamp(min=0), 0)
    z_upper = torch.where((x >= upper) & ~wall_upper, (-slope).clamp(min=0), 0)
    size = x0.abs().amax(-1).clamp(min=1)
    diverged = (x.abs().amax(-1) > FAR * size) | (d.f(x) < -FAR * size)
    converged = (worst((slope - z_lower + z_upper).abs()) <= tolerance) & ~diverged
    return Primal(x, y, z, z_lower, z_upper), Stop(converged, ~converged & ~diverged, diverged), count


def augment(d: Derivatives, y: Tensor, z: Tensor, penalty: Tensor) -> Function:
    """f + y'c + penalty |c|^2/2 + (|(z + penalty g)+|^2 - |z|^2) / (2 penalty), (B,)."""

    def value(x: Tensor) -> Tensor:
        c, g = d.c(x), d.g(x)
        equal = (y * c + penalty * c**2 / 2).sum(-1)
        return d.f(x) + equal + (((z + penalty * g).clamp(min=0) ** 2 - z**2) / (2 * penalty)).sum(-1)

    return value


def violated(c: Tensor, g: Tensor, z: Tensor, penalty: Tensor) -> Tensor:
    """(B,): the worst violation, complementarity included."""
    return torch.maximum(worst(c.abs()), worst(torch.maximum(g, -z / penalty).abs()))


def minimise(f: Function, x: Tensor, box: Box, iterations: int, tolerance: float) -> tuple[Tensor, Tensor]:
    """Projected L-BFGS from x (B, n), and the iterations of each item."""
    slope = grad_and_value(lambda v: (lambda w: (w.sum(), w))(f(v)), has_aux=True)
    x, pairs, going = box.project(x), [], torch.ones(len(x), dtype=torch.bool, device=x.device)
    g, (_, value) = slope(x)
    count = torch.zeros(len(x), dtype=torch.int64, device=x.device)
    for _ in range(iterations):
        held = box.held(x, g)
        free = torch.where(held, 0, g)
        going = going & (worst(free.abs()) > tolerance)
        if not going.any():
            break
        step = -torch.where(held, 0, two_loops(free, pairs, ~held))
        step = torch.where(((step * g).sum(-1) < 0)[:, None], step, -free)
        new, moved = along(f, box, x, step, g, value, going, first=not pairs)
        going, count = going & moved, count + going
        fresh, (_, value) = slope(new)
        pairs = [*pairs[-PAIRS + 1 :], (new - x, fresh - g)]
        x, g = new, fresh
    return x, count


def along(
    f: Function, box: Box, x: Tensor, step: Tensor, g: Tensor, value: Tensor, going: Tensor, first: bool
) -> tuple[Tensor, Tensor]:
    """The projected step, halved until the function falls; and whether it did, (B,)."""
    length = 1 / step.norm(dim=-1).clamp(min=1) if first else torch.ones_like(value)
    best, found = x, ~going
    slack = 10 * torch.finfo(x.dtype).eps * value.abs()
    for _ in range(HALVINGS):
        trial = box.project(x + length[:, None] * step)
        there = f(trial)
        falls = there <= value + ARMIJO * (g * (trial - x)).sum(-1) + slack
        best = torch.where((falls & there.isfinite() & ~found)[:, None], trial, best)
        found = found | falls & there.isfinite()
        if found.all():
            break
        length = torch.where(found, length, length / 2)
    return best, found


def two_loops(g: Tensor, pairs: list[tuple[Tensor, Tensor]], free: Tensor) -> Tensor:
    """The inverse Hessian of the pairs, in the free entries, times g; pairs without curvature are left out."""
    q, kept = g, []
    for s, r in reversed(pairs):
        s, r = s * free, r * free
        curvature = (s * r).sum(-1, keepdim=True)
        good = curvature > CURVED * s.norm(dim=-1, keepdim=True) * r.norm(dim=-1, keepdim=True)
        rho = torch.where(good, 1 / torch.where(good, curvature, 1), 0)
        alpha = rho * (s * q).sum(-1, keepdim=True)
        q = q - alpha * r
        kept.append((s, r, rho, alpha))
    scale = torch.ones_like(g[:, :1])
    for _, r, rho, _ in reversed(kept):
        scale = torch.where(rho > 0, 1 / (rho * (r**2).sum(-1, keepdim=True)).clamp(min=1e-300), scale)
    q = scale * q
    for s, r, rho, alpha in reversed(kept):
        q = q + s * (alpha - rho * (r * q).sum(-1, keepdim=True))
    return q
