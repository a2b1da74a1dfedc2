"""The optimal value as a function of the parameters: the envelope theorem, d value / d theta = dL/dtheta.

No linear solve: the gradient of the Lagrangian at the solution is the gradient of the value (Danskin; Bonnans and
Shapiro, Perturbation Analysis of Optimization Problems, 4.3). For second derivatives the solution moves with theta,
so the gradient is formed from the connected solution.
"""

import torch
from torch import Tensor

from declarative.backends.kkt.program.data import lagrangian_to_data
from declarative.backends.kkt.program.program import SmoothProgram, Theta, take
from declarative.backends.positional import positional
from declarative.backends.push import differentiable, pull, push

Solution = tuple[Tensor, ...]  # x, y, z, z_lower, z_upper


def lagrangian(program: SmoothProgram, solution: Solution, theta: Theta) -> Tensor:
    """L = f + y'c + z'g + z_lower'(lower - x) + z_upper'(x - upper), (B,); open sides count nothing."""
    x, y, z, z_lower, z_upper = solution
    lower, upper = program.bounds(theta)
    below = torch.where(lower.isfinite(), lower - x, torch.zeros_like(x))
    above = torch.where(upper.isfinite(), x - upper, torch.zeros_like(x))
    rows = (y * program.equalities(x, theta)).sum(-1) + (z * program.inequalities(x, theta)).sum(-1)
    return program.objective(x, theta) + rows + (z_lower * below + z_upper * above).sum(-1)


def attach_value(
    program: SmoothProgram, value: Tensor, solution: Solution, theta: Theta, solved: Tensor | None
) -> Tensor:
    """The value (B,), connected to theta. Items outside `solved` (B,) keep their number and have gradient 0; None: all
    are inside.
    """
    if not differentiable(theta):
        return value
    if solved is None or (solved.all() and len(solved)):
        return Envelope.apply(program, value, *solution, *theta)  # pyright: ignore[reportReturnType]
    items = solved.nonzero()[:, 0]
    if len(items) == 0:
        return value + sum(t.flatten()[:0].sum() for t in theta)
    own = Envelope.apply(program, value[items], *(part[items] for part in solution), *take(theta, items))
    return value.index_copy(0, items, own)  # pyright: ignore[reportArgumentType]


@positional
class Envelope(torch.autograd.Function):
    """(program, value, x, y, z, z_lower, z_upper, *theta) -> value (B,), whose gradient in theta is dL/dtheta."""

    @staticmethod
    def forward(program, value, *tensors):
        return value.clone()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.program = inputs[0]
        ctx.save_for_backward(*inputs[2:])
        ctx.save_for_forward(*inputs[2:])

    @staticmethod
    def backward(ctx, v):
        saved = ctx.saved_tensors  # checkpoints let it be read once
        solution, theta = saved[:5], saved[5:]
        if ctx.program.explicit:
            return (None,) * 7 + lagrangian_to_data(v, solution, theta, list(ctx.needs_input_grad[7:]))
        return (None,) * 7 + pull(lambda *t: (lagrangian(ctx.program, solution, t),), theta, (v,))

    @staticmethod
    def jvp(ctx, *tangents):
        saved = ctx.saved_tensors  # checkpoints let it be read once
        solution, theta = saved[:5], saved[5:]
        moves = tuple(torch.zeros_like(t) if d is None else d for t, d in zip(theta, tangents[7:], strict=True))
        return push(lambda *t: lagrangian(ctx.program, solution, t), theta, moves)
