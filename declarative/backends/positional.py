"""An autograd function -> the same, whose `apply` takes its arguments as they are given, all by position.

torch binds them to the signature of `forward` at each call, which takes longer than a small solve's adjoint.
"""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch._C import _are_functorch_transforms_active
from torch._functorch.utils import unwrap_dead_wrappers

Function = TypeVar("Function", bound=type[torch.autograd.Function])


def positional(function: Function) -> Function:
    """Within transforms of torch.func `apply` is torch's own."""
    whole, bare = function.apply, super(torch.autograd.Function, function).apply  # pyright: ignore[reportAttributeAccessIssue]

    def apply(*args: Any) -> Any:
        return whole(*args) if _are_functorch_transforms_active() else bare(*unwrap_dead_wrappers(args))

    function.apply = staticmethod(apply)
    return function
