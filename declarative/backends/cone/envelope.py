"""The optimal value of a cone program, differentiated by the envelope theorem: no linear system is solved.

The gradients of 1/2 x'Px + q'x + z'(Ax + s - b) with x, s and z held: xx'/2, x, zx' and -z.
"""

from __future__ import annotations

import torch
from torch import Tensor

from declarative.backends.positional import positional


@positional
class OptimalValue(torch.autograd.Function):
    """(P entries, q, A entries, b, x, z, P_at, A_at) -> 1/2 x'Px + q'x, each item's own, (B,)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(P: Tensor, q: Tensor, A: Tensor, b: Tensor, x: Tensor, z: Tensor, P_at: Tensor, A_at: Tensor):
        quadratic = P * x.index_select(1, P_at[0]) * x.index_select(1, P_at[1])
        return quadratic.sum(-1) / 2 + (q * x).sum(-1)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs[4:])
        ctx.save_for_forward(*inputs[4:])

    @staticmethod
    def backward(ctx, g):
        x, z, P_at, A_at = ctx.saved_tensors
        g = g.unsqueeze(-1)
        return (
            g * x[:, P_at[0]] * x[:, P_at[1]] / 2,
            g * x,
            g * z[:, A_at[0]] * x[:, A_at[1]],
            -g * z,
            None,
            None,
            None,
            None,
        )

    @staticmethod
    def jvp(ctx, dP, dq, dA, db, *_):
        x, z, P_at, A_at = ctx.saved_tensors
        quadratic, linear = (dP * x[:, P_at[0]] * x[:, P_at[1]]).sum(-1) / 2, (dq * x).sum(-1)
        return quadratic + linear + (dA * z[:, A_at[0]] * x[:, A_at[1]]).sum(-1) - (db * z).sum(-1)
