"""Sparse quasidefinite matrices: factors, order and refinement against dense arithmetic, and the pattern of U'A."""

import numpy as np
import pytest
import scipy.sparse as sp

from declarative.backends.cone.linear.matrices import pattern_of
from declarative.backends.cone.linear.quasidefinite import active_matrix, kkt_pattern
from declarative.backends.cone.linear.regular import Regular
from declarative.backends.cone.sets.cones import Block, Cones, Kind
from declarative.backends.cone.sets.framed import entries_in_frame, framed
from declarative.backends.cone.sets.projections import project


def random_pattern(rng: np.random.Generator, m: int, n: int, density: float):
    places = np.stack(np.nonzero(rng.uniform(size=(m, n)) < density))
    return pattern_of(places, (m, n)), rng.standard_normal(places.shape[1])


@pytest.mark.parametrize("empty", [False, True])
@pytest.mark.parametrize("spread", [0.0, 6.0])
def test_the_active_rows_of_a_quasidefinite_matrix_are_solved_as_an_array_is(spread, empty):
    """Entries of theta from 10^-spread to 10^spread; rows that hold nothing have no part in it."""
    rng = np.random.default_rng(0)
    n, m = 40, 60
    A_pattern, values = random_pattern(rng, m, n, 0.2)
    P_pattern = pattern_of(np.stack([np.arange(n)] * 2), (n, n))
    P = P_pattern.matrices(rng.uniform(1, 2, (1, n))).one(0, sparse=True)
    values[A_pattern.rows == 3] *= not empty
    A = A_pattern.matrices(values[None]).one(0, sparse=True)
    active = np.arange(m) % 3 != 1
    theta = np.where(active, 10.0 ** rng.uniform(-spread, spread, m), 0.0)
    theta[3] *= not empty
    found = active_matrix(kkt_pattern(P_pattern, A_pattern), P, A, active, theta)
    assert isinstance(found, Regular)
    rows = np.flatnonzero(active & ~((np.arange(m) == 3) & empty))
    kept = np.concatenate([np.arange(n), n + np.searchsorted(np.flatnonzero(active), rows)])
    K = sp.block_array([[P, A[rows].T], [A[rows], -sp.diags_array(theta[rows])]]).toarray()
    assert np.allclose(found.K.toarray(), K, rtol=0, atol=1e-15 * 10**spread)
    right = rng.standard_normal(n + np.count_nonzero(active))
    x = found.solve(right)
    wanted = np.zeros_like(x)
    wanted[kept] = np.linalg.solve(K, right[kept])
    assert np.allclose(x, wanted, rtol=0, atol=1e-9 * np.abs(wanted).max())
    assert found.largest(right) >= np.abs(wanted).max() / 10
    assert found.null_sample().shape[1] == int(empty)


def test_the_pattern_of_turned_rows_gives_their_product():
    rng = np.random.default_rng(1)
    cones = Cones(
        (Block(Kind.NONNEG, 4), *[Block(Kind.EXP, 3)] * 3, Block(Kind.SOC, 4), Block(Kind.ZERO, 2), Block(Kind.EXP, 3))
    )
    pattern, values = random_pattern(rng, cones.rows, 12, 0.3)
    A = pattern.matrices(values[None]).one(0, sparse=True)
    known = framed(pattern, cones)
    assert known is not None and framed(pattern, cones) is known
    for _ in range(3):
        spectrum = project(cones, rng.standard_normal(cones.rows))[1]
        assert np.allclose(known.rows(spectrum, A).toarray(), spectrum.rows_to_frame(A).toarray(), rtol=0, atol=1e-15)
    assert entries_in_frame(pattern, cones) == len(pattern.rows)
    wide = Cones((Block(Kind.SOC, cones.rows),))
    assert framed(pattern, wide) is None
    assert entries_in_frame(pattern, wide) == cones.rows * 12
