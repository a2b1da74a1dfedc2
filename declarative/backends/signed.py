"""An autograd function -> the same, with the signature of its `forward` at hand, which torch asks for at each call."""

from __future__ import annotations

from inspect import Signature, signature
from typing import Any, TypeVar

import torch

Function = TypeVar("Function", bound=type[torch.autograd.Function])


class Positional(Signature):
    """A signature for calls that give everything by position, to which nothing needs to be bound."""

    def bind(self, *args: Any) -> Any:
        return Given(args)


class Given:
    """The arguments as they were given."""

    def __init__(self, args: tuple[Any, ...]):
        self.args, self.kwargs = args, dict[str, Any]()

    def apply_defaults(self) -> None:
        """There are none."""


def signed(function: Function) -> Function:
    """`apply` binds its arguments to this signature; to work that out takes longer than a small solve's adjoint."""
    found = signature(function.forward)
    function.forward.__signature__ = Positional(list(found.parameters.values()))  # pyright: ignore[reportFunctionMemberAccess]
    return function
