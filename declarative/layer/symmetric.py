"""A matrix -> its symmetric part, and back in one pass over the gradient, which of many large matrices takes time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from declarative.backends.positional import positional
from declarative.backends.push import differentiable
from declarative.backends.symmetric import known_symmetric


def symmetric_part(t: Tensor) -> Tensor:
    """(t + t')/2 of matrices (..., n, n)."""
    return SymmetricPart.apply(t) if differentiable((t,)) else SymmetricPart.forward(t)  # pyright: ignore[reportReturnType]


@positional
class SymmetricPart(torch.autograd.Function):
    """(t + t')/2 of matrices (..., n, n), symmetric to the last digit; its derivative is itself."""

    generate_vmap_rule = True

    @staticmethod
    def forward(t: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return (t + t.mT).mul_(0.5)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return g if known_symmetric(g) else g.lerp(g.mT, 0.5)

    @staticmethod
    def jvp(ctx: Any, t: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return SymmetricPart.apply(t)  # pyright: ignore[reportReturnType]
