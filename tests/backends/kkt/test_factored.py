"""The systems of small active sets in compiled code, against the same systems in torch."""

import pytest
import torch

from declarative.backends.kkt.linear.system import ActiveSystem, Right

FLOAT = torch.float64


def systems(n: int, m: int, seed: int) -> tuple[ActiveSystem, ActiveSystem]:
    """Seven items: of all sizes of data, with negative curvature, dependent rows, and one that is not a number."""
    g = torch.Generator().manual_seed(seed)
    H, A = (torch.randn(7, k, n, generator=g, dtype=FLOAT) for k in (n, m))
    H = H @ H.mT
    H[1] -= 2 * n * torch.eye(n, dtype=FLOAT)
    H[2] *= 1e8
    A[2] *= 1e-5
    rows, fixed = torch.rand(7, m, generator=g) < 0.5, torch.rand(7, n, generator=g) < 0.2
    if m > 1:
        A[3, 1] = -2 * A[3, 0]
        rows[3] = True
    H[4] = 0
    H[5], fixed[5] = torch.nan, False
    return ActiveSystem(H, A, rows, fixed), ActiveSystem(H, A, rows, fixed, small=False)


@pytest.mark.parametrize("n, m", [(1, 0), (1, 1), (3, 2), (6, 4), (12, 6), (25, 15), (0, 2)])
def test_they_agree(n, m):
    compiled, in_torch = systems(n, m, n + m)
    with torch.no_grad():
        assert compiled._factored is not None and in_torch._factored is None
        assert torch.equal(compiled.singular, in_torch.singular)
        clear = torch.arange(7) != 4  # whose rounding error decides
        assert torch.equal(compiled.surely_curved[clear], in_torch.surely_curved[clear])
        assert torch.equal(compiled.dual_nonunique, in_torch.dual_nonunique)
        assert torch.equal(compiled.loose, in_torch.loose)
        sound = ~compiled.singular
        torch.testing.assert_close(compiled.smallest_pivot[sound], in_torch.smallest_pivot[sound], rtol=1e-9, atol=0)
        g = torch.Generator().manual_seed(1)
        r = Right(*(torch.randn(7, k, generator=g, dtype=FLOAT) for k in (n, m, n)))
        found, right = compiled.solve(r), in_torch.solve(r)
        for one, other in ((found.x, right.x), (found.rows, right.rows), (found.bounds, right.bounds)):
            for i in (0, 1, 2, 3, 4, 6):
                size = max([1.0, *other[i].abs().tolist()])
                torch.testing.assert_close(one[i], other[i], rtol=0, atol=1e-9 * size)


def test_an_item_is_the_same_alone_and_in_a_batch():
    compiled, _ = systems(6, 4, 0)
    r = Right(*(torch.randn(7, k, dtype=FLOAT, generator=torch.Generator().manual_seed(k)) for k in (6, 4, 6)))
    with torch.no_grad():
        whole = compiled.solve(r)
        for i in (0, 1, 2, 6):
            alone = compiled.take(torch.tensor([i])).solve(Right(r.x[[i]], r.rows[[i]], r.bounds[[i]]))
            assert torch.equal(alone.x[0], whole.x[i]) and torch.equal(alone.rows[0], whole.rows[i])
