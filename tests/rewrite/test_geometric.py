"""Geometric programs to convex ones, as texts; what is nearly one; duals, statuses and a bad item on the way back."""

import numpy as np
import pytest
import torch

import declarative
from declarative.analysis.classify import classify
from declarative.analysis.near_geometric import geometric_remarks
from declarative.backends.geometric import BEYOND, VANISHES
from declarative.rewrite.geometric import to_log_problem

DECLARATIONS = (
    "dim n\nparam c : R\nparam d : R, nonneg\nparam a : R, pos\nvar x : R, pos\nvar y : R, pos\nvar z : R^n, pos\n"
)


def _problem(text: str):
    return declarative.parse(text, name="program")


def _double(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


# --- before and after ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before, after",
    [
        ("minimize a*x/y + y^2", "minimize logsumexp([log(a) + log(x) - log(y), 2*log(y)])"),
        ("maximize a*x*y - 3", "maximize log(a) + log(x) + log(y)"),
        ("minimize 2 - x*sqrt(y)", "maximize log(x) + 0.5*log(y)"),
        ("minimize max(x, 1/y)*y", "minimize max(log(x), log(1) - log(y)) + log(y)"),
        ("minimize norm(z)/x", "minimize 0.5*logsumexp(2*log(z)) - log(x)"),
        ("maximize x/sum(z[i]*x for i in n)", "maximize log(x) - logsumexp(log(z)[i] + log(x) for i in n)"),
    ],
)
def test_objectives(before, after):
    found = to_log_problem(_problem(DECLARATIONS + before))
    assert found is not None and found.log[1].removeprefix("objective: ") == f"`{after}`"


@pytest.mark.parametrize(
    "before, after",
    [
        ("x*y - a <= 0", "log(x) + log(y) <= log(a)"),
        ("a <= x*y", "log(a) <= log(x) + log(y)"),
        ("1 - x/y >= a*x", "logsumexp([log(a) + log(x), log(x) - log(y)]) <= log(1)"),
        ("x*y == 2*a", "log(x) + log(y) == log(2*a)"),
        ("z.*z >= x", "log(x) <= log(z) + log(z)"),
        ("x*y + 3 >= 4", "log(1) <= log(x) + log(y)"),
        ("a <= log(y)*x", "log(a) <= log(log(y)) + log(x)"),
        ("0 >= exp(y/x) - log(x)", "exp(log(y) - log(x)) <= log(log(x))"),
        ("1 + x*y <= 3 - y", "logsumexp([log(x) + log(y), log(y)]) <= log(2)"),
    ],
)
def test_rows(before, after):
    found = to_log_problem(_problem(f"{DECLARATIONS}minimize x*y/a\nsubject to\n  row: {before}"))
    assert found is not None and found.log[2] == f"`row`: `{after}`"


def test_explain_tells_the_transformation():
    lines = declarative.compile(_problem(f"{DECLARATIONS}minimize x*y\nsubject to\n  low: x^2*y >= a")).explain()
    assert "program: geometric program" in lines
    assert "a geometric program, convex in the logarithms of `x`, `y`, `z`" in lines
    assert "`low`: `log(a) <= 2*log(x) + log(y)`" in lines


# --- what is one, and what is not ------------------------------------------------------------------


@pytest.mark.parametrize(
    "body, kind",
    [
        ("minimize x + a/x", "exponential cone program"),  # convex as it stands
        ("minimize x + y\nsubject to\n  x + 2*y >= 1", "linear program"),
        ("minimize x*y + 1/x", "geometric program"),
        ("minimize x*y - x", "quadratic program, not known to be convex"),
    ],
)
def test_what_is_convex_already_stays_as_it_is(body, kind):
    problem = _problem(DECLARATIONS + body)
    assert classify(problem).text in (kind, kind.replace("exponential", "second-order"))
    remarks = declarative.compile(problem, backend="kkt").explain()
    assert ("in the logarithms" in remarks) == (kind == "geometric program")


@pytest.mark.parametrize(
    "bound", ["x >= a", "x >= 0.5", "a <= x", "x >= 2*a^2"], ids=lambda text: text.replace(" ", "")
)
def test_a_bound_above_zero_makes_a_variable_positive(bound):
    body = f"param a : R, pos; var x : R; var y : R, pos; minimize x*y + 1/y\nsubject to\n  low: {bound}"
    assert classify(_problem(body)).text == "geometric program"


