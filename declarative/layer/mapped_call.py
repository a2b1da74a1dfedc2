"""A call of a layer that `torch.func.vmap` maps -> one call for a batch, or one for each member where consts differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from declarative.backends.numbers import transformed
from declarative.backends.tape.external import External
from declarative.ir.problem import Problem
from declarative.layer.binding import Raw
from declarative.layer.columns import seen_as
from declarative.layer.mapped import Batched, Results, call, needs_mapping


def mapped_call(
    layer: nn.Module, problem: Problem, externs: Mapping[str, External], raw: Mapping[str, Raw]
) -> Results | None:
    """The outputs, with derivatives of any order; None where nothing maps the call."""
    if not transformed():
        return None
    given = {name: value for name, value in raw.items() if isinstance(value, Tensor)}
    held = dict(layer.named_parameters())
    held |= {name: t for name, t in layer.named_buffers() if t.is_floating_point()}
    if not needs_mapping([*given.values(), *held.values()]):
        return None
    # The pullback calls the layer when another `functional_call` may be over: what it holds now goes with the call.
    fixed = {name: held.pop(name) for name in [*held] if name.startswith("const.") and not needs_mapping([held[name]])}
    axes = {d.symbol.name: len(d.symbol.shape) for d in problem.parameters}
    ranks = axes | {f"{part}.{name}": rank for name, rank in axes.items() for part in ("learn", "const")}
    for external in externs.values():
        ranks |= {name.replace(" ", ".", 1): external.rank(name, t) for name, t in external.weights().items()}
    names = [*given, *held]
    shapes = {name: tuple(value.shape) for name, value in given.items()}
    members = _Members(layer, dict(raw), fixed, tuple(given), tuple(held), ranks, shapes)
    return call(Batched(members, tuple(ranks[name] for name in names)), [*given.values(), *held.values()])


@dataclass(frozen=True)
class _Members:
    """Tensors (*batch, *shape), in the order of `given` and `held`, to outputs (*batch, *shape)."""

    layer: nn.Module
    raw: dict[str, Raw]
    fixed: dict[str, Tensor]
    given: tuple[str, ...]
    held: tuple[str, ...]
    ranks: Mapping[str, int]
    shapes: Mapping[str, tuple[int, ...]]  # those of one member

    def __call__(self, *tensors: Tensor) -> Results:
        names = (*self.given, *self.held)
        data: dict[str, Tensor] = {}
        for name, t in zip(names, tensors, strict=True):
            if (shared := self._shared(name, t)) is None:
                return _one_by_one(self, tensors)
            data[name] = shared
        own = {name: data.pop(name) for name in self.held}
        with seen_as(self.shapes):
            found: Any = functional_call(self.layer, {**self.fixed, **own}, (), {**self.raw, **data})
        return (found,) if isinstance(found, Tensor) else tuple(found)

    def _shared(self, name: str, t: Tensor) -> Tensor | None:
        """Data as they are; a const, of which a layer has one, without its batch, and None where its items differ."""
        if not name.startswith("const."):
            return t
        items = t.detach().reshape(-1, *t.shape[t.dim() - self.ranks[name] :])
        return items[0] if bool((items == items[:1]).all()) else None


def _one_by_one(function: Callable[..., Results], tensors: Sequence[Tensor]) -> Results:
    """The same function for each entry of the first axis."""
    results = [function(*(t[k] for t in tensors)) for k in range(len(tensors[0]))]
    return tuple(torch.stack(parts) for parts in zip(*results, strict=True))
