"""The factored symmetric matrix of a cone program: what it maps to zero, also where it is smaller than the sample."""

import numpy as np
import pytest
import scipy.sparse as sp

from declarative.backends.cone.linear.symmetric import factorise


@pytest.mark.parametrize("size", [3, 5, 12])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_directions_that_are_mapped_to_zero(size, rank):
    basis = np.linalg.qr(np.random.default_rng(size).standard_normal((size, size)))[0][:, :rank]
    K = basis @ np.diag([3.0, -1.0, 0.5][:rank]) @ basis.T
    null = factorise(K, positive=size).null_sample()
    assert null.shape == (size, min(size - rank, 8))
    assert np.abs(K @ null).max(initial=0.0) < 1e-9


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("moved", [1e-3, 0.02, 0.3])
def test_factors_of_a_matrix_nearby_serve_where_they_lead_to_the_last_digit(sparse, moved):
    random = np.random.default_rng(0)
    Q = np.linalg.qr(random.standard_normal((30, 30)))[0]
    K = (Q * np.where(np.arange(30) < 20, 1.0, -1.0)) @ Q.T
    dK = random.standard_normal((30, 30))
    dK = moved * (dK + dK.T) / np.abs(dK + dK.T).sum(0).max()
    old, new = (sp.csc_array(M) if sparse else M for M in (K, K + dK))
    known = factorise(old, 20)
    found = factorise(new, 20, known)
    assert (found.factors is known.factors) == (moved < 0.1)
    right = random.standard_normal(30)
    assert np.allclose(found.solve(right), np.linalg.solve(K + dK, right), rtol=0, atol=1e-14 * np.abs(right).max())


@pytest.mark.parametrize("sparse", [False, True])
def test_a_matrix_of_zeros_has_no_rows_to_factor(sparse):
    K = np.zeros((3, 3))
    found = factorise(sp.csc_array(K) if sparse else K, positive=3)
    assert not found.singular and not found.kept.any()
    assert (found.solve(np.ones(3)) == 0).all() and found.null_sample().shape == (3, 3)


@pytest.mark.parametrize("sparse", [False, True])
def test_how_near_to_singular_a_matrix_is_does_not_hide_from_the_estimate(sparse):
    """Ones are orthogonal to what the inverse enlarges: with x0 + x1 = 0 held, (1, -1) is all that c curves."""
    c = 1e-6
    K = np.array([[c, 0.0, 1.0], [0.0, c, 1.0], [1.0, 1.0, 0.0]])
    least = factorise(sp.csc_array(K) if sparse else K, 2).least
    assert least <= 3 * c


@pytest.mark.parametrize("sparse", [False, True])
def test_factors_serve_near_the_matrix_that_they_are_of_and_not_from_one_to_the_next(sparse):
    """Each of these is near the one before, and the last far from the first."""
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    right, known = rng.standard_normal(4), None
    for k in range(40):
        K = Q @ np.diag([1.0, 1.0, 1.0, 0.9**k]) @ Q.T
        K = (K + K.T) / 2
        known = factorise(sp.csc_array(K) if sparse else K, 4, known)
        np.testing.assert_allclose(K @ known.solve(right), right, rtol=0, atol=1e-13)
