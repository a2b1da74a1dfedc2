"""A singular saddle-point system -> its solution of least norm: dependent rows, or a Hessian flat along the rest.

In equilibrated units, H = D^-1 h D^-1 and A = E^-1 a D^-1 with a = U S V'. The range of V gives the part of x that the
rows fix, its complement the part that the reduced Hessian fixes (by its pseudo-inverse, where it is flat); the
multipliers are projected on the range of A, which makes them those of least norm in the user's units.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.linear.spectra import eigh, svd

RANK = 1e-10  # singular values of the equilibrated rows below this are zero
FLAT = 1e-11  # the same for eigenvalues of the equilibrated reduced Hessian
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
        the largest of its kind.
        """
        kinds = (v for v in (self._svd[1], self.curvature.abs()) if v.shape[-1])
        least = [torch.where(v > 0, v, torch.inf).amin(-1) / v.amax(-1) for v in kinds]
        return torch.stack([v.nan_to_num(nan=torch.inf) for v in least]).amin(0)

    @cached_property
    def loose(self) -> Tensor:
        """(B, n): entries of x that a null direction of the reduced Hessian moves, by the projector on all of those."""
        flat = (self.curvature != 0).sum(-1) + self.rank < self.free.sum(-1)
        return (self.flat.diagonal(dim1=-2, dim2=-1) > LOOSE) & flat[:, None]

    @property
    def flat(self) -> Tensor:
        """(B, n, n): the projector on the directions that neither the rows nor the reduced Hessian fix."""
        bent = self.directions * (self.curvature != 0)[:, None]
        return self._null - bent @ bent.mT

    @property
    def curvature(self) -> Tensor:
        """Eigenvalues (B, n) of h on the null space of a, zero where flat."""
        return self._reduced[0]

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
        Z = self.directions
        x = x + times(Z, reciprocal(self.curvature) * times(Z.mT, rx - times(self.h, x)))
        multipliers = times(U, inverse * times(V.mT, rx - times(self.h, x)))
        return self.D * x, self._project(self.E * multipliers)

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
    def _null(self) -> Tensor:
        """(B, n, n): the projector on the null space of a."""
        _, S, V = self._svd
        V = V * (S > 0)[:, None]
        return torch.diag_embed(self.free.to(V.dtype)) - V @ V.mT

    @cached_property
    def _reduced(self) -> tuple[Tensor, Tensor]:
        """Eigenvalues (B, n), zero where flat, and directions (B, n, n) of h on the null space of a."""
        values, vectors = eigh(self._null @ self.h @ self._null)
        return torch.where(values.abs() > FLAT, values, 0), vectors


def reciprocal(values: Tensor) -> Tensor:
    """1/value, and 0 for 0."""
    return torch.where(values != 0, 1 / torch.where(values != 0, values, 1), 0)
