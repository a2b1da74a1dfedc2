"""Vectors in a cone and beside it, by less than the largest entry tells, and within errors that are given."""

import numpy as np
import pytest

from declarative.backends.cone.sets.cones import Block, Cones, Kind
from declarative.backends.cone.sets.within import within, within_dual

SQRT2 = np.sqrt(2.0)
EDGE = {  # on the boundary; and which entry takes it out, in which direction
    "half-line": (Block(Kind.NONNEG, 1), [0.0], 0, -1),
    "second-order": (Block(Kind.SOC, 3), [5.0, 3.0, -4.0], 0, -1),
    "exponential": (Block(Kind.EXP, 3), [-41.0, 1.0, np.exp(-41.0)], 2, -1),
    "its face": (Block(Kind.EXP, 3), [-1.0, 0.0, 0.0], 2, -1),
    "power": (Block(Kind.POWER, 3, 0.25), [16e-12, 1.0, 2e-3], 2, 1),
    "semidefinite": (Block(Kind.PSD, 3), [1e-12, SQRT2, 1e12], 0, -1),
}


@pytest.mark.parametrize("name", EDGE)
def test_on_the_boundary_each_entry_decides_by_its_own_size(name):
    block, v, entry, out = EDGE[name]
    cones, v, none = Cones((block,)), np.array(v), np.zeros(len(v))
    step = np.zeros(len(v))
    step[entry] = out * max(abs(v[entry]), 1e-300) * 1e-6
    assert within(cones, v * (1 - 0), none + 1e-12 * np.abs(v))
    assert not within(cones, v + step, 1e-12 * np.abs(v))
    assert within(cones, v + step, 2 * np.abs(step) + 1e-12 * np.abs(v))
    assert not within(cones, v + 1e30 * step, none)


@pytest.mark.parametrize("kind", [Kind.NONNEG, Kind.SOC, Kind.EXP, Kind.POWER, Kind.PSD])
def test_dual_cones_hold_what_has_a_nonnegative_product_with_every_member(kind):
    """Of random vectors: z is in the dual cone just where the projection of -z onto K is 0."""
    from declarative.backends.cone.sets.projections import project

    rng = np.random.default_rng(0)
    cones, found = Cones((Block(kind, 3, 0.3),)), []
    for _ in range(200):
        z = rng.standard_normal(3)
        far = np.linalg.norm(project(cones, -z)[0])
        found.append(far == 0)
        assert within_dual(cones, z, np.zeros(3)) == (far == 0)
    assert 5 < sum(found) < 195


@pytest.mark.parametrize("last", [0.0, 1e-19])
def test_the_dual_of_the_exponential_cone_takes_no_small_number_for_another(last):
    cones, z = Cones((Block(Kind.EXP, 3),)), np.array([-1.0, 41.0, np.exp(-42.0)])
    assert within_dual(cones, z, 1e-12 * np.abs(z))
    assert not within_dual(cones, np.array([-1.0, 41.0, last]), 1e-9 * np.abs(z))
