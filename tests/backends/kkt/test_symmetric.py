"""Compiled code beside eigenvalues: which matrices are symmetric and positive definite."""

import pytest
import torch

from declarative.backends.kkt.symmetric import definite_items

TOLERANCE = 1e-6


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 40, 130])
def test_definite_is_what_has_positive_eigenvalues_only(n):
    """Least eigenvalues of both signs, some of them small beside the largest; the units do not matter."""
    generator = torch.Generator().manual_seed(n)
    least = torch.tensor([1.0, 1e-3, 1e-9, -1e-9, -1e-3, -1.0]).double()
    values = torch.cat([least[:, None], torch.rand(6, n - 1, generator=generator, dtype=torch.float64) + 0.5], 1)
    basis = torch.linalg.qr(torch.randn(6, n, n, generator=generator, dtype=torch.float64))[0]
    P = basis * values[:, None, :] @ basis.mT
    P = (P + P.mT) / 2
    for scale in (1.0, 1e-150, 1e150):
        assert definite_items(scale * P, TOLERANCE).equal(least > 0)


@pytest.mark.parametrize("n", [2, 9, 70])
def test_only_what_is_symmetric_counts(n):
    P = torch.eye(n).double().repeat(4, 1, 1)
    P[1, 0, n - 1] = 2 * TOLERANCE
    P[2, n - 1, 0] = TOLERANCE / 2
    P[3, 0, 1] = P[3, 1, 0] = float("nan")
    assert definite_items(P, TOLERANCE).tolist() == [True, False, True, False]
    assert definite_items(P.mT, TOLERANCE).tolist() == [True, False, True, False]


@pytest.mark.parametrize("place", [(0, 0), (3, 3), (4, 2)])
def test_what_is_no_number_is_not_definite(place):
    for value in (float("nan"), float("inf")):
        P = torch.eye(6).double()[None]
        P[(0, *place)] = P[(0, *place[::-1])] = value
        assert definite_items(P, TOLERANCE).tolist() == [False]
