"""Infima that are minima and infima that are not, as near to each other as can be, at all sizes s."""

import math

import pytest
import torch

import declarative
from declarative import Status

SIZES = [1e-9, 1e-6, 1e-3, 1.0, 1e3, 1e6, 1e9]
UNATTAINED = [
    "var x : R; var y : R; minimize s*exp(1.001*x + y)",
    "var x : R; var y : R; minimize s*exp(3*x + y)",
    "var x : R; var y : R; minimize exp(s*(x/2 + y))",
    "var x : R; minimize exp(s*x)",
    "var x : R; minimize s*exp(x) + 1",
    "var x : R; minimize s*exp(x)^2",
    "var x : R; minimize logistic(s*x)",
    "var x : R; minimize s*(logistic(x) - x)",
    "var x : R^3; minimize s*(logsumexp(x) - x[0])",
    "var x : R^3; minimize s*logsumexp(x); subject to; x[0] == 0",
    "var x : R; minimize inv_pos(s*x)",
    "var x : R; minimize s*(sqrt(1 + x^2) - x)",
    "var x : R; minimize sqrt(s^2 + x^2) - x",
    "var x : R; minimize s*tanh(x)",
    "var x : R; minimize s*exp(-exp(x))",
    "var x : R^2; minimize s*exp(x[0] - x[1]) + s*x[0]^2",
    "var x : R^2; minimize s*exp(x[0]) + s*exp(-x[1]) + s*(x[0] + x[1])^2",
    "var x : R^2; minimize s*quad_over_lin(x[0], x[1]) + s*(x[0] - 1)^2",
    "var x : R; var y : R; minimize s*y; subject to; y >= exp(x)",
]
CONES_ONLY = [
    "var x : R^2; minimize s*x[1]^2; subject to; x[1] >= exp(x[0])",  # to kkt, y = 0 is feasible within rounding
    "var x : R; minimize s*norm([exp(x), 1])",
    "var x : R^2; minimize s*(norm([1, x[0]]) - x[0]) + s*(x[1] - 1)^2",
    "var x : R^2; minimize s*(norm(x) - x[0]); subject to; x[1] >= 1",
    "var x : R^2; minimize s*exp(x[0]) + s*(norm(x) + x[0])",
    "var x : R^3; minimize s*x[2]; subject to; (x[0], x[1], x[2]) in EXP; x[1] >= 1",
    "var x : R^3; minimize s*x[0]; subject to; (x[0], x[1], x[2]) in POW(0.5); x[2] >= 1",
    "var X : S^3; minimize s*X[0,0]; subject to; X in PSD; X[0,1] >= 1",
    "var X : S^3; minimize s*(lambda_max(X) - X[0,0]); subject to; X[0,1] >= 1",
]


def ridge(c: float) -> float:
    """The least log(1 + exp(-x)) + c x^2, where x = log(1/(2 c x) - 1)."""
    x = 20.0
    for _ in range(100):
        x = math.log(1 / (2 * c * x) - 1)
    return math.log1p(math.exp(-x)) + c * x**2