@pytest.mark.parametrize("bound", ["z[i] >= 1 for i in n", "z >= 1"])
def test_a_bound_on_every_entry_makes_a_family_positive(bound):
    body = f"dim n; var z : R^n; minimize prod(z[i] for i in n)\nsubject to\n  low: {bound}"
    assert classify(_problem(body)).text == "geometric program"
    assert (
        classify(_problem(body.replace("in n", "in n if i > 0").replace("z >=", "z[0] >="))).text != "geometric program"
    )


REMARKS = [
    ("minimize x*y\nsubject to\n  d*x*y >= 1", "d", "nothing says that `d` is positive"),
    ("minimize x*(y - a) + 1/x", "a", "`a` is subtracted here; a geometric program adds positive terms only"),
    ("minimize x/(x + y) + c*y", "c", "nothing says that `c` is positive"),
    ("minimize x*y + sin(x)", "sin(x)", "`sin` is no function of geometric programs"),
    (
        "maximize x*y + x",
        "x*y + x",
        "`x*y + x` is log-log convex, as a sum of monomials is; a log-log concave expression, such as a monomial, is "
        "needed here",
    ),
    (
        "minimize x*y\nsubject to\n  x + y == 3",
        "x + y",
        "`x + y` is log-log convex, as a sum of monomials is; a monomial, a product of powers, is needed here",
    ),
    (
        "minimize x*y\nsubject to\n  1/x + x + y <= 0",
        "1/x + x + y <= 0",
        "what is positive is never 0 or less, so this holds for no positive variables",
    ),
    ("minimize -2*x*y + x^2", "-2", "`-2` is negative; a geometric program has positive coefficients only"),
    ("minimize x/log(y) + y/x", "log(y)", "nothing says that `log(y)` is positive"),
    ("minimize x*y\nsubject to\n  log(x)*log(y) >= a", "log(x)", "nothing says that `log(x)` is positive"),
    ("minimize x*y\nsubject to\n  a/log(x) <= log(y)", "log(x)", "nothing says that `log(x)` is positive"),
    ("minimize x*y\nsubject to\n  log(y)*log(x)^2 >= a", "log(x)", "nothing says that `log(x)` is positive"),
    ("minimize x^2 - x*y", "x*y", "`x*y` is subtracted here; a geometric program adds positive terms only"),
    (
        "minimize sum(z)/x\nsubject to\n  norm(z) >= 1",
        "norm(z)",
        "`norm(z)` is log-log convex, as a sum of monomials is; a log-log concave expression, such as a monomial, is "
        "needed here",
    ),
]


@pytest.mark.parametrize("body, culprit, message", REMARKS, ids=[body.split("\n")[-1] for body, _, _ in REMARKS])
def test_what_is_nearly_one_is_told_the_culprit(body, culprit, message):
    (found,) = geometric_remarks(_problem(DECLARATIONS + body))
    assert (found.code, found.message) == ("D112", message)
    assert found.span is not None and found.span.text == culprit


def test_a_variable_that_may_be_zero():
    (found,) = geometric_remarks(_problem("var x : R, nonneg; var y : R, pos; minimize 1/(x*y) + x"))
    assert found.message == "`x` may be 0; in a geometric program every variable is positive"
    assert found.hints == ("declare `x` with the attribute `pos`, if it is",)


SHARES = "dim n; param mu : R^n; param S : S^n; var w : R^n, {}; maximize mu'*w - quad(w, S)\nsubject to\n  {}"


@pytest.mark.parametrize(("attribute", "row"), [("simplex", "w <= 0.5"), ("nonneg", "sum(w) == 1")])
def test_where_something_stays_in_the_way_no_declaration_is_advised(attribute, row):
    assert geometric_remarks(_problem(SHARES.format(attribute, row))) == []


def test_several_declarations_that_help_are_all_advised():
    text = "param a : R; param b : R; var x : R, pos; var y : R, pos; minimize a*x*y + 1/x\nsubject to\n  x*y + y <= b"
    found = geometric_remarks(_problem(text))
    assert [remark.hints for remark in found] == [
        ("declare `a` with the attribute `pos`, if it is",),
        ("declare `b` with the attribute `pos`, if it is",),
    ]


def test_programs_of_variables_of_any_sign_are_no_geometric_ones():
    assert geometric_remarks(_problem("var x : R; var y : R; minimize x*y + x")) == []


