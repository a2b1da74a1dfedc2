"""A layer under `torch.func.vmap` -> the same layer called once, with the mapped axis as a leading batch axis.

A solver looks at its data, and a mapped tensor cannot be looked at; nor can transforms stand in each other around it.
`Mappable` is an autograd function that hides the call until every mapped axis is a batch axis and every transform is
done. Its derivatives are functions of the same kind, so they have any order: the pullback of a mapped call is the
pullback of the batched one, which is solved again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch
from torch import Tensor
from torch._C._functorch import TransformType, get_unwrapped, is_batchedtensor, is_functorch_wrapped_tensor
from torch._functorch.pyfunctorch import retrieve_all_functorch_interpreters

from declarative.backends.push import in_forward_mode, push

Results = tuple[Tensor, ...]
Function: TypeAlias = "Batched | Pullback | Pushforward"


def needs_mapping(tensors: Iterable[Tensor], allowed: int = 1) -> bool:
    """Does `torch.func.vmap` map one of the tensors, or its tangent (`jacfwd`), or is it inside more transforms than
    `allowed`?
    """
    wrapped = [t for t in tensors if is_functorch_wrapped_tensor(t)]
    return bool(wrapped) and (inside_map() or any(_mapped_or_deep(t, allowed) for t in wrapped))


def inside_map() -> bool:
    """Is a `torch.func.vmap` around this call?"""
    return any(level.key() == TransformType.Vmap for level in retrieve_all_functorch_interpreters())


def _mapped_or_deep(tensor: Tensor, allowed: int) -> bool:
    depth = 0
    while is_functorch_wrapped_tensor(tensor):
        depth += 1
        if is_batchedtensor(tensor) or depth > allowed:
            return True
        tensor = get_unwrapped(tensor)
    return False


def unwrapped(tensor: Tensor) -> Tensor:
    """Its numbers, outside of all transforms."""
    while is_functorch_wrapped_tensor(tensor):
        tensor = get_unwrapped(tensor)
    return tensor


@dataclass(frozen=True)
class Batched:
    """`call(*tensors)` for tensors (*batch, *shape), with `levels` mapped axes before each tensor's own batch.

    `ranks` are the numbers of axes of the shapes; batches that are shorter get axes of length one, so that the mapped
    axes line up.
    """

    call: Callable[..., Results]
    ranks: tuple[int, ...]
    levels: int = 0

    def __call__(self, *tensors: Tensor) -> Results:
        own = [t.dim() - self.levels - rank for t, rank in zip(tensors, self.ranks, strict=True)]
        most = max(own, default=0)
        pairs = zip(tensors, own, strict=True)
        return self.call(*(t[(slice(None),) * self.levels + (None,) * (most - k)] for t, k in pairs))

    def mapped(self) -> Batched:
        return replace(self, levels=self.levels + 1)


@dataclass(frozen=True)
class Pullback:
    """Tensors and cotangents of a function's results -> cotangents of the tensors."""

    function: Function
    count: int

    def __call__(self, *tensors: Tensor) -> Results:
        at, results = _recorded(self.function, tensors[: self.count])
        return _pulled(results, at, tensors[self.count :], _again(tensors))

    def mapped(self) -> Pullback:
        return replace(self, function=self.function.mapped())


@dataclass(frozen=True)
class Pushforward:
    """Tensors and their tangents -> tangents of a function's results."""

    function: Function
    count: int

    def __call__(self, *tensors: Tensor) -> Results:
        at, moves = tensors[: self.count], tensors[self.count :]
        match self.function:
            case Batched() if not in_forward_mode():
                return push(self.function, *(tuple(t.contiguous() for t in part) for part in (at, moves)))
            case Pullback(inner, count):
                return _pullback_pushed(inner, at[:count], at[count:], moves[:count], moves[count:])
            case _:
                return _pushed(self.function, at, moves)

    def mapped(self) -> Pushforward:
        return replace(self, function=self.function.mapped())


def _recorded(function: Function, tensors: Sequence[Tensor]) -> tuple[list[Tensor], Results]:
    """The tensors as leaves or as they are, and the function's results connected to them."""
    with torch.enable_grad():
        at = [t if t.requires_grad else t.detach().requires_grad_() for t in tensors]
        return at, function(*at)


def _again(tensors: Sequence[Tensor]) -> bool:
    """Is a derivative of the derivative wanted?"""
    return torch.is_grad_enabled() and any(t.requires_grad for t in tensors)


def _pulled(results: Results, at: Sequence[Tensor], cotangents: Sequence[Tensor], again: bool) -> Results:
    """J'c; results that depend on nothing (a const among the outputs, no backward mode) add nothing."""
    moving = [k for k, result in enumerate(results) if result.requires_grad]
    if not moving:
        return tuple(torch.zeros_like(t) for t in at)
    own, pulled = ([part[k] for k in moving] for part in (results, cotangents))
    return torch.autograd.grad(own, at, pulled, create_graph=again, retain_graph=True, materialize_grads=True)


def _pullback_pushed(inner: Function, at: Results, c: Results, dt: Results, dc: Results) -> Results:
    """The move of J'c: the Hessian of c'f, which is symmetric, times dt, and J'dc."""
    again = _again((*at, *c, *dt, *dc))
    leaves, results = _recorded(inner, at)
    curved = _pulled(_pulled(results, leaves, c, True), leaves, dt, again)
    return tuple(a + b for a, b in zip(curved, _pulled(results, leaves, dc, again), strict=True))


def _pushed(function: Function, at: Results, moves: Results) -> Results:
    """J v, by the pullback of the linear map u -> J'u."""
    again = _again((*at, *moves))
    leaves, results = _recorded(function, at)
    u = [torch.zeros_like(r, requires_grad=True) for r in results]
    return _pulled(_pulled(results, leaves, u, True), u, moves, again)


class Mappable(torch.autograd.Function):
    """(function, *tensors) -> the function's results."""

    @staticmethod
    def forward(function, *tensors):
        with torch.no_grad():
            return tuple(result.detach() for result in function(*tensors))

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.function = inputs[0]
        ctx.save_for_backward(*inputs[1:])
        ctx.save_for_forward(*inputs[1:])

    @staticmethod
    def backward(ctx, *cotangents):
        tensors = ctx.saved_tensors
        return (None, *Mappable.apply(Pullback(ctx.function, len(tensors)), *tensors, *cotangents))

    @staticmethod
    def jvp(ctx, _, *tangents):
        tensors = ctx.saved_tensors
        moves = [torch.zeros_like(t) if d is None else d for t, d in zip(tensors, tangents, strict=True)]
        return Mappable.apply(Pushforward(ctx.function, len(tensors)), *tensors, *moves)

    @staticmethod
    def vmap(info, in_dims, function, *tensors):
        leading = _leading(tensors, in_dims[1:], info.batch_size)
        results = call(function.mapped(), leading)
        return results, (0,) * len(results)


def _leading(tensors: Sequence[Tensor], dims: Sequence[int | None], count: int) -> list[Tensor]:
    """Each tensor with its mapped axis in front; what is not mapped is the same for each."""
    pairs = zip(tensors, dims, strict=True)
    return [t.expand(count, *t.shape) if d is None else t.movedim(d, 0) for t, d in pairs]


def call(function: Function, tensors: Sequence[Tensor]) -> Results:
    """The results, with derivatives of any order, whatever transforms of torch.func are around."""
    allowed = 1 if isinstance(function, Batched) else 0  # a layer itself works inside one transform
    hidden = needs_mapping(tensors, allowed)
    return Mappable.apply(function, *tensors) if hidden else function(*tensors)  # pyright: ignore[reportReturnType]
