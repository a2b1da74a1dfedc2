"""What every test starts from: one torch thread, seeded random sources, hypothesis without a clock or a dice."""

import os
import random

import numpy as np
import pytest
import torch
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # for what a test starts as a program of its own
torch.set_num_threads(1)  # two workers share two cores; more threads cost more than they give

settings.register_profile("declarative", deadline=None, derandomize=True, max_examples=100, database=None)
settings.load_profile("declarative")


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Every test begins with the same random numbers, whatever ran before it."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
