"""Products of matrices and vectors, item by item."""

import pytest
import torch

from declarative.backends.kkt.linear.scaling import times


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 16, 20, 33, 100])
@pytest.mark.parametrize("m", [1, 3, 20, 50])
@pytest.mark.parametrize("transposed", [False, True])
def test_an_item_alone_rounds_as_in_a_batch(m, n, transposed):
    generator = torch.Generator().manual_seed(n)
    M = torch.randn(3, m, n, generator=generator, dtype=torch.float64)
    M = M.mT.contiguous().mT if transposed else M
    v = torch.randn(3, n, generator=generator, dtype=torch.float64)
    whole = times(M, v)
    torch.testing.assert_close(whole, (M * v[:, None]).sum(-1))
    for i in range(3):
        assert torch.equal(times(M[i : i + 1], v[i : i + 1]), whole[i : i + 1])
