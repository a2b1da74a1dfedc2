"""A quadratic on a sphere, in a ball or an ellipsoid, convex or not -> its global minimum, by eigenvalues.

With H = Q diag(lambda) Q' the minimum of 1/2 x'Hx + g'x on x'x = c is x = -(H + sigma I)^-1 g with H + sigma I positive
semidefinite, where sigma solves the secular equation |x(sigma)|^2 = c (More and Sorensen 1983); in the hard case, g
orthogonal to the lowest eigenspace, a vector of that eigenspace fills up what is missing. With g = 0 that is all: the
lowest eigenvector. In a ball, sigma >= 0.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from declarative.backends.kkt.compiled.constants import FAINT, MULTIPLE, NOTHING, SECULAR
from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.linear.spectra import eigh
from declarative.backends.kkt.program.certify import Primal
from declarative.backends.kkt.program.ellipsoid import Ellipsoid


@dataclass(frozen=True)
class Spherical:
    """x (B, n); sigma (B,), twice the multiplier of x'x - c; `nonunique` (B,): other minima exist.

    The pair of opposite eigenvectors of g = 0 is not counted: the start chooses between the two.
    """

    x: Tensor
    sigma: Tensor
    nonunique: Tensor


def minimise_spherical(
    H: Tensor, g: Tensor, c: Tensor, x0: Tensor, ball: bool, noise: Tensor | None = None
) -> Spherical:
    """min 1/2 x'Hx + g'x  s.t.  x'x == c, or x'x <= c in a `ball`; H (B, n, n) symmetric, g, x0 (B, n), c (B,) > 0.

    Where several points are minimal, the one nearest to x0 is returned; orthogonal to all of them, one sign is chosen.
    `noise` (B, n): the rounding errors of g, where they are more than those of its entries: flat slopes that may be
    noise are none, where they would hardly add to the fall.
    """
    values, Q = eigh(H)
    lowest, gaps = values[:, :1], values - values[:, :1]
    size = values.abs().amax(-1, keepdim=True)
    bottom = gaps <= MULTIPLE * size
    ghat = times(Q.mT, g)
    least = torch.zeros_like(g) if noise is None else times(Q.mT.abs(), noise)
    free = interior(values, Q, ghat, least, c) if ball else None
    if free is not None and free.inside.all():
        return Spherical(free.x, torch.zeros_like(c), free.nonunique)
    falls = (lowest < -MULTIPLE * size) | (not ball)  # else a slope tells, however small, where the ball is large
    terms = torch.maximum(g.abs().amax(-1, keepdim=True), torch.where(falls, size * c.sqrt()[:, None], 0))
    low = torch.where(bottom & (ghat.abs() <= NOTHING * terms), 0, ghat)
    rest = torch.where(bottom, 0, low / torch.where(bottom, 1, gaps))
    missing = c - (rest**2).sum(-1)
    hard = (torch.where(bottom, low, 0) == 0).all(-1) & (missing >= 0)
    shift = torch.where(hard, 0, secular(low, gaps, c.sqrt()))
    w = torch.where(hard[:, None], -rest, -low / torch.where(hard, 1, shift)[:, None].add(gaps))
    w = w + hard[:, None] * missing.clamp(min=0).sqrt()[:, None] * towards(times(Q.mT, x0), bottom)
    several = hard & (missing > NOTHING * c) & ((bottom.sum(-1) > 1) | (low != 0).any(-1))
    edge = Spherical(times(Q, w), shift - lowest[:, 0], several)
    return edge if free is None else free.else_at(edge)


@dataclass(frozen=True)
class Interior:
    """The minimum without a sphere, x (B, n), where one lies `inside` (B,), and whether it is one of many (B,)."""

    x: Tensor
    inside: Tensor
    nonunique: Tensor

    def else_at(self, edge: Spherical) -> Spherical:
        """The minimum in the ball."""
        x = torch.where(self.inside[:, None], self.x, edge.x)
        nonunique = torch.where(self.inside, self.nonunique, edge.nonunique)
        return Spherical(x, torch.where(self.inside, 0, edge.sigma), nonunique)


def interior(values: Tensor, Q: Tensor, ghat: Tensor, noise: Tensor, c: Tensor) -> Interior:
    """That of a quadratic with eigenvalues (B, n), eigenvectors Q (B, n, n), and Q'g with its `noise` (B, n)."""
    flat = values <= MULTIPLE * values.abs().amax(-1, keepdim=True)
    free = -torch.where(flat, 0, ghat / torch.where(flat, 1, values))
    terms = ghat.abs().amax(-1, keepdim=True)
    sloping, fall = flat & (ghat.abs() > NOTHING * terms), -(free * ghat).sum(-1) / 2
    faint = torch.where(sloping, ghat.abs(), 0).sum(-1) * c.sqrt() <= FAINT * fall
    sloping &= ~(faint[:, None] & (ghat.abs() <= noise))
    solvable = ~sloping.any(-1) & (values[:, 0] >= -MULTIPLE * values.abs().amax(-1))
    return Interior(times(Q, free), solvable & ((free**2).sum(-1) <= c), flat.any(-1))


