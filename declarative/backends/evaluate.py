"""Run a tape in torch: batched by its leading axis, differentiable, and usable under `torch.func`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

import numpy as np
import torch
from torch import Tensor

from declarative.atoms.registry import find
from declarative.backends.tape import (
    Align,
    Apply,
    Fold,
    Gather,
    Input,
    Instruction,
    Literal,
    Reshape,
    Scatter,
    Slot,
    Tape,
    depends,
    needs,
    operands,
)

NEUTRAL = {"sum": 0.0, "prod": 1.0, "max": -torch.inf, "min": torch.inf}


class Runner:
    """A tape made ready for one dtype and device: known arrays are tensors once.

    `prepare` computes once what depends on parameters only; `finish` the rest, for every x. `groups` names sets of
    results that are asked for apart (objective, rows); only what a group needs is computed.
    """

    def __init__(
        self,
        tape: Tape,
        variables: Iterable[str] = (),
        groups: Mapping[str, tuple[Slot, ...]] | None = None,
        *,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ):
        self.tape, self.dtype, self.device = tape, dtype, torch.device(device)
        self.groups = {"all": tape.results, **(groups or {})}
        wanted = tuple(slot for results in self.groups.values() for slot in results)
        needed = needs(tape, wanted)
        moving = depends(tape, frozenset(variables))
        self._constants = {slot: self._constant(tape.instructions[slot]) for slot in needed if _known(tape, slot)}
        self._early = [slot for slot in needed if not moving[slot]]
        read_late = {s for slot in needed if moving[slot] for s in operands(tape.instructions[slot])} | set(wanted)
        self.boundary: tuple[Slot, ...] = tuple(slot for slot in self._early if slot in read_late)
        self._late = {
            name: [slot for slot in needs(tape, results) if moving[slot]] for name, results in self.groups.items()
        }

    def _constant(self, instruction: Instruction) -> Tensor:
        match instruction:
            case Literal(array):
                return torch.tensor(array, dtype=self.dtype, device=self.device).unsqueeze(0)
            case Gather(places=places):
                return torch.tensor(places.reshape(-1), dtype=torch.int64, device=self.device)
            case Scatter(groups=groups):
                return torch.tensor(groups, dtype=torch.int64, device=self.device)
            case _:
                raise AssertionError("only these hold known arrays")

    def prepare(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Values at the boundary: all that `finish` needs to know of the parameters. Inputs: (batch or 1, *shape)."""
        values: dict[Slot, Tensor] = {}
        self._run(self._early, values, inputs)
        return tuple(values[slot] for slot in self.boundary)

    def finish(
        self, prepared: Sequence[Tensor], variables: Mapping[str, Tensor], group: str = "all"
    ) -> tuple[Tensor, ...]:
        """The results of a group, each (batch, *axes, *shape), for these variables."""
        values = dict(zip(self.boundary, prepared, strict=True))
        self._run(self._late[group], values, variables)
        return tuple(values[slot] for slot in self.groups[group])

    def __call__(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        return self.finish(self.prepare(inputs), inputs)

    def _run(self, slots: list[Slot], values: dict[Slot, Tensor], inputs: Mapping[str, Tensor]) -> None:
        for slot in slots:
            values[slot] = self._step(slot, self.tape.instructions[slot], values, inputs)

    def _step(self, slot: Slot, instruction: Instruction, values: Mapping[Slot, Tensor], inputs) -> Tensor:
        match instruction:
            case Input(name):
                return inputs[name]
            case Literal():
                return self._constants[slot]
            case Align(value, order, sizes, full):
                v = values[value].permute(0, *(axis + 1 for axis in order))
                return v.reshape(v.shape[0], *sizes).expand(v.shape[0], *full)
            case Apply(atom, args, form):
                record = find(atom)
                assert record is not None
                return record.torch(torch, form, *(values[a] for a in args))
            case Gather(value, places):
                v = values[value]
                flat = v.reshape(v.shape[0], -1).index_select(1, self._constants[slot])
                return flat.reshape(v.shape[0], *places.shape)
            case Fold(op, value, axes):
                return _fold(op, values[value], tuple(axis + 1 for axis in axes))
            case Scatter(op, value, axis, _, count):
                return _scatter(op, values[value], axis + 1, self._constants[slot], count)
            case Reshape(value, sizes):
                v = values[value]
                return v.reshape(v.shape[0], *sizes)
            case _:
                assert_never(instruction)


def _known(tape: Tape, slot: Slot) -> bool:
    return isinstance(tape.instructions[slot], Literal | Gather | Scatter)


def _fold(op: str, value: Tensor, axes: tuple[int, ...]) -> Tensor:
    match op:
        case "sum":
            return value.sum(dim=axes)
        case "max":
            return value.amax(dim=axes)
        case "min":
            return value.amin(dim=axes)
        case "prod":
            for axis in sorted(axes, reverse=True):
                value = value.prod(dim=axis)
            return value
        case "logsumexp":
            return value.logsumexp(dim=axes)
        case _:
            raise AssertionError(op)


def _scatter(op: str, value: Tensor, axis: int, groups: Tensor, count: int) -> Tensor:
    if op == "logsumexp":
        return _scattered_logsumexp(value, axis, groups, count)
    sizes = list(value.shape)
    sizes[axis] = count
    start = torch.full(sizes, NEUTRAL[op], dtype=value.dtype, device=value.device)
    if op == "sum":
        return start.index_add(axis, groups, value)
    names = {"prod": "prod", "max": "amax", "min": "amin"}
    view = [1] * value.dim()
    view[axis] = -1
    return start.scatter_reduce(axis, groups.reshape(view).expand(value.shape), value, names[op], include_self=True)


def _scattered_logsumexp(value: Tensor, axis: int, groups: Tensor, count: int) -> Tensor:
    """log of the sum of exp of each group, whose greatest entry is taken out; -inf for a group without entries."""
    greatest = _scatter("max", value.detach(), axis, groups, count)
    greatest = torch.where(greatest.isfinite(), greatest, 0.0)
    sums = _scatter("sum", (value - greatest.index_select(axis, groups)).exp(), axis, groups, count)
    return sums.log() + greatest


def static_value(tape: Tape, constants: Mapping[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    """The results of a tape that reads constants only, as numpy arrays without the batch axis."""
    inputs = {name: torch.as_tensor(array, dtype=torch.float64).unsqueeze(0) for name, array in constants.items()}
    return tuple(value.squeeze(0).numpy() for value in Runner(tape)(inputs))
