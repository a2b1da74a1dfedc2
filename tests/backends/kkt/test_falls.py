"""What falls without end is told from what has a minimum far away, and from what falls towards a limit."""

import pytest
import torch

import declarative
from declarative import Status


def statuses(text: str, **values) -> list[int]:
    layer = declarative.compile(declarative.parse(text, name="falls"), backend="kkt", on_failure="mask")
    return layer.solve(
        **{name: torch.as_tensor(value, dtype=torch.float64) for name, value in values.items()}
    ).status.tolist()


SIZES = [1e-9, 1e-6, 1e-3, 1.0, 1e3, 1e6, 1e9]
CURVED = "param Q : S^2; param c : R^2; var x : R^2; minimize quad(x, Q) + c'*x"
BOUNDED = CURVED + "; subject to; sum(x) >= -1; x[0] <= 5"


@pytest.mark.parametrize("size", SIZES)
def test_quadratics_in_a_batch_of_all_kinds(size):
    """A slope without curvature, negative curvature, indefinite, and two that have a minimum."""
    Q = [
        [[size, 0], [0, 0]],
        [[size, 0], [0, -size]],
        [[1, 2], [2, 1]],
        [[1, 1], [1, 1]],
        [[1, 0], [0, size]],
        [[1, 0], [0, 1]],
    ]
    c = [[size, size], [0, size], [1, 1], [size, -size], [1, 1], [size, 1]]
    assert statuses(CURVED, Q=Q, c=c) == [Status.UNBOUNDED] * 4 + [Status.SOLVED] * 2
    Q, c = [[[1, 1], [1, 1]], [[0, 0], [0, 0]], [[0, 0], [0, -1]]], [[size, -size], [size, size], [0, 0]]
    assert statuses(BOUNDED, Q=Q, c=c) == [Status.UNBOUNDED, Status.SOLVED, Status.UNBOUNDED]


@pytest.mark.parametrize(
    "text", ["a*x^3", "-a*x^2", "-a*exp(x)", "a*(x - exp(x))", "a*(exp(x) - exp(2*x))", "a*x*y", "a*(cos(x) - x^2)"]
)
def test_functions_that_fall_without_end(text):
    found = statuses(
        f"param a : R, pos; var x : R, start(1); var y : R, start(0.5); minimize {text} + a*y^2/9", a=SIZES
    )
    assert found == [Status.UNBOUNDED] * len(SIZES)


@pytest.mark.parametrize(
    "text", ["-a*atan(x)", "a/(1 + exp(x))", "a*sqrt(1 + x^2) - a*x", "-a*entr(x) - 50*a*x", "x - 20*log(x)*a/a"]
)
def test_functions_that_do_not(text):
    found = statuses(f"param a : R, pos; var x : R, start(1); minimize {text}", a=SIZES)
    assert Status.UNBOUNDED not in found and Status.INFEASIBLE not in found


@pytest.mark.parametrize("text", ["exp(s*x) + (x - y)^2", "exp(-s*x) + (x + y)^2", "(x - 3*y)^2 - tanh(s*x)"])
def test_a_limit_beside_a_square_that_has_no_rounding_there_is_one(text):
    """Far away along x = y the square is 0 exactly, however large x is."""
    found = statuses(f"param s : R; var x : R, start(0.1); var y : R, start(0.1); minimize {text}", s=[1e-9, 1e-6, 1.0])
    assert found == [Status.FAILED] * 3


@pytest.mark.parametrize("text", ["(x - y)^2 - s*x", "(x - 3*y)^2 - s*x"])
def test_a_fall_beside_a_square_without_end_is_one(text):
    found = statuses(f"param s : R, pos; var x : R, start(0.1); var y : R, start(0.1); minimize {text}", s=SIZES[:-1])
    assert found == [Status.UNBOUNDED] * 6


@pytest.mark.parametrize("text", ["1 + exp(s*x)", "5 - tanh(s*x)", "logsumexp([s*x, -s*x]) - s*x", "logistic(s*x) + 1"])
def test_a_limit_far_beyond_the_point_reached_is_one(text):
    """What falls as a line does from 0 to 1e9 may have a limit at 1e10."""
    found = statuses(f"param s : R; var x : R, start(0.1); minimize {text}", s=[1e-9, 1e-7, 1e-6, 1e-5, 1e-3, 1.0])
    assert found == [Status.FAILED] * 6


def test_constraints_end_the_way_beyond_the_point_reached():
    text = "param a : R, pos; var x : R; var y : R; minimize -a*x + a*exp(-y); subject to; y <= 3; x + exp(-x) <= 1e19"
    assert Status.UNBOUNDED not in statuses(text, a=[1e-3, 1.0, 1e3])


ALONG = ["logsumexp(x) - sum(x)/4", "-log(x[0]) - log(x[1]) + (x[0] - x[1])^2"]


