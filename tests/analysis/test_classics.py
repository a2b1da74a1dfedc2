"""The classic formulations that are not convex by the rules: the exact message of each, and what it offers."""

import pytest
from language.runner import NONCONVEX, expected, found

from declarative import parse
from declarative.analysis.convexity import convexity_errors
from declarative.rewrite.repair import obstacles, repair

HEAD = """dim n
param A : R^(n,n)
param P : S^n
param Q : S^n, psd
param c : R
param a : R, pos
var x : R^n
var y : R^n
var s : R
var t : R, pos
"""
PRODUCT = "multiplies expressions of the variables: neither convex nor concave"
RATIO = "divides by an expression of the variables: neither convex nor concave"
FIX = "fix one of the two (declare it `param`), or find an equivalent without the product"
ROOT = "`sqrt` needs a concave argument here, this one is convex"
PRESSED = "is convex, and holds with equality where the objective presses on it"
NUMBER = "with a number as its exponent the curvature of a power is known: x^1.5, x^2, x^-1"

# name: objective or constraint, code, the text blamed, message, hints
KKT = 'backend="kkt" looks for a local optimum of it, as it is'
CLASSICS = {
    "root of a sum of squares": (
        "minimize sqrt(sumsq(A*x))", "D102", "sumsq(A*x)", ROOT, ("sqrt(sumsq(A*x)) is norm(A*x), which is convex",)
    ),
    "root of one plus a square": (
        "minimize sqrt(1 + s^2)", "D102", "1 + s^2", ROOT,
        ("the root of a sum of squares is a norm: sqrt(1 + r^2) is norm([1, r]), which is convex",),
    ),
    "root of a quadratic form": (
        "minimize sqrt(x'*Q*x)", "D102", "x'*Q*x", ROOT, ("this is quad_root(x, Q), which is convex",)
    ),
    "power one half of a sum of squares": (
        "minimize sumsq(x)^0.5", "D102", "sumsq(x)", "`^0.5` needs a concave argument here, this one is convex",
        ("sqrt(sumsq(x)) is norm(x), which is convex",),
    ),
    "product": ("minimize s*t", "D103", "s*t", f"`s*t` {PRODUCT}", (FIX,)),
    "inner product": ("minimize x'*y", "D103", "x'*y", f"`x'*y` {PRODUCT}", (FIX,)),
    "product from below": (
        "s*t >= c", "D103", "s*t", f"`s*t` {PRODUCT}",
        ("where both are nonnegative, this is `geo_mean([s, t]) >= sqrt(c)`, which is convex",),
    ),
    "root of a product": (
        "maximize sqrt(s*t)", "D103", "s*t", f"`s*t` {PRODUCT}",
        ("the root of a product is geo_mean([s, t]), which is concave where both are nonnegative",),
    ),
    "a Cobb-Douglas function": (
        "maximize x[0]^0.3*x[1]^0.7", "D103", "x[0]^0.3*x[1]^0.7", f"`x[0]^0.3*x[1]^0.7` {PRODUCT}",
        ("where all are nonnegative, this is `geo_mean([x[0], x[1]], [0.3, 0.7])`, which is concave",),
    ),
    "powers that add up to less than one": (
        "maximize x[0]^0.3*x[1]^0.5", "D103", "x[0]^0.3*x[1]^0.5", f"`x[0]^0.3*x[1]^0.5` {PRODUCT}",
        ("where all are nonnegative, this is `geo_mean([x[0], x[1]], [0.3, 0.5])^0.8`, which is concave",),
    ),
    "powers that add up to more than one": (
        "maximize x[0]^0.6*x[1]^0.5", "D103", "x[0]^0.6*x[1]^0.5", f"`x[0]^0.6*x[1]^0.5` {PRODUCT}", (FIX,)
    ),
    "a product of roots": (
        "maximize sqrt(s)*sqrt(t)", "D103", "sqrt(s)*sqrt(t)", f"`sqrt(s)*sqrt(t)` {PRODUCT}",
        ("where all are nonnegative, this is `geo_mean([s, t], [0.5, 0.5])`, which is concave",),
    ),
    "a perspective": (
        "minimize t*exp(s/t)", "D103", "t*exp(s/t)", f"`t*exp(s/t)` {PRODUCT}",
        ("`t*exp(s/t)` is perspective(exp(s), t), which is convex",),
    ),
    "x times its absolute value": (
        "minimize s*abs(s)", "D103", "s*abs(s)", f"`s*abs(s)` {PRODUCT}",
        ("where `s` is not negative, `s*abs(s)` is s^2", "declare `s` with the attribute `nonneg`, if it is"),
    ),
    "x times its logarithm": (
        "minimize t*log(t)", "D103", "t*log(t)", f"`t*log(t)` {PRODUCT}", ("`t*log(t)` is xlogx(t), which is convex",)
    ),
    "x' times its logarithm": (
        "minimize x'*log(x)", "D103", "x'*log(x)", f"`x'*log(x)` {PRODUCT}",
        ("`x'*log(x)` is sum(xlogx(x)), which is convex",),
    ),
    "logarithm of a convex": (
        "log(1 + sumsq(x)) <= c", "D102", "1 + sumsq(x)", "`log` needs a concave argument here, this one is convex",
        ("`log` rises, so this is `1 + sumsq(x) <= exp(c)`, which is convex",),
    ),
    "logarithm of a sum of exponentials": (
        "minimize log(sum(exp(x)))", "D102", "sum(exp(x))", "`log` needs a concave argument here, this one is convex",
        ("log(sum(exp(x))) is logsumexp(x), which is convex",),
    ),
    "exponential of a concave": (
        "exp(sqrt(t)) <= c", "D102", "sqrt(t)", "`exp` needs a convex argument here, this one is concave", (KKT,)
    ),
    "exponential of a concave, from below": (
        "exp(-sumsq(x)) >= c", "D102", "-sumsq(x)", "`exp` needs a convex argument here, this one is concave",
        ("`exp` rises, so this is `-sumsq(x) >= log(c)`, which is convex",),
    ),
    "difference of squares": (
        "minimize s^2 - t^2", "D101", "t^2", "`t^2` is convex, a concave expression is needed here", (KKT,)
    ),
    "form of unknown definiteness": (
        "minimize x'*P*x", "D107", "x'*P*x",
        "`x'*P*x` needs a positive semidefinite matrix; nothing says that `P` is one",
        ("declare `P` with the attribute `psd`, if it is",),
    ),
    "form of unknown definiteness in a constraint": (
        "quad(x, P) <= 1", "D107", "quad(x, P)",
        "`quad(x, P)` needs a positive semidefinite matrix; nothing says that `P` is one",
        ("declare `P` with the attribute `psd`, if it is",),
    ),
    "convex form maximised": (
        "maximize x'*Q*x", "D101", "x'*Q*x", "`x'*Q*x` is convex, a concave expression is needed here", (KKT,)
    ),
    "factor of unknown sign": (
        "minimize c*s^2", "D105", "c", "the sign of `c` is not known, so its product with `s^2` has no curvature",
        ("declare `c` with the attribute `nonneg`, if it is",),
    ),
    "ratio": (
        "minimize s/t", "D104", "s/t", f"`s/t` {RATIO}",
        ("where `t` is positive, `s <= v*t` is convex for a param v: bisect for the least v",),
    ),
    "ratio of a convex": (
        "minimize norm(x)/(t + 1)", "D104", "norm(x)/(t + 1)", f"`norm(x)/(t + 1)` {RATIO}",
        ("where `t + 1` is positive, `norm(x) <= v*(t + 1)` is convex for a param v: bisect for the least v",),
    ),
    "ratio in a constraint": ("s/t <= c", "D104", "s/t", f"`s/t` {RATIO}", ("multiply both sides by `t`",)),
    "one over something of any sign": (
        "minimize 1/s", "D104", "1/s", f"`1/s` {RATIO}", ("declare `s` with the attribute `pos`, if it is",)
    ),
    "data of any sign over something positive": (
        "minimize c/t", "D104", "c/t", f"`c/t` {RATIO}", ("declare `c` with the attribute `nonneg`, if it is",)
    ),
    "least entry from above": (
        "min(x) <= c", "D101", "min(x)", "`min(x)` is concave, a convex expression is needed here",
        ("`x <= c` asks it of every entry; `min(x) >= c` is convex",),
    ),
    "greatest entry from below": (
        "max(x) >= c", "D101", "max(x)", "`max(x)` is convex, a concave expression is needed here",
        ("`x >= c` asks it of every entry; `max(x) <= c` is convex",),
    ),
    "the lesser of two from above": (
        "min(s, t) <= c", "D101", "min(s, t)", "`min(s, t)` is concave, a convex expression is needed here",
        ("ask it of each of `s`, `t`, if that is meant",),
    ),
    "convex equation": (
        "sumsq(x) == a", "D106", "sumsq(x)", "`sumsq(x)` is convex, an affine expression is needed here",
        (f"`sumsq(x) <= a` {PRESSED}",),
    ),
    "concave equation": (
        "s == log(t)", "D106", "log(t)", "`log(t)` is concave, an affine expression is needed here",
        (f"`s <= log(t)` {PRESSED}",),
    ),
    "norm from below": (
        "norm(x) >= 1", "D101", "norm(x)", "`norm(x)` is convex, a concave expression is needed here",
        ("this is the outside of a ball; a convex problem can only stay inside of one",),
    ),
    "absolute value from below": (
        "abs(s) >= 1", "D101", "abs(s)", "`abs(s)` is convex, a concave expression is needed here",
        ("this is the outside of a ball; a convex problem can only stay inside of one",),
    ),
    "square of what may be negative": (
        "minimize exp((sumsq(x) - 1)^2)", "D102", "sumsq(x) - 1",
        "`^2` needs an affine argument here, this one is convex",
        ("pos(sumsq(x) - 1) is the same where that is not negative, and its square is convex",),
    ),
    "concave minimised": (
        "minimize log(t) + s", "D101", "log(t)", "`log(t)` is concave, a convex expression is needed here", (KKT,)
    ),
    "cube of any sign": (
        "s^3 <= c", "D108", "s^3", "`s^3` is neither convex nor concave here",
        ("declare `s` with the attribute `nonneg`, if it is: it has one curvature there",),
    ),
    "power with data in its exponent": (
        "minimize t^c", "D108", "t^c", "`t^c` is neither convex nor concave here", (NUMBER,)
    ),
}  # fmt: skip


