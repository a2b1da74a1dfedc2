"""The number of unknowns -> is there room for the dense matrices that the methods of this backend keep?"""

import os

import torch

from declarative.source.diagnostic import DiagnosticError, error

MATRICES = 4  # Hessians and their factors that are kept at once, at least
REAL = 8  # bytes


def check_room(unknowns: int, device: torch.device) -> None:
    """Raises DiagnosticError (E325) where one item's matrices take more than all of the device's memory."""
    needed, there = MATRICES * REAL * unknowns**2, memory(device)
    if needed > there:
        text = (
            f"the kkt backend keeps dense matrices: {unknowns:,} unknowns take {needed / 1e9:,.0f} GB, and the "
            f"{'machine' if device.type == 'cpu' else 'GPU'} has {there / 1e9:,.0f} GB"
        )
        hints = (
            "a convex problem whose functions each read few unknowns needs no such matrix: `check` says whether this "
            "one is convex by the rules",
            "split the problem into items of a batch, where its parts do not depend on each other",
        )
        raise DiagnosticError([error("E325", None, text, hints=hints)])


def memory(device: torch.device) -> float:
    """All that the device has, in bytes; infinite where nobody tells."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[1]
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return float("inf")
