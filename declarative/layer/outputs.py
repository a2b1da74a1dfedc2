"""Expressions over data, variables, duals and the value, at concrete sizes: outputs and defaults."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from declarative.backends.evaluate import Runner
from declarative.backends.vectorise import Vectoriser
from declarative.ir.expr import Expr, Role
from declarative.ir.problem import Output, Problem
from declarative.ir.size import Shape


class OutputReader:
    """The outputs of a problem: `read(inputs)` gives each as (batch, *shape)."""

    def __init__(
        self, outputs: tuple[Output, ...], sizes: Mapping[str, int], constants: Mapping[str, np.ndarray], device
    ):
        vectoriser = Vectoriser(sizes, constants)
        slots = []
        self.shapes: list[tuple[int, ...]] = []
        for output in outputs:
            value = vectoriser.value(output.body)
            slots.append(value.slot)
            self.shapes.append(value.shape)
        self._runner = Runner(vectoriser.tape(slots), device=device)

    def read(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        return self._runner(inputs)


def evaluate(
    body: Expr, shape: Shape, inputs: Mapping[str, Tensor], sizes: Mapping[str, int], device: torch.device
) -> Tensor:
    """The value of a default, (batch or 1, *shape); a scalar fills the shape."""
    vectoriser = Vectoriser(sizes, {})
    value = vectoriser.value(body)
    full = vectoriser.shape(shape)
    slot = value.slot if value.shape == full else vectoriser.aligned(value, (), full, expand=True)
    return Runner(vectoriser.tape((slot,)), device=device)(inputs)[0]


def with_defaults(
    problem: Problem, inputs: Mapping[str, Tensor], sizes: Mapping[str, int], device: torch.device, dtype: torch.dtype
) -> dict[str, Tensor]:
    """The inputs, with the defaults of what was not given, in order of declaration."""
    complete = dict(inputs)
    for declaration in problem.parameters:
        symbol = declaration.symbol
        if symbol.name not in complete and declaration.default is not None and symbol.role is not Role.LEARN:
            value = evaluate(declaration.default, symbol.shape, complete, sizes, device)
            complete[symbol.name] = value.to(dtype)
    return complete
