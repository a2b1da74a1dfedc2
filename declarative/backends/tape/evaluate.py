"""Run a tape in torch: batched by its leading axis, differentiable, and usable under `torch.func`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import prod
from typing import assert_never

import numpy as np
import torch
from torch import Tensor
from torch.func import grad

from declarative.atoms.record import Form
from declarative.atoms.registry import find
from declarative.backends.tape.tape import (
    Align,
    Apply,
    Fold,
    Foreign,
    Gather,
    Input,
    Instruction,
    Literal,
    Partial,
    Reshape,
    Scatter,
    Slot,
    Tape,
    depends,
    needs,
    operands,
    sizes_of,
)

NEUTRAL = {"sum": 0.0, "prod": 1.0, "max": -torch.inf, "min": torch.inf}


Values = dict[Slot, Tensor]
Step = Callable[[Values, Mapping[str, Tensor]], Tensor]


class Runner:
    """A tape made ready for one dtype and device: what depends on no input, or on `known` ones only, is computed once.

    `prepare` computes once what depends on parameters only; `finish` the rest, for every x. `groups` names sets of
    results that are asked for apart (objective, rows); only what a group needs is computed.
    """

    def __init__(
        self,
        tape: Tape,
        variables: Iterable[str] = (),
        groups: Mapping[str, tuple[Slot, ...]] | None = None,
        *,
        known: Mapping[str, np.ndarray] | None = None,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ):
        self.tape, self.dtype, self.device = tape, dtype, torch.device(device)
        self.groups = {"all": tape.results, **(groups or {})}
        wanted = tuple(slot for results in self.groups.values() for slot in results)
        needed = needs(tape, wanted)
        self._sizes: dict[Slot, tuple[int, ...]] = {}
        for slot in needed:
            self._sizes[slot] = sizes_of(tape.instructions[slot], self._sizes)
        moving = depends(tape, needed, frozenset(variables))
        given = {name: self._tensor(array) for name, array in (known or {}).items()}
        names = {i.name for slot in needed if isinstance(i := tape.instructions[slot], Input)}
        open_ended = depends(tape, needed, frozenset(names - given.keys()), foreign=True)
        steps = {slot: self._step(tape.instructions[slot]) for slot in needed}
        self._fixed: Values = {}
        for slot in needed:
            if slot not in open_ended:
                self._fixed[slot] = steps[slot](self._fixed, given)
        early = [slot for slot in needed if slot in open_ended and slot not in moving]
        read_late = {s for slot in needed if slot in moving for s in operands(tape.instructions[slot])} | set(wanted)
        postponed = {slot for slot in reversed(early) if slot in read_late and self._postpone(slot, read_late)}
        self.boundary: tuple[Slot, ...] = tuple(s for s in early if s in read_late and s not in postponed)
        read_early: set[Slot] = set()
        for slot in reversed(early):
            if slot not in postponed or slot in read_early:
                read_early |= {slot, *operands(tape.instructions[slot])}
        self._early = [(slot, steps[slot]) for slot in early if slot in read_early]
        late = moving | postponed
        self._late = {
            name: [(slot, steps[slot]) for slot in needs(tape, results) if slot in late]
            for name, results in self.groups.items()
        }

    def _postpone(self, slot: Slot, read_late: set[Slot]) -> bool:
        """Is it the same entries in another shape? Then what they are the entries of is read instead, once for all."""
        match self.tape.instructions[slot]:
            case Reshape(value, _):
                pass
            case Gather(value, places) if _in_order(places, self._sizes[value]):
                pass
            case _:
                return False
        read_late.add(value)
        return True

    def _tensor(self, array: np.ndarray) -> Tensor:
        """A known array as a tensor with a batch axis."""
        return torch.tensor(array, dtype=self.dtype, device=self.device).unsqueeze(0)

    def _index(self, array: np.ndarray) -> Tensor:
        return torch.tensor(array.reshape(-1), dtype=torch.int64, device=self.device)

    def prepare(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Values at the boundary: all that `finish` needs to know of the parameters. Inputs: (batch or 1, *shape)."""
        values = dict(self._fixed)
        for slot, step in self._early:
            values[slot] = step(values, inputs)
        return tuple(values[slot] for slot in self.boundary)

    def finish(
        self, prepared: Sequence[Tensor], variables: Mapping[str, Tensor], group: str = "all"
    ) -> tuple[Tensor, ...]:
        """The results of a group, each (batch, *axes, *shape), for these variables."""
        values = self._fixed | dict(zip(self.boundary, prepared, strict=True))
        for slot, step in self._late[group]:
            values[slot] = step(values, variables)
        return tuple(values[slot] for slot in self.groups[group])

    def __call__(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        return self.finish(self.prepare(inputs), inputs)

    def _step(self, instruction: Instruction) -> Step:
        """The instruction as a function of the values before it and the inputs."""
        match instruction:
            case Input(name):
                return lambda values, inputs: inputs[name]
            case Literal(array):
                known = self._tensor(array)
                return lambda values, inputs: known
            case Align(value, order, sizes, full):
                return _align(value, order, sizes, full)
            case Apply(atom, args, form):
                record = find(atom)
                assert record is not None
                return lambda values, inputs: record.torch(torch, form, *[values[a] for a in args])
            case Partial(atom, args, form, wrt):
                return _partial(atom, args, form, wrt)
            case Gather(value, places):
                whole = _in_order(places, self._sizes[value])
                return _gather(value, None if whole else self._index(places), places.shape)
            case Fold(op, value, axes):
                after = tuple(axis + 1 for axis in axes)
                return lambda values, inputs: _fold(op, values[value], after)
            case Scatter(op, value, axis, groups, count):
                index = self._index(groups)
                return lambda values, inputs: _scatter(op, values[value], axis + 1, index, count)
            case Foreign():
                return _foreign(instruction)
            case Reshape(value, sizes):
                return lambda values, inputs: (v := values[value]).reshape(v.shape[0], *sizes)
            case _:
                assert_never(instruction)


def _align(value: Slot, order: tuple[int, ...], sizes: tuple[int, ...], full: tuple[int, ...]) -> Step:
    permutation = (0, *(axis + 1 for axis in order))
    moves, grows = permutation != tuple(range(len(permutation))), sizes != full

    def step(values: Values, inputs: Mapping[str, Tensor]) -> Tensor:
        v = values[value]
        v = v.permute(permutation) if moves else v
        v = v.reshape(v.shape[0], *sizes)
        return v.expand(v.shape[0], *full) if grows else v

    return step


def _partial(atom: str, args: tuple[Slot, ...], form: Form, wrt: tuple[int, ...]) -> Step:
    record = find(atom)
    assert record is not None
    derivative = partial(record.torch, torch, form)
    for argument in wrt:
        derivative = _derivative(derivative, argument)
    return lambda values, inputs: derivative(*torch.broadcast_tensors(*[values[a] for a in args]))


def _derivative(function: Callable[..., Tensor], argument: int) -> Callable[..., Tensor]:
    """Of an entrywise function: the gradient of the sum of its entries."""
    return grad(lambda *args: function(*args).sum(), argument)


def _foreign(call: Foreign) -> Step:
    """The batch and the axes around the call become one batch."""

    def step(values: Values, inputs: Mapping[str, Tensor]) -> Tensor:
        args = [values[a] for a in call.args]
        weights = {name: values[slot] for name, slot in zip(call.names, call.weights, strict=True)}
        batch = max(len(t) for t in (*args, *weights.values()))
        flat = [
            a.expand(batch, *a.shape[1:]).reshape(batch, prod(call.scope), *shape)
            for a, shape in zip(args, call.shapes, strict=True)
        ]
        return call.external(weights, flat, call.shape).reshape(batch, *call.scope, *call.shape)

    return step


def _in_order(places: np.ndarray, sizes: tuple[int, ...]) -> bool:
    """All entries of an array of these sizes, one after the other."""
    return np.array_equal(places.reshape(-1), np.arange(prod(sizes)))


def _gather(value: Slot, index: Tensor | None, sizes: tuple[int, ...]) -> Step:
    """The entries at an index, or all of them in order."""

    def step(values: Values, inputs: Mapping[str, Tensor]) -> Tensor:
        v = values[value]
        if index is None:
            return v if v.shape[1:] == sizes else v.reshape(v.shape[0], *sizes)
        v = v if v.dim() == 2 else v.reshape(v.shape[0], prod(v.shape[1:]))
        found = v.index_select(1, index)
        return found if len(sizes) == 1 else found.reshape(v.shape[0], *sizes)

    return step


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


def known_values(
    instructions: Sequence[Instruction], slots: Iterable[Slot], constants: Mapping[str, np.ndarray]
) -> dict[Slot, np.ndarray]:
    """The values of those slots that nothing but constants changes."""
    tape = Tape(tuple(instructions), tuple(dict.fromkeys(slots)))
    needed = needs(tape, tape.results)
    names = {i.name for slot in needed if isinstance(i := tape.instructions[slot], Input)}
    moving = depends(tape, needed, frozenset(names - constants.keys()), foreign=True)
    still = tuple(slot for slot in tape.results if slot not in moving)
    return dict(zip(still, static_value(Tape(tape.instructions, still), constants), strict=True))
