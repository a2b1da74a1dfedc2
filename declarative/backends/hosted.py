"""A plan that runs on the CPU, for data on another device: they are copied there, and what is found comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from declarative.backends.outcome import Outcome, Plan

CPU = torch.device("cpu")


def hosted(plan: Plan, device: torch.device) -> Plan:
    """The plan, made for the CPU, for data on `device`."""
    return plan if device.type == "cpu" else HostedPlan(plan, device)


@dataclass(frozen=True)
class HostedPlan:
    """A plan of the CPU. Copies are part of the graph of derivatives, so that gradients take the same way back."""

    plan: Plan
    device: torch.device

    def run(self, inputs: Mapping[str, Tensor], batch: int, start: Mapping[str, Tensor] | None) -> Outcome:
        """Solve on the CPU."""
        begin = start and {name: t.to(CPU) for name, t in start.items()}
        return moved(self.plan.run({name: t.to(CPU) for name, t in inputs.items()}, batch, begin), self.device)

    def describe(self) -> list[str]:
        return [*self.plan.describe(), f"solved on the CPU, the data being on {self.device}"]


def moved(found: Outcome, device: torch.device) -> Outcome:
    """The outcome with its tensors on another device."""

    def there(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: there(value) for name, value in part.items()}
        return part.to(device) if isinstance(part, Tensor) else part

    inspection = found.inspection and found.inspection.then(lambda report: report.each(there))
    parts = {f.name: there(getattr(found, f.name)) for f in fields(Outcome)}
    return replace(found, **{**parts, "inspection": inspection})