ATTAINED = [  # with the value at s = 1
    ("var x : R; minimize s*(exp(-x) + 1e-12*x)", 1e-12 * (1 + 12 * math.log(10))),
    ("var x : R; minimize s*(logistic(-x) + 1e-10*x^2)", ridge(1e-10)),
    ("var x : R; minimize s*(logistic(-x) + 1e-13*x^2)", ridge(1e-13)),
    ("var x : R; minimize s*(exp(x) - 1e8*x)", 1e8 * (1 - 8 * math.log(10))),
    ("var x : R; minimize s*(-log(x) + 1e-8*x)", 1 - 8 * math.log(10)),
    ("var x : R; minimize s*(-entr(x) - 20*x)", -math.exp(19)),
    ("var x : R; minimize s*(sqrt(1 + x^2) - 0.9999999*x)", math.sqrt(1 - 0.9999999**2)),
    ("var x : R; minimize s*(quad_over_lin(1, x) + 1e-8*x)", 2e-4),
    ("var x : R; minimize s*cosh(x - 30)", 1.0),
    ("var x : R; minimize s*exp(x - 50); subject to; x >= 50", 1.0),
    ("var x : R^2; minimize s*(x[0] + x[1]); subject to; x[0] + x[1] >= 1", 1.0),
    ("var x : R^2; minimize s*exp(x[0]); subject to; x[0] >= x[1]; x[1] >= -1", math.exp(-1)),
    ("var x : R^2; minimize s*exp(x[0] - x[1]) + s*exp(x[1] - x[0])", 2.0),
    ("var x : R; minimize s*max(exp(x), 0.01)", 0.01),
    ("var x : R^2; minimize s*max(x[0], 0) + s*exp(pos(x[1]))", 1.0),
    ("var x : R; minimize s*pos(exp(x) - 0.01)^2", 0.0),
    ("var x : R^3; minimize s*(logsumexp(x) - sum(x)/3)", math.log(3)),
    ("var x : R^2; minimize s*quad_over_lin(x[0], x[1]) + s*x[0]^2", 0.0),
    ("var x : R; var y : R; minimize s*kl_div(x, y); subject to; x >= 1", 0.0),
]
OF_CONES = [
    ("var x : R^2; minimize s*(norm(x) - x[0])", 0.0),
    ("var x : R^2; minimize s*(norm([x[0] - 5, x[1]]) - x[0] + 5)", 0.0),
    ("var x : R^2; minimize s*pos(sqrt(1 + x[0]^2) - x[0] - 0.1)", 0.0),
    ("var x : R^3; minimize s*x[2]; subject to; (x[0], x[1], x[2]) in EXP; x[0] <= -1", 0.0),
    ("var x : R^3; minimize s*x[0]; subject to; (x[0], x[1], x[2]) in POW(0.5); x[1] >= 1", 0.0),
    ("var X : S^3; minimize s*X[0,0]; subject to; X in PSD; X[1,2] >= 1", 0.0),
    ("var X : S^3; minimize s*(lambda_max(X) - X[0,0])", 0.0),
    ("var X : S^3; minimize s*pos(lambda_max(X))", 0.0),
]


def solved(text: str, backend: str):
    problem = declarative.parse("param s : R, pos; " + text, name="limit")
    s = torch.tensor(SIZES, dtype=torch.float64)
    return s, declarative.compile(problem, backend=backend, on_failure="mask").solve(s)


