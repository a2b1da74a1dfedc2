"""A device beside the CPU, for machines that have no other one: torch knows it as "elsewhere".

Its tensors are kept in memory, but as with a GPU's, torch refuses to mix them with those of the CPU, or to show them to
numpy. Transforms of torch.func do not know them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors
from torch.utils._python_dispatch import return_and_correct_aliasing
from torch.utils._pytree import tree_map_only
from torch.utils.backend_registration import _DummyBackendModule, _setup_privateuseone_for_python_backend

NAME = "elsewhere"
TAKES_INDICES_OF_THE_CPU = {"aten::index", "aten::index_put", "aten::index_put_"}


class Elsewhere(Tensor):
    """`inner` has the numbers."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor):
        made = Tensor._make_wrapper_subclass(  # pyright: ignore[reportAttributeAccessIssue]
            cls, inner.shape, strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype,
            device=torch.device(NAME, 0), layout=inner.layout,
        )  # fmt: skip
        made.inner = inner
        return made

    def tolist(self) -> Any:
        return self.detach().inner.tolist()  # pyright: ignore[reportAttributeAccessIssue]

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"Elsewhere({self.inner})"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):  # pyright: ignore[reportIncompatibleMethodOverride]
        return run(func, args, kwargs or {})


class There(TorchFunctionMode):
    """Within, functions that make tensors know the device."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        device = kwargs.get("device")
        made = func in _device_constructors() and not any(isinstance(a, Elsewhere) for a in args)
        if made and device is not None and torch.device(device).type == NAME:
            asks = kwargs.pop("requires_grad", False)
            return func(*args, **{**kwargs, "device": "cpu"}).to(NAME).requires_grad_(asks)
        return func(*args, **kwargs)


def run(func, args: tuple, kwargs: dict[str, Any]) -> Any:
    """An operation on the numbers; its results are elsewhere, except copies to the CPU."""
    check_devices(func, args, kwargs)
    device = kwargs.get("device")
    goes_home = device is not None and torch.device(device).type != NAME
    inner = tree_map_only(Elsewhere, lambda t: t.inner, (args, kwargs))
    inner = tree_map_only(torch.device, lambda d: torch.device("cpu") if d.type == NAME else d, inner)
    found = func(*inner[0], **inner[1])
    if func is torch.ops.aten.copy_.default:
        return args[0]
    if goes_home:
        return found
    found = tree_map_only(Tensor, lambda t: t if isinstance(t, Elsewhere) else Elsewhere(t), found)
    return return_and_correct_aliasing(func, args, kwargs, found) if isinstance(args[0], Elsewhere) else found


def check_devices(func, args: tuple, kwargs: dict[str, Any]) -> None:
    """Raises RuntimeError for operands of two devices; scalars go with any, and indices of the CPU."""
    tensors: list[Tensor] = []
    tree_map_only(Tensor, tensors.append, (args, kwargs))
    here = [t for t in tensors if not isinstance(t, Elsewhere) and t.dim()]
    may_mix = isinstance(args[0], Elsewhere) and func._schema.name in TAKES_INDICES_OF_THE_CPU
    if here and len(here) < len(tensors) and not may_mix and func is not torch.ops.aten.copy_.default:
        raise RuntimeError(f"expected all tensors to be on the same device: {func}")


def _made_by_torch(func, *args: Any, **kwargs: Any) -> Any:
    return run(func, args, kwargs)


@contextmanager
def elsewhere() -> Iterator[torch.device]:
    """The device, in this thread and in those that begin within."""
    start = threading.Thread.run

    def start_there(thread: threading.Thread) -> None:
        with There():
            start(thread)

    threading.Thread.run = start_there
    try:
        with There():
            yield torch.device(NAME, 0)
    finally:
        threading.Thread.run = start


class Module(_DummyBackendModule):
    """What `torch.utils.checkpoint` asks of every device beside."""

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.float32]


_setup_privateuseone_for_python_backend(NAME, backend_module=Module())
_fallback = torch.library.Library("_", "IMPL")
_fallback.fallback(_made_by_torch, "PrivateUse1")
