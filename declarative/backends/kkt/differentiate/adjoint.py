"""A solution and its active set -> the same tensors as differentiable functions of the parameters.

The implicit function theorem on the conditions that the solution satisfies, F(x, lambda, b; theta) = 0:

    grad_x (f + y'c + z'g) + b = 0,    c = 0,    g_active = 0,    x_i = its bound, where a bound is active,

with b = z_upper - z_lower. Its Jacobian K is symmetric, so one solve K w = v serves a gradient v coming in, and the
gradient with respect to the parameters is -w' dF/dtheta. Never the inverse of the Hessian alone: K is regular where
the Hessian is not.

Choices where the solution is not differentiable: a weakly active constraint counts as inactive, of inequalities that
depend on each other a part is active (`verdict/pieces.py`), and a flat direction does not move. Equations that depend
on each other have multipliers of least norm.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from declarative.backends.kkt.compiled.pattern import Pattern
from declarative.backends.kkt.differentiate.smoothed import attach_smoothed
from declarative.backends.kkt.differentiate.truncated import last_steps
from declarative.backends.kkt.linear.system import ActiveSystem, Right, SymmetricSolve, System
from declarative.backends.kkt.program.certify import Model
from declarative.backends.kkt.program.data import conditions_to_data, over_batch
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import Active, SmoothProgram, Theta, take
from declarative.backends.kkt.program.quadratic import model
from declarative.backends.mode import IMPLICIT, Mode
from declarative.backends.numbers import plain, transformed
from declarative.backends.positional import positional
from declarative.backends.push import differentiable, in_forward_mode, pull, push

Solution = tuple[Tensor, ...]  # x (B, n), y (B, p), z (B, q), z_lower (B, n), z_upper (B, n)


@dataclass(frozen=True)
class Point:
    """What stays as it is while a solution moves; `system` may bring the forward pass's factorisation."""

    program: SmoothProgram
    active: Active
    system: System | None = None
    mode: Mode = IMPLICIT


def attach(point: Point, solution: Solution, theta: Theta, solved: Tensor | None) -> Solution:
    """The solution, connected to theta: derivatives of any order, backward and forward.

    `solution` is detached; theta's entries are (B, ...) or (1, ...), and what the items share receives the sum over
    them. Items outside `solved` (B,) keep their numbers, whatever these are, and have gradient 0, never NaN; None:
    all of them are.
    """
    if solved is None or (solved.all() and len(solved)):
        return moving(point, solution, theta)
    items = solved.nonzero()[:, 0]
    if len(items) == 0:
        nothing = sum(t.flatten()[:0].sum() for t in theta)
        return tuple(part + nothing for part in solution)
    system = point.system.take(items) if point.system is not None else None
    some = replace(point, active=point.active.take(items), system=system)
    moved = moving(some, tuple(part[items] for part in solution), take(theta, items))
    return tuple(part.index_copy(0, items, new) for part, new in zip(solution, moved, strict=True))


def moving(point: Point, solution: Solution, theta: Theta) -> Solution:
    """The numbers of a solution with the derivative that the mode asks for."""
    if not differentiable(theta):
        return tuple(part.clone() for part in solution)
    moved = Implicit.apply(point, *solution, *theta)
    if point.mode.name == "smooth":
        return attach_smoothed(point.program, solution, theta, point.mode.mu, moved)
    return moved


@positional
class Implicit(torch.autograd.Function):
    """(point, x, y, z, z_lower, z_upper, *theta) -> the same five tensors, differentiable in theta."""

    @staticmethod
    def forward(point, *tensors):
        return tuple(t.clone() for t in tensors[:5])

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.point = inputs[0]
        ctx.save_for_backward(*output, *inputs[6:])
        ctx.save_for_forward(*output, *inputs[6:])

    @staticmethod
    def backward(ctx, *v):
        saved = ctx.saved_tensors  # checkpoints let it be read once
        solution, theta = saved[:5], saved[5:]
        return (None,) * 6 + pull_back(ctx.point, solution, theta, v, list(ctx.needs_input_grad[6:]))

    @staticmethod
    def jvp(ctx, *tangents):
        saved = ctx.saved_tensors  # checkpoints let it be read once
        solution, theta = saved[:5], saved[5:]
        moves = tuple(torch.zeros_like(t) if d is None else d for t, d in zip(theta, tangents[6:], strict=True))
        return push_forward(ctx.point, solution, theta, moves)


