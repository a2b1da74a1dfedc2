"""What every backend gives back for a batch, and what it promises to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from declarative.backends.inspection import Inspection

Duals = dict[tuple[str, ...], Tensor]


@dataclass(frozen=True)
class Outcome:
    """B items. Variables (B, *shape), duals by path (B, *binders, *shape) and value (B,) are connected to the inputs.

    `status` int8 (B,), `iterations` (B,), residuals (B,) relative to the largest term summed in a row. `messages`
    says, for an item that is not solved, what went wrong, naming the constraint and its line. `inspection` works out
    more about the points, where a backend can. `memory` (B, ...) is what a later run may begin with, beside the
    variables; its names have a space, which no variable has. `answered_by` int8 (B,): the backend that says all this.
    """

    variables: dict[str, Tensor]
    duals: Duals
    value: Tensor
    status: Tensor
    iterations: Tensor
    primal: Tensor
    dual: Tensor
    gap: Tensor
    degenerate: Tensor
    nonunique: Tensor
    dual_nonunique: Tensor
    answered_by: Tensor
    messages: dict[int, str] = field(default_factory=dict)
    inspection: Inspection | None = None
    memory: dict[str, Tensor] = field(default_factory=dict)


class Plan(Protocol):
    """A problem at concrete sizes, ready to run."""

    def run(self, inputs: Mapping[str, Tensor], batch: int, start: Mapping[str, Tensor] | None) -> Outcome:
        """Solve. Inputs are float64, (batch, *shape), or (1, *shape) where the items share them.

        `start` holds variables (batch, *shape) to begin at, and the `memory` of an earlier outcome.
        """
        ...

    def describe(self) -> list[str]:
        """Lines for `explain`: the size of the system, what is factored once."""
        ...


class Backend(Protocol):
    """A problem that a backend has accepted."""

    def plan(self, sizes: Mapping[str, int], constants: Mapping[str, np.ndarray], device: torch.device) -> Plan: ...

    def remarks(self) -> list[str]:
        """What was rewritten, for `explain`."""
        ...
