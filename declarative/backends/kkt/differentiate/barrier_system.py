"""The Newton system of a barrier problem, solved through its unknowns and equations alone.

    [H   A'   G'] [dx]   [r]
    [A   0    0 ] [dy] = [c]      t: slack over multiplier; the rows of G are those of g, and plus or minus a unit
    [G   0   -t ] [dz]   [g]      vector for each bound

The last rows give dz = (G dx - g)/t, and leave (H + G' t^-1 G) dx + A' dy = r + G' t^-1 g (Nocedal and Wright, section
16.6). The term of a bound is one entry of the diagonal. What large 1/t take of the digits, a step of refinement in the
whole system gives back.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from declarative.backends.kkt.linear.scaling import equilibrate, times

DELTA = 1e-10  # where the largest entry of each row is 1
DEPENDENT = 4096.0  # roundings: no more than that is left of a row's square beside the others
REFINEMENTS = 3  # each leaves DELTA of an error that the system sees


@dataclass(frozen=True)
class BarrierSystem:
    """H (B, n, n), A (B, p, n), the rows of g in G (B, q, n); those of g and of the lower and upper bounds that there
    are, and their t (B, q + 2n)."""

    H: Tensor
    A: Tensor
    G: Tensor
    on: Tensor
    t: Tensor

    def slopes(self, dx: Tensor) -> Tensor:
        """G dx with the bounds' rows, (B, q + 2n)."""
        return torch.cat([times(self.G, dx), -dx, dx], -1) * self.on

    def pushed(self, dz: Tensor) -> Tensor:
        """G' dz with the bounds' rows, (B, n)."""
        n = self.H.shape[-1]
        of_rows, lower, upper = (dz * self.on).split([self.G.shape[1], n, n], -1)
        return times(self.G.mT, of_rows) - lower + upper

    def solve(self, right: Tensor) -> Tensor:
        """(dx, dy, dz) in one, (B, n + p + q + 2n), also where equations depend on each other, as those of a flow."""
        (n, p), dependent = (self.H.shape[-1], self.A.shape[1]), depend(self.A.detach())
        LU, pivots, _ = torch.linalg.lu_factor_ex(self._reduced(dependent))
        r, c, g = right.split([n, p, self.t.shape[1]], -1)
        dx, dy, dz = torch.zeros_like(r), torch.zeros_like(c), torch.zeros_like(g)
        for _ in range(1 + (REFINEMENTS if dependent.any() else 1)):
            left_r = r - times(self.H, dx) - times(self.A.mT, dy) - self.pushed(dz)
            left_c, left_g = c - times(self.A, dx), g - self.slopes(dx) + self.t * dz
            short = torch.cat([left_r + self.pushed(left_g / self.t), left_c], -1)
            more_x, more_y = torch.linalg.lu_solve(LU, pivots, short[..., None])[..., 0].split([n, p], -1)
            dx, dy, dz = dx + more_x, dy + more_y, dz + (self.slopes(more_x) - left_g) / self.t
        return torch.cat([dx, dy, dz], -1)

    def _reduced(self, dependent: Tensor) -> Tensor:
        """[[H + G' t^-1 G, A'], [A, 0]], (B, n + p, n + p); with a small -delta I, where rows of A depend on others."""
        n, p = self.H.shape[-1], self.A.shape[1]
        of_rows, lower, upper = (self.on / self.t).split([self.G.shape[1], n, n], -1)
        M = torch.baddbmm(self.H, self.G.mT * of_rows[:, None], self.G) if self.G.shape[1] else self.H
        M = M.diagonal_scatter(M.diagonal(dim1=-2, dim2=-1) + lower + upper, dim1=-2, dim2=-1)
        if not p:
            return M
        A = self.A.detach()
        E = equilibrate(M.detach(), A)[1] if dependent.any() else A.new_ones(A.shape[:2])
        corner = torch.diag_embed(-DELTA * dependent[:, None] / E.square())
        return torch.cat([torch.cat([M, self.A.mT], -1), torch.cat([self.A, corner], -1)], -2)


def depend(A: Tensor) -> Tensor:
    """Whether rows of A (B, p, n) depend on each other, (B,): a pivot of their Gram matrix is lost in rounding."""
    if not A.shape[1]:
        return A.new_zeros(len(A), dtype=torch.bool)
    unit = A / A.square().sum(-1, keepdim=True).sqrt().clamp(min=torch.finfo(A.dtype).tiny)
    L, info = torch.linalg.cholesky_ex(unit @ unit.mT)
    return (info != 0) | (L.diagonal(dim1=-2, dim2=-1).square().amin(-1) < DEPENDENT * torch.finfo(A.dtype).eps)