# --- what comes back -------------------------------------------------------------------------------

PERTURBED = """
param low : R, pos; param top : R, pos; param same : R, pos; param hi : R^2, pos; param side : R, pos
var x : R^2, pos; var y : R, between(0.3, side)
minimize y/x[0] + 2/(x[1]*sqrt(y)) - 1
subject to
  upper: x[0]^2 + x[1]*y <= top
  lower: y*x[1]^2 >= low
  equal: x[0]*x[1] == same
  each: x[i]/y^(i+1) <= hi[i] for i in 2
"""


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_duals_are_the_sensitivities_of_the_value(backend):
    """L = f + lambda'(lhs - rhs): a right side that grows by 1 lowers the value by lambda, for >= it raises it."""
    data = {"low": _double(1.79, 1.9, 1.5, 0.22), "top": _double(3.68, 7.81, 7.53, 1.17)}
    data |= {"same": _double(0.58, 1.61, 0.73, 0.65), "side": _double(1.94, 1.19, 2.15, 2.43)}
    data["hi"] = _double(3.22, 3.56, 1.85, 0.92, 0.36, 3.28, 3.05, 2.32).reshape(4, 2)
    inputs = {n: t.requires_grad_() for n, t in data.items()}
    found = declarative.compile(_problem(PERTURBED), backend=backend).solve(**inputs)
    assert found.status.tolist() == [0, 0, 0, 0]
    found.value.sum().backward()
    for name, dual, sign in [("top", "upper", -1), ("low", "lower", 1), ("same", "equal", -1), ("hi", "each", -1)]:
        assert torch.allclose(found.duals[dual], sign * inputs[name].grad, rtol=1e-7, atol=1e-9), name
    assert torch.allclose(found.duals["y.upper"], -inputs["side"].grad, rtol=1e-7, atol=1e-9)
    active = torch.cat([found.duals[n].reshape(4, -1) for n in ("upper", "lower", "each", "y.upper")], 1) > 1e-6
    assert active.any(0).all()  # every row binds in some item
    assert (found.duals["x.lower"] == 0).all() and found.duals["x.lower"].shape == (4, 2)


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_statuses_and_a_batch_with_bad_items(backend):
    """min a/(x y) + x y over x y <= u, x y >= l: infeasible for l > u; the others are what they would be alone."""
    text = """
    param a : R, pos; param u : R, pos; param l : R, pos
    var x : R, pos; var y : R, pos
    minimize a/(x*y) + x*y
    subject to
      upper: x*y <= u
      lower: x*y >= l
      tie: x == y
    """
    layer = declarative.compile(_problem(text), backend=backend, on_failure="mask")
    a, u, l = (
        t.requires_grad_() for t in (_double(4.0, 4.0, 4.0, torch.nan), _double(1.0, 1.0, 9.0, 1.0), _double(0.1))
    )
    lower = torch.cat([l, 2 * l.detach() + 1.8, l, l])
    found = layer.solve(a, u, lower)
    assert found.status.tolist() == [0, 2, 0, 4]
    assert "`upper`" in found.messages[1,] and "`lower`" in found.messages[1,]
    assert found.value[[0, 2]].tolist() == pytest.approx([5.0, 4.0], rel=1e-9)
    assert found.value[[1, 3]].isnan().all() and found.x[[1, 3]].isnan().all()
    (found.value[[0, 2]].sum() + found.x[[0, 2]].sum()).backward()
    # item 0: x y = u, the value a/u + u; item 2: x y = sqrt(a), the value 2 sqrt(a), x = a^(1/4)
    assert a.grad[[0, 2]].tolist() == pytest.approx([1.0, 0.5 + 4**-0.75 / 4], rel=1e-8)
    assert u.grad[[0, 2]].tolist() == pytest.approx([1 - 4 + 0.5, 0.0], rel=1e-8, abs=1e-9)
    assert a.grad[[1, 3]].tolist() == [0, 0] and u.grad[[1, 3]].tolist() == [0, 0] and l.grad.tolist() == [0]


