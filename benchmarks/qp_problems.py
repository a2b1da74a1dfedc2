"""Dense quadratic programs of a size, and their exact solutions and gradients: the active set's KKT system in numpy."""

# pyright: reportMissingImports=false

from dataclasses import dataclass

import daqp
import numpy as np
import torch
from torch import Tensor

Gradients = tuple[Tensor, ...]  # of P, q, A, b, G, h


@dataclass(frozen=True)
class Problems:
    """min 1/2 x'Px + q'x, Ax = b, Gx <= h for B items, and what the loss weighs: `weight`'x, summed."""

    P: Tensor
    q: Tensor
    A: Tensor
    b: Tensor
    G: Tensor
    h: Tensor
    weight: Tensor

    @property
    def data(self) -> tuple[Tensor, ...]:
        return self.P, self.q, self.A, self.b, self.G, self.h


@dataclass(frozen=True)
class Reference:
    """x (B, n), the gradients of the loss for all data, P's symmetric, and the share of active rows."""

    x: Tensor
    gradients: Gradients
    active: float


def random_problems(n: int, m: int, batch: int, p: int = 0, seed: int = 0) -> Problems:
    """Well conditioned, feasible, about half of the rows active."""
    g = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    F, x0 = normal(batch, n, n), 0.3 * normal(batch, n, 1)
    P = F @ F.mT / n + 0.1 * torch.eye(n, dtype=torch.float64)
    A, G = normal(batch, p, n), normal(batch, m, n)
    h = (G @ x0)[..., 0] + torch.rand(batch, m, generator=g, dtype=torch.float64)
    return Problems(P, normal(batch, n), A, (A @ x0)[..., 0], G, h, normal(batch, n))


def reference(problems: Problems) -> Reference:
    """Item by item: the active set by DAQP, then everything from linear equations, whose solution is checked."""
    found = [item_reference(*(t[i].numpy() for t in (*problems.data, problems.weight))) for i in range(len(problems.q))]
    x, active, *gradients = (np.stack(column) for column in zip(*found, strict=True))
    return Reference(torch.from_numpy(x), tuple(map(torch.from_numpy, gradients)), float(active.mean()))


def item_reference(P, q, A, b, G, h, weight) -> tuple[np.ndarray, ...]:
    """x, which rows of G are active, and the gradients."""
    n, p = len(q), len(b)
    rows, upper = np.vstack([A, G]), np.concatenate([b, h])
    lower = np.concatenate([b, np.full(len(h), -1e30)])
    sense = np.concatenate([np.full(p, 5), np.zeros(len(h))]).astype(np.int32)
    _, _, flag, info = daqp.solve(P, q, rows, upper, lower, sense)
    assert flag == 1
    active = np.concatenate([np.full(p, True), info["lam"][p:] > 1e-10])
    C, d = rows[active], upper[active]
    K = np.block([[P, C.T], [C, np.zeros((len(C), len(C)))]])
    solution = np.linalg.solve(K, np.concatenate([-q, d]))
    x, multiplier = solution[:n], np.zeros(len(upper))
    multiplier[active] = solution[n:]
    assert (multiplier[p:] >= 0).all() and (rows @ x <= upper + 1e-9).all()
    w = np.linalg.solve(K, np.concatenate([weight, np.zeros(len(C))]))
    u, s = w[:n], np.zeros(len(upper))
    s[active] = w[n:]
    dC = -(np.outer(multiplier, u) + np.outer(s, x))
    dP = -(np.outer(u, x) + np.outer(x, u)) / 2
    return x, active[p:], dP, -u, dC[:p], s[:p], dC[p:], s[p:]


def error(x: Tensor, gradients: tuple[Tensor | None, ...], exact: Reference) -> float:
    """The largest error of x and of the gradients that are given, each beside the largest entry of the exact ones.

    Of P's only the symmetric part means anything.
    """
    P, *rest = gradients
    pairs = zip((x, None if P is None else (P + P.mT) / 2, *rest), (exact.x, *exact.gradients), strict=True)
    known = [(a, b) for a, b in pairs if a is not None and b.numel()]
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in known)
