"""Steps of the simplex method from any active set, against HiGHS."""

import numpy as np
import pytest
import scipy.optimize

from declarative.backends.kkt.compiled.batch import solve_batch_from
from declarative.backends.kkt.compiled.item import Data
from declarative.backends.kkt.compiled.kernel import CLEAR, DEPENDENT_ROWS

BATCH = 24


def programs(rng: np.random.Generator, n: int, p: int, m: int) -> Data:
    """Some variables with both bounds, one, or none; some items have no solution."""
    lower, upper = np.full((BATCH, n), -np.inf), np.full((BATCH, n), np.inf)
    lower[:, ::2], upper[:, ::3] = -1.0, 2.0
    bounded = np.unique(np.concatenate([np.arange(0, n, 2), np.arange(0, n, 3)]))
    A, G, x = rng.normal(size=(BATCH, p, n)), rng.normal(size=(BATCH, m, n)), rng.uniform(-1, 2, (BATCH, n))
    b, h = np.einsum("bpn,bn->bp", A, x), np.einsum("bmn,bn->bm", G, x) + rng.exponential(size=(BATCH, m))
    h[::6] -= 3.0
    q = rng.normal(size=(BATCH, n))
    q[::2] = -np.einsum("bmn,bm->bn", G, rng.exponential(size=(BATCH, m)))[::2]  # bounded below
    return Data(np.zeros((1, n, n)), q, A, b, G, h, lower, upper, bounded, np.zeros(n, np.int64))


@pytest.mark.parametrize(("n", "p", "m"), [(1, 0, 2), (3, 1, 2), (6, 2, 9), (12, 3, 8), (20, 0, 40)])
def test_every_minimum_is_found_and_nothing_else(n, p, m):
    """From active sets at random; one of many minima has the least value too, but is left to others."""
    rng, clear = np.random.default_rng(n), 0
    data = programs(rng, n, p, m)
    for _ in range(3):
        state = rng.integers(-1, 2, (BATCH, p + m + len(data.bounded))).astype(np.int8)
        batch = solve_batch_from(data, state, 1)
        for k in range(BATCH):
            sides = list(zip(data.lower[k], data.upper[k], strict=True))
            rows = {"A_eq": data.A[k], "b_eq": data.b[k]} if p else {}
            expected = scipy.optimize.linprog(data.q[k], data.G[k], data.h[k], bounds=sides, method="highs", **rows)
            found, x = batch.answers.verdict[k] in (CLEAR, DEPENDENT_ROWS), batch.answers.x[k]
            assert found == (expected.status == 0)
            if not found:
                continue
            assert data.q[k] @ x == pytest.approx(expected.fun, rel=1e-9, abs=1e-9)
            violation = [data.G[k] @ x - data.h[k], np.abs(data.A[k] @ x - data.b[k]), data.lower[k] - x]
            assert np.concatenate([*violation, x - data.upper[k]]).max() < 1e-9
            if batch.clear[k]:
                np.testing.assert_allclose(x, expected.x, rtol=1e-8, atol=1e-8)
                clear += 1
    assert clear > BATCH


def test_rows_without_a_side_do_not_stand():
    """As those of l <= G*x <= u with infinite sides: a free variable goes inside for another row."""
    n, rng = 4, np.random.default_rng(0)
    G, q = rng.normal(size=(BATCH, 8, n)), np.zeros((BATCH, n))
    G[:, ::2] *= 10  # these would be taken first
    h = np.where(np.arange(8) % 2 == 0, np.inf, rng.exponential(size=(BATCH, 8)))
    q -= np.einsum("bmn,bm->bn", G, np.isfinite(h) * rng.exponential(size=(BATCH, 8)))
    nothing, free = np.zeros((1, 0, n)), np.full((1, n), np.inf)
    sides = nothing, np.zeros((1, 0)), G, h, -free, free
    data = Data(np.zeros((1, n, n)), q, *sides, np.zeros(0, np.int64), np.zeros(n, np.int64))
    batch = solve_batch_from(data, np.zeros((BATCH, 8), np.int8), 1)
    assert batch.clear.all()
