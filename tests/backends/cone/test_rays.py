"""Programs without a solution, for every cone: rays proved here anew, the constraints they blame, statuses."""

import cvxpy as cp
import numpy as np
import pytest
import torch
from backends.cone.programs import solved

import declarative
from declarative import Status
from declarative.backends.cone.sets.cones import Cones, Kind, psd_side, triangle

EPS = 1e-6  # of the largest entry: how far a ray may be off


def distance(kind: Kind, s: np.ndarray, power: float) -> float:
    """How far s is from a cone at most, by the cone's definition."""
    match kind:
        case Kind.ZERO:
            return np.abs(s).max(initial=0.0)
        case Kind.NONNEG:
            return max(0.0, *(-s))
        case Kind.SOC:
            return max(0.0, np.linalg.norm(s[1:]) - s[0])
        case Kind.PSD:
            row, column, factor = triangle(psd_side(len(s)))
            matrix = np.zeros((psd_side(len(s)),) * 2)
            matrix[row, column] = matrix[column, row] = s / factor
            return max(0.0, -np.linalg.eigvalsh(matrix)[0])
        case Kind.EXP:
            x, y, z = s
            top = y * np.exp(x / y) if y > 0 else (0.0 if x <= EPS else np.inf)
            return max(-y, top - z, 0.0)
        case Kind.POWER:
            x, y, z = s
            return max(-x, -y, abs(z) - max(x, 0) ** power * max(y, 0) ** (1 - power), 0.0)


def dual_distance(kind: Kind, z: np.ndarray, power: float) -> float:
    """How far z is from the dual cone at most: that of EXP is {(u, v, w) : -u e^(v/u) <= e w, u < 0}."""
    match kind:
        case Kind.ZERO:
            return 0.0
        case Kind.EXP:
            u, v, w = z
            least = -u * np.exp(v / u - 1) if u < 0 else (0.0 if v >= -EPS else np.inf)
            return max(u, least - w, 0.0)
        case Kind.POWER:
            return distance(kind, z / np.array([power, 1 - power, 1.0]), power)
        case _:
            return distance(kind, z, power)


def farthest(cones: Cones, values: np.ndarray, how) -> float:
    starts = zip(cones.starts, cones.blocks, strict=True)
    return max(how(block.kind, values[at : at + block.rows], block.power) for at, block in starts)


x, t, X = cp.Variable(3), cp.Variable(), cp.Variable((4, 4), symmetric=True)
INFEASIBLE = {
    "equalities": (cp.norm(x), [cp.sum(x) == 1, 2 * cp.sum(x) == 3]),
    "inequalities": (cp.norm(x), [cp.sum(x) >= 4, x <= 1]),
    "second-order": (cp.sum(x), [cp.norm(x) <= 1, cp.sum(x) >= 2]),
    "barely": (cp.sum(x), [cp.norm(x) <= 1, x[0] >= 1.0001]),
    "semidefinite": (cp.trace(X), [X >> 0, cp.diag(X) == 1, cp.sum(X) <= -1]),
    "exponential": (x[0], [cp.exp(x[0]) <= x[1], x[1] <= 1, x[0] >= 1]),
    "logarithm": (x[0], [cp.sum(cp.log(x)) >= 1, cp.sum(x) <= 3]),
    "power": (x[0], [cp.constraints.PowCone3D(x[0], x[1], x[2], 0.3), x[2] >= 2, x[0] + x[1] <= 1]),
}
UNBOUNDED = {
    "linear": (x[0], [x[1] >= 1, x[2] == 3]),
    "second-order": (-t, [cp.norm(x) <= t]),
    "along a ray of the cone": (x[0] - t, [cp.norm(x) <= t, x[1] == 1]),
    "quadratic": (cp.sum_squares(x[0] - x[1]) - cp.sum(x), [x[2] == 0]),
    "semidefinite": (cp.trace(X) - 2 * X[0, 1] - 2 * X[2, 3] - 0.01 * cp.sum(X), [X >> 0]),
    "exponential": (-x[1], [cp.exp(x[0]) <= x[1]]),
    "exponential, along its face": (x[0], [cp.exp(x[0]) <= x[1], x[1] <= 3]),
    "power": (-x[2], [cp.constraints.PowCone3D(x[0], x[1], x[2], 0.3)]),
}


