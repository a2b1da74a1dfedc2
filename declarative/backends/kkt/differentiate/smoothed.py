"""A solution -> the same numbers with the derivative of the log-barrier problem's solution.

Where a constraint is weakly active, or a linear program's vertex does not move, the solution has no derivative or
one of 0. The minimiser of f - mu sum(log(slacks)) is smooth; it satisfies F(x, y, z; theta) = 0,

    grad f + Jc'y + Jg'z = 0,    c = 0,    g_i + mu/z_i = 0     (bounds are rows of g here),

whose Jacobian K = [[H, Jc', Jg'], [Jc, 0, 0], [Jg, 0, -mu/z^2]] is symmetric (Nocedal and Wright, section 19.6). The
point is found by Newton's method from the solution; the implicit function theorem gives its derivative.
"""

import warnings
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from declarative.backends.kkt.differentiate.barrier_system import BarrierSystem
from declarative.backends.kkt.program.certify import Model, worst
from declarative.backends.kkt.program.program import SmoothProgram, Theta, take
from declarative.backends.kkt.program.quadratic import model
from declarative.backends.push import pull, push

Solution = tuple[Tensor, ...]  # x (B, n), y (B, p), z (B, q), z_lower (B, n), z_upper (B, n)
ITERATIONS = 100
CLOSE = 1e-10  # of the largest term: the point satisfies F
GAIN = 0.5  # of an error: steps that leave no more go on, for slacks of mu may be nothing beside the largest term
BOUNDARY = 0.995  # of the way to the boundary is the longest step


@dataclass(frozen=True)
class Barrier:
    """What stays while theta moves: the program, mu, and which of the rows g, lower, upper have one (B, q + 2n)."""

    program: SmoothProgram
    mu: float
    on: Tensor


def attach_smoothed(
    program: SmoothProgram, solution: Solution, theta: Theta, mu: float, otherwise: Solution
) -> Solution:
    """The solution's numbers (B items, all solved) with the derivative of the barrier problem's.

    Items whose barrier problem is not solved keep the derivative of `otherwise`, with a warning.
    """
    fixed = tuple(t.detach() for t in theta)
    barrier = Barrier(program, mu, existing(program, model(program, fixed), solution[0]))
    x, y, z, found = central_point(barrier, solution, fixed)
    if not found.all():
        count = int((~found).sum())
        text = f"smooth(mu = {mu:g}): {count} of {len(x)} items have no point on the central path nearby; they are"
        warnings.warn(f"{text} differentiated implicitly", stacklevel=2)
    items = found.nonzero()[:, 0]  # the numbers of all others may have no derivative at all: NaN for what is shared
    at = Central.apply(replace(barrier, on=barrier.on[items]), x[items], y[items], z[items], *take(theta, items))
    return tuple(
        other.index_copy(0, items, own[items] + (new - new.detach()))
        for own, new, other in zip(solution, split(barrier, at), otherwise, strict=True)
    )


def existing(program: SmoothProgram, d: Model, x: Tensor) -> Tensor:
    """Which rows of g, lower and upper have a barrier, (B, q + 2n): sides that are not infinite."""
    (lower, upper), g = d.bounds(x), d.g(x)
    return torch.cat([g > -torch.inf, lower.isfinite(), upper.isfinite()], -1) & ~domain(program, g)


def domain(program: SmoothProgram, g: Tensor) -> Tensor:
    """The bounds (1, q + 2n) that are only the open domain of a function, which is a barrier by itself."""
    return torch.cat([torch.zeros_like(g[:1], dtype=torch.bool), *program.open_domain[:, None]], -1)


def central_point(barrier: Barrier, solution: Solution, theta: Theta) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """x, y, z (B, q + 2n) on the central path, and which items (B,) got there: primal-dual Newton steps."""
    on, mu = barrier.on, barrier.mu
    d = model(barrier.program, theta)
    x, y = solution[0], solution[1]
    gap = torch.where(on, -rows(d, on, x) - torch.cat(solution[2:], -1), 0)  # slack minus multiplier
    s = (gap + (gap * gap + 4 * mu).sqrt()) / 2  # the pair with this difference and the product mu
    z = torch.where(on, mu / s, 0)
    error = x.new_full((len(x),), torch.inf)
    going = torch.ones_like(error, dtype=torch.bool)  # each item for itself: steps that others need move last digits
    with torch.no_grad():
        for _ in range(ITERATIONS):
            residual, before = conditions(barrier, d, x, y, z, s), error
            error = worst(residual.abs()) / size(d, x)
            going &= ~((error <= CLOSE) & (error >= GAIN * before))
            if not going.any():
                break
            steps = newton(barrier, d, x, y, z, s, residual)
            x, y, z, s = (torch.where(going[:, None], *pair) for pair in zip(steps, (x, y, z, s), strict=True))
    return x, y, z, error <= CLOSE


def size(d: Model, x: Tensor) -> Tensor:
    """(B,): that of the terms in the conditions."""
    return torch.cat([d.gradient(x).abs(), x.abs(), torch.ones_like(x)], -1).amax(-1)


def conditions(barrier: Barrier, d: Model, x: Tensor, y: Tensor, z: Tensor, s: Tensor) -> Tensor:
    """(grad L, c, g + s, s z/mu - 1)."""
    on = barrier.on
    stationary = lagrangian_gradient(barrier, d, x, y, z)
    complement = torch.where(on, s * z - barrier.mu, 0) / barrier.mu
    return torch.cat([stationary, d.c(x), (rows(d, on, x) + s) * on, complement], -1)


