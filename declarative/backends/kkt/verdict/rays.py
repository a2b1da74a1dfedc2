"""Quadratic programs without a solution -> the ray that proves it, from an auxiliary program that always has one.

Infeasible (Farkas): the least violation min |Ax - b|^2/2 + |t|^2/2, Gx - t <= h, is positive, and its multipliers
give y, z >= 0 and bound multipliers with A'y + G'z - z_lower + z_upper = 0
and b'y + h'z - lower'z_lower + upper'z_upper < 0.
Unbounded: a direction d with Pd = 0, Ad = 0, Gd <= 0 that the bounds allow, and q'd < 0.
"""

from dataclasses import replace

import torch
from torch import Tensor

from declarative.backends.kkt.linear.scaling import equilibrate, times
from declarative.backends.kkt.methods.qp import solve_quadratic
from declarative.backends.kkt.program.certify import Primal, beside, finite, worst
from declarative.backends.kkt.program.quadratic import Quadratic
from declarative.backends.kkt.verdict.answer import Blame
from declarative.backends.kkt.verdict.polish import polish

EXACT = 1e-8  # residual of a ray's equations, beside their terms
DECISIVE = 1e-8  # what the ray must gain, beside its terms
REFUTES = 0.5  # of what a ray gains may be owed to its residuals, at a point that looks like a solution
ROUNDING = 1e-10
ITERATIONS = 100


def infeasible(qp: Quadratic, x: Tensor) -> tuple[Tensor, Blame]:
    """(B,): no x satisfies the constraints, and a ray proves it; and how much each row weighs in the contradiction.

    x (B, n): what looks like a solution, or 0 where nothing does. It is refuted with all the others.
    """
    crossed = qp.lower > qp.upper
    lower, upper = torch.where(crossed, -torch.inf, qp.lower), torch.where(crossed, torch.inf, qp.upper)
    D, E = equilibrate(torch.zeros_like(qp.P), torch.cat([qp.A, qp.G], 1))
    p = qp.A.shape[1]
    A, b = E[:, :p, None] * qp.A * D[:, None], E[:, :p] * qp.b
    G, h = E[:, p:, None] * qp.G * D[:, None], E[:, p:] * qp.h
    rows = replace(qp, A=A, b=b, G=G, h=h, lower=lower / D, upper=upper / D)
    at = optimum(least_violation(rows))
    n = D.shape[1]
    y, z = times(A, at.x[:, :n]) - b, at.z
    z_lower, z_upper = at.z_lower[:, :n], at.z_upper[:, :n]
    proved = contradicts(rows, y, z, z_lower, z_upper, x / D) | crossed.any(-1)
    return proved, Blame(y.abs(), z, z_lower + crossed, z_upper + crossed)


def least_violation(qp: Quadratic) -> Quadratic:
    """min |Ax - b|^2/2 + |t|^2/2 over (x, t) with Gx - t <= h and x in its bounds."""
    B, m, n = qp.G.shape
    t = qp.G.new_zeros(B, m)
    P = block_diagonal(qp.A.mT @ qp.A, torch.diag_embed(t + 1))
    q = torch.cat([-times(qp.A.mT, qp.b), t], -1)
    G = torch.cat([qp.G, -torch.diag_embed(t + 1)], -1)
    lower, upper = torch.cat([qp.lower, t - torch.inf], -1), torch.cat([qp.upper, t + torch.inf], -1)
    return Quadratic(P, q, qp.k, P.new_zeros(B, 0, n + m), P.new_zeros(B, 0), G, qp.h, lower, upper)


def contradicts(qp: Quadratic, y: Tensor, z: Tensor, z_lower: Tensor, z_upper: Tensor, x: Tensor) -> Tensor:
    """(B,): the multipliers combine the rows into 0 <= a negative number; those that are rounding are left out.

    What they leave of 0 is some r, and r'x <= a negative number holds for x no more than 0 does.
    """
    size = ROUNDING * worst(torch.cat([y, z, z_lower, z_upper], -1).abs())[:, None]
    y, z, z_lower, z_upper = (torch.where(part.abs() > size, part, 0) for part in (y, z, z_lower, z_upper))
    parts = torch.cat(
        [qp.A * y[:, :, None], qp.G * z[:, :, None], (-torch.diag_embed(z_lower)), torch.diag_embed(z_upper)], 1
    )
    combined = beside(parts.sum(1), parts.abs().amax(1)) if parts.shape[1] else qp.q * 0
    sides = [qp.b * y, finite(qp.h) * z, -finite(qp.lower) * z_lower, finite(qp.upper) * z_upper]
    gain = torch.cat(sides, -1)
    refuted = (parts.sum(1) * x).abs().sum(-1) < -REFUTES * gain.sum(-1)
    return (worst(combined.abs()) < EXACT) & (-gain.sum(-1) > DECISIVE * gain.abs().sum(-1)) & refuted


def unbounded(qp: Quadratic, point: Primal) -> Tensor:
    """(B,): a direction exists along which the objective falls for ever; a feasible point is the caller's to know.

    `point` is what looks like a solution, or 0. At a solution q = -Px - A'y - G'z + z_lower - z_upper, so that q'd is
    no less than what these take of the residuals of d: where it is, the direction refutes the point.
    """
    D, E = equilibrate(qp.P, torch.cat([qp.A, qp.G], 1))
    p = qp.A.shape[1]
    P, A = D[:, :, None] * qp.P * D[:, None], E[:, :p, None] * qp.A * D[:, None]
    G, q = E[:, p:, None] * qp.G * D[:, None], D * qp.q
    q = beside(q, q.abs().amax(-1, keepdim=True))
    flat = torch.cat([P, A], 1)
    h = torch.where(qp.h.isinf(), torch.inf, 0)
    one = torch.ones_like(q)
    lower, upper = torch.where(qp.lower.isinf(), -one, 0), torch.where(qp.upper.isinf(), one, 0)
    at = optimum(Quadratic(torch.zeros_like(P), q, qp.k, flat, flat[:, :, 0] * 0, G, h, lower, upper))
    size = at.x.abs().amax(-1)
    still = (worst(times(flat, at.x).abs()) < EXACT * size) & (worst(times(G, at.x) - h) < EXACT * size)
    d = D * at.x
    forces = [
        times(qp.P, d) * point.x, times(qp.A, d) * point.y, times(qp.G, d).clamp(min=0) * point.z,
        d.clamp(max=0) * point.z_lower, d.clamp(min=0) * point.z_upper,
    ]  # fmt: skip
    refuted = torch.cat(forces, -1).abs().sum(-1) < -REFUTES * (qp.q * d).sum(-1)
    return still & ((q * at.x).sum(-1) < -DECISIVE * size) & refuted


def optimum(qp: Quadratic) -> Primal:
    """Solved and polished."""
    at = solve_quadratic(qp, ITERATIONS).at
    return polish(qp, at, qp.q.new_zeros(2, qp.q.shape[1], dtype=torch.bool), None, 3).at


def block_diagonal(first: Tensor, second: Tensor) -> Tensor:
    """[[first, 0], [0, second]] for batches of matrices."""
    n, m = first.shape[1], second.shape[1]
    top = torch.cat([first, first.new_zeros(len(first), n, m)], -1)
    return torch.cat([top, torch.cat([first.new_zeros(len(first), m, n), second], -1)], 1)
