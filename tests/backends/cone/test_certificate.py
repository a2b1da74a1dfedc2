"""What is called solved: points that miss by little, and by too much, in every cone, and whatever the units."""

import numpy as np
import pytest
from backends.cone.programs import blocks_of, item_of
from backends.cone.test_function import REGULAR

from declarative.backends.cone.methods.solve import solve_items
from declarative.backends.cone.program.certificate import _beside, residuals
from declarative.backends.cone.program.item import Item, Point, alone
from declarative.backends.cone.program.scaling import equilibrate
from declarative.backends.cone.sets.cones import Block, Cones, Kind
from declarative.backends.status import Status


def judged(item: Item, point: Point):
    batch = alone(item)
    one = Point(point.x[None], point.s[None], point.z[None])
    return residuals(batch, one, blocks_of(item), equilibrate(batch))[0]


def solution(name: str) -> tuple[Item, Point]:
    item = item_of(REGULAR[name])
    (found,) = solve_items(alone(item), blocks_of(item))
    assert found.status is Status.SOLVED
    return item, found.point


@pytest.mark.parametrize("part", ["x", "s", "z"])
@pytest.mark.parametrize("name", REGULAR)
def test_a_point_that_is_off_is_not_called_solved(name, part):
    item, point = solution(name)
    direction = np.random.default_rng(0).standard_normal(len(getattr(point, part)))
    parts = {"x": point.x, "s": point.s, "z": point.z}
    if part in "sz":
        direction *= np.abs(item.A).max(1) * (parts["s"] != 0 if part == "s" else parts["z"] != 0)

    def moved(size: float) -> Status:
        own = parts[part] + size * direction * np.abs(parts[part]).max() / np.abs(direction).max()
        return judged(item, Point(**{**parts, part: own})).status

    assert moved(1e-12) is Status.SOLVED
    assert moved(1e-4) is not Status.SOLVED
    assert moved(np.nan) is Status.FAILED
    assert moved(10.0) is Status.FAILED


@pytest.mark.parametrize("size", [1e-9, 1e-3, 1e6])
@pytest.mark.parametrize("name", REGULAR)
def test_residuals_do_not_depend_on_units(name, size):
    """The objective, the data (with cones, x, s and z of degree one), and rows within an equality or inequality."""
    item, point = solution(name)
    generator = np.random.default_rng(1)
    off = Point(*(p + 1e-3 * np.abs(p).max() * generator.standard_normal(len(p)) for p in (point.x, point.s, point.z)))
    base = judged(item, off)
    k = size
    others = [
        (Item(k * item.P, k * item.q, item.A, item.b, item.cones), Point(off.x, off.s, k * off.z)),
        (Item(item.P, k * item.q, item.A, k * item.b, item.cones), Point(k * off.x, k * off.s, k * off.z)),
        (Item(item.P / k**2, item.q / k, item.A / k, item.b, item.cones), Point(k * off.x, off.s, off.z)),
        (Item(item.P, item.q, k * item.A, k * item.b, item.cones), Point(off.x, k * off.s, off.z / k)),
    ]
    for other, moved in others:
        found = judged(other, moved)
        assert [found.primal, found.dual, found.gap] == pytest.approx([base.primal, base.dual, base.gap], rel=1e-6)


@pytest.mark.parametrize(("x", "status"), [(-50.0, Status.SOLVED), (-37.0, Status.INACCURATE)])
def test_what_exponentials_push_on_alone_is_judged_beside_them(x, status):
    """t with exp(x) <= t and x >= -50: at any other x something pushes, at 1e-16 of what t feels."""
    e = np.exp(x)
    A, b = np.array([[-1.0, 0.0], [-1.0, 0.0], [0.0, 0.0], [0.0, -1.0]]), np.array([50.0, 0.0, 1.0, 0.0])
    item = Item(np.zeros((2, 2)), np.array([0.0, 1.0]), A, b, Cones((Block(Kind.NONNEG, 1), Block(Kind.EXP, 3))))
    z = np.array([e if x == -50 else 0.0, -e, (x - 1) * e, 1.0])
    assert judged(item, Point(np.array([x, e]), np.array([x + 50, x, 1.0, e]), z)).status is status


def test_what_is_off_beside_terms_that_are_no_numbers_is_infinite():
    off, terms = np.array([[1.0, -3.0, 0.0, np.nan, np.inf, 1.0]]), np.array([[2.0, 1.0, 0.0, 1.0, 1.0, np.inf]])
    with np.errstate(all="raise"):
        found = _beside(off, terms)
    np.testing.assert_array_equal(found, [[0.5, 3.0, np.inf, np.inf, np.inf, np.inf]])
