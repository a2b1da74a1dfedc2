"""Arrays of data on a tape: instructions emitted with their sizes known, and none where nothing is to be done."""

from __future__ import annotations

from hashlib import blake2b
from math import prod
from typing import Any

import numpy as np

from declarative.atoms.record import Form
from declarative.backends.tape.tape import (
    Align,
    Apply,
    Fold,
    Gather,
    Instruction,
    Literal,
    Reshape,
    Scatter,
    Slot,
    sizes_of,
)

Sizes = tuple[int, ...]


class Arrays:
    """Emits on a list of instructions. Sizes are those after the batch axis."""

    def __init__(self, instructions: list[Instruction]):
        self.instructions = instructions
        self._sizes: list[Sizes] = []
        self._emitted: dict[tuple, Slot] = {}

    def sizes(self, slot: Slot) -> Sizes:
        """The axes of a slot's value after the batch."""
        while len(self._sizes) <= slot:
            self._sizes.append(sizes_of(self.instructions[len(self._sizes)], self._sizes))
        return self._sizes[slot]

    def emit(self, instruction: Instruction) -> Slot:
        """The slot of the instruction; of the same one, if it has been emitted before."""
        key = (type(instruction), *map(_key, vars(instruction).values()))
        if key not in self._emitted:
            self._emitted[key] = len(self.instructions)
            self.instructions.append(instruction)
        return self._emitted[key]

    def literal(self, array: np.ndarray | float) -> Slot:
        return self.emit(Literal(np.asarray(array, dtype=float)))

    def number(self, slot: Slot) -> float | None:
        """The number that every entry of a known array is."""
        match self.instructions[slot]:
            case Literal(array) if array.size and (array == array.flat[0]).all():
                return float(array.flat[0])
            case Align(value=value) | Reshape(value=value):
                return self.number(value)
            case _:
                return None

    # --- the same entries under other axes ------------------------------------------------------

    def reshape(self, slot: Slot, sizes: Sizes) -> Slot:
        instruction = self.instructions[slot]
        base = instruction.value if isinstance(instruction, Reshape) else slot
        return base if self.sizes(base) == sizes else self.emit(Reshape(base, sizes))

    def expand(self, slot: Slot, sizes: Sizes) -> Slot:
        """Broadcast to these sizes."""
        own = self.sizes(slot)
        if own == sizes:
            return slot
        order, full = tuple(range(len(own))), (1,) * (len(sizes) - len(own)) + own
        return self.emit(Align(slot, order, full, sizes))

    def transpose(self, slot: Slot) -> Slot:
        """The last two axes exchanged."""
        own = self.sizes(slot)
        order = (*range(len(own) - 2), len(own) - 1, len(own) - 2)
        sizes = tuple(own[axis] for axis in order)
        match self.instructions[slot]:
            case Align(value, back, between, full) if back == order and between == full and self.sizes(value) == sizes:
                return value
        return self.reshape(slot, sizes) if 1 in own[-2:] else self.emit(Align(slot, order, sizes, sizes))

    def gather(self, slot: Slot, places: np.ndarray) -> Slot:
        """The entries at flat places, in the shape of `places`."""
        slot, places = self._read_at(slot, places)
        flat, size = places.reshape(-1), prod(self.sizes(slot))
        if size == 1:
            return self.expand(self.reshape(slot, (1,) * places.ndim), places.shape)
        if flat.size == size and np.array_equal(flat, np.arange(size)):
            return self.reshape(slot, places.shape)
        return self.emit(Gather(slot, places))

    def _read_at(self, slot: Slot, places: np.ndarray) -> tuple[Slot, np.ndarray]:
        """Where these entries come from, before they were gathered and given other axes."""
        while True:
            match self.instructions[slot]:
                case Gather(value, earlier):
                    slot, places = value, earlier.reshape(-1)[places]
                case Reshape(value):
                    slot = value
                case _:
                    return slot, places

    def join(self, slots: list[Slot]) -> Slot:
        """Vectors end to end."""
        shapes = tuple(self.sizes(slot) for slot in slots)
        form = Form(shapes, (sum(shape[0] for shape in shapes),), {})
        return slots[0] if len(slots) == 1 else self.emit(Apply("concat", tuple(slots), form))

    # --- arithmetic -------------------------------------------------------------------------------

    def apply(self, atom: str, *slots: Slot) -> Slot:
        """An entrywise function of arrays of one rank."""
        shapes = tuple(self.sizes(slot) for slot in slots)
        return self.emit(Apply(atom, slots, Form(shapes, np.broadcast_shapes(*shapes), {})))

    def times(self, slot: Slot, number: float) -> Slot:
        if number == 1:
            return slot
        match self.instructions[slot]:
            case Literal(array):
                return self.literal(number * array)
            case Apply("neg", (value,)) if self.sizes(value) == self.sizes(slot):
                return self.times(value, -number)
        if number == -1:
            return self.apply("neg", slot)
        return self.apply("mul", slot, self.literal(np.full((1,) * len(self.sizes(slot)), number)))

    def product(self, left: Slot, right: Slot) -> Slot:
        """Entry by entry, of one rank; numbers are multiplied at once."""
        for slot, other in ((left, right), (right, left)):
            number = self.number(slot)
            if number is not None and np.broadcast_shapes(self.sizes(left), self.sizes(right)) == self.sizes(other):
                return self.times(other, number)
        return self.apply("mul", left, right)

    def reciprocal(self, slot: Slot) -> Slot:
        """1/x, entry by entry."""
        return self.apply("div", self.literal(np.ones((1,) * len(self.sizes(slot)))), slot)

    def matmul(self, left: Slot, right: Slot) -> Slot:
        """Of matrices, or of families of them along leading axes that broadcast."""
        (m, k), (_, n) = self.sizes(left)[-2:], self.sizes(right)[-2:]
        return self.emit(Apply("matmul", (left, right), Form(((m, k), (k, n)), (m, n), {})))

    def sum(self, slot: Slot, axis: int) -> Slot:
        """The sum along an axis, which stays with length one."""
        own = self.sizes(slot)
        kept = (*own[:axis], 1, *own[axis + 1 :])
        return slot if own == kept else self.reshape(self.emit(Fold("sum", slot, (axis,))), kept)

    def scatter(self, slot: Slot, places: np.ndarray, count: int) -> Slot:
        """A vector of `count` entries: those of the vector `slot` added up at their places."""
        if places.size == count and np.array_equal(places, np.arange(count)):
            return slot
        if places.size == 0:
            return self.literal(np.zeros(count))
        return self.emit(Scatter("sum", slot, 0, places, count))


def _key(value: Any) -> Any:
    """Equal for equal parts of instructions, and for no others."""
    match value:
        case np.ndarray():
            return value.shape, value.dtype.str, blake2b(value.tobytes()).digest()
        case Form(shapes, shape, options):
            return shapes, shape, repr(sorted(options.items()))
        case _:
            return value
