"""Tensors, maybe inside transforms of torch.func -> their numbers, for code that is not differentiated."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import torch
from torch import Tensor
from torch._C._functorch import (
    get_unwrapped,
    is_functorch_wrapped_tensor,
    is_legacy_batchedtensor,
    peek_interpreter_stack,
)
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack

Result = TypeVar("Result")


def numbers_only() -> AbstractContextManager:
    """Within, no transform and no grad mode of the caller holds, so that what is computed are plain tensors."""
    return _outside_transforms() if transformed() else torch.no_grad()


@contextmanager
def _outside_transforms() -> Iterator[None]:
    with temporarily_clear_interpreter_stack(), torch.no_grad():
        yield


def apart(function: Callable[..., Result], *args) -> Result:
    """The result of a call in a thread of its own, where no grad mode or transform of this one holds: what is kept."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function, *args).result()


def plain(tensors: Iterable[Tensor]) -> bool:
    """These are numbers in double precision on a CPU, and what is made of them need not be differentiated."""
    if torch.is_grad_enabled() or transformed():
        return False
    return all(t.dtype == torch.float64 and t.is_cpu and not is_legacy_batchedtensor(t) for t in tensors)


def transformed() -> bool:
    """Within a transform of torch.func?"""
    return peek_interpreter_stack() is not None


def numbers(tensor: Tensor) -> Tensor:
    """The plain tensor; not for one that `torch.func.vmap` maps."""
    while is_functorch_wrapped_tensor(tensor):
        tensor = get_unwrapped(tensor)
    return tensor


def everyone(items: Tensor, batch: int) -> bool:
    """Whether `items` (long, K) are all of a batch, in order."""
    return len(items) == batch and (batch == 1 or torch.equal(items, torch.arange(batch, device=items.device)))
