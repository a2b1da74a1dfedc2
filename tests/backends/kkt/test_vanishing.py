"""Minima at which the Hessian vanishes: found wherever they lie, flagged; what has none is not called solved."""

import pytest
import torch

import declarative
from declarative import Status

AT = (-3.0, -1.0, 0.0, 0.4)


def run(text: str, **values: float):
    inputs = {name: torch.tensor(v, dtype=torch.float64, requires_grad=True) for name, v in values.items()}
    return declarative.compile(declarative.parse(text), backend="kkt").solve(**inputs), inputs


@pytest.mark.parametrize("start", ["", ", start(0.5)", ", start(2)"])
@pytest.mark.parametrize("bounded", ["", "; subject to; x >= a"])
@pytest.mark.parametrize("a", [-1.0, 0.0])
def test_fourth_powers_about_zero(a, bounded, start):
    solution, inputs = run(f"param a : R; var x : R{start}; minimize x^4 + a{bounded}", a=a)
    assert int(solution.status) == Status.SOLVED and abs(float(solution["x"].detach())) < 1e-6
    assert bool(solution.degenerate | solution.nonunique)
    solution["x"].backward()
    assert bool(inputs["a"].grad.isfinite())


@pytest.mark.parametrize("a", AT)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_fourth_powers_about_a_parameter(a, scale):
    text = "param a : R; param s : R, pos; var x : R, start(1); var y : R; minimize s*((x - a)^4 + (y + 1)^2)"
    solution, inputs = run(text, a=a, s=scale)
    assert int(solution.status) == Status.SOLVED and bool(solution.degenerate)
    assert abs(float(solution["x"].detach()) - a) ** 4 < 1e-22 and abs(float(solution["y"].detach()) + 1) < 1e-9
    solution["x"].backward()
    assert abs(float(inputs["a"].grad) - 1) < 1e-6 and abs(float(inputs["s"].grad)) < 1e-5 / scale


VALLEYS = {
    "c*x^2*y + y^2 + x^4": (0, 0),
    "c*x^2*(y - 2) + (y - 2)^2 + x^4": (0, 2),
    "c*x^3*y + y^2 + x^6": (0, 0),
    "(y - x^2)^2 + c*x^4": (0, 0),
    "c*x^2*y + (y + 1e-3)^2 + x^4": None,
}


BESIDE = "; subject to; exp(x) + y <= 20"  # a sixth power is too flat for the barrier method


@pytest.mark.parametrize("text, row", [*((v, "") for v in VALLEYS), *((v, BESIDE) for v in VALLEYS if "6" not in v)])
@pytest.mark.parametrize("c", [0.5, 1.0, 1.9])
def test_flat_minima_at_the_end_of_a_curved_valley(text, c, row):
    """y is a multiple of x^2 on the way to (0, 0), and nothing beside it; the last one is curved at its minimum."""
    solution, inputs = run(f"param c : R; var x : R, start(2); var y : R, start(1); minimize {text}{row}", c=c)
    assert int(solution.status) == Status.SOLVED
    x, y = (float(solution[name].detach()) for name in "xy")
    if VALLEYS[text] is None:  # y = -c/2 x^2 - 1e-3, and so x^2 = 2e-3 c/(4 - c^2)
        assert not bool(solution.degenerate) and x**2 == pytest.approx(2e-3 * c / (4 - c**2), rel=1e-6)
        assert y == pytest.approx(-c / 2 * x**2 - 1e-3, rel=1e-6)
        return
    assert bool(solution.degenerate) and (abs(x) < 1e-4, abs(y - VALLEYS[text][1]) < 1e-8) == (True, True)
    solution["x"].backward()
    assert bool(inputs["c"].grad.isfinite())


@pytest.mark.parametrize("falling", ["exp(-x)", "1/(1 + x^2)", "log(1 + exp(-x))"])
def test_what_falls_to_a_limit_is_not_solved_on_its_way(falling):
    solution, _ = run(f"param s : R; var x : R, start(1); minimize {falling} + s; subject to; x >= 0", s=0.0)
    assert int(solution.status) != Status.SOLVED or float(solution.value.detach()) < 1e-12


@pytest.mark.parametrize("text", ["exp(x) - s*x", "x - s*log(x)", "s*x^4 - x"])
def test_curvature_that_only_changes_much_is_no_doubt(text):
    for start in (1e-5, 1e-2, 20.0):
        solution, _ = run(f"param s : R, pos; var x : R, start({start}); minimize {text}", s=1.0)
        assert int(solution.status) == Status.SOLVED and not bool(solution.degenerate | solution.nonunique)


@pytest.mark.parametrize("text", ["maximum(-q*x, -1) + exp(x)", "abs(x - q) + x^2 + exp(x)"])
def test_a_variable_that_enters_linearly_is_no_doubt(text):
    """A row of zeros of the Hessian, as that of an epigraph's variable, has not vanished on the way."""
    solution, _ = run(f"param q : R; var x : R; minimize {text}", q=0.366)
    assert int(solution.status) == Status.SOLVED and not bool(solution.degenerate)


