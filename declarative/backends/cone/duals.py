"""Multipliers of cone rows to the duals that users read, with the signs of L = f + lambda'(lhs - rhs) - <mu, e>."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from declarative.backends.cone.assemble import Assembly
from declarative.backends.cone.rows.chunks import DualPlaces
from declarative.backends.outcome import Duals


def duals_of(assembly: Assembly, z: Tensor) -> Duals:
    """By path, in the order of declaration, each (B, *binders, *shape); what a condition skips is 0. z is (B, m)."""
    found: Duals = {}
    for chunk, start in zip(assembly.chunks, assembly.starts(), strict=False):
        if chunk.path and chunk.dual is not None:
            part = _dual(chunk.dual, z[:, start : start + chunk.rows])
            found[chunk.path] = found[chunk.path] + part if chunk.path in found else part
    for path, shape in assembly.empty:
        found.setdefault(path, z.new_zeros(z.shape[0], *shape))
    return {path: found[path] for path in assembly.paths}


def _dual(dual: DualPlaces, z: Tensor) -> Tensor:
    rows, places = (torch.as_tensor(index, device=z.device) for index in (dual.rows, dual.places))
    terms = z.index_select(1, rows) * torch.as_tensor(dual.weights, dtype=z.dtype, device=z.device)
    whole = z.new_zeros(z.shape[0], int(np.prod(dual.shape, dtype=np.int64)))
    return whole.index_add(1, places, terms).reshape(z.shape[0], *dual.shape)
