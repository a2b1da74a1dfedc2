"""The torch functions given for `extern` declarations, as functions of batches and of the weights that they read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from declarative.ir.problem import ExternDeclaration
from declarative.source.diagnostic import DiagnosticError, error


@dataclass(frozen=True, eq=False)
class External:
    """`function` takes a tensor (N, *shape) for each argument, and gives (N, *shape).

    Where it is a module, its parameters and its buffers of real numbers are inputs of the program, so that gradients
    reach them: `weights`, by the name of an input, which has a space, so that no parameter has it. Other buffers are
    read as they are. What a plain function closes over gets no gradient.
    """

    declaration: ExternDeclaration
    function: Callable[..., Any]

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of the weights, by input; they are counted now, and a module keeps what it has."""
        return {name: tuple(t.shape) for name, t in self.weights().items()}

    def weights(self) -> dict[str, Tensor]:
        """What the module's parameters and buffers are at this time, by input."""
        return {f"extern {self.declaration.name}.{key}": t for key, t in self._held().items()}

    def parameters(self) -> dict[str, Tensor]:
        """The module's parameters alone, by their names in it."""
        return dict(self.function.named_parameters()) if isinstance(self.function, nn.Module) else {}

    def _held(self) -> dict[str, Tensor]:
        if not isinstance(self.function, nn.Module):
            return {}
        buffers = {key: t for key, t in self.function.named_buffers() if t.is_floating_point()}
        return {**self.parameters(), **buffers}

    def __call__(self, weights: Sequence[Tensor], args: Sequence[Tensor], shape: tuple[int, ...]) -> Tensor:
        """Weights (1, *shape) in order, arguments (N, *shape). Raises DiagnosticError for a result of another shape."""
        if isinstance(self.function, nn.Module):
            state = dict(zip(self._held(), (w[0] for w in weights), strict=True))
            found: Any = functional_call(self.function, state, tuple(args))
        else:
            found = self.function(*args)
        wanted = (len(args[0]), *shape)
        if not isinstance(found, Tensor) or tuple(found.shape) != wanted:
            name, given = self.declaration.name, ", ".join(str(tuple(a.shape)) for a in args)
            result = f"a tensor {tuple(found.shape)}" if isinstance(found, Tensor) else f"{found!r:.60}"
            text = f"`{name}` was called with {given} and must give {wanted}; it gave {result}"
            hint = "the first axis is the batch: one entry for each item, and for each index around the call"
            raise DiagnosticError([error("E326", self.declaration.origin, text, hints=(hint,))])
        return found.to(torch.promote_types(args[0].dtype, found.dtype))
