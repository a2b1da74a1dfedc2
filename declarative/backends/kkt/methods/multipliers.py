"""A point -> multipliers that fit it: those that make the Lagrangian stationary as nearly as possible.

    min |grad f + Jc'y + Jg'z - z_lower + z_upper|^2 + sum (slack z)^2   s.t.  z >= 0,

in units that equilibrate the system: a multiplier is worth what its constraint's slack costs. A convex quadratic
program for each item.
"""

import torch
from torch import Tensor

from declarative.backends.kkt.linear.scaling import equilibrate, times
from declarative.backends.kkt.methods.qp import solve_quadratic
from declarative.backends.kkt.program.certify import Primal
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.quadratic import Quadratic

ITERATIONS = 60
ALMOST = 1e-10  # keeps the matrix regular where rows are dependent


def fitted(d: Derivatives, x: Tensor) -> Primal:
    """x (B, n) with its multipliers."""
    n, p, q = d.program.n, d.program.p, d.program.q
    slope, J = d.gradient(x), torch.cat([d.jacobian_c(x), d.jacobian_g(x)], 1)
    lower, upper = d.bounds(x)
    D, E = equilibrate(J.new_zeros(len(x), n, n), J)
    eye = torch.diag_embed(torch.ones_like(x))
    rows = torch.cat([E[:, :, None] * J * D[:, None], -eye, eye], 1)
    slack = torch.cat([0 * d.c(x), E[:, p:] * d.g(x), (x - lower) / D, (upper - x) / D], -1)
    absent = slack.isinf()
    slack = torch.where(absent, 0, slack)
    P = rows @ rows.mT + torch.diag_embed(slack**2 + ALMOST)
    free = (torch.arange(slack.shape[1], device=x.device) < p).expand(slack.shape)
    sides = torch.where(free, -torch.inf, 0).to(x.dtype), torch.where(absent, 0, torch.inf).to(x.dtype)
    none = P.new_zeros(len(x), 0, P.shape[1])
    size = (D * slope).abs().amax(-1, keepdim=True).clamp(min=1e-300) if n else slope.sum(-1, keepdim=True) + 1
    qp = Quadratic(P, times(rows, D * slope / size), slack[:, 0] * 0, none, none[:, :, 0], none, none[:, :, 0], *sides)
    w = size * solve_quadratic(qp, ITERATIONS).at.x
    yz, low, high = w[:, : p + q] * E, w[:, p + q : p + q + n] / D, w[:, p + q + n :] / D
    return Primal(x, yz[:, :p], yz[:, p:], low, high)