def problem_of(text):
    statement = text if text.startswith(("minimize", "maximize")) else f"minimize s\nsubject to\n  r: {text}"
    return parse(HEAD + statement)


@pytest.mark.parametrize("name", CLASSICS)
def test_the_message(name):
    text, code, culprit, message, hints = CLASSICS[name]
    (diagnostic,) = convexity_errors(problem_of(text))
    assert (diagnostic.code, diagnostic.message, diagnostic.hints) == (code, message, hints)
    assert diagnostic.span is not None and diagnostic.span.text == culprit


@pytest.mark.parametrize(
    "text",
    [
        "minimize a*c*s + exp(c)*a*s^2",  # products of params
        "minimize s/a + sumsq(x)/exp(c)",  # params in denominators
        "minimize quad(x, Q) + a*sumsq(A*x)",
        "x'*Q*x <= a",
    ],
)
def test_what_is_no_obstacle_though_cvxpy_would_refuse_the_params(text):
    assert convexity_errors(problem_of(text)) == []


@pytest.mark.parametrize("path", NONCONVEX, ids=lambda path: path.stem)
def test_the_cone_backend_says_what_the_file_says(path):
    text = path.read_text(encoding="utf-8")
    assert found(obstacles(repair(parse(text, name="program")))) == expected(text) != []
