"""Second derivatives of projections onto cones: symmetric in all three directions, and equal to central differences."""

import numpy as np
import pytest

from declarative.backends.cone.sets.bend import bend
from declarative.backends.cone.sets.cones import Block, Cones, Kind
from declarative.backends.cone.sets.projections import project

BLOCKS = [
    Block(Kind.ZERO, 2),
    Block(Kind.NONNEG, 3),
    Block(Kind.SOC, 1),
    Block(Kind.SOC, 2),
    Block(Kind.SOC, 5),
    Block(Kind.ROTATED, 3),
    Block(Kind.ROTATED, 5),
    Block(Kind.PSD, 3),
    Block(Kind.PSD, 10),
    Block(Kind.EXP, 3),
    Block(Kind.POWER, 3, 0.3),
    Block(Kind.POWER, 3, 0.5),
    Block(Kind.POWER, 3, 0.8),
]


def derivative(cones: Cones, v: np.ndarray, a: np.ndarray) -> np.ndarray:
    spectrum = project(cones, v)[1]
    return spectrum.from_frame(spectrum.values * spectrum.to_frame(a))


@pytest.mark.parametrize("block", BLOCKS)
def test_the_second_derivative_is_symmetric_and_that_of_the_first(block):
    """Two blocks at once. Richardson's extrapolation of central differences; points beside a kink are left out."""
    cones, rng, h = Cones((block, block)), np.random.default_rng(block.rows), 1e-3
    compared = 0
    for _ in range(60):
        v, a, b, c = rng.standard_normal((4, 2 * block.rows))
        found = bend(cones, v, a, b)
        size = np.abs(found).max() + 1e-12
        assert np.abs(bend(cones, v, b, a) - found).max() <= 1e-10 * size
        assert abs(bend(cones, v, a, c) @ b - found @ c) <= 1e-9 * size * np.linalg.norm(c)
        far, near = ((derivative(cones, v + k * b, a) - derivative(cones, v - k * b, a)) / (2 * k) for k in (h, h / 2))
        if np.abs(far - near).max() <= 1e-4 * (1 + size):  # else the step straddles a kink
            assert np.abs((4 * near - far) / 3 - found).max() <= 1e-6 * (1 + size)
            compared += 1
    assert compared > 40


@pytest.mark.parametrize("block", [b for b in BLOCKS if not b.kind.separable and b.rows > 2])
@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_it_is_homogeneous_of_degree_minus_one(block, scale):
    cones, rng = Cones((block,)), np.random.default_rng(3)
    for _ in range(20):
        v, a, b = rng.standard_normal((3, block.rows))
        expected = bend(cones, v, a, b) / scale
        assert np.allclose(bend(cones, scale * v, a, b), expected, rtol=1e-9, atol=1e-12 * np.abs(expected).max())
