"""The gradients of matrices are sums of outer products: whichever code makes them, they are the same."""

import pytest
import torch

from declarative.backends.kkt.program.data import products, symmetric_products

GENERATOR = torch.Generator().manual_seed(0)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=GENERATOR, dtype=torch.float64)


@pytest.mark.parametrize(("batch", "k", "n"), [(3, 4, 5), (1, 1, 1), (2, 0, 3), (0, 2, 2), (5, 40, 30)])
def test_sums_of_outer_products(batch: int, k: int, n: int) -> None:
    a, b, x, y = normal(batch, k), normal(batch, 2 * k)[:, ::2], normal(batch, n), normal(n).expand(batch, n)
    wanted = torch.einsum("bi,bj->bij", a, x) + torch.einsum("bi,bj->bij", b, y)
    with torch.no_grad():
        torch.testing.assert_close(products((a, b), (x, y), wanted), wanted, rtol=1e-15, atol=1e-15)
    torch.testing.assert_close(products((a, b), (x, y), wanted), wanted, rtol=1e-15, atol=1e-15)  # to be differentiated


def test_the_sum_of_a_shared_matrix_is_taken_over_the_items() -> None:
    a, x, shared = normal(6, 3), normal(6, 4), torch.empty(1, 3, 4)
    torch.testing.assert_close(products((a,), (x,), shared), torch.einsum("bi,bj->ij", a, x)[None])


def test_symmetric_to_the_last_bit() -> None:
    with torch.no_grad():
        found = symmetric_products(normal(7, 20), normal(7, 20), torch.empty(7, 20, 20))
    assert torch.equal(found, found.mT)