@pytest.mark.parametrize("name", INFEASIBLE)
def test_an_infeasible_program_has_a_ray_of_multipliers(name):
    """z in the dual cone with A'z = 0 and b'z < 0."""
    objective, constraints = INFEASIBLE[name]
    item, found = solved(cp.Problem(cp.Minimize(objective), constraints))
    assert found.status is Status.INFEASIBLE
    z = found.ray / -(item.b @ found.ray)
    assert item.b @ z < 0
    assert np.abs(item.A.T @ z).max() <= EPS
    assert farthest(item.cones, z, dual_distance) <= 1e-9 * np.abs(z).max()


@pytest.mark.parametrize("name", UNBOUNDED)
def test_an_unbounded_program_has_a_ray_of_points(name):
    """x with Px = 0, -Ax in the cone and q'x < 0."""
    objective, constraints = UNBOUNDED[name]
    item, found = solved(cp.Problem(cp.Minimize(objective), constraints))
    assert found.status is Status.UNBOUNDED
    ray = found.ray / -(item.q @ found.ray)
    assert item.q @ ray < 0
    assert np.abs(item.P @ ray).max() <= EPS
    assert farthest(item.cones, -item.A @ ray, distance) <= EPS * np.abs(ray).max()


BLAMED = {
    "var x : R^2; minimize norm(x)\nsubject to\n a: sum(x) == 1\n b: 2*sum(x) == 3\n c: x[0] >= -5": "ab",
    "var x : R^2; minimize norm(x)\nsubject to\n a: sum(x) >= 3\n b: x <= 1\n c: x[0] >= -5": "ab",
    "var x : R^2; minimize sum(x)\nsubject to\n a: norm(x) <= 1\n b: sum(x) >= 2\n c: x[0] <= 7": "ab",
    "var x : R^2; minimize sum(x)\nsubject to\n a: (1, x) in SOC\n b: sum(x) >= 2\n c: x[0] <= 7": "ab",
    "var X : S^4; minimize trace(X)\nsubject to\n a: X in PSD\n b: sum(X) <= -1\n c: X[2,1] <= 9": "ab",
    "var X : S^3; minimize 0\nsubject to\n a: X in PSD\n b: trace(X) == 2\n c: X[0,1] >= 2\n d: X[2,2] <= 9": "abc",
    "var x : R^2; minimize 0\nsubject to\n a: exp(x[0]) <= x[1]\n b: x[1] <= 1\n c: x[0] >= 1\n d: x[0] <= 9": "abc",
    "var x : R^3; minimize 0\nsubject to\n a: (x[0], 1, x[2]) in EXP\n b: x[2] <= 1\n c: x[0] >= 1\n d: x <= 9": "abc",
    "var x : R^2; minimize 0\nsubject to\n a: sum(log(x)) >= 1\n b: sum(x) <= 2\n c: x[0] <= 9": "ab",
    "var x : R^3; minimize 0\nsubject to\n a: (x[0], x[1], 2) in POW(0.3)\n b: x[0] + x[1] <= 1\n c: x[2] == 0": "ab",
    "var x : R; var y : R^2; minimize x\nsubject to\n a: norm(y) <= 1\n b: y[0] >= 2": "ab",  # unbounded below as well
}


@pytest.mark.parametrize("text", BLAMED)
def test_the_message_names_the_constraints_in_the_contradiction_and_no_others(text):
    layer = declarative.compile(declarative.parse(text, name="none"), backend="cone", on_failure="mask")
    solution = layer.solve()
    assert solution.status == Status.INFEASIBLE
    blamed = solution.messages[()].partition("; to blame: ")[2].split(", ")
    assert sorted(blamed) == [f"`{name}` (line {2 + 'abcd'.index(name) + 1})" for name in BLAMED[text]]


ON_FACES = [  # along these some slack of a curved cone is 0, and an unknown with it
    "var x : R^3; minimize x[0] - 2*x[1] + pos(x[2] + 1)^1.5; subject to; x[0] + x[1] + x[2] == 1",
    "var x : R^3; minimize 0.3*x[0] - 2*x[1] + pos(x[2] + 0.7*x[0] + 1)^1.5; subject to; sum(x) == 1",
    "var x : R^3; minimize x[0] - 2*x[1] + x[2] + kl_div(x[0] - x[1] + 1, 2 - x[0] + x[1]); subject to;"
    "pos(x[0] + x[2])^2.5 <= 3",
    "var x : R^3; minimize x[0] - 2.3*x[1] + 0.4*x[2] + kl_div(x[0] - 0.7*x[1] + 1, 2 - x[0] + 0.7*x[1]); subject to;"
    "pos(0.3*x[0] + x[2])^2.5 <= 3",
]


