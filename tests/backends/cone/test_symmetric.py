"""The factored symmetric matrix of a cone program: what it maps to zero, also where it is smaller than the sample."""

import numpy as np
import pytest

from declarative.backends.cone.symmetric import factorise


@pytest.mark.parametrize("size", [3, 5, 12])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_directions_that_are_mapped_to_zero(size, rank):
    basis = np.linalg.qr(np.random.default_rng(size).standard_normal((size, size)))[0][:, :rank]
    K = basis @ np.diag([3.0, -1.0, 0.5][:rank]) @ basis.T
    null = factorise(K, positive=size).null_sample()
    assert null.shape == (size, min(size - rank, 8))
    assert np.abs(K @ null).max(initial=0.0) < 1e-9