BACKENDS = ["cone", "kkt", "auto"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("text", UNATTAINED)
def test_what_comes_near_its_infimum_only_at_infinity_has_failed(text, backend):
    _, solution = solved(text, backend)
    assert solution.status.tolist() == [Status.FAILED] * len(SIZES)
    assert backend == "kkt" or all(
        "no minimum was found" in words or "no best point" in words for words in solution.messages.values()
    )


@pytest.mark.parametrize("text", CONES_ONLY)
def test_nor_has_what_only_the_cone_backend_can_tell(text):
    _, solution = solved(text, "cone")
    assert solution.status.tolist() == [Status.FAILED] * len(SIZES)


@pytest.mark.parametrize(("text", "value", "backend"), [(*case, b) for case in ATTAINED for b in BACKENDS])
def test_what_has_a_minimum_is_solved(text, value, backend):
    s, solution = solved(text, backend)
    assert solution.status.tolist() == [Status.SOLVED] * len(SIZES)
    rounding = 1e-15  # beside terms of size one
    assert ((solution.value / s - value).abs() <= 1e-6 * max(abs(value), value == 0) + rounding).all()


def test_rounding_hides_no_minimum_of_one_unknown():
    """In many units; where slopes happen to be the same at one neighbour of the point, another one tells."""
    problem = declarative.parse("param s : R, pos; var x : R; minimize s*(sqrt(1 + x^2) - 0.9999999*x)", name="units")
    g = torch.Generator().manual_seed(0)
    s = 10 ** (torch.rand(150, generator=g, dtype=torch.float64) * 18 - 9)
    solution = declarative.compile(problem, backend="kkt", on_failure="mask").solve(s)
    assert solution.solved.sum() >= 145
    assert ((solution.value / s - math.sqrt(1 - 0.9999999**2))[solution.solved].abs() <= 1e-9).all()


@pytest.mark.parametrize(("text", "value"), OF_CONES)
def test_so_is_what_cones_describe(text, value):
    test_what_has_a_minimum_is_solved(text, value, "cone")


@pytest.mark.parametrize("c", [1e-3, 1e-9, 1e-12, 1e-15, 1e-18, 1e-25])
def test_an_exponential_is_as_exact_as_its_own_size_allows(c):
    """exp(-x) + c x is least at x = -log(c), however small c is beside 1."""
    layer = declarative.compile(
        declarative.parse("param c : R; var x : R; minimize exp(-x) + c*x", name="small"), backend="cone"
    )
    own = torch.tensor(c, dtype=torch.float64, requires_grad=True)
    solution = layer.solve(own)
    (slope,) = torch.autograd.grad(solution["x"], own)
    assert solution.status == Status.SOLVED
    assert abs(solution["x"].item() + math.log(c)) <= 1e-12
    assert abs(slope.item() * c + 1) <= 1e-9


@pytest.mark.parametrize("b", [-5.0, -30.0, -37.0, -50.0, -100.0, -300.0])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("term", ["exp({})", "logistic({})", "logsumexp([{}, 0])"])
def test_a_bound_holds_an_exponential_however_small_it_is_there(b, sign, term):
    """exp(x) with x >= b is least at b, and so is log(1 + exp(x)); the multiplier is the slope there."""
    text = f"param b : R; var x : R; minimize {term.format('x' if sign > 0 else '-x')}; subject to; c: "
    problem = declarative.parse(text + ("x >= b" if sign > 0 else "x <= -b"), name="bound")
    own = torch.tensor(b, dtype=torch.float64, requires_grad=True)
    solution = declarative.compile(problem, backend="cone").solve(own)
    (slope,) = torch.autograd.grad(solution["x"], own)
    assert solution.status == Status.SOLVED and not solution.degenerate
    assert abs(solution["x"].item() - sign * b) <= 1e-13 * abs(b) and abs(slope.item() - sign) <= 1e-9
    known = math.exp(b) / (1 if term.startswith("exp") else 1 + math.exp(b))
    assert abs(solution.duals["c"].item() / known - 1) <= 1e-9


@pytest.mark.parametrize("b", [-5.0, -37.0, -50.0, -150.0])
@pytest.mark.parametrize(
    "text",
    [
        "var x : R; var y : R; minimize exp(x); subject to; e: x == y; c: y >= b",
        "var x : R; var y : R; minimize exp(x); subject to; y == x; e: x >= b",
        "var x : R; var y : R; minimize exp(x); subject to; e: x >= y; c: y >= b",
        "var x : R; var y : R; minimize exp(x); subject to; e: x == -2*y; c: -2*y >= b",
        "var x : R; var y : R^2; minimize exp(x); subject to; e: x >= y[1]; f: y[1] >= y[0]; c: y[0] >= b",
        "var x : R; var y : R^2; minimize exp(x) + y[0]; subject to; e: x >= y[1]; f: y[1] >= y[0]; c: y[0] >= b",
        "var x : R; var u : R; var v : R^2; minimize exp(x) + exp(u); subject to;v >= [-1, b]; u == v[0]; e: x == v[1]",
    ],
)
def test_so_do_rows_that_lead_to_a_bound(text, b):
    problem = declarative.parse("param b : R; " + text, name="led")
    own = torch.tensor(b, dtype=torch.float64, requires_grad=True)
    solution = declarative.compile(problem, backend="cone").solve(own)
    (slope,) = torch.autograd.grad(solution["x"], own)
    assert solution.status == Status.SOLVED
    assert abs(solution["x"].item() - b) <= 1e-12 * abs(b) and abs(slope.item() - 1) <= 1e-9
    assert abs(abs(solution.duals["e"].item()) / math.exp(b) - 1) <= 1e-9


@pytest.mark.parametrize(("a", "b"), [(0, 0), (3, 1), (30, 20), (60, 60), (90, 20), (20, 90), (300, 280)])
def test_small_exponentials_balance(a, b):
    """exp(x - a) + exp(-x - b) is least at (a - b)/2; much smaller ones beside them say nothing."""
    beside = f"exp(x - {a + 80}) + exp(-x - {b + 300}) + exp(2*x - {a + 200})"
    problem = declarative.parse(f"var x : R; minimize exp(x - {a}) + exp(-x - {b}) + {beside}", name="small")
    solution = declarative.compile(problem, backend="cone").solve()
    assert solution.status == Status.SOLVED and abs(solution["x"].item() - (a - b) / 2) <= 1e-12


@pytest.mark.parametrize("b", [-30.0, -50.0, -300.0])
def test_many_exponentials_at_bounds_are_right_or_not_called_solved(b):
    """So many that their matrices are sparse, and steps few."""
    text = f"var x : R^120; minimize sum(exp(x)); subject to; x >= {b}"
    solution = declarative.compile(declarative.parse(text, name="many"), backend="cone", on_failure="mask").solve()
    right = (solution["x"] - b).abs().max() <= 1e-12 * abs(b)
    assert solution.status == (Status.SOLVED if right else Status.INACCURATE)


@pytest.mark.parametrize("k", [2.0, 10.0, 30.0, 60.0, 200.0, 600.0])
def test_what_is_small_by_an_entropy_has_its_own_digits(k):
    """-entr(x) + k x is least at x = e^(-k-1), where it is -x; both move by -x and x."""
    problem = declarative.parse("param k : R; var x : R; minimize -entr(x) + k*x", name="small")
    own = torch.tensor(k, dtype=torch.float64, requires_grad=True)
    solution = declarative.compile(problem, backend="cone").solve(own)
    (slope,) = torch.autograd.grad(solution["x"], own, retain_graph=True)
    x = math.exp(-k - 1)
    assert solution.status == Status.SOLVED
    assert abs(solution["x"].item() / x - 1) <= 1e-9 and abs(solution.value.item() / x + 1) <= 1e-9
    assert abs(slope.item() / x + 1) <= 1e-8


@pytest.mark.parametrize("c", [1e4, 1.0, 1e-2, 1e-4, 1e-5, 1e-6, 1e-7, 1e-10])
def test_a_determinant_is_solved_rightly_in_any_units_or_not_called_solved(c):
    """-log_det(X) + c trace(X) is least at X = I/c, which moves by -I/c^2; in small units with a digit less."""
    problem = declarative.parse("param c : R; var X : S^3; minimize -log_det(X) + c*trace(X)", name="small")
    own = torch.tensor(c, dtype=torch.float64, requires_grad=True)
    solution = declarative.compile(problem, backend="cone", on_failure="mask").solve(own)
    assert c < 1e-6 or solution.status == Status.SOLVED
    if solution.status == Status.SOLVED:
        X = solution["X"]
        (slope,) = torch.autograd.grad(X[0, 0], own)
        rounding = 1e-9 if c >= 1e-6 else 1e-8
        assert (X * c - torch.eye(3)).abs().max() <= rounding
        assert abs(slope.item() * c**2 + 1) <= rounding


def test_a_failure_names_the_direction_that_may_be_why():
    _, solution = solved("var x : R; minimize s*exp(x)", "cone")
    assert all("no minimum was found" in words for words in solution.messages.values())
    _, solution = solved("var x : R; var y : R; minimize x; subject to; [x, 1; 1, y] in PSD; x <= s", "cone")
    assert all("no minimum was found" in words for words in solution.messages.values())