@pytest.mark.parametrize("backend", ["auto", "cone"])
@pytest.mark.parametrize(
    "objective, message",
    [("maximize x*y", ""), ("minimize 1/(x*y)", VANISHES), ("minimize y/x + 1/(x*y)", VANISHES)],
)
def test_unbounded(objective, message, backend):
    text = f"param a : R, pos; var x : R, pos; var y : R, pos; {objective}\nsubject to\n  row: y/sqrt(x) <= a"
    found = declarative.compile(_problem(text), backend=backend, on_failure="mask").solve(_double(1.0, 2.0))
    assert found.status.tolist() == [3, 3]
    assert all(message in text for text in found.messages.values())


def test_kkt_alone_proves_no_sum_unbounded():
    text = "param a : R, pos; var x : R, pos; var y : R, pos; minimize y/x + a/(x*y)"
    found = declarative.compile(_problem(text), backend="kkt", on_failure="mask").solve(_double(1.0, 2.0))
    assert found.status.tolist() == [4, 4] and set(found.messages.values()) == {BEYOND}


def test_a_program_without_a_least_value_is_not_called_infeasible():
    """x = 1 nearly satisfies the row, yet the way to ever smaller values leads through points that do not."""
    text = """
    param c : R^2, pos; param a : R^2, pos
    var x : R^4, pos
    minimize c[0]*x[0]^2*x[2]^2/x[3]^2 + c[1]*x[0]^2*x[1]^2*x[2]^2/x[3]^2
    subject to
      row: a[0]*x[0]*x[3]^2/x[2]^2 + a[1]*x[0]^2*x[1]^2*x[2]/x[3]^2 <= 1
    """
    c, a = _double(0.324, 2.604), _double(0.7666, 0.5963)
    assert declarative.compile(_problem(text), on_failure="mask").solve(c, a).status.item() == 3
    assert declarative.compile(_problem(text), backend="kkt", on_failure="mask").solve(c, a).status.item() in (3, 4)


def test_a_variable_that_nothing_bounds_from_above_stays_a_number():
    """y >= x^2 + 1/x is all that is asked of y."""
    text = "param a : R, pos; var x : R, pos; var y : R, pos; minimize x*a + 1/x\nsubject to\n  loose: y >= x^2 + 1/x"
    found = declarative.compile(_problem(text + "\n  idle: x*y >= 0.1")).solve(_double(4.0))
    assert found.x.item() == pytest.approx(0.5, rel=1e-9) and found.nonunique.item() and found.y.isfinite()


def test_rows_that_bind_nothing_come_back_as_zeros():
    """A positive expression is at least 0 without being told."""
    text = "dim n; param c : R^n, pos; var z : R^n, pos; minimize sum(z)/prod(z[i] for i in n)^(1/2)\n"
    text += "subject to\n  idle: z[i]*z[0] >= 0 for i in n if i > 0\n  cap: z <= c"
    found = declarative.compile(_problem(text)).solve(c=_double(1.0, 2.0, 3.0))
    assert found.duals["idle"].tolist() == [0.0, 0.0, 0.0] and found.status.item() == 0


