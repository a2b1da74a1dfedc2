"""Tensors, maybe inside transforms of torch.func -> their numbers, for code that is not differentiated."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch._C._functorch import get_unwrapped, is_functorch_wrapped_tensor
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack


@contextmanager
def numbers_only() -> Iterator[None]:
    """Within, no transform and no grad mode of the caller holds, so that what is computed are plain tensors."""
    with temporarily_clear_interpreter_stack(), torch.no_grad():
        yield


def numbers(tensor: Tensor) -> Tensor:
    """The plain tensor; not for one that `torch.func.vmap` maps."""
    while is_functorch_wrapped_tensor(tensor):
        tensor = get_unwrapped(tensor)
    return tensor
