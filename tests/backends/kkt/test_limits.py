"""What comes to rest in some directions and tends to a limit in others has no minimum; what is nearly flat, has one."""

from pathlib import Path

import pytest
import torch
from backends.kkt.smooth_programs import smooth_program, solve, tensor

import declarative
from declarative import Status


def statuses(text: str, **values) -> torch.Tensor:
    layer = declarative.compile(declarative.parse(text, name="limit"), backend="kkt", on_failure="mask")
    return layer.solve(**{name: torch.as_tensor(value, dtype=torch.float64) for name, value in values.items()}).status


@pytest.mark.parametrize("tail", ["exp(x[0])", "logistic(x[0])", "exp(-x[0]) + exp(-3*x[1])"])
@pytest.mark.parametrize("rest", ["(x[0] - x[1])^2", "(x[0] - x[1] - 3)^2", "cosh(x[2] - 4) + (x[0] - 3*x[1])^2"])
def test_a_part_that_tends_to_a_limit_beside_one_at_rest(tail, rest):
    assert statuses(f"var x : R^3; minimize {tail} + {rest}") == Status.FAILED


FORM = "dim m, n, r; param A : R^(m,n); param B : R^(r,n); param b : R^r; var x : R^n; minimize "
TEXTS = [
    "sumsq(B*x - b) + sum(OF(A*x))",
    "sum(OF(A*x)); subject to; B*x == b",
    "sumsq(B*x - b) + sum(OF(A*x)); subject to; A*x <= 3",
]


@pytest.mark.parametrize("of", ["exp", "logistic"])
@pytest.mark.parametrize("text", TEXTS)
def test_one_tail_falls_and_two_that_are_opposite_hold_each_other(text, of):
    """One row of A that is none of B's tends to -infinity on the null space of B; a row and its opposite do not."""
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(30, 1, 4, generator=generator, dtype=torch.float64)
    B, b = (torch.randn(30, 2, *k, generator=generator, dtype=torch.float64) for k in ((4,), ()))
    text = text.replace("OF", of)
    assert (statuses(FORM + text, A=A, B=B, b=b) != Status.SOLVED).all()
    assert (statuses(FORM + text, A=torch.cat([A, -A], 1), B=B, b=b) == Status.SOLVED).all()


@pytest.mark.parametrize("slope", [1e-2, 1e-4, 1e-6])
def test_a_small_slope_holds_a_tail(slope):
    """The minimum is where exp(A x) = slope: with a second row of zeros, far away and hardly curved."""
    generator = torch.Generator().manual_seed(1)
    A = torch.randn(30, 1, 3, generator=generator, dtype=torch.float64)
    B, b = torch.randn(30, 1, 3, generator=generator, dtype=torch.float64), torch.ones(30, 1, dtype=torch.float64)
    text = FORM + f"sumsq(B*x - b) + sum(exp(A*x) - {slope}*A*x)"
    assert (statuses(text, A=A, B=B, b=b) == Status.SOLVED).all()


HINGES = "dim m, n; param A : R^(m,n); var w : R^n; var y : R; minimize sum(pos(1 - A*w).^K)"


@pytest.mark.parametrize("power", [3, 4])
@pytest.mark.parametrize(("rest", "value"), [("", 0), (" + sin(y)", -1)])
@pytest.mark.parametrize("sizes", [(6, 3), (20, 3), (30, 10)])
def test_a_hinge_rests_on_a_cone_of_minima(power, rest, value, sizes):
    """All rows of A w are positive for some w, and for all longer ones: the barrier must not drive it to infinity."""
    generator = torch.Generator().manual_seed(0)
    A, w = (torch.randn(40, *k, generator=generator, dtype=torch.float64) for k in (sizes, (sizes[1], 1)))
    layer = declarative.compile(
        declarative.parse(HINGES.replace("K", str(power)) + rest, name="hinge"), backend="kkt", on_failure="mask"
    )
    solution = layer.solve(A * torch.sign(A @ w))
    solved = solution.status == Status.SOLVED
    assert solved.all() if power == 3 or rest else solved.sum() >= 38  # beside w, so flat a minimum is hardly told
    assert ((solution.value[solved] - value).abs() <= 1e-12).all()
    assert solution["w"][solved].abs().max() < 1e8  # not 1e16, where nothing would stop it


