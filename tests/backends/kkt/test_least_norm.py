"""Singular saddle-point systems, by a Cholesky factor or by eigenvalues, against the pseudo-inverse of all."""

import pytest
import torch

from declarative.backends.kkt.linear.least_norm import LeastNorm

FLOAT = torch.float64
BATCH, N, M = 4, 7, 5


def system(seed, rank, curved):
    """h of a rank `curved`, semidefinite, and M rows of a rank; some entries are fixed, some rows not in use."""
    torch.manual_seed(seed)
    root = torch.randn(BATCH, N, curved, dtype=FLOAT)
    a = torch.randn(BATCH, M, rank, dtype=FLOAT) @ torch.randn(BATCH, rank, N, dtype=FLOAT)
    free, use = torch.ones(BATCH, N, dtype=torch.bool), torch.ones(BATCH, M, dtype=torch.bool)
    free[1, 2], use[2, 0] = False, False
    a, h = a * free[:, None] * use[:, :, None], (root @ root.mT) * free[:, :, None] * free[:, None]
    ones = torch.ones(BATCH, N, dtype=FLOAT), torch.ones(BATCH, M, dtype=FLOAT)
    return LeastNorm(h, a, *ones, free, use)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("rank", "curved"), [(3, 7), (3, 4), (3, 2), (5, 7), (0, 7), (2, 0)])
def test_solutions_of_least_norm(seed, rank, curved):
    """K+ r, for sides that can be met; where h and the rows are still, nothing moves."""
    found = system(seed, rank, curved)
    zero = torch.zeros(BATCH, M, M, dtype=FLOAT)
    K = torch.cat([torch.cat([found.h, found.a.mT], -1), torch.cat([found.a, zero], -1)], -2)
    right = (K @ torch.randn(BATCH, N + M, 1, dtype=FLOAT))[..., 0]
    x, rows = found.solve(*right.split([N, M], -1))
    wanted = (torch.linalg.pinv(K, hermitian=True, rtol=1e-10) @ right[..., None])[..., 0]
    torch.testing.assert_close(torch.cat([x, rows], -1), wanted, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(("curved", "flat"), [(7, False), (4, False), (2, True), (0, True)])
def test_what_is_loose(curved, flat):
    """Three rows leave four directions, which h holds where its rank is four."""
    found = system(0, 3, curved)
    assert bool(found.loose.any(-1).all()) == flat == bool(found.loose.any())
    assert bool((found.firmness <= 1).all()) and bool((found.firmness > 1e-7).all())


def test_firm_curvatures_need_no_eigenvalues(monkeypatch):
    monkeypatch.setattr("declarative.backends.kkt.linear.least_norm.eigh", None)
    found = system(0, 3, 7)
    found.solve(torch.ones(BATCH, N, dtype=FLOAT), torch.zeros(BATCH, M, dtype=FLOAT))
    assert not found.loose.any()


def test_an_item_is_the_same_alone_and_beside_others():
    """Firm ones beside flat ones."""
    firm, flat = system(0, 3, 7), system(1, 3, 2)
    parts = ("h", "a", "D", "E", "free", "use")
    both = LeastNorm(*(torch.cat([getattr(firm, name), getattr(flat, name)]) for name in parts))
    sides = torch.randn(2 * BATCH, N, dtype=FLOAT), torch.randn(2 * BATCH, M, dtype=FLOAT)
    whole = torch.cat(both.solve(*sides), -1)
    alone = [torch.cat(one.solve(*(s.split(BATCH)[k] for s in sides)), -1) for k, one in enumerate((firm, flat))]
    torch.testing.assert_close(whole, torch.cat(alone), rtol=1e-12, atol=1e-12)
    assert torch.equal(both.loose, torch.cat([firm.loose, flat.loose]))
