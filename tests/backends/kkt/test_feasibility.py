"""Where a method begins, how it comes to feasible points, and what is not taken for a contradiction."""

import pytest
import torch
from hock_schittkowski.problems import engine

import declarative
from declarative import Status
from declarative.backends.kkt.methods.barrier import convexify
from declarative.backends.kkt.methods.effort import EFFORTS, approach
from declarative.backends.kkt.origin import origin
from declarative.backends.kkt.program.program import Options


@pytest.mark.parametrize(
    ("declaration", "value"),
    [
        ("R^3", [0.0, 0.0, 0.0]),
        ("R^3, nonneg", [0.0, 0.0, 0.0]),
        ("R^3, unit", [1.0, 0.0, 0.0]),
        ("R^4, simplex", [0.25, 0.25, 0.25, 0.25]),
        ("R^(3,2), orthonormal", [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]),
    ],
)
def test_a_variable_begins_within_its_attributes(declaration, value):
    """And every member of a family does."""
    value = torch.tensor(value, dtype=torch.float64)
    problem = declarative.parse(f"var x : {declaration}\nvar y[0..1] : {declaration}\nminimize sum(x)")
    x, y = (declared.symbol for declared in problem.variables)
    torch.testing.assert_close(origin(x, tuple(value.shape)), value)
    torch.testing.assert_close(origin(y, (2, *value.shape)), torch.stack([value, value]))


@pytest.mark.parametrize("start", ["", ", start([0, 0])"])
def test_a_sphere_is_reached_from_its_middle(start):
    """There the violation has a saddle: least violated it is on the sphere. The answer is -sin(1) - 1/4."""
    text = f"var x : R^2, unit{start}\nvar y : R, nonneg\nminimize sin(x[0]) + y^2 - y + x[1]^2*0"
    solution = declarative.compile(declarative.parse(text), backend="kkt", on_failure="mask").solve()
    assert solution.status == Status.SOLVED
    assert float(solution.value) == pytest.approx(-0.8414709848 - 0.25, abs=1e-6)


def test_negative_curvature_does_not_shorten_steps_towards_feasibility():
    """The curvature of the barrier, 1000, beside that of H, diag(1, -4), in units that make the diagonal one."""
    M, share = torch.diag_embed(torch.tensor([[1.0, -1.0]])), torch.tensor([[1 / 1001, 1.0]])
    shifted, lifted = convexify(
        M.double(), M.new_zeros(1, 0, 2).double(), share.double(), torch.ones(1).double(), False
    )
    assert lifted.all() and shifted[0, 1, 1] > 0
    assert shifted[0, 0, 0] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("number", "converges"), [(70, True), (109, False)])
def test_an_item_whose_steps_stay_short_stops(number, converges):
    """109 creeps along a row; 70 comes to a minimum before its steps are rounding error: neither goes on."""
    problem = engine(number)
    _, stop, count = approach(problem.program, problem.theta, problem.start, Options(), EFFORTS[0])
    assert stop.converged.tolist() == [converges] and stop.stuck.tolist() == [not converges] and count.item() < 100


def test_a_feasible_point_is_looked_for_from_several_places():
    """Near the start the violation has a minimum of 1.4, in the other well of the curve there are points that satisfy
    the first row; no point satisfies the second.
    """
    text = "param r : R; var x : R, start(1.3); var y : R; minimize x + y^2; subject to; well: x^4 - 4*x^2 + x <= r"
    layer = declarative.compile(declarative.parse(text, name="wells"), backend="kkt", on_failure="mask")
    solution = layer.solve(torch.tensor([-4.0, -6.0], dtype=torch.float64))
    assert solution.status.tolist() == [Status.SOLVED, Status.INFEASIBLE] and float(solution["x"][0]) < -1
    assert "local minimum" in solution.messages[(1,)]


def test_narrow_places_are_found_between_bounds_far_from_the_start():
    """Each box is longer than a period; near 11 pi, x is feasible within 0.045."""
    text = "param a : R; var x : R; minimize x^2; subject to; a <= x; x <= a + 6.4; cos(x) <= -0.999"
    layer = declarative.compile(declarative.parse(text, name="narrow"), backend="kkt", on_failure="mask")
    a = torch.linspace(-60, 60, 41, dtype=torch.float64)
    solution = layer.solve(a)
    assert (solution.status == Status.SOLVED).all()
    assert (solution["x"].cos() <= -0.999 + 1e-6).all() and ((a <= solution["x"]) & (solution["x"] <= a + 6.4)).all()


