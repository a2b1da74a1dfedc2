"""A function and a direction -> its directional derivative, also inside forward mode and in several threads at once.

And a function and what comes back -> its pullback.
"""

from collections.abc import Callable, Iterable
from threading import RLock

import torch
from torch import Tensor
from torch._C._functorch import TransformType
from torch._functorch.pyfunctorch import retrieve_all_functorch_interpreters
from torch.autograd import forward_ad
from torch.func import jvp, vjp
from torch.utils._pytree import tree_map

from declarative.backends.numbers import plain, transformed

FORWARD = RLock()  # torch keeps the level of forward mode for the whole process, not for a thread


def in_forward_mode() -> bool:
    """Is forward mode in use already, by a caller of this call?"""
    return forward_ad._current_level >= 0


def differentiable(tensors: Iterable[Tensor]) -> bool:
    """May anybody ask for a derivative of what is made of these tensors?"""
    wanted = torch.is_grad_enabled() and any(t.requires_grad for t in tensors)
    return wanted or in_forward_mode() or transformed()


def push(function: Callable, inputs: tuple[Tensor, ...], tangents: tuple[Tensor, ...]):
    """The directional derivative of a function along tangents; its value may be a tensor or a tuple of them.

    Forward mode does not nest: where it is in use already, a pullback is pulled back, since it is linear in what it
    pulls (v -> J'v has the derivative J).
    """
    with FORWARD:
        if not in_forward_mode():
            return jvp(function, inputs, tangents)[1]
    pullback = vjp(function, *inputs)[1]
    zeros = tree_map(torch.zeros_like, function(*inputs))
    return vjp(pullback, zeros)[1](tangents)[0]


def pull(function: Callable, inputs: tuple[Tensor, ...], cotangents: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The pullback of cotangents by a function whose value is as many tensors; may be differentiated.

    Where nobody can ask for that, by torch.autograd, of one number: vjp, and gradients that are handed to
    torch.autograd, import torch's compiler or a part of it when they are first used, in a second or two.
    """
    if in_forward_mode() or not plain(inputs + cotangents):
        return vjp(function, *inputs)[1](cotangents)
    with torch.enable_grad():
        leaves = tuple(t.detach().requires_grad_() for t in inputs)
        pairs = zip(cotangents, function(*leaves), strict=True)
        total = torch.stack([(own * part).sum() for own, part in pairs]).sum()
    if not total.requires_grad:
        return tuple(torch.zeros_like(t) for t in inputs)
    return torch.autograd.grad(total, leaves, materialize_grads=True)


def forward_mode_twice() -> bool:
    """Asked in the jvp of a custom function: is it within another `torch.func.jvp`?

    torch then takes the result for constant, and the second derivative for 0.
    """
    levels = retrieve_all_functorch_interpreters()
    return sum(level.key() == TransformType.Jvp for level in levels) > 1
