"""A warm start and a cold one side by side, with random data that drift."""

from typing import Any

import torch
from torch import Tensor

B = 24
Data = dict[str, Any]  # of tensors


def normal(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def drifted(data: Data, g: torch.Generator, share: float) -> Data:
    return {name: t * (1 + share * normal(g, *t.shape)) for name, t in data.items()}


def solved(layer, data: Data, warm=None):
    """The solution, and the gradients of its variable and value with weights, for items that are solved."""
    inputs = {name: t.clone().requires_grad_() for name, t in data.items()}
    s = layer.solve(**inputs, warm=warm)
    x = torch.where(s.solved[:, None], s["x"].flatten(1), 0)
    weights = torch.linspace(0.5, 1.5, x.shape[1], dtype=x.dtype).cos()
    total = (x * weights).sum() + torch.where(s.solved, s.value, 0).sum()
    return s, torch.autograd.grad(total, list(inputs.values()))


def agree(layer, data: Data, warm) -> tuple:
    """Warm and cold side by side; gives the warm solution and the cold one."""
    s, gradients = solved(layer, data, warm)
    cold, wanted = solved(layer, data)
    assert torch.equal(s.status, cold.status)
    for flag in ("degenerate", "nonunique", "dual_nonunique"):
        assert torch.equal(getattr(s, flag), getattr(cold, flag))
    close = {"rtol": 1e-9, "atol": 1e-9, "equal_nan": True}
    torch.testing.assert_close(s.x, cold.x, **close)
    torch.testing.assert_close(s.value, cold.value, **close)
    for name, dual in s.duals.items():
        torch.testing.assert_close(dual, cold.duals[name], **close)
    for one, other in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-7, equal_nan=True)
    return s, cold
