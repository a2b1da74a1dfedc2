"""Batches of sparse matrices of one pattern times vectors, against the same by arrays."""

import numpy as np
import pytest
from numba import typeof

from declarative.backends.cone.linear.matrices import pattern_of


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(("m", "n", "entries"), [(7, 5, 20), (1, 6, 3), (6, 1, 3), (4, 3, 0)])
def test_products_of_a_batch(batch, m, n, entries):
    rng = np.random.default_rng(0)
    places = np.stack([rng.integers(m, size=entries), rng.integers(n, size=entries)])  # some of them twice
    M = pattern_of(places, (m, n)).matrices(rng.standard_normal((batch, entries)))
    whole = np.stack([M.one(k, sparse=False) for k in range(batch)])
    x, z = rng.standard_normal((n, batch)).T, rng.standard_normal((batch, m))
    np.testing.assert_allclose(M.times(x), np.einsum("bmn,bn->bm", whole, x), atol=1e-14)
    np.testing.assert_allclose(M.transposed_times(z), np.einsum("bmn,bm->bn", whole, z), atol=1e-14)
    terms = np.abs(whole) * np.abs(x)[:, None], np.abs(whole) * np.abs(z)[:, :, None]
    np.testing.assert_array_equal(M.largest_by_row(np.abs(x)), terms[0].max(2))
    np.testing.assert_array_equal(M.largest_by_column(np.abs(z)), terms[1].max(1))
    for k in range(batch):
        np.testing.assert_array_equal(M.one(k, sparse=True).toarray(), whole[k])


def test_the_largest_term_is_no_number_where_one_is_none():
    M = pattern_of(np.array([[0, 0, 1], [0, 1, 1]]), (2, 2)).matrices(np.array([[1.0, 2.0, 3.0]]))
    np.testing.assert_array_equal(M.largest_by_row(np.array([[np.nan, 1.0]])), [[np.nan, 3.0]])
    np.testing.assert_array_equal(M.largest_by_column(np.array([[np.nan, 1.0]])), [[np.nan, np.nan]])


@pytest.mark.parametrize("kind", [np.int32, np.int64])
@pytest.mark.parametrize("entries", [0, 1, 4])
def test_all_patterns_share_compiled_code(kind, entries):
    """Which is made for one type of arrays, their order in memory included."""
    places = np.asfortranarray(np.arange(2 * entries, dtype=kind).reshape(2, -1))
    own = pattern_of(places, (9, 9))
    assert {typeof(part) for part in (own.rows, own.columns, own.row_starts)} == {typeof(np.zeros(3, np.int64))}