def pull_back(point: Point, solution: Solution, theta: Theta, v: Solution, needed: list[bool]):
    """-w' dF/dtheta with K w = v, at least for the entries of theta that need it."""
    low, high = sides(point, solution)
    w = solve(point, solution, theta, (v[0], torch.cat([v[1], v[2]], -1), high * v[4] - low * v[3]))
    u = tuple(-part for part in w)
    if point.program.explicit:
        return conditions_to_data(u, solution, point.active, theta, needed)
    program, parts = point.program.numeric, None
    if program is not None and plain(theta + u):
        parts = Derivatives(program, theta).listed(pulled, *u, *solution, *point.active.parts())
    if parts is None:
        return pull(lambda *t: conditions(point, solution, t), theta, u)
    return tuple(over_batch(part, t) for part, t in zip(parts, theta, strict=True))


def pulled(d: Derivatives, *parts: Tensor) -> Theta:
    """u'dF/dtheta for u (three tensors), at a solution (five) with its active set (three)."""
    point, solution = Point(d.program, Active(*parts[8:])), parts[3:8]
    return pull(lambda *t: conditions(point, solution, t), d.theta, parts[:3])


def push_forward(point: Point, solution: Solution, theta: Theta, moves: Theta) -> Solution:
    """The solution's move -K^-1 (dF/dtheta moves)."""
    low, high = sides(point, solution)
    change = push(lambda *t: conditions(point, solution, t), theta, moves)
    x, rows, b = (-part for part in solve(point, solution, theta, change))
    return x, rows[:, : point.program.p], rows[:, point.program.p :], low * -b, high * b


def sides(point: Point, solution: Solution) -> tuple[Tensor, Tensor]:
    """Which bound carries b: the one with the larger multiplier, where both hold (a variable fixed by its bounds)."""
    active, upper_is_larger = point.active, solution[4] >= solution[3]
    return active.lower & ~(active.upper & upper_is_larger), active.upper & ~(active.lower & ~upper_is_larger)


def conditions(point: Point, solution: Solution, theta: Theta) -> tuple[Tensor, Tensor, Tensor]:
    """F as (B, n), (B, p + q), (B, n); the entries of what is not active are not used."""
    x, y, z, z_lower, z_upper = solution
    d, active = model(point.program, theta), point.active
    lower, upper = d.bounds(x)
    lower, upper = torch.where(active.lower, lower, upper), torch.where(active.upper, upper, lower)
    bound = torch.where(active.lower | active.upper, x - (lower + upper) / 2, 0)
    return d.lagrangian_gradient(x, y, z) + z_upper - z_lower, torch.cat([d.c(x), d.g(x)], -1), bound


def solve(point: Point, solution: Solution, theta: Theta, r: Solution) -> Solution:
    """K^-1 r, differentiable where that is asked for; by the factorisation at hand, if there is one."""
    truncated = point.mode.name in ("one_step", "unroll")
    if point.system is not None and not truncated and not torch.is_grad_enabled():
        if transformed() or in_forward_mode():
            return SymmetricSolve.apply(None, None, *r, point.system)
        w = point.system.solve(Right(*r))
        return w.x, w.rows, w.bounds
    H, A = matrices(model(point.program, theta), solution)
    if truncated:
        own = active_system(point.active, H.detach(), A.detach())
        return last_steps(own, H, A, r, point.mode.steps, point.mode.step)
    system = point.system or active_system(point.active, H.detach(), A.detach())
    return SymmetricSolve.apply(H, A, *r, system)


def matrices(d: Model, solution: Solution) -> tuple[Tensor, Tensor]:
    """The Lagrangian's Hessian (B, n, n) and the Jacobian of all rows (B, p + q, n)."""
    x, y, z, _, _ = solution
    return d.lagrangian_hessian(x, y, z), torch.cat([d.jacobian_c(x), d.jacobian_g(x)], -2)


def active_system(active: Active, H: Tensor, A: Tensor, pattern: Pattern | None = None) -> ActiveSystem:
    """The system of an active set: every equality row, the active inequality rows, the active bounds.

    What is infinitely curved stands still too, as x does that minimises a x^1.5. The `pattern` is that of all rows.
    """
    equal = active.z.new_ones(active.z.shape[0], A.shape[1] - active.z.shape[1])
    fixed, still = active.lower | active.upper, stiff(H)
    if still.any():
        H, fixed = torch.where(still[:, :, None] | still[:, None], 0, H), fixed | still
    return ActiveSystem(H, A, torch.cat([equal, active.z], -1), fixed, pattern)


def stiff(H: Tensor) -> Tensor:
    """(B, n): variables in which the curvature is infinite, or no number, as infinity in a sum of products with 0."""
    return ~H.diagonal(dim1=-2, dim2=-1).isfinite()
