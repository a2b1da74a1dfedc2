"""Programs that nearly have feasible points have none; those that have them on the boundary alone have some."""

import numpy as np
import pytest

from declarative.backends.cone.methods.empty import shares_of_emptiness
from declarative.backends.cone.program.item import Item, Items, alone
from declarative.backends.cone.sets.cones import Block, Cones, Kind
from declarative.backends.cone.sets.projections import project

SHAPES = {
    "second-order": (Block(Kind.SOC, 3), Block(Kind.SOC, 4), Block(Kind.NONNEG, 3)),
    "rotated": (Block(Kind.ROTATED, 3), Block(Kind.ZERO, 2), Block(Kind.ROTATED, 4)),
    "exponential": (Block(Kind.EXP, 3), Block(Kind.EXP, 3), Block(Kind.NONNEG, 3)),
    "power": (Block(Kind.POWER, 3, 0.3), Block(Kind.NONNEG, 2), Block(Kind.POWER, 3, 0.5)),
    "semidefinite": (Block(Kind.PSD, 6), Block(Kind.ZERO, 1), Block(Kind.PSD, 3)),
    "flat": (Block(Kind.NONNEG, 6), Block(Kind.ZERO, 2)),
}
# (block, b, a column of A for each of x): every point is excluded, and some miss by as little as one likes
EMPTY = {
    "exp(x) <= 0": (Block(Kind.EXP, 3), (0, 1, 0), [(-1, 0, 0)]),
    "exp(x) <= y, y <= 0": (Block(Kind.EXP, 3), (0, 1, 0), [(-1, 0, 0), (0, 0, -1)]),
    "1 <= 0 x": (Block(Kind.ROTATED, 3), (0, 0, 1), [(-1, 0, 0)]),
    "1 <= sqrt(0 x)": (Block(Kind.POWER, 3, 0.5), (0, 0, 1), [(-1, 0, 0)]),
    "|(x - 1, 1)| <= x - 1": (Block(Kind.SOC, 3), (-1, -1, 1), [(-1, -1, 0)]),
    "[0, 1; 1, x] in PSD": (Block(Kind.PSD, 3), (0, np.sqrt(2), 0), [(0, 0, -1)]),
}


def without_interior(blocks: tuple[Block, ...], generator: np.random.Generator) -> Items:
    """With z in the dual cone, s in K, s'z = 0, and A'z = 0: all feasible slacks are beside s in the face of z."""
    cones = Cones(blocks)
    v = generator.standard_normal(cones.rows)
    v[cones.of_kind(Kind.ZERO)] = 0.0
    s = project(cones, v[None])[0][0]
    z = s - v
    A = generator.standard_normal((cones.rows, 3))
    A -= np.outer(z, z @ A) / max(z @ z, 1e-300)
    b = A @ generator.standard_normal(3) + s
    return alone(Item(np.zeros((3, 3)), np.zeros(3), A, b, cones))


def scaled(items: Items, generator: np.random.Generator) -> Items:
    """In other units: each variable, and each indivisible cone."""
    item, E = items.dense(0), 10.0 ** generator.uniform(-4, 4, items.q.shape[1])
    D = (10.0 ** generator.uniform(-4, 4, item.cones.count))[item.cones.atomic]
    return alone(Item(item.P, item.q, D[:, None] * item.A * E, D * item.b, item.cones))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("units", [False, True])
def test_what_has_points_on_the_boundary_alone_is_not_empty(shape, units):
    generator = np.random.default_rng(0)
    for _ in range(60):
        items = without_interior(SHAPES[shape], generator)
        assert shares_of_emptiness(scaled(items, generator) if units else items) is None


@pytest.mark.parametrize("name", EMPTY)
def test_what_nearly_has_a_point_is_empty(name):
    block, b, columns = EMPTY[name]
    generator = np.random.default_rng(0)
    cones = Cones((block, Block(Kind.NONNEG, 2)))
    A, right = np.zeros((block.rows + 2, len(columns) + 1)), np.zeros(block.rows + 2)
    A[: block.rows, : len(columns)] = np.transpose(columns)
    right[: block.rows] = b
    if len(columns) > 1:
        A[block.rows, 1] = 1.0  # y <= 0
    A[-1, -1], right[-1] = 1.0, 5.0  # a row that has no part in it
    items = alone(Item(np.zeros((A.shape[1],) * 2), np.zeros(A.shape[1]), A, right, cones))
    for one in (items, *(scaled(items, generator) for _ in range(20))):
        shares = shares_of_emptiness(one)
        assert shares is not None and shares[-1] < 1e-6 < shares[: block.rows].max()


@pytest.mark.parametrize("room", [1e-3, 1e-9, 1e-15, 1e-40])
def test_however_little_room_there_is_it_is_not_empty(room):
    cones = Cones((Block(Kind.EXP, 3),))
    A, b = np.array([[-1.0], [0.0], [0.0]]), np.array([0.0, 1.0, room])
    assert shares_of_emptiness(alone(Item(np.zeros((1, 1)), np.zeros(1), A, b, cones))) is None
