"""Objectives that fall without end, along no straight line: proved by faces of the dual cone, and said so."""

import numpy as np
import pytest
import torch

import declarative
from declarative import Status
from declarative.backends.cone.methods import solve
from declarative.backends.cone.methods.reduction import is_inside, reduced
from declarative.backends.cone.program.item import Item, alone
from declarative.backends.cone.sets.cones import Block, Cones, Kind
from declarative.backends.cone.sets.projections import project

FAR = 1e5


def solved(text: str, **data):
    layer = declarative.compile(declarative.parse(text, name="curve"), backend="cone", on_failure="mask")
    return layer.solve(**{name: torch.tensor(value).double() for name, value in data.items()})


ENDLESS = [
    "var x : R\nmaximize s*log(x)",
    "var x : R\nmaximize log(s*x)",
    "var x : R\nmaximize sqrt(s*x)",
    "var x : R\nvar t : R\nmaximize t\nsubject to\n t <= s*log(x)\n x >= 3",
    "var x : R^2\nmaximize sum(log(x))\nsubject to\n s*x[0] >= x[1]",
    "var x : R\nminimize -log(s*x) + exp(-x)",
    "var x : R^2\nminimize s*x[0]^2 - log(x[1])",
    "var x : R^2\nmaximize x[0]\nsubject to\n s*x[0]^2 <= x[1]",
    "var x : R^2\nmaximize x[0]\nsubject to\n norm(x) <= x[1] + s",
    "var x : R^2\nmaximize geo_mean(x)\nsubject to\n x[0] <= s",
    "var x : R^3\nmaximize x[2]\nsubject to\n (s*x[0], x[1], x[2]) in POW(0.3)\n x[0] <= 1",
    "var X : S^2\nmaximize log_det(X)\nsubject to\n X[0,0] <= s",
]


@pytest.mark.parametrize("text", ENDLESS)
@pytest.mark.parametrize("s", [1e-2, 1.0, 1e3])
def test_what_grows_ever_more_slowly_has_no_bound(text, s):
    solution = solved(f"param s : R, pos\n{text}", s=s)
    assert solution.status == Status.UNBOUNDED
    assert (
        "without end, ever more slowly, along a curve that the constraints allow; what moves: `"
        in solution.messages[()]
    )


def test_a_logarithm_of_a_logarithm_takes_three_directions():
    assert solved("var x : R\nmaximize log(log(x))").status == Status.UNBOUNDED


BOUNDED = [  # with the value, where it is attained
    ("var x : R\nminimize s*exp(x)", None),
    ("var x : R^2\nminimize s*x[0]\nsubject to\n inv_pos(x[1]) <= x[0]", None),
    ("var x : R\nmaximize log(x) - s*x", lambda s: -1 - np.log(s)),
    ("var x : R\nmaximize sqrt(x) - s*x", lambda s: 1 / (4 * s)),
    ("var x : R^2\nmaximize x[0]\nsubject to\n x[0]^2 <= x[1]\n s*x[1] <= 1", lambda s: s**-0.5),
]


@pytest.mark.parametrize("text, value", BOUNDED)
@pytest.mark.parametrize("s", [1e-6, 1.0, 1e6])
def test_what_has_a_bound_is_not_called_unbounded(text, value, s):
    solution = solved(f"param s : R, pos\n{text}", s=s)
    if value is None:
        assert solution.status == Status.FAILED
    else:
        assert solution.status == Status.SOLVED
        assert solution.value.item() == pytest.approx(value(s), rel=1e-6)


def test_a_line_that_a_tiny_slope_bends_is_none():
    """With 1e-9 x in the objective the maximum is at 1e9, as far as the size of the program allows."""
    solution = solved("var x : R\nmaximize log(x) - 1e-9*x")
    assert solution.status == Status.SOLVED
    assert solution["x"].item() == pytest.approx(1e9, rel=1e-6)


ON_FACES = [  # a slack s of a cone, and whether multipliers normal to it are 0 alone
    (Block(Kind.SOC, 3), [1.0, 0.6, 0.8], False),
    (Block(Kind.SOC, 3), [1.0, 0.3, 0.4], True),
    (Block(Kind.ROTATED, 3), [1.0, 2.0, 2.0], False),
    (Block(Kind.ROTATED, 3), [1.0, 0.0, 0.0], False),
    (Block(Kind.EXP, 3), [0.5, 1.0, np.exp(0.5)], False),
    (Block(Kind.EXP, 3), [-1.0, 1.0, 2.0], True),
    (Block(Kind.POWER, 3, 0.3), [2.0, 1.0, -(2.0**0.3)], False),
    (Block(Kind.POWER, 3, 0.3), [1.0, 1.0, 0.5], True),
    (Block(Kind.PSD, 6), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0], False),
    (Block(Kind.PSD, 6), [1.0, np.sqrt(2.0), 1.0, 0.0, 0.0, 0.0], False),
    (Block(Kind.PSD, 6), [1.0, 0.0, 1.0, 0.0, 0.0, 1.0], True),
]


