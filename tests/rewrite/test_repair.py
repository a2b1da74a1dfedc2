"""Problems that become convex when they are rewritten: what is said of them, and that the cone backend solves them."""

import pytest
import torch
from layer.cases import EXAMPLES
from rewrite.equivalent_forms import DECLARATIONS

import declarative
from declarative import parse
from declarative.rewrite import repair as repairs
from declarative.rewrite.equivalents import to_equivalents
from declarative.rewrite.repair import no_backend, repair

CONSTRAINTS = """
subject to
  total: sum(x) + s >= c
  box: -2 <= x <= 2
  range: -3 <= s <= 3
  top: t <= 5
  least: a*sum(p) + t >= 2
return x, s, t, p, value, total.dual, box.lower.dual, range.upper.dual, top.dual, least.dual
"""
REGULAR = " + 0.01*sumsq(x) + 0.01*s^2 + 0.02*(t - 1)^2 + 0.01*sumsq(p)"
DATA = {
    "A": [[1.0, 0.3, -0.2], [0.4, -1.1, 0.6], [0.2, 0.5, 0.9], [-0.7, 0.1, 0.8]],
    "b": [0.5, -1.0, 2.0, 0.3],
    "c": 0.7,
    "a": 1.3,
    "w": [0.4, 1.1, 0.8],
}


def outputs_and_gradients(objective, backend, constraints=CONSTRAINTS):
    """Every output, and the gradients of the value and of a sum of the others with fixed weights."""
    layer = declarative.compile(parse(DECLARATIONS + f"minimize {objective}{constraints}"), backend=backend)
    data = {name: torch.tensor(v, dtype=torch.float64, requires_grad=True) for name, v in DATA.items()}
    results = layer(d=torch.tensor(0.5), **data)
    weighted = sum(((1 + k) * r).sum() for k, r in enumerate(results))
    gradients = torch.autograd.grad(weighted, list(data.values()), allow_unused=True)
    return [r.detach() for r in results], [torch.zeros(()) if g is None else g for g in gradients]


@pytest.mark.parametrize(
    "text, fix",
    [
        ("sqrt(sumsq(A*x - b)) + a^2*(sqrt(1 + (s/a)^2) - 1)", "norm(A*x - b) + a*norm([a, s]) - a^2"),
        ("sumsq(A*x - b)^0.75 + sum(sqrt(1 + (x - c).^2))", "norm(A*x - b)^1.5 + sum(norm([1, x[i] - c]) for i in n)"),
        ("log(w'*exp(x)) + log(1 + exp(s))", "logsumexp(x + log(w)) + logistic(s)"),
        (
            "c^2*t*log(t) + p'*log(p./w) + (s^2 + 1)/(t + 1)",
            "c^2*xlogx(t) + sum(rel_entr(p, w)) + quad_over_lin([s, 1], t + 1)",
        ),
        ("t*sqrt(t) + max(a*exp(s)/exp(t), sqrt(1 + s^2))", "t^1.5 + max(a*exp(s - t), norm([1, s]))"),
    ],
)
def test_outputs_duals_and_gradients_are_those_of_the_fix(text, fix):
    found, gradients = outputs_and_gradients(text + REGULAR, "cone")
    wanted, right = outputs_and_gradients(fix + REGULAR, "cone")
    for one, other in zip([*found, *gradients], [*wanted, *right], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-8)


def test_products_of_params_are_computed_before_solving():
    """What CVXPY's rules for params refuse: a product of two, one over a param, exp of one; against plain data."""
    head = "dim n\nparam w : R^n\nvar x : R^n\nvar s : R\n"
    tail = " + sumsq(x - w) + s^2 + norm(x)\nsubject to\n  {row}\nreturn x, s, value, cap.dual"
    taken = f"param c : R\nparam a : R, pos\n{head}minimize c*a*s + exp(c)*a*sum(x){tail}"
    plain = f"param k : R\nparam l : R\nparam m : R\n{head}minimize k*s + l*sum(x){tail}"
    ours = declarative.compile(parse(taken.format(row="cap: w'*x/a + c*(a*s) <= 0.3")), backend="cone")
    theirs = declarative.compile(parse(plain.format(row="cap: m*(w'*x) + k*s <= 0.3")), backend="cone")
    c, a, w = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (-0.7, 1.3, [0.4, 1.1, 0.8]))
    results = []
    for outputs in (ours(c, a, w), theirs(c * a, c.exp() * a, 1 / a, w)):
        weighted = sum(((1 + k) * o).sum() for k, o in enumerate(outputs))
        results.append([*outputs, *torch.autograd.grad(weighted, (c, a, w))])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
    assert "computed from the data before solving" in ours.explain()