@pytest.mark.parametrize("power", [3, 4])
def test_beside_a_tail_no_hinge_has_a_minimum(power):
    generator = torch.Generator().manual_seed(0)
    A, w = (torch.randn(40, *k, generator=generator, dtype=torch.float64) for k in ((12, 4), (4, 1)))
    found = statuses(HINGES.replace("K", str(power)) + " + exp(y)", A=A * torch.sign(A @ w))
    assert (found == Status.FAILED).all()


@pytest.mark.parametrize("power", [3, 4, 5])
@pytest.mark.parametrize("start", [-7, 5, 50, 1e3])
def test_one_hinge_from_either_side(power, start):
    assert statuses(f"var x : R, start({start}); minimize pos(x - 1)^{power}") == Status.SOLVED


def test_a_slope_that_one_small_step_only_divides_is_none():
    """At |x| = 2e9 the slope of exp(B x) = 1e19 is small beside its curvature times x; f(0) is 6, and f is convex."""
    text = "dim m, n; param A : R^(m,n); param b : R^n; var x : R^n; minimize sum(pos(1 - A*x).^3) + exp(b'*x)"
    A = [
        [-0.8020565305650436, -0.4891527946649691, 1.5218327224492987],
        [1.3357334158808714, 2.0081307162790014, 0.7083387711776987],
        [-1.1616605126727748, -0.5648703719125046, 0.9371607876248631],
        [0.8554796689585851, 0.10958166261405712, 1.4706870942168657],
        [-0.46737447339934723, 0.7173538210120624, 0.2199986016777916],
    ]
    b = [-0.556660455980214, 1.6390710061949587, 0.5034395918762424]
    layer = declarative.compile(declarative.parse(text, name="far"), backend="kkt", on_failure="mask")
    solution = layer.solve(torch.tensor(A, dtype=torch.float64), torch.tensor(b, dtype=torch.float64))
    assert int(solution.status) == Status.FAILED or 0 <= float(solution.value) < 6


@pytest.mark.parametrize("c", [-1.0, 0.3, 1.0, 2.0])
@pytest.mark.parametrize("power", [3, 5])
def test_a_hinge_at_rest_is_no_saddle(c, power):
    """t^3 has its minimum at 0, where t >= 0 holds it, though with no multiplier."""
    program = smooth_program(
        2,
        lambda v, t: v[1] ** power + (v[0] - t[0][:, 0]) ** 2,
        inequalities=lambda v, t: [v[0] - t[0][:, 0] - v[1]],
        lower=[-torch.inf, 0.0],
    )
    result = solve(program, (tensor([[c]]),), tensor([[1.0, 0.0]]))
    assert (result.status == Status.SOLVED).all() and result.minimum.all()


def test_a_plateau_above_the_start_is_no_minimum():
    """Problem 57: beyond x2 = 400 the exponentials are 0, and the objective is a little more than at the start's x2."""
    path = Path(__file__).parents[2] / "hock_schittkowski" / "hs057.opt"
    solution = declarative.compile(path, on_failure="mask").solve()
    assert solution.status == Status.FAILED and "on the way to infinity" in solution.messages[()]


def test_no_item_is_solved_because_of_another():
    """Units of a point that had gone far were kept for another that was reached from there, where nothing counts in
    them, as soon as some item's curvature had vanished: f was 23, and its least value is 0.
    """
    generator = torch.Generator().manual_seed(0)
    A, w = (torch.randn(40, *k, generator=generator, dtype=torch.float64) for k in ((20, 3), (3, 1)))
    A = A * torch.sign(A @ w)
    layer = declarative.compile(
        declarative.parse(HINGES.replace("K", "4"), name="hinge"), backend="kkt", on_failure="mask"
    )
    together = layer.solve(A)
    alone = layer.solve(A[11])
    assert alone.solved and together.solved[11]
    assert together.value[11] == pytest.approx(alone.value.item(), abs=1e-12)