@pytest.mark.parametrize("text", ON_FACES)
@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
def test_a_direction_along_the_faces_of_cones_is_found_exactly(text, size):
    text = text.replace("minimize ", "minimize s*(").replace("; subject to", "); subject to")
    problem = declarative.parse("param s : R, pos; " + text, name="faces")
    solution = declarative.compile(problem, backend="cone", on_failure="mask").solve(torch.tensor(size).double())
    assert solution.status == Status.UNBOUNDED


def test_the_message_of_an_unbounded_program_names_what_moves():
    text = "var x : R^2\nvar t : R\nvar idle : R\nminimize -t\nsubject to\n norm(x) <= t\n norm(x - idle) <= 3"
    layer = declarative.compile(declarative.parse(text, name="none"), backend="cone", on_failure="mask")
    solution = layer.solve()
    assert solution.status == Status.UNBOUNDED
    assert solution.messages[()].endswith("; what moves: `t` (line 2)")


NEITHER = [
    "var x : R; minimize x\nsubject to\n a: [x, 1; 1, 0] in PSD",  # feasible in the limit only
    "var x : R^2; minimize x[0]\nsubject to\n a: norm([x[0] - x[1], 1]) <= x[0] - x[1]",
    "var x : R^2; minimize x[1]\nsubject to\n a: quad_over_lin(1, x[0]) <= x[1]\n b: x[1] <= 0",
    "var x : R; minimize x\nsubject to\n a: exp(x) <= 0",
    "var x : R^2; maximize sum(log(x))\nsubject to\n a: x <= [2, 0]",  # no tiny number is 0 to a logarithm
    "var x : R^2; minimize sum(x) - sum(log(x))\nsubject to\n a: x <= [2, 0]",
    "var x : R^2; maximize sum(log(x))\nsubject to\n a: x <= [2, 1]\n b: x[1] <= x[0] - 2",
    "var x : R^2; minimize x[0]\nsubject to\n a: inv_pos(x[1]) <= x[0]",  # the infimum 0 is not attained
]


@pytest.mark.parametrize("text", NEITHER)
def test_a_program_whose_failure_has_no_certificate_is_not_called_solved(text):
    layer = declarative.compile(declarative.parse(text, name="none"), backend="cone", on_failure="mask")
    assert layer.solve().status != Status.SOLVED


WEAKLY_INFEASIBLE = [  # no point is feasible, though far away some miss by as little as one likes
    "var x : R^2; minimize x[0]; subject to; [x[0], 1; 1, x[1]] in PSD; x[1] <= 0",
    "var x : R^2; minimize x[0]; subject to; norm([x[0], 1]) <= x[0] + x[1]; x[1] <= 0",
    "var x : R^2; minimize x[0]; subject to; quad_over_lin(1, x[0]) <= x[1]; x[1] <= 0",
    "var x : R^2; minimize x[0]; subject to; (x[0], x[1], 1) in POW(0.5); x[1] <= 0",
    "var x : R^2; minimize -x[0] - x[1]; subject to; (2 - x[0] - x[1], x[0] - x[1] - 1, -1) in POW(0.5);"
    "[1 - x[0], -1; -1, -x[1]] in PSD; (x[0] + x[1] + 2, x[1] - x[0] + 1, 2 - x[1]) in EXP",
]


@pytest.mark.parametrize("text", WEAKLY_INFEASIBLE)
def test_points_on_the_way_to_where_cones_would_meet_are_no_answers(text):
    layer = declarative.compile(declarative.parse(text, name="weak"), backend="cone", on_failure="mask")
    assert layer.solve().status in (Status.FAILED, Status.INFEASIBLE)


@pytest.mark.parametrize("n", [2, 3, 30])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_an_objective_that_one_equality_does_not_hold_falls_for_ever(n, size):
    """p'x over sum(x) == 1 is bounded only where all entries of p are equal."""
    torch.manual_seed(n)
    text = "dim n; param p : R^n; var x : R^n; minimize p'*x; subject to; sum(x) == 1"
    layer = declarative.compile(declarative.parse(text, name="line"), backend="cone", on_failure="mask")
    p = size * torch.randn(30, n).double()
    p[0] = size
    solution = layer.solve(p)
    assert solution.status.tolist() == [Status.SOLVED] + 29 * [Status.UNBOUNDED]
    assert solution.value[0] == pytest.approx(size, rel=1e-12)


