"""Equalities that depend on each other: which follow from others, what that spares, and what multipliers they have."""

import numpy as np
import pytest
import scipy.sparse as sp
from backends.cone.programs import blocks_of

from declarative.backends.cone.linear.matrices import pattern_of
from declarative.backends.cone.methods.solve import solve_items
from declarative.backends.cone.program.equalities import dependences, with_implied, without_contradictions
from declarative.backends.cone.program.item import Items
from declarative.backends.cone.sets.cones import Block, Cones, Kind
from declarative.backends.dependence import dependence
from declarative.backends.status import Status


def of(E: np.ndarray, b: np.ndarray) -> Items:
    """Least squares subject to the equalities E x = b, of each item (B, p, n)."""
    B, p, n = E.shape
    places = np.stack(np.nonzero(E.any(0)))
    A = pattern_of(places, (p, n)).matrices(E[:, *places])
    P = pattern_of(np.tile(np.arange(n), (2, 1)), (n, n)).matrices(np.ones((B, n)))
    return Items(P, np.random.default_rng(1).standard_normal((B, n)), A, b, Cones((Block(Kind.ZERO, p),)))


def of_rank(rng: np.random.Generator, rows: int, rank: int, columns: int) -> np.ndarray:
    return rng.standard_normal((rows, rank)) @ rng.standard_normal((rank, columns))


def marginals(n: int) -> np.ndarray:
    return np.concatenate([np.kron(np.eye(n), np.ones((1, n))), np.kron(np.ones((1, n)), np.eye(n))])


def ring(nodes: int) -> sp.csr_array:
    """Conservation of flow in two separate rings: in each, the rows add up to zero."""
    one = sp.eye_array(nodes // 2) - sp.eye_array(nodes // 2, k=1) - sp.eye_array(nodes // 2, k=1 - nodes // 2)
    return sp.csr_array(sp.block_diag([one, one]))


@pytest.mark.parametrize("E", [of_rank(np.random.default_rng(0), 12, 7, 20), marginals(6), ring(600), ring(40)])
@pytest.mark.parametrize("spread", [0, 3])
def test_rows_that_follow_are_combinations_of_those_that_are_kept(E, spread):
    size = 10.0 ** np.random.default_rng(2).uniform(-spread, spread, E.shape[0])
    E = sp.csr_array(sp.diags_array(size) @ E) if sp.issparse(E) else size[:, None] * E
    dense = E.toarray() if sp.issparse(E) else E
    found = dependence(E)
    assert found is not None and found.exact
    assert sorted([*found.kept, *found.left]) == list(range(len(dense)))
    even = dense / np.linalg.norm(dense, axis=1)[:, None]
    assert len(found.kept) == np.linalg.matrix_rank(even)
    assert np.allclose(found.weights @ dense[found.kept], dense[found.left], rtol=0, atol=1e-12 * np.abs(dense).max())
    z = np.random.default_rng(3).standard_normal(len(dense))
    left = z - found.part(z)
    assert np.abs(dense.T @ left).max() <= 1e-12 * np.abs(dense).max()
    assert np.allclose(found.part(left), 0, atol=1e-12) and found.part(z) @ left == pytest.approx(0, abs=1e-11)


def test_rows_that_nearly_follow_have_multipliers_of_least_norm_and_their_place():
    rng = np.random.default_rng(0)
    E = of_rank(rng, 5, 4, 9)
    for off, exact in ((1e-12, False), (0.0, True)):
        found = dependence(E + off * rng.standard_normal(E.shape))
        assert found is not None and found.exact is exact
    assert dependence(E + 1e-8 * rng.standard_normal(E.shape)) is None
    assert dependence(rng.standard_normal((4, 9))) is None


def test_rows_of_zeros_follow_from_nothing():
    E = np.array([[0.0, 0, 0], [1, 2, 0], [2, 4, 0], [0, 0, 1]])
    found = dependence(E)
    assert found is not None and 0 not in found.kept and 0 not in found.left
    assert np.array_equal(found.part(np.array([3.0, 0, 0, 0])), [3.0, 0, 0, 0])


def test_items_with_equal_rows_have_one_dependence_between_them_and_the_next_call_too():
    E = marginals(3) * np.array([1.0, 1.0, 2.0, 1.0])[:, None, None]
    E[2, 0, 0] = 0.0
    items = of(E, np.ones((4, 6)))
    found = dependences(items, range(4))
    assert found[0] is not None and found[0] is found[1] is found[3]
    assert found[2] is None  # without one entry the rows of that item are independent
    assert dependences(items, [1])[1] is found[0]


def test_only_right_sides_that_agree_let_rows_follow():
    """To rounding; where they differ by that of single precision, the nearest are taken that do not."""
    b = np.array([0.2, 0.3, 0.5, 0.6, 0.3, 0.1])
    off = np.array([0.0, 1e-8, 1e-3])
    items, data = with_implied(of(np.tile(marginals(3), (3, 1, 1)), b + off[:, None] * np.eye(6)[0]))
    assert items.with_implied == {0} and data.with_implied == {0, 1}
    assert np.array_equal(data.b[[0, 2]], items.b[[0, 2]])
    assert np.allclose(data.b[1] - items.b[1], -1e-8 / 6 * np.repeat([1, -1], 3), rtol=1e-6)
    apart = items.some(np.array([2]))
    assert without_contradictions(apart) is apart


def test_the_first_answer_is_the_last_one():
    """Its system is regular, and so nothing else could be a solution; each item has the answer that it has alone."""
    E, b = np.tile(marginals(4), (3, 1, 1)), np.full((3, 8), 0.25)
    b[1, :4] = [0.1, 0.2, 0.3, 0.4]
    b[2, 0] += 1.0
    items = of(E, b)
    blocks = blocks_of(items.dense(0))
    found = solve_items(items, blocks)
    assert [own.status for own in found] == [Status.SOLVED, Status.SOLVED, Status.INFEASIBLE]
    for k, own in enumerate(found[:2]):
        assert own.settled and own.system is not None and not own.system.matrix.singular
        assert own.loose_parts(blocks.shown) == (False, True, False)
        A, q, m = E[k], items.q[k], len(b[k])
        K = np.block([[np.eye(16), A.T], [A, np.zeros((m, m))]])
        exact = np.linalg.pinv(K, rcond=1e-12) @ np.concatenate([-q, b[k]])
        assert np.allclose(own.point.x, exact[:16], atol=1e-13) and np.allclose(own.point.z, exact[16:], atol=1e-13)
        (alone,) = solve_items(items.some(np.array([k])), blocks)
        assert np.array_equal(alone.point.x, own.point.x) and np.array_equal(alone.point.z, own.point.z)
