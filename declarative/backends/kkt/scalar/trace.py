"""A function of tensors -> the scalar operations it consists of, by calling it with tensors of names for numbers.

What the function does to them arrives below torch's composite functions and below its differentiation, where `rules.py`
writes it down. What has no rule there, or looks at a number, raises `NotScalar`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from declarative.backends.kkt.scalar.listing import Builder, Kind, Listing, NotScalar
from declarative.backends.kkt.scalar.named import Named, flattened, names_of
from declarative.backends.kkt.scalar.rules import RULES


class _Tracing(TorchDispatchMode):
    """Applies the rules, as a mode: to hand an operation to the class of an argument, torch would first look for
    distributed tensors among them, and import all of `torch.distributed.tensor` for that, in a second or two.
    """

    def __init__(self, builder: Builder):
        super().__init__()
        self.builder = builder

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No, or torch would import its compiler, in as long."""
        return False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if not any(isinstance(a, Named) for a in flattened([*args, *kwargs.values()])):
            return func(*args, **kwargs)
        rule = RULES.get(func.overloadpacket.__name__)
        if rule is None:
            raise NotScalar(f"no rule for {func}")
        return rule(self.builder, func, *args, **kwargs)


def trace(
    function: Callable[..., Sequence[Tensor]], *shapes: tuple[int, ...], truths: frozenset[int] = frozenset()
) -> tuple[Listing, list[Kind]]:
    """The operations of a function of tensors (1, ...) of these shapes, and of which kind its results (1, ...) are.

    The entries of the arguments, one tensor after the other, are the inputs of the list; those of the results are its
    results. `truths` are the places of arguments that are bool.
    """
    builder, entry, arguments = Builder(), 0, []
    for place, shape in enumerate(shapes):
        size = torch.Size(shape).numel()
        names = torch.tensor([builder.input(entry + k) for k in range(size)], dtype=torch.int64)
        arguments.append(Named(names.reshape(shape), torch.bool if place in truths else torch.float64))
        entry += size
    try:
        with _Tracing(builder):
            results = function(*arguments)
        found = [(names_of(builder, result), result.dtype == torch.bool) for result in results]
    except (RuntimeError, NotImplementedError, TypeError) as reason:
        raise NotScalar(str(reason)) from reason
    listing = builder.listing([name for names, _ in found for name in names.flatten().numpy().tolist()])
    return listing, [Kind(tuple(names.shape[1:]), truth) for names, truth in found]
