"""A traced function, made ready to be evaluated at tensors of numbers by the compiled interpreter."""

from collections.abc import Sequence
from math import prod

import numpy as np
import torch
from torch import Tensor

from declarative.backends.kkt.compiled.batch import shared_out
from declarative.backends.kkt.compiled.interpret import BLOCK, INTERPRETER, run_blocks
from declarative.backends.kkt.scalar.listing import Kind, Listing

ENOUGH = 1 << 20  # operations that a thread's share should have
Shape = tuple[int, ...]


class Evaluator:
    """The function of arguments (B, *shape), or (1, *shape) for what the items share; its results are (B, *shape)."""

    def __init__(self, listing: Listing, arguments: Sequence[Shape], results: Sequence[Kind]):
        self.listing, self.results, self._spare = listing, results, list[np.ndarray]()
        self.entries = entries = [(k, entry) for k, shape in enumerate(arguments) for entry in range(prod(shape))]
        self._used = sorted({entries[entry][0] for entry in listing.inputs[:, 0].tolist()})
        self.sizes = [prod(shape) for shape in arguments]
        self._own = [self.sizes[k] for k in self._used]
        order = {number: k for k, number in enumerate(self._used)}
        pairs = ((entries[entry], place) for entry, place in listing.inputs.tolist())
        inputs = [(order[number], entry, place) for (number, entry), place in pairs]
        self._inputs = np.array(inputs, np.int64).reshape(-1, 3)
        sizes = [prod(kind.shape) for kind in results]
        self._edges = np.cumsum([0, *sizes]).tolist()
        self._sizes = sizes
        parts = [(self._edges[k], size, entry) for k, size in enumerate(sizes) for entry in range(size)]
        self._results = np.column_stack([listing.results, np.array(parts, np.int64).reshape(-1, 3)]).astype(np.int64)

    def __call__(self, arguments: Sequence[Tensor], batch: int) -> list[Tensor]:
        kept, table = addresses([arguments[k] for k in self._used], self._own, batch)
        out, listing = torch.empty(batch * self._edges[-1], dtype=torch.float64), self.listing
        numbers, tables = out.numpy(), (listing.operations, self._inputs, self._results)

        def some(first: int, last: int) -> None:
            try:
                memory = self._spare.pop()
            except IndexError:  # other calls have them all
                memory = new_memory(listing)
            run_blocks(INTERPRETER, *tables, table, memory, numbers, batch, first, last)
            self._spare.append(memory)

        work = batch * len(listing.operations)
        shared_out(some, batch, min(torch.get_num_threads(), work // ENOUGH))
        del kept  # whose addresses were in use till here
        pieces = zip(out.split_with_sizes([batch * size for size in self._sizes]), self.results, strict=True)
        placed = ((piece.view(batch, *shape) if shape else piece, truth) for piece, (shape, truth) in pieces)
        return [piece.bool() if truth else piece for piece, truth in placed]


def new_memory(listing: Listing) -> np.ndarray:
    """A block's memory, with the constants in their places, where they stay."""
    memory = np.zeros((listing.places, BLOCK))
    memory[listing.constant_places] = listing.constants[:, None]
    return memory


def addresses(arguments: Sequence[Tensor], sizes: Sequence[int], batch: int) -> tuple[list[Tensor], np.ndarray]:
    """For each tensor (B, ...) or (1, ...), an item of which has so many entries, its address and the stride from item
    to item; the tensors are to be kept.
    """
    kept, rows = [], []
    for a, size in zip(arguments, sizes, strict=True):
        own = a if a.dtype is torch.float64 and a.is_contiguous() else a.double().contiguous()
        kept.append(own)
        rows.append((own.data_ptr(), size if own.numel() == batch * size else 0))
    return kept, np.array(rows, np.int64).reshape(-1, 2)
