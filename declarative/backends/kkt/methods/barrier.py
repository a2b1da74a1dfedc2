"""The primal-dual barrier method's arithmetic: a point of a smooth program -> its residuals and its Newton step.

    min f(x) - mu sum (log v - DAMPING v)   s.t.   c(x) = 0,  g(x) + s = 0,      v = [s; x - lower; upper - x] > 0,

with multipliers y of c and z of v, v z = mu (Waechter and Biegler 2006). With C = [Jg; -I; I] and r = [g + s; 0; 0]
the step in v is -C dx - r, so the system is that of x and y alone: [[H + C'(z/v)C, Jc'], [Jc, 0]]. Bounds that are only
the open domain of f have no barrier term: steps merely bend away from them. The logarithm alone would drive x to
infinity where all of a ray is optimal; DAMPING holds it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from declarative.backends.kkt.compiled.constants import BOLD, DAMPING, DEPENDENT, FAST, FLAT, LEAST_SHARE
from declarative.backends.kkt.linear.finsler import surely_positive
from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.linear.spectra import eigh
from declarative.backends.kkt.methods.interior import Rows, longest
from declarative.backends.kkt.program.certify import Local
from declarative.backends.kkt.program.items import Items

LEAST = 1e-300  # smaller numbers are not told from 0


@dataclass(frozen=True)
class Iterate(Items):
    """x (B, n), y (B, p), s (B, q), z (B, m) for the barrier rows, mu (B,); `lift` (B,): least curvature to use."""

    x: Tensor
    y: Tensor
    s: Tensor
    z: Tensor
    mu: Tensor
    lift: Tensor


@dataclass(frozen=True)
class Bounds(Items):
    """lower, upper (B, n) of the barrier, `wall_lower`, `wall_upper` of the open domain; `on` (B, m): rows that exist;
    `fixed` (B, n): variables whose bounds are equal."""

    lower: Tensor
    upper: Tensor
    wall_lower: Tensor
    wall_upper: Tensor
    on: Tensor
    fixed: Tensor


@dataclass(frozen=True)
class Columns:
    """Which variables any item bounds, below and above (long)."""

    low: Tensor
    high: Tensor

    def rows(self, Jg: Tensor) -> Rows:
        """C = [Jg; -I; I]."""
        return Rows(Jg, self.low, self.high)

    def distances(self, x: Tensor, s: Tensor, bounds: Bounds) -> Tensor:
        """v (B, m), and 1 for rows that do not exist."""
        low = x[:, self.low] - bounds.lower[:, self.low]
        v = torch.cat([s, low, bounds.upper[:, self.high] - x[:, self.high]], -1)
        return torch.where(bounds.on, v, 1)


@dataclass(frozen=True)
class Direction(Items):
    """The Newton step: dx, new y, ds, dz, and dv for the whole of v."""

    x: Tensor
    y: Tensor
    s: Tensor
    z: Tensor
    v: Tensor


class NewtonSystem:
    """[[M, Jc'], [Jc, -delta]] with M positive definite along the null space of Jc, factored for a batch.

    M is H + C' diag(z/v) C; in units that make its diagonal at most one. Where it has negative curvature along the
    null space of Jc it is changed, item by item (`convexify`), so that the step descends.
    """

    def __init__(self, local: Local, C: Rows, sigma: Tensor, lift: Tensor, reflect: bool = False):
        M = local.H + C.gram(sigma)
        size, own = (matrix.diagonal(dim1=-2, dim2=-1).abs().clamp(min=1) for matrix in (M, local.H))
        self.D = size.rsqrt()
        self.p, self.n = local.c.shape[1], M.shape[1]
        M, J = self.D[:, :, None] * M * self.D[:, None], local.Jc * self.D[:, None]
        self.M, self.lifted, self.J = *convexify(M, J, (own / size).clamp(min=LEAST_SHARE), lift, reflect), J
        if self.p == 0:
            self.L = torch.linalg.cholesky_ex(self.M)[0]
            return
        corner = -DEPENDENT * torch.eye(self.p, dtype=M.dtype, device=M.device).expand(len(M), -1, -1)
        K = torch.cat([torch.cat([self.M, J.mT], -1), torch.cat([J, corner], -1)], 1)
        self.lu, self.pivots, _ = torch.linalg.lu_factor_ex(K)

    def solve(self, rx: Tensor, rc: Tensor) -> tuple[Tensor, Tensor]:
        """(dx, y) with M dx + Jc'y = rx, Jc dx = rc, refined once."""
        x, y = self._once(self.D * rx, rc)
        if self.p:
            dx, dy = self._once(self.D * rx - times(self.M, x) - times(self.J.mT, y), rc - times(self.J, x))
            x, y = x + dx, y + dy
        return self.D * x, y

    def _once(self, rx: Tensor, rc: Tensor) -> tuple[Tensor, Tensor]:
        if self.p == 0:
            return torch.cholesky_solve(rx[..., None], self.L)[..., 0], rc
        w = torch.linalg.lu_solve(self.lu, self.pivots, torch.cat([rx, rc], -1)[..., None])[..., 0]
        return w[:, : self.n], w[:, self.n :]


def convexify(M: Tensor, J: Tensor, share: Tensor, lift: Tensor, reflect: bool) -> tuple[Tensor, Tensor]:
    """M made positive definite along the null space of J, and the items (B,) where it was not.

    By a shift of all curvatures, a few times the most negative one and at least `lift` (B,); or, to `reflect`, by the
    absolute value of each that is negative. The two take different ways through a nonconvex landscape.
    A shift is measured by what H itself has in the diagonal of M, a `share` (B, n): beside the curvature of the barrier
    it must be small, or steps towards feasibility become too short.
    """
    lifted, doubtful = M.new_zeros(len(M), dtype=torch.bool), (~surely_positive(M, J)).nonzero()[:, 0]
    Z = null_space(J[doubtful])
    R = Z.mT @ M[doubtful] @ Z
    curved = ((torch.linalg.cholesky_ex(R)[1] > 0) & R.isfinite().flatten(1).all(-1)).nonzero()[:, 0]
    bad = doubtful[curved]
    lifted[bad] = True
    if len(bad) == 0 or R.shape[-1] == 0:
        return M, lifted
    Z, R = Z[curved], (R[curved] + R[curved].mT) / 2
    if not reflect:
        L = torch.linalg.cholesky(Z.mT @ (share[bad, :, None] * Z))
        R = torch.linalg.solve_triangular(L, torch.linalg.solve_triangular(L, R, upper=False).mT, upper=False)
    values, vectors = eigh(R)
    if reflect:
        size = values.abs().amax(-1, keepdim=True)
        least = lift[bad, None] * torch.where(size > 0, size, 1)
        change = torch.where(values > FLAT * size, 0, torch.maximum(values.abs(), least) - values)
        V = Z @ vectors
        return M.index_add(0, bad, (V * change[:, None]) @ V.mT), lifted
    shift = torch.maximum(-BOLD * values[:, 0], lift[bad])[:, None]
    return M.index_add(0, bad, torch.diag_embed(shift * share[bad])), lifted


def null_space(J: Tensor) -> Tensor:
    """(B, n, n - p): orthonormal directions with J d = 0 (a rank less than p leaves some out)."""
    p, n = J.shape[1:]
    if p == 0:
        return torch.eye(n, dtype=J.dtype, device=J.device).expand(len(J), n, n)
    return torch.linalg.qr(J.mT, mode="complete")[0][:, :, p:]


def residuals(local: Local, at: Iterate, C: Rows, v: Tensor, on: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Stationarity (B, n), feasibility (B, p + q), and v z - mu (B, m)."""
    dual = local.gradient + times(local.Jc.mT, at.y) + C.adjoint(at.z)
    primal = torch.cat([local.c, torch.where(on[:, : at.s.shape[1]], local.g + at.s, 0)], -1)
    return dual, primal, (v * at.z - at.mu[:, None]) * on


def direction(
    system: NewtonSystem, local: Local, at: Iterate, C: Rows, v: Tensor, on: Tensor, rows: tuple[Tensor, Tensor]
) -> Direction:
    """The Newton step for residuals `rows` of c and of g + s."""
    q, sigma = at.s.shape[1], torch.where(on, at.z / v, 0)
    r = torch.cat([torch.where(on[:, :q], rows[1], 0), v.new_zeros(len(v), v.shape[1] - q)], -1)
    push = torch.where(on, at.mu[:, None] * (1 / v - DAMPING) + sigma * r, 0)
    x, y = system.solve(-local.gradient - C.adjoint(push), -rows[0])
    dv = torch.where(on, -r - C.apply(x), 0)
    return Direction(x, y, dv[:, :q], torch.where(on, at.mu[:, None] / v - sigma * dv - at.z, 0), dv)


def barrier(f: Tensor, v: Tensor, mu: Tensor, on: Tensor) -> Tensor:
    """f - mu sum (log v - DAMPING v), (B,); infinite outside the domain."""
    value = f - mu * torch.where(on, v.clamp(min=0).log() - DAMPING * v, 0).sum(-1) if v.shape[-1] else f
    return value.nan_to_num(nan=torch.inf, posinf=torch.inf)


def to_the_boundary(v: Tensor, dv: Tensor, tau: Tensor) -> Tensor:
    """(B,): the largest step up to 1 with v + step dv >= (1 - tau) v."""
    return (tau * longest(v, dv)).clamp(max=1)


def walls(lower: Tensor, upper: Tensor, open_domain: Tensor) -> tuple[Tensor, Tensor]:
    """Where steps in x end: the bounds (B, n) that are open (2, n), and infinity. What is not told from 0 is no part of
    a domain whose edge is 0.
    """
    below, above = torch.where(lower == 0, LEAST, lower), torch.where(upper == 0, -LEAST, upper)
    return torch.where(open_domain[0], below, -torch.inf), torch.where(open_domain[1], above, torch.inf)


def walk(x: Tensor, dx: Tensor, walls: tuple[Tensor, Tensor]) -> Tensor:
    """x + dx, but towards a wall of the open domain at distance a: a exp(dx/a), which never arrives.

    The derivative at dx = 0 is the identity, so a direction of descent stays one; and Newton's step for an entropy,
    whose relative size is what the logarithm lacks, comes to the minimum at once.
    """
    lower, upper = walls
    below, above = x - lower, upper - x
    down = lower + below * (dx.clamp(max=0) / below).clamp(min=-FAST).exp()
    up = upper - above * (-dx.clamp(min=0) / above).clamp(min=-FAST).exp()
    there = torch.where((dx < 0) & below.isfinite(), torch.where(below > 0, down, x), x + dx)
    return torch.where((dx > 0) & above.isfinite(), torch.where(above > 0, up, x), there)
