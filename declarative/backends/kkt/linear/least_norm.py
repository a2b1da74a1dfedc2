"""A singular saddle-point system -> its solution of least norm: dependent rows, or a Hessian flat along the rest.

In equilibrated units, H = D^-1 h D^-1 and A = E^-1 a D^-1 with a = U S V'. The range of V gives the part of x that the
rows fix, its complement the part that the reduced Hessian fixes (by its pseudo-inverse, where it is flat); the
multipliers are projected on the range of A, which makes them those of least norm in the user's units. With the
projector N = I - VV', the matrix NHN + VV' is block diagonal: where it has a Cholesky factor, even without a share of
its largest curvature, nothing is flat, and no eigenvalues are needed.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.linear.spectra import eigh, svd

RANK = 1e-10  # singular values of the equilibrated rows below this are zero
FLAT = 1e-11  # the same for eigenvalues of the equilibrated reduced Hessian
TOLD = 1e-15  # a smaller one is not told from 0; larger ones bend a step, where they are more than FLAT of their terms
FIRM, LEAST = 1e-6, 1e-9  # curvatures above this part of the largest, and above this, are not flat, nor nearly
LOOSE = 1e-8  # the square of the share in a null direction that moves an entry


@dataclass(frozen=True)
class LeastNorm:
    """h (B, n, n), a (B, m, n), D (B, n), E (B, m); `free` (B, n) and `use` (B, m) say which are in the system."""

    h: Tensor
    a: Tensor
    D: Tensor
    E: Tensor
    free: Tensor
    use: Tensor

    @cached_property
    def dependent(self) -> Tensor:
        """(B,): the rows in use are linearly dependent."""
        return self.rank < self.use.sum(-1)

    @property
    def movable(self) -> Tensor:
        """(B, n): entries of x that move along directions in which the rows are still."""
        return self._null.diagonal(dim1=-2, dim2=-1) > LOOSE

    @property
    def entangled(self) -> Tensor:
        """(B, m): the rows that others in use make dependent."""
        U, S, _ = self._svd
        return self.use & (1 - (U**2 * (S > 0)[:, None]).sum(-1) > LOOSE)

    @property
    def firmness(self) -> Tensor:
        """(B,): the smallest singular value of the independent rows or curvature of h along them that is not 0, beside
        the largest of its kind; of curvatures that are all firm, no more than FIRM.
        """
        least = least_share(self._svd[1])
        bent = torch.full_like(least, FIRM)
        if len(self._soft):
            bent[self._soft] = least_share(self._rest.curvature.abs())
        return torch.minimum(least, bent)

    @cached_property
    def loose(self) -> Tensor:
        """(B, n): entries of x that a null direction of the reduced Hessian moves, by the projector on all of those."""
        found, rest = torch.zeros_like(self.free), self._rest
        if len(self._soft):
            flat = (rest.curvature != 0).sum(-1) + rest.rank < rest.free.sum(-1)
            found[self._soft] = (rest.flat.diagonal(dim1=-2, dim2=-1) > LOOSE) & flat[:, None]
        return found

    @property
    def flat(self) -> Tensor:
        """(B, n, n): the projector on the directions that neither the rows nor the reduced Hessian fix."""
        bent = self.directions * (self.curvature != 0)[:, None]
        return self._null - bent @ bent.mT

    @property
    def curvature(self) -> Tensor:
        """Eigenvalues (B, n) of h on the null space of a, zero where flat."""
        values = self._reduced[0]
        return torch.where(values.abs() > FLAT, values, 0)

    @property
    def directions(self) -> Tensor:
        """The eigenvectors, as columns (B, n, n)."""
        return self._reduced[1]

    def solve(self, rx: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, n) and multipliers (B, m) with H x + A' multipliers = rx and A x = rows, of least norm."""
        U, S, V = self._svd
        inverse = reciprocal(S)
        rx, rows = self.D * rx * self.free, self.E * self._project(rows)
        x = times(V, inverse * times(U.mT, rows))
        x = x + self._along(rx - times(self.h, x))
        multipliers = times(U, inverse * times(V.mT, rx - times(self.h, x)))
        return self.D * x, self._project(self.E * multipliers)

    def _along(self, r: Tensor) -> Tensor:
        """The step (B, n) in the null space of a whose product with h is r there."""
        x = self._still(torch.cholesky_solve(self._still(r)[..., None], self._firmly[1])[..., 0])
        if len(self._soft):
            values, Z = self._rest._reduced
            bent = reciprocal(values)
            x[self._soft] = times(Z, bent * times(Z.mT, r[self._soft]))
        return x

    def _still(self, r: Tensor) -> Tensor:
        """r (B, n) projected on the null space of a."""
        return r * self.free - times(self._basis, times(self._basis.mT, r))

    def consistent(self, rows: Tensor) -> Tensor:
        """The nearest right-hand sides (B, m) that some x satisfies, each row measured in its own unit.

        What rounding leaves between the sides of dependent rows goes to those that are large: beside a row of 1e-12 it
        would be much.
        """
        U, S, _ = self._svd
        U = U * (S > 0)[:, None]
        return times(U, times(U.mT, self.E * rows)) / self.E

    @cached_property
    def _svd(self) -> tuple[Tensor, Tensor, Tensor]:
        """U (B, m, k), S (B, k) with zeros beyond the rank, V (B, n, k)."""
        U, S, Vt = svd(self.a)
        return U, torch.where(S > RANK, S, 0), Vt.mT

    @cached_property
    def rank(self) -> Tensor:
        """(B,): how many of the rows are linearly independent."""
        return (self._svd[1] > 0).sum(-1)

    @cached_property
    def _range(self) -> Tensor:
        """(B, m, k): an orthonormal basis of the range of A in the user's units; zero columns beyond the rank."""
        U, S, _ = self._svd
        return torch.linalg.qr(U / self.E[:, :, None])[0] * (S > 0)[:, None]

    def _project(self, rows: Tensor) -> Tensor:
        return times(self._range, times(self._range.mT, rows))

    @cached_property
    def _basis(self) -> Tensor:
        """(B, n, k): an orthonormal basis of what the rows fix; zero columns beyond the rank."""
        _, S, V = self._svd
        return V * (S > 0)[:, None]

    @cached_property
    def _null(self) -> Tensor:
        """(B, n, n): the projector on the null space of a."""
        return torch.diag_embed(self.free.to(self.h.dtype)) - self._basis @ self._basis.mT

    @cached_property
    def _reduced(self) -> tuple[Tensor, Tensor]:
        """Eigenvalues (B, n), zero where rounding makes them, and directions (B, n, n) of h on the null space of a."""
        values, vectors = eigh(self._null @ self.h @ self._null)
        terms = (vectors.abs() * (self.h.abs() @ vectors.abs())).sum(-2)
        return torch.where(values.abs() > torch.clamp(FLAT * terms, min=TOLD), values, 0), vectors

    @cached_property
    def _firmly(self) -> tuple[Tensor, Tensor]:
        """(B,): all curvatures on the null space are firm; and a Cholesky factor (B, n, n) of NhN + VV'."""
        V = self._basis
        W = self.h @ V
        bent = self.h - V @ W.mT - W @ V.mT + V @ (V.mT @ W) @ V.mT
        least = (FIRM * bent.abs().sum(-1)).clamp(min=LEAST)  # of 0, rounding makes a factor too
        whole = bent + V @ V.mT + torch.diag_embed((~self.free).to(V.dtype))
        least = least.amax(-1, keepdim=True).expand_as(least) if least.shape[-1] else least
        firm = torch.linalg.cholesky_ex(whole - torch.diag_embed(least))[1] == 0
        return firm, torch.linalg.cholesky_ex(whole)[0]

    @cached_property
    def _soft(self) -> Tensor:
        """The items (long, K) whose curvatures have to be looked at one by one."""
        return (~self._firmly[0]).nonzero()[:, 0]

    @cached_property
    def _rest(self) -> "LeastNorm":
        """The same of these items."""
        i = self._soft
        if len(i) == len(self.h):
            return self
        return LeastNorm(self.h[i], self.a[i], self.D[i], self.E[i], self.free[i], self.use[i])


def least_share(sizes: Tensor) -> Tensor:
    """(B,): the least of sizes (B, k) that is not 0, beside the largest; infinite where all are 0."""
    if sizes.shape[-1] == 0:
        return sizes.new_full(sizes.shape[:1], torch.inf)
    return (torch.where(sizes > 0, sizes, torch.inf).amin(-1) / sizes.amax(-1)).nan_to_num(nan=torch.inf)


def reciprocal(values: Tensor) -> Tensor:
    """1/value, and 0 for 0."""
    return torch.where(values != 0, 1 / torch.where(values != 0, values, 1), 0)