def test_a_repair_in_a_constraint_keeps_the_dual():
    limits = [f"\nsubject to\n  size: {size} <= a\n  near: x >= 0.1\nreturn x, size.dual" for size in SIZES]
    (x, dual), gradients = outputs_and_gradients("b[0]*sum(x) - w'*x", "cone", limits[0])
    (y, right), wanted = outputs_and_gradients("b[0]*sum(x) - w'*x", "cone", limits[1])
    for one, other in zip([x, dual, *gradients], [y, right, *wanted], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-8)
    assert dual > 0.1


SIZES = ("sqrt(c^2 + sumsq(x))", "norm([c, x])")


def test_the_written_out_pseudo_huber_pools_on_either_backend():
    x = torch.tensor([-1.0, 0.2, 0.4, 7.0], dtype=torch.float64, requires_grad=True)
    d = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    results = []
    for backend in ("kkt", "cone"):
        y = declarative.compile(EXAMPLES / "robust_pool.opt", backend=backend)(x, d)
        results.append([y, *torch.autograd.grad(y, (x, d))])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def test_the_class_says_after_what_it_is_convex():
    after = "smooth program, convex after `sqrt(1 + s^2)` is written as `norm`"
    assert repair(parse(DECLARATIONS + "minimize sqrt(1 + s^2)")).text == after
    assert repair(parse(DECLARATIONS + "minimize sqrt(1 + s^2) + t*log(t)")).text == after + " and 1 more"
    both = repair(parse(DECLARATIONS + "minimize sqrt(1 + s^2) + norm(x)"))
    assert both.text == "second-order cone program, convex after `sqrt(1 + s^2)` is written as `norm`"
    assert repair(parse(DECLARATIONS + "minimize s*t")).text == "quadratic program, not known to be convex"


def test_the_class_shows_the_ends_of_a_long_expression():
    terms = " + ".join(f"exp({k}*s)" for k in range(1, 400))
    found = repair(parse(DECLARATIONS + f"minimize log({terms})"))
    assert found.found.convex
    assert found.text.startswith("smooth program, convex after `log(exp(1*s) + exp(2*s) + ")
    assert found.text.endswith(" + exp(398*s) + exp(399*s))` is written as `logsumexp`") and len(found.text) < 200


def test_the_search_for_a_repair_ends_at_what_is_beyond_it(monkeypatch):
    tried = []
    monkeypatch.setattr(
        repairs, "to_equivalents", lambda root, *done: tried.append(root) or to_equivalents(root, *done)
    )
    terms = " + ".join(f"sqrt({k} + s^2)" for k in range(1, 100))
    products = " + ".join(f"{k}*s*t" for k in range(1, 100))
    found = repair(parse(DECLARATIONS + f"minimize {terms}\nsubject to\n  sin(s) <= t"))
    assert not found.found.convex and found.problem.constraints and len(tried) == 1
    tried.clear()
    assert not repair(parse(DECLARATIONS + f"minimize {products} + s^2")).found.convex and len(tried) == 1
    tried.clear()
    assert repair(parse(DECLARATIONS + f"minimize {terms}")).found.convex and len(tried) == 2  # one of them, and all


def test_smooth_programs_stay_with_kkt_and_the_rewrite_is_of_cone_alone():
    layer = declarative.compile(parse(DECLARATIONS + "minimize sqrt(1 + s^2)"))
    assert layer.backend == "kkt"
    lines = layer.explain().splitlines()
    assert "  `sqrt(1 + s^2)` is written as `norm`" in lines[lines.index("cone: takes it") :]


def test_where_kinks_bar_kkt_the_rewrite_makes_the_problem_solvable():
    problem = parse(DECLARATIONS + "minimize sqrt(1 + s^2) + norm(x - w)")
    assert no_backend(problem) == []
    assert declarative.compile(problem).backend == "cone"