@pytest.mark.parametrize("text", ALONG)
def test_a_slope_along_which_nothing_is_curved_has_no_minimum(text):
    """At 1e10 it is small beside the curvature across it, times x."""
    assert statuses(f"var x : R^2; minimize {text}") == Status.UNBOUNDED


@pytest.mark.parametrize("rows", [2, 3])
@pytest.mark.parametrize("constraint", ["", "; subject to; sum(x) == 1", "; subject to; x[0] <= 1"])
def test_a_greatest_of_linear_functions_has_a_minimum_or_falls(rows, constraint):
    """log(sum(exp(A x))) beside max(A x), for which a linear program tells."""
    A = torch.randn(40, rows, 2, generator=torch.Generator().manual_seed(rows), dtype=torch.float64)
    text = f"dim m, n; param A : R^(m,n); var x : R^n; minimize OF(A*x){constraint}"
    found = statuses(text.replace("OF", "logsumexp"), A=A)
    layer = declarative.compile(declarative.parse(text.replace("OF", "max"), name="max"), on_failure="mask")
    linear = layer.solve(A).status.tolist()
    missed = 2 if rows == 2 and not constraint else 0
    assert found.count(Status.UNBOUNDED) >= linear.count(Status.UNBOUNDED) - missed > 0
    for status, true in zip(found, linear, strict=True):
        assert status == true or (status == Status.FAILED and true != Status.SOLVED)


def test_minima_far_away_are_found():
    """At -log(s) and 1/s."""
    text = "param s : R, pos; var x : R; var y : R, start(1); minimize exp(-x) + s*x - log(y) + s*y"
    s = [1.0, 1e-3, 1e-6, 1e-9]
    layer = declarative.compile(declarative.parse(text, name="far"), backend="kkt")
    solution = layer.solve(torch.tensor(s, dtype=torch.float64))
    assert torch.allclose(solution["y"] * torch.tensor(s, dtype=torch.float64), torch.ones(4, dtype=torch.float64))


@pytest.mark.parametrize("sizes", [(2, 3), (2, 4), (3, 6)])
@pytest.mark.parametrize("side", [0.0, 1.0])
def test_rounding_makes_no_fall_of_a_flat_valley(sizes, side):
    """F'F is singular, so that x'F'Fx along its null space is -1e-17 |x|^2, or 1e-17 |x|^2; nothing says `psd`."""
    generator = torch.Generator().manual_seed(0)
    F = torch.randn(300, *sizes, generator=generator, dtype=torch.float64)
    P = F.mT @ F
    q = side * (P @ torch.randn(300, sizes[1], 1, generator=generator, dtype=torch.float64))[..., 0]
    text = (
        "dim n; param P : S^n; param q : R^n; var x : R^n, start(1); minimize quad(x, P) + q'*x; subject to; x <= 1e3"
    )
    assert set(statuses(text, P=P, q=q)) == {Status.SOLVED}


@pytest.mark.parametrize("sizes", [(6, 2, 3), (4, 1, 2), (8, 2, 4)])
def test_a_valley_across_which_the_way_led_down(sizes):
    """Steps that rounding makes lead far along the null space; beyond, the sum of squares rises as it fell before."""
    (n, r, m), generator = sizes, torch.Generator().manual_seed(0)
    B, b, A = (torch.randn(30, *k, generator=generator, dtype=torch.float64) for k in ((r, n), (r,), (m, n)))
    text = "dim m, n, r; param A : R^(m,n); param B : R^(r,n); param b : R^r; var x : R^n"
    found = statuses(text + "; minimize sumsq(B*x - b) + sum(exp(A*x) - 1e-9*A*x)", A=A, B=B, b=b)
    assert Status.UNBOUNDED not in found and found.count(Status.SOLVED) >= 28


def test_what_is_flat_beside_the_edge_of_a_domain_is_no_minimum_far_above_the_start():
    """Near y = t = 0 the curvature of y'y/t is 1e32, beside which nothing else is curved, wherever that is."""
    generator = torch.Generator().manual_seed(1)
    sizes = {"A": (4, 4), "b": (4,), "C": (2, 4), "d": (2,), "q": (4,)}
    data = {name: torch.randn(100, *k, generator=generator, dtype=torch.float64) for name, k in sizes.items()}
    data["q"] = 0.3 * data["q"]
    declared = "dim n, m, k; param A : R^(m,n); param b : R^m; param C : R^(k,n); param d : R^k; param q : R^n"
    objective = "2*sum(softplus(A*x + b)) + 2*quad_over_lin(C*x - d, 3 + x[0]) + q'*x"
    problem = declarative.parse(f"{declared}; var x : R^n; minimize {objective}")
    found, known = (declarative.compile(problem, backend=b, on_failure="mask").solve(**data) for b in ("kkt", "cone"))
    assert found.solved.sum() > 50 and not (found.solved & ~known.solved).any()
    torch.testing.assert_close(found.value[found.solved], known.value[found.solved], rtol=1e-9, atol=1e-9)
