"""The value of an objective whose quadratic form cancels, as the objective is written.

Of (x - c)^2 the form is x^2 - 2 c x + c^2, which at c = 1e8 are terms of 1e16 for a value of 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from declarative.backends.tape.evaluate import Runner
from declarative.backends.tape.tape import Tape

CANCELS = 1e-3  # of its terms: a value that is less has lost digits


@dataclass(frozen=True)
class Written:
    """Its only result is the objective, at parameters and variables."""

    tape: Tape
    constants: Mapping[str, np.ndarray]
    device: torch.device | str

    @cached_property
    def _runner(self) -> Runner:
        return Runner(self.tape, known=self.constants, device=self.device)

    def sharpened(self, value: Tensor, terms: Tensor, inputs: Callable[[], Mapping[str, Tensor]]) -> Tensor:
        """`value` (B,) with its derivatives, and all digits where it is small beside its `terms` (B,).

        `inputs` gives parameters and variables, (B or 1, *shape).
        """
        lost = value.abs() < CANCELS * terms.abs()
        if not lost.any():
            return value
        (written,) = self._runner({name: t.detach() for name, t in inputs().items()})
        return value + torch.where(lost, written - value, 0.0).detach()
