"""A point whose epigraph variables touch rows that nothing presses them on -> the same point, with these moved away.

Where norm1(x) <= 3 holds with room to spare, the variables t >= |x| may be anywhere between. One that happens to lie on
|x| makes its row weakly active, and the solution look degenerate, which in the user's variables it is not.

The rows that are touched have the gradients G along the directions F that neither the active rows nor the Hessian fix.
With p the point of their convex hull that is nearest to 0, G p >= |p|^2 > 0, or nothing leads away from all of them
(Gordan's alternative); it solves least squares with nonnegative variables (Wolfe 1976).
"""

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor

from declarative.backends.kkt.compiled.constants import WEAK
from declarative.backends.kkt.linear.least_norm import RANK
from declarative.backends.kkt.linear.system import ActiveSystem
from declarative.backends.kkt.program.certify import Local, Shares
from declarative.backends.kkt.program.program import Active


def away(
    x: Tensor, local: Local, shares: Shares, active: Active, system: ActiveSystem, hidden: Tensor, doubts: Tensor
) -> Tensor:
    """x (B, n) with the `hidden` entries (bool, n) of items in doubt (bool, B) moved, where that is possible."""
    items = (doubts & system.loose.any(-1) & ~(system.loose & ~hidden).any(-1)).nonzero()[:, 0]
    if len(items) == 0:
        return x
    flat, holds = system.flat(items) * hidden[:, None], torch.cat(active.parts(), -1)[items]
    idle, gaps = (shares.slack[items] < WEAK) & ~holds, room(x, local)[items]
    parts = (local.Jg[items], flat, idle, ~holds & ~idle, gaps, x[items])
    steps = [step(*(part.cpu().numpy() for part in item)) for item in zip(*parts, strict=True)]
    return x.index_add(0, items, torch.from_numpy(np.stack(steps)).to(x))


def room(x: Tensor, local: Local) -> Tensor:
    """(B, q + 2n): how far each inequality is from its bound."""
    return torch.cat([-local.g, x - local.lower, local.upper - x], -1)


def step(Jg: np.ndarray, flat: np.ndarray, idle: np.ndarray, far: np.ndarray, gaps: np.ndarray, x: np.ndarray):
    """(n,): half the way along which the `idle` of the rows (q + 2n) open, up to those that are `far`; or 0.

    `flat` (n, n) has the directions as columns, `gaps` (q + 2n,) the distances to the bounds.
    """
    rows = np.concatenate([Jg, -np.eye(len(x)), np.eye(len(x))])
    G = rows[idle] @ flat
    sizes = np.linalg.norm(G, axis=1)
    if len(G) == 0 or (sizes <= RANK * np.linalg.norm(rows[idle], axis=1)).any():
        return np.zeros_like(x)
    G = G / sizes[:, None]
    s, _ = nnls(np.concatenate([G.T, np.ones((1, len(G)))]), np.append(np.zeros(len(x)), 1.0))
    p = G.T @ s / s.sum()
    if (G @ p <= RANK).any():
        return np.zeros_like(x)
    d = -flat @ p
    closing, size = rows[far] @ d, max(1.0, np.abs(x).max())
    ends = gaps[far][closing > 0] / closing[closing > 0]
    return d * min([*ends, 2 * size / np.abs(d).max()]) / 2
