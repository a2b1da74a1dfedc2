"""Multipliers of cone rows to the duals that users read, with the signs of L = f + lambda'(lhs - rhs) - <mu, e>."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from declarative.backends.cone.rows.chunks import Chunk
from declarative.backends.outcome import Duals

Path = tuple[str, ...]


@dataclass(frozen=True)
class DualSums:
    """Duals of these shapes, by path, one after another in a flat array.

    Row `rows[k]` of the program adds `weights[k]` times its multiplier there, at `places[k]`.
    """

    shapes: dict[Path, tuple[int, ...]]
    rows: Tensor
    places: Tensor
    weights: Tensor

    def of(self, z: Tensor) -> Duals:
        """By path, each (B, *binders, *shape); what a condition skips is 0. z is (B, m)."""
        sizes = [int(np.prod(shape, dtype=np.int64)) for shape in self.shapes.values()]
        terms = z.index_select(1, self.rows) * self.weights.to(z.dtype)
        whole = z.new_zeros(z.shape[0], sum(sizes)).index_add(1, self.places, terms)
        parts = zip(self.shapes.items(), whole.split(sizes, dim=1), strict=True)
        return {path: part.reshape(z.shape[0], *shape) for (path, shape), part in parts}


def dual_sums(chunks: Sequence[Chunk], declared: Iterable[Path]) -> DualSums:
    """For chunks of successive rows; `declared` paths come first, in this order."""
    own = [(c.path, c.dual, start) for c, start in zip(chunks, _starts(chunks), strict=True) if c.path and c.dual]
    known = {path: dual.shape for path, dual, _ in own}
    shapes = {path: known[path] for path in dict.fromkeys((*declared, *known)) if path in known}
    begins = dict(zip(shapes, _running(int(np.prod(shape, dtype=np.int64)) for shape in shapes.values()), strict=True))
    rows = [start + dual.rows for _, dual, start in own]
    places = [begins[path] + dual.places for path, dual, _ in own]
    return DualSums(
        shapes, _joined(rows, int), _joined(places, int), _joined([dual.weights for _, dual, _ in own], float)
    )


def _starts(chunks: Sequence[Chunk]) -> list[int]:
    return _running(chunk.rows for chunk in chunks)


def _running(sizes: Iterable[int]) -> list[int]:
    """Where parts of these sizes begin."""
    return np.cumsum([0, *sizes])[:-1].tolist()


def _joined(parts: list[np.ndarray], kind: type) -> Tensor:
    return torch.from_numpy(np.concatenate([np.zeros(0, kind), *parts]).astype(kind))
