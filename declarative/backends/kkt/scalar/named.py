"""Tensors whose entries are names of scalars."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from declarative.backends.kkt.scalar.listing import WIDEST, Builder, NotScalar


class Named(Tensor):
    """A tensor of names: `scalars` (long) are numbers of a builder's scalars."""

    scalars: Tensor  # torch had a `Tensor.names` to 2.12

    @staticmethod
    def __new__(cls, names: Tensor, dtype: torch.dtype = torch.float64):
        made = Tensor._make_wrapper_subclass(cls, names.shape, dtype=dtype, device=names.device)  # pyright: ignore
        made.scalars = names.contiguous()
        return made

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):  # pyright: ignore[reportIncompatibleMethodOverride]
        raise NotScalar(f"{func} outside of a trace")


def names_of(builder: Builder, value: Any) -> Tensor:
    """The names of a tensor or number; those of known numbers are constants."""
    if isinstance(value, Named):
        return value.scalars
    numbers = torch.as_tensor(value, dtype=torch.float64)
    if numbers.numel() > WIDEST:
        raise NotScalar("too many entries")
    bits, place = numbers.contiguous().view(torch.int64).unique(return_inverse=True)
    names = [builder.constant(number) for number in bits.view(torch.float64).tolist()]
    return torch.tensor(names, dtype=torch.int64)[place]


def flattened(args: Any) -> Iterator[Any]:
    """What is in lists of lists."""
    for a in args:
        if isinstance(a, (list, tuple)):
            yield from flattened(a)
        else:
            yield a