def test_a_variable_that_only_moves_with_a_curved_one_is_no_doubt():
    """The weights of a mixture: at the solution p[j]*exp(...) is stationary in mu, which leaves p a row of zeros, but p
    moves the sums under the logarithms.
    """
    points = torch.tensor([-2.6, -2.1, -1.9, -1.2, 1.1, 1.8, 2.2, 2.3, 3.1], dtype=torch.float64, requires_grad=True)
    layer = declarative.compile(
        declarative.parse("""dim m, k
param y : R^m
param at : R^k
var mu : R^k, start(at)
var p : R^k, simplex, start(1/k)
minimize -sum(log(sum(p[j]*exp(-(y[i] - mu[j])^2/2) for j in k)) for i in m)""")
    )
    start = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    solution = layer.solve(points, start)
    assert int(solution.status) == Status.SOLVED and not bool(solution.degenerate | solution.nonunique)
    assert torch.autograd.gradcheck(lambda y: layer(y, start).p, (points,), atol=1e-7)


@pytest.mark.parametrize("row", ["y == x - a", "y == 2*(x - a) + z; z == 0*x"])
def test_a_fourth_power_behind_a_row_is_a_doubt(row):
    solution, _ = run(
        f"param a : R; var x : R, start(2); var y : R; var z : R; minimize (y - 1)^4; subject to; {row}", a=0.4
    )
    assert int(solution.status) == Status.SOLVED and bool(solution.degenerate | solution.nonunique)


@pytest.mark.parametrize("centre", [0.0, 1.0])
@pytest.mark.parametrize("rows", ["y >= x - a; y <= x - a", "x - y <= a; x - y >= a", "a <= x - y <= a"])
def test_multipliers_that_grow_together_hide_no_slope(rows, centre):
    """An equation as two inequalities: stationary beside multipliers of 1e7, and not beside those of least norm."""
    text = f"param a : R; var x : R, start(2); var y : R; minimize (y - {centre})^4; subject to; {rows}"
    alone, _ = run(text, a=0.4)
    assert int(alone.status) != Status.SOLVED or abs(float(alone["y"].detach()) - centre) < 1e-3
    found = declarative.compile(declarative.parse(text)).solve(torch.tensor(0.4, dtype=torch.float64))
    assert int(found.status) == Status.SOLVED and abs(float(found["y"]) - centre) < 1e-4


def test_what_a_row_that_lets_go_has_bent_has_not_vanished():
    """At the end exp(x) has a multiplier of 1e-12 in the method and none in the answer; x is curved through z alone."""
    text = "minimize sum(-entr(5 + x)) + sum(inv_pos(5 + x)); subject to; sum(exp(x)) <= s"
    solution, _ = run(f"param s : R; var x : R^2; {text}", s=9.0)
    assert int(solution.status) == Status.SOLVED and not bool(solution.degenerate)


def test_an_epigraph_variable_that_no_row_holds_is_no_doubt():
    text = (
        "var x : R^2; minimize (x[0] - 2*x[1] - q)^2/(3 + x[0]) + exp(x[1]) - x[0]/2; subject to; max(x[0] + x[1]) <= 9"
    )
    solution, inputs = run(f"param q : R; {text}", q=1.0)
    assert int(solution.status) == Status.SOLVED and not bool(solution.degenerate | solution.nonunique)
    solution["x"].sum().backward()
    ahead, behind = (run(f"param q : R; {text}", q=1 + h)[0]["x"].detach().sum() for h in (1e-5, -1e-5))
    assert float(inputs["q"].grad) == pytest.approx(float(ahead - behind) / 2e-5, rel=1e-6)


@pytest.mark.parametrize("text", ["s*sum(x.^1.5)", "sum(x.^1.5) + s^2"])
def test_where_the_curvature_is_infinite_nothing_moves(text):
    solution, inputs = run(f"param s : R, pos; var x : R^2; minimize {text}", s=2.0)
    assert int(solution.status) == Status.SOLVED and bool(solution.degenerate)
    assert (solution["x"] == 0).all()
    solution["x"].sum().backward()
    assert float(inputs["s"].grad) == 0


CUBES = [("pos(x - c).^3", "; subject to; x >= c"), ("max(x - c, 0).^3", "; subject to; x == c"), ("abs(x - c).^3", "")]


@pytest.mark.parametrize(("cube", "rows"), CUBES)
def test_multipliers_vanish_with_the_slopes_that_they_balance(cube, rows):
    """Newton's step comes to the minimum at once, with the multipliers of where it began: another one lets them go."""
    text = f"param c : R^3; var x : R^3, start(1); minimize sum({cube}){rows}"
    layer = declarative.compile(declarative.parse(text, name="cubes"), backend="kkt", on_failure="mask")
    c = torch.randn(20, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    solution = layer.solve(c)
    assert (solution.status == Status.SOLVED).all() and (solution.value.abs() <= 1e-12).all()
