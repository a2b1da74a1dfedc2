"""Expressions over data, variables, duals and the value, at concrete sizes: outputs and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from declarative.backends.tape.evaluate import Runner
from declarative.backends.tape.external import External
from declarative.backends.tape.tape import Input, needs
from declarative.backends.tape.vectorise import Vectoriser
from declarative.ir.expr import Expr, Role
from declarative.ir.problem import Output, Problem
from declarative.ir.size import Shape


class OutputReader:
    """The outputs of a problem: `read(inputs)` gives each as (batch, *shape), of the inputs that `reads` names."""

    def __init__(
        self,
        outputs: tuple[Output, ...],
        sizes: Mapping[str, int],
        constants: Mapping[str, np.ndarray],
        device: torch.device,
        externs: Mapping[str, External] | None = None,
    ):
        vectoriser = Vectoriser(sizes, constants, externs)
        slots = []
        self.shapes: list[tuple[int, ...]] = []
        for output in outputs:
            value = vectoriser.value(output.body)
            slots.append(value.slot)
            self.shapes.append(value.shape)
        tape = vectoriser.tape(slots)
        needed = [tape.instructions[slot] for slot in needs(tape, tape.results)]
        self.reads = frozenset(i.name for i in needed if isinstance(i, Input))
        self._runner = Runner(tape, device=device)

    def read(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        return self._runner(inputs)


def evaluate(
    body: Expr, shape: Shape, inputs: Mapping[str, Tensor], sizes: Mapping[str, int], device: torch.device
) -> Tensor:
    """The value of a default, (batch or 1, *shape); a scalar fills the shape."""
    return _filling(body, shape, sizes, device)(inputs)[0]


def _filling(body: Expr, shape: Shape, sizes: Mapping[str, int], device: torch.device) -> Runner:
    vectoriser = Vectoriser(sizes, {})
    value = vectoriser.value(body)
    full = vectoriser.shape(shape)
    slot = value.slot if value.shape == full else vectoriser.aligned(value, (), full, expand=True)
    return Runner(vectoriser.tape((slot,)), device=device)


class Defaults:
    """The values of parameters that are not given, as functions of those that are."""

    def __init__(self, problem: Problem):
        self._declared = [d for d in problem.parameters if d.default is not None and d.symbol.role is not Role.LEARN]
        self._runners: dict[Any, Runner] = {}

    def complete(
        self, inputs: Mapping[str, Tensor], sizes: Mapping[str, int], device: torch.device, dtype: torch.dtype
    ) -> dict[str, Tensor]:
        """The inputs, with the defaults of what was not given, in order of declaration."""
        complete = dict(inputs)
        for symbol, body in ((d.symbol, d.default) for d in self._declared if d.symbol.name not in inputs):
            assert body is not None
            key = (symbol.name, tuple(sizes.items()), device)
            if key not in self._runners:
                with ThreadPoolExecutor(1) as apart:  # no transform of this call holds there
                    self._runners[key] = apart.submit(_filling, body, symbol.shape, sizes, device).result()
            complete[symbol.name] = self._runners[key](complete)[0].to(dtype)
        return complete
