"""The torch functions given for `extern` declarations, as functions of batches and of the weights that they read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from declarative.ir.problem import ExternDeclaration
from declarative.source.diagnostic import DiagnosticError, error


@dataclass(frozen=True, eq=False)
class External:
    """A function that takes a tensor (N, *shape) for each argument, and gives (N, *shape).

    `function`, or else the module that `holder` has under the declared name at the time of a call. Its parameters and
    its buffers of real numbers are inputs of the program, so that gradients reach them: `weights`, by the name of an
    input, which has a space, so that no parameter has it. A module is called as in `eval`, whatever its own mode.
    """

    declaration: ExternDeclaration
    function: Callable[..., Any] | None
    holder: nn.Module
    ranks: Mapping[str, int] = field(default_factory=dict)

    @property
    def module(self) -> nn.Module | None:
        """The module, where it is one."""
        return None if self.function is not None else getattr(self.holder, self.declaration.name)

    def weights(self) -> dict[str, Tensor]:
        """What the module's parameters and buffers are at this time, by input; (*batch, *shape) when mapped."""
        return {self._prefix + key: t for key, t in _held(self.module).items()}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of the weights of one item."""
        return {name: tuple(t.shape[t.dim() - self.rank(name, t) :]) for name, t in self.weights().items()}

    def rank(self, name: str, weight: Tensor) -> int:
        """How many axes of a weight are its own: as many as it had when the layer was compiled."""
        return self.ranks.get(name, weight.dim())

    @property
    def _prefix(self) -> str:
        return f"extern {self.declaration.name}."

    def __call__(self, weights: Mapping[str, Tensor], args: Sequence[Tensor], shape: tuple[int, ...]) -> Tensor:
        """Weights (B or 1, *shape) by input, arguments (B, N, *shape); gives (B, N, *shape).

        Raises DiagnosticError for a result of another shape.
        """
        dtype = args[0].dtype
        for t in (*args, *weights.values()):
            dtype = torch.promote_types(dtype, t.dtype)
        args = [a.to(dtype) for a in args]
        held = {name.removeprefix(self._prefix): w.to(dtype) for name, w in weights.items()}
        batch, several = args[0].shape[:2], any(len(w) > 1 for w in held.values())
        if several:
            held = {key: w.expand(batch[0], *w.shape[1:]) for key, w in held.items()}
            return torch.func.vmap(partial(self._called, shape))(held, *args)
        once = {key: w[0] for key, w in held.items()}
        return self._called(shape, once, *(a.flatten(0, 1) for a in args)).unflatten(0, batch)

    def _called(self, shape: tuple[int, ...], weights: Mapping[str, Tensor], *args: Tensor) -> Tensor:
        """The function with these weights, of (N, *shape)."""
        function = self.function or _with(getattr(self.holder, self.declaration.name), weights)
        try:
            found: Any = function(*(a.clone() for a in args))  # clones, since it may work in place
        except Exception as mistake:
            given = ", ".join(str(tuple(a.shape)) for a in args)
            mistake.add_note(f"while calling the extern function `{self.declaration.name}` with {given}; {_ONE}")
            raise
        wanted = (len(args[0]), *shape)
        if not isinstance(found, Tensor) or tuple(found.shape) != wanted or found.is_complex():
            name, given = self.declaration.name, ", ".join(str(tuple(a.shape)) for a in args)
            kind = "a complex tensor" if isinstance(found, Tensor) and found.is_complex() else "a tensor"
            result = f"{kind} {tuple(found.shape)}" if isinstance(found, Tensor) else f"{found!r:.60}"
            text = f"`{name}` was called with {given} and must give {wanted}; it gave {result}"
            hints = ("the first axis is the batch: one entry for each item, and for each index around the call", _ONE)
            raise DiagnosticError([error("E326", self.declaration.origin, text, hints=hints)])
        return found.to(args[0].dtype)

    def check_closed(self, sizes: Mapping[str, int], dtype: torch.dtype, device: torch.device) -> None:
        """Raises DiagnosticError for a plain function whose gradients would be wrong: one that reads tensors with
        gradients, or that cuts its result off from its arguments.
        """
        function = self.function
        if function is None:
            return
        shapes = [tuple(size.evaluate(sizes) for size in shape) for shape in self.declaration.domain]

        def called(size: float, moves: bool) -> Tensor:
            given = (torch.full((1, *shape), size, dtype=dtype, device=device) for shape in shapes)
            return function(*(t.requires_grad_(moves) for t in given))

        try:
            with torch.enable_grad():
                found, moved = called(1.0, False), called(0.75, True)
        except Exception:
            return  # it is not defined there
        if not isinstance(found, Tensor):
            return
        name, origin = self.declaration.name, self.declaration.origin
        if found.requires_grad:
            text = f"`{name}` reads tensors that require gradients, which the layer cannot see"
            hints = ("give the nn.Module itself, or make what it reads an argument, with a `param` or a `learn`",)
            raise DiagnosticError([error("E328", origin, text, hints=hints)])
        if not moved.requires_grad and not torch.equal(found, moved):
            text = f"what `{name}` gives depends on its arguments, and has no gradient for them"
            hints = ("leave `torch.no_grad()`, `.detach()` and numpy out of it",)
            raise DiagnosticError([error("E328", origin, text, hints=hints)])


_ONE = "a function f of one item is one of batches as `torch.func.vmap(f)`"


def _held(module: nn.Module | None) -> dict[str, Tensor]:
    if module is None:
        return {}
    buffers = {key: t for key, t in module.named_buffers() if t.is_floating_point()}
    return {**dict(module.named_parameters()), **buffers}


def _with(module: nn.Module, weights: Mapping[str, Tensor]) -> nn.Module:
    """The module with other weights, for one call: a copy of its structure in `eval` mode, that nothing else holds.

    `torch.func.functional_call` changes the module itself for a time: other threads see that, and a module that stands
    in it twice is left with the wrong tensors.
    """
    new = {id(t): weights[key] for key, t in _held(module).items()}
    return _copied(module, new, {})


def _copied(module: nn.Module, new: Mapping[int, Tensor], done: dict[int, nn.Module]) -> nn.Module:
    if id(module) in done:
        return done[id(module)]
    copy = done[id(module)] = object.__new__(type(module))
    copy.__dict__ = {**module.__dict__, "training": False}
    for kind in ("_parameters", "_buffers"):
        copy.__dict__[kind] = {key: new.get(id(t), t) for key, t in module.__dict__[kind].items()}
    copy.__dict__["_modules"] = {
        key: child and _copied(child, new, done) for key, child in module.__dict__["_modules"].items()
    }
    return copy