BELOW_ZERO = [
    "var y : R; minimize y^2; subject to; exp(y) <= c",
    "var x : R^3; minimize sumsq(x); subject to; sum(exp(x)) <= c",
    "var x : R; var y : R; minimize x^2 + y^2; subject to; exp(x) + y <= c; y >= 0",
    "var x : R^3; minimize sumsq(x); subject to; norm(x) <= c",
    "var x : R^3; minimize sumsq(x); subject to; sumsq(x) <= c",
]


@pytest.mark.parametrize("text", BELOW_ZERO)
def test_what_cannot_be_below_zero_is_infeasible_by_however_little_it_should_be(text):
    layer = declarative.compile(declarative.parse("param c : R; " + text, name="below"), backend="cone")
    for c in (-1e9, -1.0, -1e-3, -1e-6, -1e-9):
        assert layer.solve(torch.tensor(c).double()).status == Status.INFEASIBLE


def test_the_solution_is_found_where_it_is_far_smaller_than_a_bound_that_does_not_hold():
    """Near the least squares solution: q is 1e-12 of the slopes beside it."""
    data = "param A : R^(6,3); param b : R^6; param q : R^3; var x : R^3; "
    text = data + "minimize norm(A*x - b) + q'*x; subject to; norm(x) <= 10"
    layer = declarative.compile(declarative.parse(text, name="small"), backend="cone")
    torch.manual_seed(0)
    A, b, q = torch.randn(20, 6, 3).double(), torch.randn(20, 6, 1).double(), torch.randn(20, 3).double()
    for size in (1e-6, 1.0, 1e6):
        solution = layer.solve(1e6 * A, size * b[..., 0], 1e-6 * q)
        wanted = torch.linalg.lstsq(1e6 * A, size * b).solution[..., 0]
        assert (solution.status == Status.SOLVED).all()
        off = (solution.outputs.x - wanted).norm(dim=1) / wanted.norm(dim=1)
        assert off.max() <= 1e-9


def test_a_bound_under_a_logarithm_holds_beside_its_own_size():
    """x - log(x) falls as far as x = 1, so that the bounds below hold with equality."""
    text = "param c : R^3; var x : R^3; minimize sum(x) - sum(log(x)); subject to; x <= c"
    layer = declarative.compile(declarative.parse(text, name="bound"), backend="cone")
    for least in (1e-3, 1e-9, 1e-12, 1e-20, 1e-30):
        c = torch.tensor([0.5, 0.25, least], dtype=torch.float64)
        solution = layer.solve(c)
        assert solution.status == Status.SOLVED
        assert solution.outputs.x == pytest.approx(c, rel=1e-6, abs=0)
        assert solution.value == pytest.approx(float(c.sum() - c.log().sum()), rel=1e-6)


def test_an_argument_beside_a_constant_may_be_nothing_but_rounding():
    """Water filling: channels above the level get none; beside them in a batch, bounds of logarithms stay exact."""
    text = "param a : R^2; param c : R^2; var x : R^2; maximize sum(log(a + x)); subject to; x <= c; x[0] + x[1] <= 1"
    layer = declarative.compile(declarative.parse(text + "; x >= 0", name="fill"), backend="cone")
    a = torch.tensor([[0.5, 3.0], [3.0, 0.5], [0.2, 0.2]], dtype=torch.float64)
    found = layer(a, torch.full((2,), 5.0, dtype=torch.float64))
    wanted = torch.tensor([[1.0, 0], [0, 1], [0.5, 0.5]], dtype=torch.float64)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-9)
    layer = declarative.compile(declarative.parse(text, name="fill"), backend="cone", on_failure="mask")
    a[2], c = 0.0, torch.tensor([[5.0, 5], [5, 5], [1e-20, 5]], dtype=torch.float64)
    both, alone = layer.solve(a, c), layer.solve(a[2], c[2])
    assert both.status[2] == alone.status and torch.equal(both.outputs.x[2], alone.outputs.x)
    assert float(alone.outputs.x[0]) == pytest.approx(1e-20, rel=1e-6, abs=0)