def test_coefficients_may_be_zero():
    """min sum_i x_i + 1/prod(x) over c'x <= 1; the gradient in an entry of c that is 0 is that of its neighbours."""
    text = """
    dim n
    param c : R^n, nonneg
    const E : R^(n,n), binary
    var x : R^n, pos
    minimize sum(x) + 1/prod(x[i] for i in n)
    subject to
      cap: sum(c[i]*x[i] for i in n) <= 1
      pairs: (E*x)[i] <= 4 for i in n
    """
    E = torch.tensor([[0.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    layer = declarative.compile(_problem(text), consts={"E": E})
    assert classify(layer.problem).text == "geometric program"
    c = torch.tensor([[0.0, 2.0, 0.0], [3.0, 0.0, 0.5]], dtype=torch.float64, requires_grad=True)
    found = layer.solve(c)
    assert found.status.tolist() == [0, 0]
    # item 0: x1 = 1/2, and x0 = x2 = t with t^3 = 2
    assert found.x[0].tolist() == pytest.approx([2 ** (1 / 3), 0.5, 2 ** (1 / 3)], rel=1e-9)
    (slope,) = torch.autograd.grad(found.value.sum(), c, retain_graph=True)
    assert torch.allclose(slope, found.duals["cap"][:, None] * found.x, rtol=1e-8)
    move = torch.tensor([[1.0, 0.5, 0.3], [0.2, 1.0, -0.7]], dtype=torch.float64)
    weights = torch.tensor([0.3, -1.0, 0.7], dtype=torch.float64)
    (slope,) = torch.autograd.grad((found.x @ weights).sum(), c)
    with torch.no_grad():  # one-sided, of order three: entries that are 0 cannot fall
        values = [layer.solve(c + h * move).x @ weights for h in (0.0, 1e-4, 2e-4, 3e-4)]
    expected = (-11 * values[0] + 18 * values[1] - 9 * values[2] + 2 * values[3]) / 6e-4
    assert (slope * move).sum(1).tolist() == pytest.approx(expected.tolist(), rel=1e-6)
    with pytest.raises(declarative.DiagnosticError, match="and the cone backend needs its logarithm"):
        declarative.compile(_problem(text), backend="cone", consts={"E": E})


def test_a_start_and_a_warm_start():
    text = "param a : R, pos; var x : R, pos, start(a); var y : R, pos, start(-1); minimize x*y + a/x + 1/y"
    layer = declarative.compile(_problem(text))
    a = _double(2.0, 5.0)
    cold = layer.solve(a)
    warm = layer.solve(a, warm=cold)
    assert warm.value.tolist() == pytest.approx((3 * a ** (1 / 3)).tolist(), rel=1e-9)
    assert (warm.iterations <= cold.iterations).all()


def test_second_derivatives_and_forward_mode():
    """The value is 3 (a b)^(1/3), x = (a^2/b)^(1/3)."""
    layer = declarative.compile(
        _problem("param a : R, pos; param b : R, pos; var x : R, pos; var y : R, pos\nminimize x*y + a/x + b/y")
    )
    a, b = _double(2.0).requires_grad_(), _double(3.0).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: layer.solve(a, b).x, (a, b))
    assert torch.autograd.gradgradcheck(lambda a, b: layer.solve(a, b).value, (a, b))
    _, moved = torch.func.jvp(
        lambda a: layer.solve(a, b.detach()).x, (a.detach(),), (torch.ones(1, dtype=torch.float64),)
    )
    assert moved.item() == pytest.approx(2 / 3 * (2**2 / 3) ** (1 / 3) / 2, rel=1e-8)


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1e3, 1e9])
@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_units_do_not_matter(scale, backend):
    """Logarithms turn units into shifts: min w*h, w h^2 >= s^3, h <= r*w."""
    text = "param s : R, pos; param r : R, pos; var w : R, pos; var h : R, pos; minimize w*h\n"
    text += "subject to\n  firm: w*h^2 >= s^3\n  slim: h <= r*w"
    s = _double(scale)
    found = declarative.compile(_problem(text), backend=backend).solve(s, _double(2.0))
    w = (s**3 / 4) ** (1 / 3)
    assert found.status.item() == 0
    assert found.w.item() == pytest.approx(w.item(), rel=1e-8)
    assert found.value.item() == pytest.approx(2 * w.item() ** 2, rel=1e-8)


def test_against_brute_force_on_random_monomials():
    """min c x^p y^q s.t. two posynomials: the optimum of a fine grid, in logarithms, is no better and close."""
    make = np.random.default_rng(0)
    k = make.uniform(0.5, 2, (2, 2))
    text = "param k : R^(2,2), pos; var x : R, pos; var y : R, pos; minimize 1/(x*y^1.5)\nsubject to\n"
    text += "  one: k[0,0]*x*y^0.5 + k[0,1]*y <= 1\n  two: k[1,0]*x^2 + k[1,1]*x/y <= 3"
    found = declarative.compile(_problem(text)).solve(torch.tensor(k))
    x, y = np.meshgrid(*np.exp(np.linspace(-3, 2, 1500))[None].repeat(2, 0))
    fits = (k[0, 0] * x * y**0.5 + k[0, 1] * y <= 1) & (k[1, 0] * x**2 + k[1, 1] * x / y <= 3)
    least = (1 / (x * y**1.5))[fits].min()
    assert found.value.item() <= least <= found.value.item() * 1.01


def test_the_report_names_the_rows_of_the_user_only():
    text = "param a : R, pos; var x : R, pos; var y : R, pos; minimize x + a/y; subject to; k: x*y == 1; top: y <= 1"
    layer = declarative.compile(_problem(text), backend="kkt")
    report = layer.solve(torch.tensor(4.0, dtype=torch.float64)).report
    assert {name: bool(holds) for name, holds in report.active.items()} == {
        "x.lower": False, "y.lower": False, "k": True, "top": True,
    }  # fmt: skip
