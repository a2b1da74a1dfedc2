"""The system at a solution, and the way there -> the parts of the way along which the Lagrangian is hardly curved.

A part is a projection in which each variable counts by how far it went, along the active constraints, on eigenvectors
of the Hessian with small eigenvalues. Small matrices of numbers are left to compiled code.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from declarative.backends.kkt.compiled import compiles
from declarative.backends.kkt.linear.finsler import surely_positive
from declarative.backends.kkt.linear.scaling import inverse_root, times
from declarative.backends.kkt.linear.sparse import Sparse
from declarative.backends.kkt.linear.spectra import eigh
from declarative.backends.kkt.linear.system import ActiveSystem
from declarative.backends.numbers import plain

CUTS = (1e-2, 1e-4, 1e-6, 1e-8, 1e-10)  # of eigenvalues, beside the largest
NORMAL = 1e-6  # a singular value of the active rows: less, and the rows do not see the direction
ROUNDED = 1e-12  # an entry of a part beside the largest: less is rounding error
LARGEST = 40  # unknowns and rows; of larger matrices the factorisations of torch are faster


def portions(system: ActiveSystem, way: Tensor, least: Tensor) -> tuple[Tensor, Tensor]:
    """Items (long, K), several times maybe, and parts (K, n) of their ways (B, n): none where the curvature along the
    way is surely larger than `least` (B,).
    """
    m, n = system.A.shape[1:]
    if system.small and 0 < n + m <= LARGEST and plain((system.H, system.A, way, least)) and compiles():
        some = compiled_parts(system, way, least)
        which = some.any(-1).nonzero()
        return which[:, 0], some[which[:, 0], which[:, 1]]
    if (quick := system.sparse) is not None and plain((way, least)):
        some = filtered_parts(quick, way, least)
        which = some.any(-1).nonzero()
        others = quick.left
        items, found = portions(replace(system.take(others), pattern=None), way[others], least[others])
        return torch.cat([which[:, 0], others[items]]), torch.cat([some[which[:, 0], which[:, 1]], found])
    hardly = hardly_curved(system, way, least).nonzero()[:, 0]
    if len(hardly) == 0:
        return hardly, way[:0]
    some = parts(system.take(hardly), way[hardly])
    which = (some != 0).any(-1).nonzero()
    return hardly[which[:, 1]], some[which[:, 0], which[:, 1]]


def compiled_parts(system: ActiveSystem, way: Tensor, least: Tensor) -> Tensor:
    """(B, cuts, n): the parts of small ways; 0 where there is none, or no other than that for the cut before."""
    from declarative.backends.kkt.compiled.blas import ROUTINES
    from declarative.backends.kkt.compiled.portions import find_all_parts, room

    (m, n), found = system.A.shape[1:], np.zeros((len(way), len(CUTS), way.shape[1]))
    given = (part.contiguous().numpy() for part in (system.H, system.A, system.rows, system.fixed, way, least))
    find_all_parts(ROUTINES, *given, room(n, m), NORMAL, CUTS, found)
    return exactly(torch.from_numpy(found))


def filtered_parts(system: Sparse, way: Tensor, least: Tensor) -> Tensor:
    """(B, cuts, n): about the same for systems that are sparse and factored, 0 for the others."""
    from declarative.backends.kkt.compiled.filtered import BLOCK, filter_block, room

    batch, found = len(way), torch.zeros(len(way), len(CUTS), way.shape[1], dtype=way.dtype)
    given, memory = (way.contiguous().numpy(), least.contiguous().numpy()), room(system.pattern)
    work = np.zeros((5, BLOCK))
    for first in range(0, batch, BLOCK):
        count = min(BLOCK, batch - first)
        filter_block(system.pattern, memory, system.given, *given, CUTS, first, count, work, found.numpy())
    return exactly(found).index_fill(0, system.left, 0)


def exactly(parts: Tensor) -> Tensor:
    """Parts (..., n) without rounding errors, which would tell on the way to infinity."""
    return torch.where(parts.abs() > ROUNDED * parts.abs().amax(-1, keepdim=True), parts, 0)


def hardly_curved(system: ActiveSystem, way: Tensor, least: Tensor) -> Tensor:
    """(B,): there may be a part of the way along which the curvature is below `least` (B,)."""
    M, rows = by_way(system, way)
    size = torch.maximum(M.abs().amax((1, 2)), least).clamp(min=1e-300)
    shift = torch.where(system.fixed | (way == 0), size[:, None], -least[:, None])
    return ~surely_positive((M + torch.diag_embed(shift)) / size[:, None, None], rows)


def parts(system: ActiveSystem, way: Tensor) -> Tensor:
    """(cuts, B, n): the parts of the way whose eigenvalues are below each of the CUTS."""
    M, rows = by_way(system, way)
    Q = unseen(rows.nan_to_num(0, 0, 0))
    values, W = eigh((Q.mT @ M @ Q).nan_to_num(0, 0, 0))
    Q = Q @ W
    unit = times(Q.mT, way.sign() * ~system.fixed)
    share = values / values.abs().amax(-1, keepdim=True)
    return exactly(torch.stack([way.abs() * times(Q, unit * (share <= cut)) for cut in CUTS]))


def unseen(rows: Tensor) -> Tensor:
    """(B, n, k): orthonormal columns, or zeros, that span the directions which rows (B, m, n), of unit length or 0, do
    not see, but for singular values of at most NORMAL.

    Of fewer rows than unknowns those seen come first, from the smaller of the two Gram matrices; QR leaves the others.
    """
    m, n = rows.shape[1:]
    if m >= n:
        values, Q = eigh(rows.mT @ rows)
        return Q * (values <= NORMAL**2)[:, None]
    values, W = (part.flip(-1) for part in eigh(rows @ rows.mT))
    seen = values > NORMAL**2
    Q = torch.linalg.qr(rows.mT @ (W * (seen * values.clamp(min=NORMAL**2).rsqrt())[:, None]), mode="complete")[0]
    count = seen.sum(-1, keepdim=True)
    return (Q * (torch.arange(n, device=rows.device) >= count)[:, None])[:, :, int(count.min()) :]


def by_way(system: ActiveSystem, way: Tensor) -> tuple[Tensor, Tensor]:
    """H and the active rows, in units of how far each variable went, 0 where one is fixed; the rows of unit length."""
    size = way.abs() * ~system.fixed
    rows = system.A * system.rows[:, :, None] * size[:, None]
    return size[:, :, None] * system.H * size[:, None], rows * inverse_root((rows**2).sum(-1))[:, :, None]
