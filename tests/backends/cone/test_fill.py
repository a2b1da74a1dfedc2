"""How much a factor fills in is counted before it is made; and what else large thin programs find without arrays."""

import numpy as np
import pytest
import scipy.sparse as sp

from declarative.backends.cone.fill import minimum_degree
from declarative.backends.cone.linear.elimination import column_lengths
from declarative.backends.cone.linear.matrices import pattern_of
from declarative.backends.cone.linear.quasidefinite import active_matrix, kkt_pattern
from declarative.backends.cone.linear.symmetric import factorise
from declarative.backends.cone.program.item import Items
from declarative.backends.cone.sets.cones import Block, Cones, Kind


@pytest.mark.parametrize("seed", range(3))
def test_the_lengths_of_columns_are_those_of_the_factor(seed):
    rng = np.random.default_rng(seed)
    half = sp.random_array((60, 60), density=0.03, rng=rng).toarray()
    dense = half + half.T + 60 * np.eye(60)
    K = sp.csr_array(dense)
    order = minimum_degree(K)
    assert np.array_equal(np.sort(order), np.arange(60))
    for rows in (np.arange(60), order):
        upper = sp.triu(K[rows][:, rows], format="csc")
        lengths = column_lengths(upper.indptr, upper.indices)
        L = np.linalg.cholesky(dense[np.ix_(rows, rows)])
        assert np.array_equal(lengths, (L != 0).sum(0))


def test_an_arrow_does_not_fill_in():
    """Its tip comes last, and each column of the factor has two entries."""
    K = sp.lil_array(sp.eye_array(50))
    K[0, :] = K[:, 0] = 1.0
    K = sp.csr_array(K)
    order = minimum_degree(K)
    upper = sp.triu(K[order][:, order], format="csc")
    assert column_lengths(upper.indptr, upper.indices).tolist() == [2] * 49 + [1]


def marginals(n: int, scales: np.ndarray) -> Items:
    """The equations of a transport plan, in other units each: one of them follows from the others."""
    ones = np.ones((1, n))
    A = sp.coo_array(
        sp.diags_array(scales) @ sp.vstack([sp.kron(sp.eye_array(n), ones), sp.kron(ones, sp.eye_array(n))])
    )
    P, A = (
        pattern_of(np.stack(M.coords), M.shape).matrices(M.data[None])
        for M in (sp.coo_array((n * n, n * n), dtype=float), A)
    )
    return Items(P, np.ones((1, n * n)), A, np.ones((1, 2 * n)), Cones((Block(Kind.ZERO, 2 * n),)))


def test_the_matrix_of_dependent_rows_is_singular_however_many_they_are():
    """One vector of zeros among 3700; without pivots, factors may be good for nothing, which is found out."""
    items = marginals(60, np.ones(120))
    item, active = items.one(0), np.ones(120, dtype=bool)
    P_pattern = pattern_of(np.stack([np.arange(3600)] * 2), (3600, 3600))
    P = P_pattern.matrices(np.where(np.arange(3600) % 7 == 0, 1e-3, 1.0)[None]).one(0, sparse=True)
    matrix = active_matrix(kkt_pattern(P_pattern, items.A.pattern), P, item.A, active, np.zeros(len(active)))
    assert matrix is not None and matrix.singular
    null = matrix.null_sample()
    assert null.shape[1] == 1 and np.allclose(np.abs(null[3600:]), 1 / np.sqrt(120), atol=1e-10)


def test_rows_and_columns_of_zeros_have_no_part_in_the_matrix():
    items = marginals(30, np.ones(60))
    item, active = items.one(0), np.arange(60) < 59
    active[3] = False
    P_pattern = pattern_of(np.stack([np.arange(100, 890)] * 2), (900, 900))
    P = P_pattern.matrices(np.ones((1, 790))).one(0, sparse=True)
    found = active_matrix(kkt_pattern(P_pattern, items.A.pattern), P, item.A, active, np.zeros(len(active)))
    K = sp.block_array([[P, item.A[active].T], [item.A[active], None]], format="csc")
    known = factorise(sp.csc_array(K), 900)
    assert found is not None and found.singular and known.singular
    right = K @ np.random.default_rng(0).standard_normal(K.shape[0])
    assert np.allclose(K @ found.solve(right), right, rtol=0, atol=1e-11)
    assert np.linalg.norm(found.solve(right)) <= 3 * np.linalg.norm(np.linalg.pinv(K.toarray()) @ right)
