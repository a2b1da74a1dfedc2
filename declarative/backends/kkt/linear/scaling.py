"""Matrices -> diagonal scalings that bring their rows and columns to unit size (Ruiz 2001)."""

import numpy as np
import torch
from torch import Tensor

from declarative.backends.kkt.compiled import compiles
from declarative.backends.numbers import plain


def times(M: Tensor, v: Tensor) -> Tensor:
    """M v for matrices (B, k, n), or (1, k, n) that the batch shares, and vectors (B, n).

    An item alone goes the way of a batch, which rounds otherwise than a product by a shared matrix.
    """
    return v @ M[0].mT if len(M) == 1 != len(v) else (v[:, None] @ M.mT)[:, 0]


def inverse_root(size: Tensor) -> Tensor:
    """1/sqrt(size), and 1 where a row is zero."""
    return torch.where(size > 0, size, 1).rsqrt()


def equilibrate(H: Tensor, A: Tensor, rounds: int = 4) -> tuple[Tensor, Tensor]:
    """D (B, n) and E (B, m) that bring the largest entry of every row of [[D H D, D A' E], [E A D, 0]] near one.

    That leaves H's size free (for any t, (t D, E/t) scales D H D by t^2 and changes nothing else), so it is set to one
    as well: an objective in other units gives the same matrix. Rows of zeros are left alone.
    """
    if type(H) is type(A) is Tensor and plain((H, A)) and compiles():  # and no names of scalars, in a trace
        return compiled_scales(H, A, rounds)
    H, A = H.abs(), A.abs()
    D, E = H.new_ones(H.shape[:2]), A.new_ones(A.shape[:2])
    for _ in range(rounds if H.shape[-1] else 0):
        of_H, of_A = D * (H * D[:, None]).amax(-1), (A * E[:, :, None]).amax(1) if A.shape[1] else 0 * D
        of_E = E * (A * D[:, None]).amax(-1)
        D, E = D * inverse_root(torch.maximum(of_H, D * of_A)), E * inverse_root(of_E)
    largest = (D * (H * D[:, None]).amax(-1)).amax(-1, keepdim=True) if H.shape[-1] else D.sum(-1, keepdim=True)
    t = inverse_root(largest)
    return t * D, E / t


def compiled_scales(H: Tensor, A: Tensor, rounds: int) -> tuple[Tensor, Tensor]:
    """The same for numbers."""
    from declarative.backends.kkt.compiled.scales import find_scales

    B, (m, n) = max(len(H), len(A)), A.shape[1:]
    h, a = (part.expand(B, *part.shape[1:]).contiguous().numpy() for part in (H, A))
    D, E = np.empty((B, n)), np.empty((B, m))
    find_scales(h, a, rounds, D, E, np.empty(n), np.empty(n))
    return torch.from_numpy(D), torch.from_numpy(E)
