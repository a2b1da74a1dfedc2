"""The systems of active sets with few entries, against the same systems in torch."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from declarative.backends.kkt.compiled.pattern import pattern_of
from declarative.backends.kkt.linear.system import ActiveSystem, Right

FLOAT = torch.float64
BATCH = 40  # more than two blocks


def systems(n: int, m: int, seed: int) -> tuple[ActiveSystem, ActiveSystem]:
    """Items of all sizes of data; those from 30 on: a saddle, no curvature, a row of zeros, a variable that nothing but
    tiny entries hold, and one that is not a number.
    """
    rng, g = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    near = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) <= 2
    rows = (rng.random((m, n)) < 4 / n) | (np.arange(n) % m == np.arange(m)[:, None])
    L = torch.randn(BATCH, n, n, generator=g, dtype=FLOAT) * torch.from_numpy(np.tril(near))
    A = torch.randn(BATCH, m, n, generator=g, dtype=FLOAT) * torch.from_numpy(rows)
    H = L @ L.mT + 0.1 * torch.eye(n, dtype=FLOAT)
    H, A = (
        H * 10 ** torch.linspace(-6, 6, BATCH, dtype=FLOAT)[:, None, None],
        A * torch.logspace(-3, 3, m, dtype=FLOAT)[:, None],
    )
    used, fixed = torch.rand(BATCH, m, generator=g) < 0.7, torch.rand(BATCH, n, generator=g) < 0.2
    H[30] -= 20 * H[30].abs().max() * torch.diag(torch.arange(n, dtype=FLOAT) % 2)
    H[31] = 0
    A[32, 1], used[32] = 0, True
    H[33, 3] = H[33, :, 3] = 0
    A[33, :, 3] *= 1e-12
    H[34, 0, 0], fixed[34] = torch.nan, False
    pattern = pattern_of(near | near.T, rows, np.zeros((0, n), bool))
    assert pattern is not None
    whole = ActiveSystem(H, A, used, fixed, pattern)
    return whole, replace(whole, pattern=None)


def right(n: int, m: int) -> Right:
    g = torch.Generator().manual_seed(1)
    return Right(*(torch.randn(BATCH, k, generator=g, dtype=FLOAT) for k in (n, m, n)))


@pytest.mark.parametrize("n, m", [(40, 10), (60, 30), (150, 100)])
def test_they_agree(n, m):
    quick, in_torch = systems(n, m, n)
    r, well = right(n, m), torch.arange(BATCH) != 34
    with torch.no_grad():
        assert quick.sparse is not None and in_torch.sparse is None
        left = set(quick.sparse.left.tolist())
        least = torch.linalg.eigvalsh(in_torch._matrix[0].nan_to_num(0, 0, 0)).abs().amin(-1)
        assert left >= {30, 31, 32, 34}
        assert left <= {30, 33, 34} | set((least < 1e-5).nonzero()[:, 0].tolist())  # what is regular is factored
        assert len(left) <= BATCH // 2
        assert torch.equal(quick.singular, in_torch.singular)
        assert torch.equal(quick.surely_curved, in_torch.surely_curved)
        assert torch.equal(quick.dual_nonunique, in_torch.dual_nonunique)
        assert torch.equal(quick.loose, in_torch.loose)
        found, other = quick.solve(r), in_torch.solve(r)
        for one, known in ((found.x, other.x), (found.rows, other.rows), (found.bounds, other.bounds)):
            size = known[well].abs().amax(-1, keepdim=True).clamp(min=1e-300)
            assert ((one[well] - known[well]).abs() / size).max() < 1e-8
        off = quick.multiply(found)
        sides = Right(r.x, r.rows * quick.rows, r.bounds * quick.fixed)
        terms = quick.H.abs().amax((1, 2)) * found.x.abs().amax(-1) + 1
        assert ((off.x - sides.x).abs().amax(-1) / terms)[:30].max() < 1e-12


def test_the_pivot_tells_how_regular_a_system_is():
    """It is about the least eigenvalue; one that is far from 0 is not doubted."""
    quick, in_torch = systems(60, 30, 7)
    with torch.no_grad():
        clear = quick.sparse is not None and quick.sparse.pivot > 0
        K = in_torch._matrix[0][clear]
        least = torch.linalg.eigvalsh(K).abs().amin(-1)
        share = quick.smallest_pivot[clear] / least
        assert share.min() > 0.3 and share.max() < 30
        others = ~clear & ~quick.smallest_pivot.isnan()
        torch.testing.assert_close(quick.smallest_pivot[others], in_torch.smallest_pivot[others])


def test_an_item_is_the_same_alone_and_in_a_batch():
    quick, _ = systems(40, 10, 3)
    r = right(40, 10)
    with torch.no_grad():
        whole = quick.solve(r)
        for i in (0, 17, 29, 30, 33, 39):
            alone = quick.take(torch.tensor([i])).solve(Right(r.x[[i]], r.rows[[i]], r.bounds[[i]]))
            for one, other in ((alone.x[0], whole.x[i]), (alone.rows[0], whole.rows[i])):
                torch.testing.assert_close(one, other, rtol=0, atol=1e-9 * float(other.abs().max()))