def test_where_both_backends_refuse_both_reasons_are_told():
    (left,) = no_backend(parse(DECLARATIONS + "minimize norm(x) - s^2\nsubject to\n  (s, x) in SOC"))
    assert left.message == "`s^2` is convex, a concave expression is needed here"
    line = parse(DECLARATIONS + "minimize s").objective.origin.line
    assert left.notes[-2:] == (
        "the kkt backend needs no convexity, but `norm` has a kink that linear constraints cannot describe"
        f" (line {line})",
        f"the kkt backend needs no convexity, but takes no membership in `SOC` (line {line + 2})",
    )


def test_only_what_is_still_in_the_way_is_told():
    (left,) = no_backend(parse(DECLARATIONS + "minimize sqrt(1 + s^2) + norm(x) + s*t"))
    assert (left.code, left.span.text) == ("D103", "s*t")
    (left,) = no_backend(parse(DECLARATIONS + "maximize log(sum(exp(x))) - norm(x)"))
    assert left.message == "`log(sum(exp(x)))` is convex, a concave expression is needed here"
    with pytest.raises(declarative.DiagnosticError) as caught:
        declarative.compile(parse(DECLARATIONS + "minimize sqrt(1 + s^2) + s*t"), backend="cone")
    (left,) = caught.value.diagnostics
    assert left.span.text == "s*t" and "it is smooth, so the kkt backend takes it unchanged" in left.notes


def test_a_root_that_may_be_0_is_a_norm_with_a_kink_and_goes_to_cone():
    text = "dim n\nparam q : R^n\nvar x : R^n\nminimize sqrt(sumsq(x - q)) + x[0]/4\nsubject to\n  total: sum(x) == 1"
    layer = declarative.compile(parse(text))
    assert layer.backend == "cone"
    assert "`sqrt(sumsq(x - q))` has a kink where it is 0, so cone comes before kkt" in layer.explain()
    q = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)  # feasible itself: the norm is 0 there
    torch.testing.assert_close(layer(q), q, rtol=0, atol=1e-8)
    deviation = "param S : S^n, psd\nparam q : R^n\nvar x : R^n\nminimize q'*x\nsubject to\n  cap: sqrt(x'*S*x) <= 1"
    layer = declarative.compile(parse("dim n\n" + deviation))
    S = torch.diag(torch.tensor([1.0, 4.0, 9.0], dtype=torch.float64))
    expected = -S.inverse() @ q / (q @ S.inverse() @ q).sqrt()
    torch.testing.assert_close(layer(S, q), expected, rtol=1e-8, atol=1e-8)


def test_a_root_that_is_never_0_stays_with_kkt():
    for objective in ("sqrt(1 + s^2)", "sqrt(a^2 + sumsq(x)) + s^2"):
        assert declarative.compile(parse(DECLARATIONS + f"minimize {objective}")).backend == "kkt"
    nonconvex = "minimize sqrt(sumsq(x - w)) + s*t + sumsq(x)"  # no repair: kkt takes it as it is
    assert declarative.compile(parse(DECLARATIONS + nonconvex)).backend == "kkt"


@pytest.mark.parametrize("quotient", ["quad_over_lin(x[i], a[i])", "x[i]^2/a[i]"])
def test_a_quotient_of_squares_over_what_may_be_0_goes_to_cone(quotient: str):
    """min x^2/a + a over a is 2|x|, so that x is q, moved towards 0 by 1."""
    head, aim = "dim n\nparam q : R^n\nvar x : R^n\n", f"minimize sum({quotient} + a[i] for i in n) + sumsq(x - q)"
    layer = declarative.compile(parse(head + f"var a : R^n, nonneg\n{aim}"))
    assert layer.backend == "cone"
    assert f"`{quotient}` has a corner where `a[i]` is 0, so cone comes before kkt" in layer.explain()
    q = torch.tensor([0.3, 2.0, -1.5, 0.9], dtype=torch.float64, requires_grad=True)
    x = layer(q).x
    torch.testing.assert_close(x, torch.tensor([0.0, 1.0, -0.5, 0.0], dtype=torch.float64), rtol=0, atol=1e-8)
    x.sum().backward()
    torch.testing.assert_close(q.grad, torch.tensor([0.0, 1.0, 1.0, 0.0], dtype=torch.float64), rtol=0, atol=1e-6)
    away = declarative.compile(parse(head + f"var a : R^n, between(0.1, inf)\n{aim}"))
    assert away.backend == "kkt"
    assert (
        declarative.compile(parse(head + f"var a : R^n, nonneg\n{aim}"), options={"max_iterations": 50}).backend
        == "kkt"
    )
