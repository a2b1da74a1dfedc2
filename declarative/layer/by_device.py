"""Data on a GPU -> where they are solved: there, as one batch in torch, or on the CPU, by compiled code.

A batch in torch takes some seventy milliseconds on a GPU however small it is, in which the CPU solves thousands of
tiny items; copies of large matrices, and their factorisations, are what the GPU is faster at.
"""

import torch

from declarative.backends.hosted import CPU

# Where both take about as long, between what was measured with an H100 beside 16 cores: quadratic programs, forward and
# backward, of 10, 50, 128, 200 and 500 unknowns in batches of some 4000, 1500, 300, 130 and 10.
EQUAL, SMALL = 5e6, 1e3


def place_of(device: torch.device, dtype: torch.dtype, unknowns: int, batch: int) -> torch.device:
    """Where to solve `batch` items with data on `device`. Compiled code is for double precision."""
    if device.type == "cpu" or dtype != torch.float64:
        return device
    return device if batch * (unknowns**2 + SMALL) > EQUAL else CPU
