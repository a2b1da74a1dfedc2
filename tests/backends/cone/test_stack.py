"""Newton's systems of a batch, factored and solved together, against each by itself and against their definition."""

import numpy as np
import pytest

from declarative.backends.cone.linear import stack
from declarative.backends.cone.linear.matrices import pattern_of
from declarative.backends.cone.linear.stack import Member
from declarative.backends.cone.linear.stacked import _factored
from declarative.backends.cone.program.item import Items
from declarative.backends.cone.program.system import conic_systems, newton_steps
from declarative.backends.cone.sets.cones import Block, Cones, Kind
from declarative.backends.cone.sets.projections import project

CONES = Cones(
    (
        Block(Kind.ZERO, 1),
        Block(Kind.NONNEG, 4),
        Block(Kind.SOC, 4),
        Block(Kind.ROTATED, 3),
        Block(Kind.PSD, 6),
        Block(Kind.EXP, 3),
    )
)
B, N, M = 6, 15, CONES.rows


def program(rng: np.random.Generator) -> Items:
    places = np.stack([np.repeat(np.arange(M), N), np.tile(np.arange(N), M)])
    A = pattern_of(places, (M, N)).matrices(rng.standard_normal((B, M * N)))
    own = pattern_of(np.tile(np.arange(N), (2, 1)), (N, N)).matrices(rng.random((B, N)))
    return Items(own, rng.standard_normal((B, N)), A, rng.standard_normal((B, M)), CONES)


def test_steps_of_a_batch_are_what_their_definition_says():
    rng = np.random.default_rng(0)
    items, v = program(rng), rng.standard_normal((B, M))
    v[0] = 0
    v[0, CONES.of_kind(Kind.SOC)] = (2, 0, 0, 1)  # inside
    spectrum = project(CONES, v)[1]
    systems = conic_systems(items, spectrum, [None] * B)
    assert all(isinstance(system.factors, Member) for system in systems)
    g, h = rng.standard_normal((B, N)), rng.standard_normal((B, M))
    y, moves = newton_steps(systems, g, h)
    for k, system in enumerate(systems):
        own = spectrum.some(k)
        P, A = items.P.one(k, sparse=False), own.to_frame(items.A.one(k, sparse=False).T).T
        np.testing.assert_allclose(system.A, A, atol=1e-12)
        D = np.diag(own.values)
        whole = np.block([[P, A.T], [(D - np.eye(M)) @ A, D]])
        w = h[k] - A @ y[k] - moves[k]
        right = np.concatenate([g[k], (own.values - 1) * h[k]])
        np.testing.assert_allclose(whole @ np.concatenate([y[k], w]), right, atol=1e-9)
        alone = system.solve(g[k], h[k])
        np.testing.assert_allclose(y[k], alone[0], atol=1e-10)
        np.testing.assert_allclose(moves[k], system.moved(*alone, h[k]), atol=1e-9)


@pytest.mark.parametrize("case", ["a column of zeros", "two columns alike"])
def test_a_singular_system_has_steps_of_least_norm_and_says_so(case):
    rng = np.random.default_rng(1)
    items, v = program(rng), rng.standard_normal((B, M))
    items.P.values[:3, [2, 4]] = 0.0
    by_row = items.A.values.reshape(B, M, N)
    by_row[:3, :, 2] = 0.0 if case == "a column of zeros" else by_row[:3, :, 4]
    items.P.values[:3, 4] = 1.0 if case == "a column of zeros" else 0.0
    systems = conic_systems(items, project(CONES, v)[1], [None] * B)
    g, h = rng.standard_normal((B, N)), rng.standard_normal((B, M))
    g[:, 2] = 0.0 if case == "a column of zeros" else g[:, 4]
    y, _ = newton_steps(systems, g, h)
    np.testing.assert_allclose(y[:3, 2], 0.0 if case == "a column of zeros" else y[:3, 4], atol=1e-7)
    assert np.isfinite(y).all()
    for k, system in enumerate(systems):
        assert system.matrix.null_sample().shape[1] == (1 if k < 3 else 0)
        assert system.matrix.singular == (k < 3 and case == "two columns alike")


def test_what_is_stacked_with_an_item_changes_no_bit_of_its_step(monkeypatch):
    rng = np.random.default_rng(2)
    items, v = program(rng), rng.standard_normal((B, M))
    spectrum, g, h = project(CONES, v)[1], rng.standard_normal((B, N)), rng.standard_normal((B, M))
    together = newton_steps(conic_systems(items, spectrum, [None] * B), g, h)
    for k in range(B):
        own = np.array([k])
        alone = newton_steps(conic_systems(items.some(own), spectrum.some(own), [None]), g[own], h[own])
        for one, other in zip(together, alone, strict=True):
            np.testing.assert_array_equal(one[own], other)
    sizes = N + np.count_nonzero(spectrum.values < 1e-3, axis=1)
    monkeypatch.setattr(stack, "SMALL", int(np.median(sizes)))
    mixed = conic_systems(items, spectrum, [None] * B)
    assert 0 < sum(isinstance(system.factors, Member) for system in mixed) < B
    for one, other in zip(newton_steps(mixed, g, h), together, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("size", [1, 2, 5, 16, 37])
def test_factors_of_a_symmetric_matrix(size):
    K = np.random.default_rng(size).standard_normal((size, size))
    K = K + K.T
    found, pivots, order = np.zeros((size + 2, size + 2)), np.zeros(size, dtype=np.int32), np.arange(size)
    found[:size, :size] = K
    least = _factored(found, size, pivots)
    lu = found[:size, :size].T
    for k, p in enumerate(pivots):
        order[[k, p]] = order[[p, k]]
    L, U = np.tril(lu, -1) + np.eye(size), np.triu(lu)
    np.testing.assert_allclose(L @ U, K[order], atol=1e-13)
    assert np.abs(L).max() <= 1 and least == np.abs(np.diag(U)).min()
