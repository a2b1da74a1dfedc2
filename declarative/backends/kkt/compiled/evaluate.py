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
View = tuple[Shape, Shape, int]  # sizes, strides, and the first entry


class Evaluator:
    """The function of arguments (B, *shape), or (1, *shape) for what the items share; its results are (B, *shape)."""

    def __init__(self, listing: Listing, arguments: Sequence[Shape], results: Sequence[Kind]):
        self.listing, self.results, self._spare = listing, results, list[np.ndarray]()
        self.entries = entries = [(k, entry) for k, shape in enumerate(arguments) for entry in range(prod(shape))]
        self._used = sorted({entries[entry][0] for entry in listing.inputs[:, 0].tolist()})
        order = {number: k for k, number in enumerate(self._used)}
        pairs = ((entries[entry], place) for entry, place in listing.inputs.tolist())
        inputs = [(order[number], entry, place) for (number, entry), place in pairs]
        self._inputs = np.array(inputs, np.int64).reshape(-1, 3)
        sizes = [prod(kind.shape) for kind in results]
        self._edges = np.cumsum([0, *sizes]).tolist()
        self._views: tuple[int, list[tuple[View, bool]]] = (-1, [])  # of the last batch's size
        parts = [(self._edges[k], size, entry) for k, size in enumerate(sizes) for entry in range(size)]
        self._results = np.column_stack([listing.results, np.array(parts, np.int64).reshape(-1, 3)]).astype(np.int64)

    def __call__(self, arguments: Sequence[Tensor], batch: int) -> list[Tensor]:
        kept, table = addresses([arguments[k] for k in self._used], batch)
        out, listing = torch.empty(batch * self._edges[-1], dtype=torch.float64), self.listing
        numbers, tables = out.numpy(), (listing.operations, self._inputs, self._results)

        def some(first: int, last: int) -> None:
            memory = self._spare.pop() if self._spare else new_memory(listing)
            run_blocks(INTERPRETER, *tables, table, memory, numbers, batch, first, last)
            self._spare.append(memory)

        parts = min(torch.get_num_threads(), batch, batch * len(listing.operations) // ENOUGH)
        shared_out(some, batch, parts)
        del kept  # whose addresses were in use till here
        if self._views[0] != batch:
            self._views = batch, self._views_of(batch)
        found = [(out.as_strided(*view), truth) for view, truth in self._views[1]]
        return [piece.bool() if truth else piece for piece, truth in found]

    def _views_of(self, batch: int) -> list[tuple[View, bool]]:
        """Where the results of so many items are, one after the other, and which of them are truths."""
        places = zip(self.results, self._edges, strict=False)
        whole = [((batch, *shape), truth, batch * edge) for (shape, truth), edge in places]
        return [((shape, torch.empty(shape, device="meta").stride(), first), truth) for shape, truth, first in whole]


def new_memory(listing: Listing) -> np.ndarray:
    """A block's memory, with the constants in their places, where they stay."""
    memory = np.empty((listing.places, BLOCK))
    memory[listing.constant_places] = listing.constants[:, None]
    return memory


def addresses(arguments: Sequence[Tensor], batch: int) -> tuple[list[Tensor], np.ndarray]:
    """For each tensor (B, ...) or (1, ...) its address and the stride from item to item; the tensors are to be kept."""
    whole = torch.float64
    kept = [a if a.dtype is whole and a.is_contiguous() else a.double().contiguous() for a in arguments]
    table = np.empty((len(kept), 2), np.int64)
    table[:, 0] = [a.data_ptr() for a in kept]
    table[:, 1] = [a.stride(0) if a.size(0) == batch else 0 for a in kept]
    return kept, table
