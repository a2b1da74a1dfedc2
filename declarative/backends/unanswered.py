"""The data of a batch, some of whose items have no answer -> data whose derivatives those items cannot spoil.

A zero gradient that comes to 1/d at d = 0 leaves as NaN (0 times infinity), for what the batch shares too.
"""

from collections.abc import Mapping

import torch
from torch import Tensor


def without_unanswered(inputs: Mapping[str, Tensor], answered: Tensor) -> dict[str, Tensor]:
    """Each item outside `answered` (bool, B) gets the data of one inside; its own have the derivative 0, exactly.

    inputs: (B, *shape), or (1, *shape) where the items share them.
    """
    if not answered.any():
        return {name: t.detach() + t.flatten()[:0].sum() for name, t in inputs.items()}
    items = torch.arange(len(answered), device=answered.device)
    chosen = torch.where(answered, items, items[answered][0])
    return {name: t if t.shape[0] == 1 else t[chosen] for name, t in inputs.items()}