def multipliers(block: Block, s: np.ndarray, count: int) -> np.ndarray:
    """Random points (count, d) of the dual cone that are nearly normal to s.

    Of v + t s the cone takes all but a part that the dual cone has, and that tends to the face as t grows.
    """
    v = np.random.default_rng(0).standard_normal((count, len(s))) + FAR * s
    return project(Cones((block,)), v)[0] - v


def rows_left(block: Block, s: np.ndarray) -> tuple[np.ndarray, Cones]:
    """W and the cones that Wv is in where v is in the dual cone of the face normal to s."""
    d = len(s)
    A = np.column_stack([-s, -np.eye(d)])
    item = alone(Item(np.zeros((d + 1, d + 1)), np.zeros(d + 1), A, np.zeros(d), Cones((block,))))
    smaller = reduced(item, np.eye(d + 1)[0])
    assert smaller is not None
    return -smaller.A.one(0, sparse=False)[:, 1:], smaller.cones


@pytest.mark.parametrize("block, s, nothing", ON_FACES)
def test_the_multipliers_normal_to_a_slack_are_those_of_the_rows_that_are_left(block, s, nothing):
    W, cones = rows_left(block, np.array(s))
    assert (len(W) == 0) == nothing
    assert np.abs(W @ np.array(s)).max(initial=0.0) < 1e-12
    z = multipliers(block, np.array(s), 20)
    u = z @ np.linalg.pinv(W)
    assert np.abs(u @ W - z).max() < 1e-3
    assert np.abs(project(cones, u)[0] - u).max(initial=0.0) < 1e-3  # NONNEG and PSD are their own duals
    assert nothing or np.abs(z).max() > 0.1


AXES = [  # a slack, and the entries that only multipliers push
    (Block(Kind.EXP, 3), [0.0, 0.0, 1.0], [1]),
    (Block(Kind.EXP, 3), [-1.0, 0.0, 2.0], [1]),
    (Block(Kind.EXP, 3), [-1.0, 0.0, 0.0], [1, 2]),
    (Block(Kind.POWER, 3, 0.3), [0.0, 1.0, 0.0], [0]),
    (Block(Kind.POWER, 3, 0.3), [1.0, 0.0, 0.0], [1]),
]


@pytest.mark.parametrize("block, s, pushed", AXES)
def test_multipliers_normal_to_an_edge_are_on_axes(block, s, pushed):
    W, cones = rows_left(block, np.array(s))
    assert np.array_equal(W, np.eye(3)[pushed]) and cones.linear


def test_a_point_on_the_boundary_is_not_inside():
    cones = Cones((Block(Kind.NONNEG, 1), Block(Kind.SOC, 2)))
    item = alone(
        Item(
            np.zeros((2, 2)),
            np.zeros(2),
            np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, -1.0]]),
            np.array([3.0, 0, 0]),
            cones,
        )
    )
    assert is_inside(item, np.array([3.0, 2.9]))
    assert not is_inside(item, np.array([3.0, 3.0]))
    assert not is_inside(item, np.array([3.1, 2.0]))


def test_the_proof_comes_before_any_more_attempts(monkeypatch):
    """Exponentials that fall for ever beside a logarithm took half a minute of Newton's steps."""
    asked = []
    attempt = solve._attempt
    monkeypatch.setattr(solve, "_attempt", lambda *args: asked.append(1) or attempt(*args))
    text = "param A : R^(3,3); var x : R^3; minimize sum(exp(A*x)) - sum(log(5 + x)); subject to; sum(A*x) <= 1"
    layer = declarative.compile(declarative.parse(text, name="curve"), backend="cone", on_failure="mask")
    A = -torch.tensor([[1.0, 0.2, 0.1], [0.3, 1.0, 0.1], [0.1, 0.4, 1.0]], dtype=torch.float64)
    assert layer.solve(A).status == Status.UNBOUNDED
    assert len(asked) <= 4