def towards(start: Tensor, bottom: Tensor) -> Tensor:
    """The unit vector (B, n) among the directions `bottom` (B, n) nearest to the start; the first of them for none."""
    part = torch.where(bottom, start, 0)
    norm = part.norm(dim=-1, keepdim=True)
    visible = norm > NOTHING * start.norm(dim=-1, keepdim=True)
    first = torch.nn.functional.one_hot(bottom.to(torch.int8).argmax(-1), start.shape[-1]).to(start.dtype)
    return torch.where(visible, part / torch.where(visible, norm, 1), first)


def secular(g: Tensor, gaps: Tensor, radius: Tensor) -> Tensor:
    """s > 0 with |g / (gaps + s)| = radius, (B,): Newton on 1/|x(s)| - 1/radius, kept inside a shrinking bracket."""
    total, below = g.norm(dim=-1), torch.where(gaps == 0, g, 0).norm(dim=-1)
    high = total / radius
    low = torch.maximum(high - gaps.amax(-1), below / radius).clamp(min=0)
    s = torch.where(low > 0, low, high / 2)
    for _ in range(SECULAR):
        x = g / (gaps + s[:, None])
        norm = x.norm(dim=-1)
        slope = (x**2 / (gaps + s[:, None])).sum(-1)
        low, high = torch.where(norm > radius, s, low), torch.where(norm <= radius, s, high)
        step = s + (norm / radius - 1) * norm**2 / slope
        new = torch.where((step >= low) & (step <= high), step, (low + high) / 2)
        if not (((new - s).abs() > 4e-16 * s) & new.isfinite()).any():
            break
        s = torch.where(new.isfinite(), new, s)
    return s


def minimise_in_ellipsoid(data: Ellipsoid, x0: Tensor) -> tuple[Primal, Tensor, Tensor]:
    """The point, whether the minimum is `nonunique` (B,), and whether the set is `empty` (B,).

    The one row 1/2 x'Mx + m'x + k (== or <= 0) with M = LL' is the sphere u'u = m'M^-1 m - 2k in x = L^-T u - M^-1 m.
    Of several minima, the one whose way from the centre has the largest inner product with x0's: angles are those of x.
    """
    zero, H, ball = torch.zeros_like(x0), data.H, not bool(data.equal.all())
    L = torch.linalg.cholesky_ex(data.M)[0]
    m = torch.linalg.solve_triangular(L, data.m[..., None], upper=False)[..., 0]
    c = (m**2).sum(-1) - 2 * data.k
    centre = -torch.linalg.solve_triangular(L.mT, m[..., None], upper=True)[..., 0]
    half = torch.linalg.solve_triangular(L, H, upper=False)
    inner = torch.linalg.solve_triangular(L, half.mT, upper=False)
    force = torch.linalg.solve_triangular(L, (times(H, centre) + data.h)[..., None], upper=False)[..., 0]
    start = torch.linalg.solve_triangular(L, (x0 - centre)[..., None], upper=False)[..., 0]
    found = minimise_spherical((inner + inner.mT) / 2, force, c.clamp(min=0), start, ball=ball)
    x = torch.linalg.solve_triangular(L.mT, found.x[..., None], upper=True)[..., 0] + centre
    sigma, none = found.sigma[:, None], zero[:, :0]
    y, z = (none, sigma) if ball else (sigma, none)
    return Primal(x, y, z, zero, zero), found.nonunique, c < 0
