"""The vectorised form of expressions: a flat list of array instructions without indices or loops.

Every value is an array (batch, *axes, *shape): one batch axis (of length B, or 1 where the batch shares it), one axis
for each index in scope, then the shape of the expression. Axes of different values are aligned by `Align`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from declarative.atoms.record import Form

Slot: TypeAlias = int  # the number of the instruction whose value is meant


@dataclass(frozen=True)
class Input:
    """A parameter or variable by name, an array (batch, *shape)."""

    name: str


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


Instruction: TypeAlias = Input | Literal | Align | Apply | Gather | Fold | Scatter | Reshape


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
        case Apply(args=args):
            return args
        case Align(value) | Gather(value) | Reshape(value) | Fold(value=value) | Scatter(value=value):
            return (value,)


def depends(tape: Tape, names: frozenset[str]) -> tuple[bool, ...]:
    """For each instruction: does its value depend on one of these inputs?"""
    found: list[bool] = []
    for instruction in tape.instructions:
        own = isinstance(instruction, Input) and instruction.name in names
        found.append(own or any(found[slot] for slot in operands(instruction)))
    return tuple(found)


def needs(tape: Tape, results: tuple[Slot, ...]) -> list[Slot]:
    """The slots that these results are made of, in order of evaluation."""
    wanted = set(results)
    for slot in range(len(tape.instructions) - 1, -1, -1):
        if slot in wanted:
            wanted.update(operands(tape.instructions[slot]))
    return sorted(wanted)
