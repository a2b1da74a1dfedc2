"""A start for each item -> several of them, and the several answers -> the one that is kept.

The first start is the item's own. The others are the same for the same number of unknowns, whatever the batch: seeded
normal steps of growing length around it, mirrored at the bounds.
"""

from typing import Literal

import torch
from torch import Tensor

from declarative.backends.kkt.verdict.answer import Answer
from declarative.backends.status import Status

LENGTHS = (1.0, 2.0, 4.0)  # beside the size of an entry, at least 1


def spread(x0: Tensor, lower: Tensor, upper: Tensor, starts: int) -> Tensor:
    """(B * starts, n), the starts of an item side by side."""
    seeded = torch.Generator().manual_seed(0)
    step = torch.randn(starts - 1, x0.shape[1], generator=seeded, dtype=torch.float64).to(x0)
    length = x0.new_tensor([LENGTHS[k % len(LENGTHS)] for k in range(starts - 1)])
    near = x0.clamp(lower, upper)[:, None]
    others = mirrored(near + length[:, None] * step * near.abs().clamp(min=1), lower[:, None], upper[:, None])
    return torch.cat([x0[:, None], others], 1).flatten(0, 1)


def mirrored(x: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """x where it is between the bounds, and its image in them where it is not: narrow bounds are filled."""
    width = upper - lower
    across = upper - ((x - lower).remainder(2 * width) - width).abs()
    image = torch.where(width.isfinite(), across, torch.where(x < lower, 2 * lower - x, 2 * upper - x))
    return torch.where((x < lower) | (x > upper), torch.where(width > 0, image, lower), x)


def kept(answer: Answer, x0: Tensor, starts: int, keep: Literal["best", "nearest"]) -> Tensor:
    """(B,): for each item the answer to keep, as an index into all. Solved ones come first, then usable ones;
    of the nearest, minima before saddles."""
    worth = answer.value if keep == "best" else (answer.x - x0.repeat_interleave(starts, 0)).norm(dim=-1)
    rank = torch.where(answer.status == Status.SOLVED, 0, torch.where(answer.status == Status.INACCURATE, 2, 3))
    if keep == "nearest":
        rank = torch.where((rank == 0) & ~answer.minimum, 1, rank)
    worth, rank = (t.view(-1, starts) for t in (worth.nan_to_num(nan=torch.inf), rank))
    worth = torch.where(rank == rank.amin(-1, keepdim=True), worth, torch.inf)
    return worth.argmin(-1) + starts * torch.arange(len(worth), device=worth.device)
