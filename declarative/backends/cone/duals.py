"""Multipliers of cone rows to the duals that users read, with the signs of L = f + lambda'(lhs - rhs) - <mu, e>."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from declarative.backends.cone.assemble import Assembly
from declarative.backends.cone.chunks import Chunk
from declarative.backends.outcome import Duals


def duals_of(assembly: Assembly, z: Tensor) -> Duals:
    """By path, each (B, *binders, *shape); entries that a condition skips are 0. z is (B, m)."""
    found: Duals = {}
    for chunk, start in zip(assembly.chunks, assembly.starts(), strict=False):
        if chunk.path and chunk.places is not None:
            part = _dual(chunk, z[:, start : start + chunk.rows])
            found[chunk.path] = found[chunk.path] + part if chunk.path in found else part
    return found


def _dual(chunk: Chunk, z: Tensor) -> Tensor:
    assert chunk.places is not None
    if chunk.weights is not None:
        z = z * torch.as_tensor(chunk.weights, dtype=z.dtype, device=z.device)
    whole = z.new_zeros(z.shape[0], int(np.prod(chunk.shape, dtype=np.int64)))
    if chunk.mirror is not None:
        opposite = np.flatnonzero(chunk.mirror != chunk.places)
        at = torch.as_tensor(chunk.mirror[opposite], device=z.device)
        whole = whole.index_add(1, at, z[:, torch.as_tensor(opposite, device=z.device)])
    whole = whole.index_add(1, torch.as_tensor(chunk.places, device=z.device), z)
    return whole.reshape(z.shape[0], *chunk.shape)