@pytest.mark.parametrize(
    "rows",
    [
        "0.6 <= x; x <= 8.8; cos(2.07*x) + 0.55*sin(x) <= -1.543",
        "-27.9 <= x; x <= -19.8; sin(1.54*x + 2)*cos(0.01*x) <= -0.9741",
        "0.8 <= x; x <= 6.3; sin(0.95*x - 1.7)*cos(0.05*x) <= -0.6873; sin(1.49*x + 0.47)*cos(0.07*x) <= -0.3654",
        "2.7 <= x; x <= 8.2; -1.9 <= y; y <= 2.4; sin(x^2/1.02) - 0.63*x <= -5.973",
        "1.1 <= x; x <= 10.1; 0.4 <= y; y <= 3.7; sin(y^2/1.5) + 0.25*y <= -0.3377",
        "1.5 <= x; x <= 10.4; 1.7 <= y; y <= 13; sin(x*y/0.69) - 0.43*y <= -6.135; cos(1.98*x) + 0.55*sin(x) <= -1.133",
        "9.9 <= x; x <= 17.3; -3 <= y; y <= 5; cos(0.84*y) - 0.91*sin(y) <= -0.978; sin(x*y/1.48) + 0.66*x <= 5.96",
    ],
)
def test_what_a_grid_shows_to_be_feasible_is_not_called_infeasible(rows):
    """Between 2 in 1000 and 4 in 1000 of the points of a box are."""
    text = f"var x : R; var y : R; minimize x^2 + y^2; subject to; {rows}"
    solution = declarative.compile(declarative.parse(text, name="grid"), backend="kkt", on_failure="mask").solve()
    assert solution.status == Status.SOLVED


def test_a_domain_without_an_inside_is_said_to_be_so():
    layer = declarative.compile(
        declarative.parse("var x : R; minimize x - log(x); subject to; x <= 0"), backend="kkt", on_failure="mask"
    )
    assert "no point inside the domain" in layer.solve().messages[()]


def test_a_chain_of_products_begins_where_no_product_has_a_slope():
    """x = 0: any signs are as good as others, and only equal ones lead to feasible points."""
    text = "dim n; param a : R^n; var x : R^n; minimize sumsq(x - a); subject to; x[i]*x[i+1] >= 1 for i in 0..n-2"
    layer = declarative.compile(declarative.parse(text, name="chain"), on_failure="mask")
    for n in (3, 10, 30):
        a = torch.randn(n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        x = layer.solve(a).x
        assert (x[1:] * x[:-1] >= 1 - 1e-6).all()


def test_affine_rows_are_contradicted_by_a_ray_or_by_nothing():
    """A side of 1e-30 may be more than the method can meet, but a square of it is no proof."""
    text = "param b : R; var x : R^3, nonneg; minimize x[1]^2 - sum(entr(x)); subject to; t: x[0] == b; sum(x) == 1"
    layer = declarative.compile(declarative.parse(text, name="small"), backend="kkt", on_failure="mask")
    solution = layer.solve(torch.tensor([1e-30, -1e-6, 1.001], dtype=torch.float64))
    assert (solution.status == Status.INFEASIBLE).tolist() == [False, True, True]
    assert "contradictory" in solution.messages[(1,)] and "`t`" in solution.messages[(1,)]


def test_objectives_that_are_nearly_linear_lead_far_away_only_once():
    """From a start that is feasible, Newton's step on a sum of nearly linear functions goes 1e3 beyond the rows."""
    rows = "inner: -sum(log(4 + x)) <= 0\n  outer: logsumexp(x) <= 2.5"
    objective = "2*logsumexp(A*x + b) + sum(logistic(A*x - b))/2"
    text = f"dim n, m\nparam A : R^(m,n)\nparam b : R^m\nvar x : R^n\nminimize {objective}\nsubject to\n  {rows}"
    generator = torch.Generator().manual_seed(0)
    A, b = (torch.randn(100, 3, *rest, generator=generator, dtype=torch.float64) for rest in ((4,), ()))
    found, known = (
        declarative.compile(declarative.parse(text), backend=backend, on_failure="mask").solve(A, b)
        for backend in ("kkt", "cone")
    )
    assert found.solved.all() and known.solved.all()
    torch.testing.assert_close(found.x, known.x, rtol=0, atol=1e-9)


@pytest.mark.parametrize("n", [2, 15, 30])
def test_outside_of_a_ball_is_begun_nearby(n):
    """From its middle a step of any length leads out of it, and a billion away no method finds back; the minimum of
    what grows with x is near.
    """
    text = f"param A : R^({n},{n})\nparam b : R^{n}\nvar x : R^{n}\n"
    text += "minimize sumsq(sin(A*x - b)) + sumsq(x) + 0.1*sum(x)^4\nsubject to\n  out: sumsq(x) >= 1"
    layer = declarative.compile(declarative.parse(text), on_failure="mask")
    g = torch.Generator().manual_seed(n)
    A, b = (torch.randn(8, *shape, generator=g, dtype=torch.float64) for shape in ((n, n), (n,)))
    solution = layer.solve(A / n**0.5, b)
    assert (solution.status == Status.SOLVED).all()
    x = solution.x.detach().requires_grad_()
    value = ((A / n**0.5 @ x[..., None])[..., 0] - b).sin().square().sum(-1) + x.square().sum(-1) + 0.1 * x.sum(-1) ** 4
    torch.testing.assert_close(value.detach(), solution.value)
    (slope,) = torch.autograd.grad(value.sum(), x)
    force = 2 * solution["out"][:, None] * x.detach()
    assert (slope - force).abs().max() < 1e-7
    assert (x.norm(dim=-1) > 1 - 1e-9).all() and (x.norm(dim=-1) < 10).all()
