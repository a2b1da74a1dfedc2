"""What every test starts from: one torch thread, seeded random sources, hypothesis without a clock or a dice."""

import os
import random

import numpy as np
import pytest
import torch
from hypothesis import settings
from threadpoolctl import threadpool_limits

# Two workers share two cores: more threads, torch's or the linear algebra's, cost more than they give.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # for what a test starts as a program of its own
# MKL rounds products otherwise where a matrix lies elsewhere in memory, unless it is asked not to.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
torch.set_num_threads(1)
threadpool_limits(1)

if not torch.cuda.is_available():
    import elsewhere as elsewhere  # torch's engine counts its devices once, before the first backward pass

settings.register_profile("declarative", deadline=None, derandomize=True, max_examples=100, database=None)
settings.load_profile("declarative")


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Every test begins with the same random numbers, whatever ran before it."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
