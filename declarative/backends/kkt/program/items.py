"""Records of tensors that all lead with the batch axis: pick, merge and replace items."""

from typing import Self

import torch
from torch import Tensor

from declarative.backends.numbers import everyone


class Items:
    """Base of a frozen dataclass whose fields are tensors (B, ...)."""

    def take(self, items: Tensor) -> Self:
        """Some of the items (long, K); all of them are itself."""
        if everyone(items, self.count):
            return self
        return type(self)(*(part[items] for part in self.parts()))

    def where(self, mask: Tensor, other: Self) -> Self:
        """These items where `mask` (B,) holds, the other's elsewhere."""
        pairs = zip(self.parts(), other.parts(), strict=True)
        return type(self)(*(torch.where(mask.view(-1, *[1] * (a.ndim - 1)), a, b) for a, b in pairs))

    def put(self, items: Tensor, other: Self) -> Self:
        """The same with other's items (K of them) at the places `items` (long, K)."""
        if everyone(items, self.count):
            return other
        pairs = zip(self.parts(), other.parts(), strict=True)
        return type(self)(*(a.index_copy(0, items, b) for a, b in pairs))

    @property
    def count(self) -> int:
        """How many items there are."""
        return getattr(self, self.__match_args__[0]).shape[0]  # pyright: ignore[reportAttributeAccessIssue]

    def parts(self) -> list[Tensor]:
        """The tensors in order."""
        return [getattr(self, name) for name in self.__match_args__]  # pyright: ignore[reportAttributeAccessIssue]
