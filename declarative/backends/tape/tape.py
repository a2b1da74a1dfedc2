"""The vectorised form of expressions: a flat list of array instructions without indices or loops.

Every value is an array (batch, *axes, *shape): one batch axis (of length B, or 1 where the batch shares it), one axis
for each index in scope, then the shape of the expression. Axes of different values are aligned by `Align`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, assert_never

import numpy as np

from declarative.atoms.record import Form
from declarative.atoms.registry import find
from declarative.backends.tape.external import External

Slot: TypeAlias = int  # the number of the instruction whose value is meant


@dataclass(frozen=True)
class Input:
    """A parameter or variable by name, an array (batch, *sizes)."""

    name: str
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Literal:
    """A known array, without the batch axis."""

    array: np.ndarray


@dataclass(frozen=True)
class Align:
    """Permute the axes after the batch, put axes of length one between them (`sizes`), then expand to `full`."""

    value: Slot
    order: tuple[int, ...]
    sizes: tuple[int, ...]
    full: tuple[int, ...]


@dataclass(frozen=True)
class Apply:
    """A function of the library on the trailing axes of aligned arguments."""

    atom: str
    args: tuple[Slot, ...]
    form: Form


@dataclass(frozen=True)
class Partial:
    """The derivative of an entrywise function of arrays of equal sizes with respect to some arguments, one by one."""

    atom: str
    args: tuple[Slot, ...]
    form: Form
    wrt: tuple[int, ...]


@dataclass(frozen=True)
class Gather:
    """Entries of the value, flattened after the batch axis, at the integer array `places`."""

    value: Slot
    places: np.ndarray


@dataclass(frozen=True)
class Fold:
    """Reduce some axes (counted after the batch) by `sum`, `max`, `min` or `prod`."""

    op: str
    value: Slot
    axes: tuple[int, ...]


@dataclass(frozen=True)
class Scatter:
    """Reduce one axis into groups: entry k of `axis` goes to `groups[k]` of `count`; the groups' axis takes its place.

    Empty groups are the neutral element of op.
    """

    op: str
    value: Slot
    axis: int
    groups: np.ndarray
    count: int


@dataclass(frozen=True)
class Reshape:
    """The same entries in the same order under other axes (after the batch)."""

    value: Slot
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Foreign:
    """A function from outside, of aligned arguments over the axes `scope`, and of the weights that it reads."""

    external: External
    args: tuple[Slot, ...]
    weights: tuple[Slot, ...]
    names: tuple[str, ...]  # of the weights
    scope: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]  # of the arguments
    shape: tuple[int, ...]


Instruction: TypeAlias = Input | Literal | Align | Apply | Partial | Gather | Fold | Scatter | Reshape | Foreign


@dataclass(frozen=True)
class Tape:
    """Instructions in order of evaluation, and the slots of the results that were asked for."""

    instructions: tuple[Instruction, ...]
    results: tuple[Slot, ...]


def operands(instruction: Instruction) -> tuple[Slot, ...]:
    """The slots that an instruction reads."""
    match instruction:
        case Input() | Literal():
            return ()
        case Apply(args=args) | Partial(args=args):
            return args
        case Foreign(_, args, weights):
            return (*args, *weights)
        case Align(value) | Gather(value) | Reshape(value) | Fold(value=value) | Scatter(value=value):
            return (value,)


def reading(instruction: Instruction, slots: Sequence[Slot]) -> Instruction:
    """The same instruction with other slots in the places of its operands."""
    match instruction:
        case Input() | Literal():
            return instruction
        case Apply() | Partial():
            return replace(instruction, args=tuple(slots))
        case Foreign(args=args):
            return replace(instruction, args=tuple(slots[: len(args)]), weights=tuple(slots[len(args) :]))
        case Align() | Gather() | Reshape() | Fold() | Scatter():
            return replace(instruction, value=slots[0])


def sizes_of(
    instruction: Instruction, known: Sequence[tuple[int, ...]] | Mapping[Slot, tuple[int, ...]]
) -> tuple[int, ...]:
    """The axes of an instruction's value after the batch, from those of the slots before it."""
    match instruction:
        case Input(_, sizes) | Reshape(_, sizes):
            return sizes
        case Literal(array):
            return array.shape
        case Align(full=full):
            return full
        case Gather(places=places):
            return places.shape
        case Partial(_, args):
            return known[args[0]]
        case Apply(atom, args, form):
            record = find(atom)
            if record is not None and record.elementwise:  # a scalar among them has the axes of the others
                return np.broadcast_shapes(*(known[a] for a in args))
            leads = (known[a][: len(known[a]) - len(shape)] for a, shape in zip(args, form.shapes, strict=True))
            return (*np.broadcast_shapes(*leads), *form.shape)
        case Foreign(scope=scope, shape=shape):
            return (*scope, *shape)
        case Fold(_, value, axes):
            return tuple(size for axis, size in enumerate(known[value]) if axis not in axes)
        case Scatter(_, value, axis, _, count):
            return (*known[value][:axis], count, *known[value][axis + 1 :])
        case _:
            assert_never(instruction)


def depends(tape: Tape, slots: Iterable[Slot], names: frozenset[str], foreign: bool = False) -> frozenset[Slot]:
    """Which of these slots, in order of evaluation and with all that they read, depend on one of the inputs.

    `foreign`: or on functions from outside, which may change from call to call.
    """
    found: set[Slot] = set()
    for slot in slots:
        instruction = tape.instructions[slot]
        own = (isinstance(instruction, Input) and instruction.name in names) or (
            foreign and isinstance(instruction, Foreign)
        )
        if own or not found.isdisjoint(operands(instruction)):
            found.add(slot)
    return frozenset(found)


def needs(tape: Tape, results: Iterable[Slot]) -> list[Slot]:
    """The slots that these results are made of, in order of evaluation. No others are looked at."""
    wanted: set[Slot] = set()
    pending = list(results)
    while pending:
        if (slot := pending.pop()) not in wanted:
            wanted.add(slot)
            pending += operands(tape.instructions[slot])
    return sorted(wanted)
