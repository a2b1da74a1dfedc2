"""The engine's multipliers of one row family -> the user's dual, an array over its index tuples."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from declarative.backends.kkt.program.rows import Block, dual_weights, mirrored


class DualReader:
    """Reads the multipliers of a block at `columns` of those of its kind; indices are worked out once."""

    def __init__(self, block: Block, columns: np.ndarray, device: torch.device):
        self.shape, self.size = block.shape, int(np.prod(block.shape, dtype=np.int64))
        self._repeated = len(block.places) // max(block.count, 1)
        self._columns = _Places(columns, None, device)
        self._places = _Places(block.places, self.size, device)
        self._halves, self._mirror = None, None
        weights = dual_weights(block)
        if weights is not None:
            self._halves = torch.as_tensor(weights, device=device)
            across = np.nonzero(mirrored(block) != block.places)[0]
            self._mirror = (_Places(across, None, device), _Places(mirrored(block)[across], self.size, device))

    def __call__(self, multipliers: Tensor, weight: Tensor | None) -> Tensor:
        """(batch, *binders, *shape) of the multipliers (batch, rows of the kind); `weight` (batch, entries)."""
        values = self._columns.taken(multipliers)
        if weight is not None:
            values = values.repeat_interleave(self._repeated, 1) * weight
        if self._halves is not None and self._mirror is not None:
            values = values * self._halves.to(values.dtype)
            across, opposite = self._mirror
            whole = opposite.put(values.new_zeros(len(values), self.size), across.taken(values))
            return self._places.put(whole, values).reshape(len(values), *self.shape)
        if self._places.everything:
            return values.reshape(len(values), *self.shape)
        return self._places.put(values.new_zeros(len(values), self.size), values).reshape(len(values), *self.shape)


class _Places:
    """Columns of a matrix: a range where they are one. `everything`: all `size` of them, in order."""

    def __init__(self, places: np.ndarray, size: int | None, device: torch.device):
        run = len(places) > 0 and bool((np.diff(places) == 1).all())
        self._range = slice(int(places[0]), int(places[-1]) + 1) if run else None
        self.everything = run and size == len(places) and places[0] == 0
        self._index = torch.as_tensor(places, dtype=torch.int64, device=device)

    def taken(self, values: Tensor) -> Tensor:
        if self._range == slice(0, values.shape[1]):
            return values
        return values[:, self._range] if self._range is not None else values.index_select(1, self._index)

    def put(self, whole: Tensor, values: Tensor) -> Tensor:
        return whole.index_add(1, self._index, values)
