"""An autograd function -> the same, with the signature of its `forward` at hand, which torch asks for at each call."""

from __future__ import annotations

from inspect import signature
from typing import TypeVar

import torch

Function = TypeVar("Function", bound=type[torch.autograd.Function])


def signed(function: Function) -> Function:
    """`apply` binds its arguments to this signature, and working that out takes longer than a small solve's adjoint."""
    function.forward.__signature__ = signature(function.forward)  # pyright: ignore[reportFunctionMemberAccess]
    return function