def newton(barrier: Barrier, d: Model, x: Tensor, y: Tensor, z: Tensor, s: Tensor, residual: Tensor):
    """One damped step for every item."""
    n, p, on = x.shape[1], y.shape[1], barrier.on
    stationary, c, r, _ = residual.split([n, p, on.shape[1], on.shape[1]], -1)
    ratio = torch.where(on, s / torch.where(on, z, 1), 1)
    third = torch.where(on, s - barrier.mu / torch.where(on, z, 1) - r, 0)
    newton_system = system(barrier, d, x, y, z, ratio)
    step = newton_system.solve(torch.cat([-stationary, -c, third], -1))
    dx, dy, dz = step.nan_to_num(0, 0, 0).split([n, p, on.shape[1]], -1)
    ds = torch.where(on, -r - newton_system.slopes(dx), 0)
    a = torch.minimum(longest(s, ds), longest(torch.where(on, z, 1), dz))
    a = torch.minimum(a, inside(barrier.program, d, x, dx))[:, None]
    return x + a * dx, y + a * dy, torch.where(on, z + a * dz, 0), s + a * ds


def inside(program: SmoothProgram, d: Model, x: Tensor, dx: Tensor) -> Tensor:
    """(B,): the step that stays in the open domain."""
    lower, upper = d.bounds(x)
    low, high = program.open_domain
    below, above = torch.where(low, x - lower, 1), torch.where(high, upper - x, 1)
    return torch.minimum(longest(below, dx * low), longest(above, -dx * high))


def longest(v: Tensor, dv: Tensor) -> Tensor:
    """(B,): the step, at most 1, that keeps v > 0."""
    if not v.shape[-1]:
        return v.new_ones(len(v))
    return (BOUNDARY * torch.where(dv < 0, -v / torch.where(dv < 0, dv, -1), torch.inf)).amin(-1).clamp(max=1)


def rows(d: Model, on: Tensor, x: Tensor) -> Tensor:
    """g, lower - x, x - upper in one, (B, q + 2n); 0 for those that do not exist."""
    lower, upper = d.bounds(x)
    parts = torch.cat([d.g(x), lower - x, x - upper], -1)
    return torch.where(on, parts, 0)


def lagrangian_gradient(barrier: Barrier, d: Model, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """grad f + Jc'y + Jg'z with the bounds' multipliers, (B, n)."""
    q, n = barrier.program.q, barrier.program.n
    z_g, z_lower, z_upper = z.split([q, n, n], -1)
    return d.lagrangian_gradient(x, y, z_g) - z_lower + z_upper


def system(barrier: Barrier, d: Model, x: Tensor, y: Tensor, z: Tensor, ratio: Tensor) -> BarrierSystem:
    """K with -ratio in its last corner."""
    H = d.lagrangian_hessian(x, y, z[:, : barrier.program.q])
    return BarrierSystem(H, d.jacobian_c(x), d.jacobian_g(x), barrier.on, ratio)


def split(barrier: Barrier, at: tuple[Tensor, ...]) -> Solution:
    """x, y, z of all rows -> x, y, z, z_lower, z_upper."""
    x, y, z = at
    return x, y, *z.split([barrier.program.q, barrier.program.n, barrier.program.n], -1)


class Central(torch.autograd.Function):
    """(barrier, x, y, z, *theta) -> the same point, differentiable in theta: derivatives of any order."""

    @staticmethod
    def forward(barrier, *tensors):
        return tuple(t.clone() for t in tensors[:3])

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.barrier = inputs[0]
        ctx.save_for_backward(*output, *inputs[4:])
        ctx.save_for_forward(*output, *inputs[4:])

    @staticmethod
    def backward(ctx, *v):
        saved = ctx.saved_tensors  # checkpoints let it be read once
        at, theta = saved[:3], saved[3:]
        w = solve(ctx.barrier, at, theta, torch.cat(v, -1))
        return (None,) * 4 + pull(lambda *t: (equations(ctx.barrier, at, t),), theta, (-w,))

    @staticmethod
    def jvp(ctx, *tangents):
        saved = ctx.saved_tensors  # checkpoints let it be read once
        at, theta = saved[:3], saved[3:]
        moves = tuple(torch.zeros_like(t) if d is None else d for t, d in zip(theta, tangents[4:], strict=True))
        change = push(lambda *t: equations(ctx.barrier, at, t), theta, moves)
        w = solve(ctx.barrier, at, theta, -change)
        return tuple(w.split([part.shape[1] for part in at], -1))


def equations(barrier: Barrier, at: tuple[Tensor, ...], theta: Theta) -> Tensor:
    """F at a point as a function of theta, (B, n + p + q + 2n); its terms in z alone are left out."""
    d, (x, y, z) = model(barrier.program, theta), at
    return torch.cat([lagrangian_gradient(barrier, d, x, y, z), d.c(x), rows(d, barrier.on, x)], -1)


def solve(barrier: Barrier, at: tuple[Tensor, ...], theta: Theta, r: Tensor) -> Tensor:
    """K^-1 r; at the point, slack/multiplier is mu/z^2."""
    x, y, z = at
    on = barrier.on
    ratio = torch.where(on, barrier.mu / torch.where(on, z, 1).square(), 1)
    r = torch.cat([r[:, : -on.shape[1]], r[:, -on.shape[1] :] * on], -1) if on.shape[1] else r
    return system(barrier, model(barrier.program, theta), x, y, z, ratio).solve(r)
