"""Where a problem is not convex: the innermost culprit, the rule, the fix; and the fix is one."""

import pytest

from declarative import parse
from declarative.analysis.classify import classify
from declarative.analysis.convexity import convexity_errors
from declarative.analysis.near_geometric import geometric_remarks
from declarative.analysis.parameters import dpp_remarks
from declarative.source.codes.convexity import CONVEXITY
from declarative.source.diagnostic import Severity

DECLARATIONS = """dim n, m
param A : R^(m,n)
param P : S^n
param M : R^(n,n)
param c : R
param c2 : R
param a : R, pos
var x : R^n
var s : R
var t : R, pos
"""
CONVEX_CONCAVE = (
    "the convex-concave procedure: put the linearisation of `{}` at the last solution in its place, and solve again"
)


def found(body):
    return convexity_errors(parse(DECLARATIONS + body))


@pytest.mark.parametrize("code", CONVEXITY, ids=lambda code: code.code)
def test_the_examples_earn_their_code_and_the_cures_do_not(code):
    earned = {"D111": dpp_remarks, "D112": geometric_remarks}.get(code.code, convexity_errors)
    assert [d.code for d in earned(parse(code.wrong))] == [code.code]
    assert earned(parse(code.right)) == []


@pytest.mark.parametrize(
    "body, code, culprit, message, hint",
    [
        (
            "minimize s\nsubject to\n  top: max(x) >= c",
            "D101",
            "max(x)",
            "`max(x)` is convex, a concave expression is needed here",
            "`x >= c` asks it of every entry; `max(x) <= c` is convex",
        ),
        (
            "minimize logsumexp([norm(x), -norm(2*x), s])",
            "D101",
            "norm(2*x)",
            "`norm(2*x)` is convex, a concave expression is needed here",
            CONVEX_CONCAVE.format("norm(2*x)"),
        ),
        (
            "minimize s\nsubject to\n  low: c >= min(x)",
            "D101",
            "min(x)",
            "`min(x)` is concave, a convex expression is needed here",
            "`x <= c` asks it of every entry; `min(x) >= c` is convex",
        ),
        (
            "minimize sqrt(sumsq(A*x))",
            "D102",
            "sumsq(A*x)",
            "`sqrt` needs a concave argument here, this one is convex",
            "sqrt(sumsq(A*x)) is norm(A*x), which is convex",
        ),
        (
            "minimize a^2*(sqrt(1 + (s/a)^2) - 1)",
            "D102",
            "1 + (s/a)^2",
            "`sqrt` needs a concave argument here, this one is convex",
            "the root of a sum of squares is a norm: sqrt(1 + r^2) is norm([1, r]), which is convex",
        ),
        (
            "minimize log(sum(exp(x)))",
            "D102",
            "sum(exp(x))",
            "`log` needs a concave argument here, this one is convex",
            "log(sum(exp(x))) is logsumexp(x), which is convex",
        ),
        (
            "minimize s*t",
            "D103",
            "s*t",
            "`s*t` multiplies expressions of the variables: neither convex nor concave",
            "fix one of the two (declare it `param`), or find an equivalent without the product",
        ),
        (
            "minimize exp(s*t) + sumsq(x)",
            "D103",
            "s*t",
            "`s*t` multiplies expressions of the variables: neither convex nor concave",
            "fix one of the two (declare it `param`), or find an equivalent without the product",
        ),
        (
            "minimize sumsq(x)/t",
            "D104",
            "sumsq(x)/t",
            "`sumsq(x)/t` divides by an expression of the variables: neither convex nor concave",
            "quad_over_lin(x, t) is this, and convex where `t` is positive",
        ),
        (
            "minimize s\nsubject to\n  ratio: s/t <= c",
            "D104",
            "s/t",
            "`s/t` divides by an expression of the variables: neither convex nor concave",
            "multiply both sides by `t`",
        ),
        (
            "minimize c*abs(s)",
            "D105",
            "c",
            "the sign of `c` is not known, so its product with `abs(s)` has no curvature",
            "declare `c` with the attribute `nonneg`, if it is",
        ),
        (
            "minimize s\nsubject to\n  size: abs(s) == 1",
            "D106",
            "abs(s)",
            "`abs(s)` is convex, an affine expression is needed here",
            "`abs(s) <= 1` is convex, and holds with equality where the objective presses on it",
        ),
        (
            "minimize x'*P*x + s",
            "D107",
            "x'*P*x",
            "`x'*P*x` needs a positive semidefinite matrix; nothing says that `P` is one",
            "declare `P` with the attribute `psd`, if it is",
        ),
        (
            "minimize s^3",
            "D108",
            "s^3",
            "`s^3` is neither convex nor concave here",
            "declare `s` with the attribute `nonneg`, if it is: it has one curvature there",
        ),
        (
            "minimize s\nsubject to\n  out: norm(x) >= 1",
            "D101",
            "norm(x)",
            "`norm(x)` is convex, a concave expression is needed here",
            "this is the outside of a ball; a convex problem can only stay inside of one",
        ),
        (
            "maximize norm1(A*x)",
            "D101",
            "norm1(A*x)",
            "`norm1(A*x)` is convex, a concave expression is needed here",
            CONVEX_CONCAVE.format("norm1(A*x)"),
        ),
        (
            "minimize norm(x) - norm1(x)",
            "D101",
            "norm1(x)",
            "`norm1(x)` is convex, a concave expression is needed here",
            CONVEX_CONCAVE.format("norm1(x)"),
        ),
        (
            "maximize lambda_max(P + diag(x))",
            "D101",
            "lambda_max(P + diag(x))",
            "`lambda_max(P + diag(x))` is convex, a concave expression is needed here",
            "`lambda_min(P + diag(x))` is concave, if every eigenvalue is to be large",
        ),
        (
            "minimize lambda_min(P + diag(x))",
            "D101",
            "lambda_min(P + diag(x))",
            "`lambda_min(P + diag(x))` is concave, a convex expression is needed here",
            "`lambda_max(P + diag(x))` is convex, if every eigenvalue is to be small",
        ),
        (
            "minimize s\nsubject to\n  lambda_min(P + diag(x)) <= s",
            "D101",
            "lambda_min(P + diag(x))",
            "`lambda_min(P + diag(x))` is concave, a convex expression is needed here",
            "`lambda_max(P + diag(x))` is convex, if every eigenvalue is to be small",
        ),
        (
            "maximize max(x)",
            "D101",
            "max(x)",
            "`max(x)` is convex, a concave expression is needed here",
            "`min(x)` is concave, if every entry is to be large",
        ),
        (
            "minimize sum_smallest(x, 2)",
            "D101",
            "sum_smallest(x, 2)",
            "`sum_smallest(x, 2)` is concave, a convex expression is needed here",
            "`sum_largest(x, 2)` is convex, if the greatest entries are to be small",
        ),
        (
            "minimize sqrt(x[0])",
            "D101",
            "sqrt(x[0])",
            "`sqrt(x[0])` is concave, a convex expression is needed here",
            "`sqrt` rises, so this has the solutions of `minimize x[0]`; "
            "declare `x` with the attribute `nonneg`, and it is solved so",
        ),
        (
            "minimize c*c2*s^2",
            "D105",
            "c*c2",
            "the sign of `c*c2` is not known, so its product with `s^2` has no curvature",
            "declare `c` and `c2` with the attribute `nonneg`, if they are; or give `c*c2` as one param that is",
        ),
        (
            "minimize (c - a)*norm(x)",
            "D105",
            "c - a",
            "the sign of `c - a` is not known, so its product with `norm(x)` has no curvature",
            "where `c - a` is never negative, give it as one param: `param w : R, nonneg`",
        ),
        (
            "minimize quad(x, M)",
            "D107",
            "quad(x, M)",
            "`quad(x, M)` needs a positive semidefinite matrix; nothing says that `M` is one",
            "declare it `M : S^n, psd`, if it is",
        ),
    ],
)
def test_the_innermost_culprit_is_named(body, code, culprit, message, hint):
    (diagnostic,) = found(body)
    assert (diagnostic.code, diagnostic.message) == (code, message)
    assert diagnostic.span is not None and diagnostic.span.text == culprit
    assert diagnostic.hints == ((hint,) if hint else ())


def test_a_hint_says_where_it_is_not_to_be_pasted():
    terms = " + ".join(f"{k}*s" for k in range(2, 40))
    (diagnostic,) = found(f"minimize s; subject to; max([{terms}, t]) >= 1")
    (hint,) = diagnostic.hints
    assert hint.endswith(" is convex (where `...` stands, the text is shortened)")
    assert all("..." not in told.hints[0] for told in found("minimize s; subject to; max([s, t]) >= 1"))


def test_the_function_around_the_culprit_is_labelled():
    (diagnostic,) = found("minimize sqrt(1 + (s/a)^2)")
    assert diagnostic.label == "convex: `^2` of the affine `s/a`"
    assert [(label.span.text, label.text) for label in diagnostic.labels] == [("sqrt", "concave and increasing")]
    assert "it is smooth, so the kkt backend takes it unchanged" in diagnostic.notes


def test_the_chain_of_rules_is_told_from_the_inside_out():
    (diagnostic,) = found("minimize max(exp(sqrt(1 + s^2)), t)")
    assert diagnostic.span is not None and diagnostic.span.text == "1 + s^2"
    assert diagnostic.notes[:3] == (
        "around it, `exp` is convex and increasing: it needs a convex argument",
        "around it, `maximum` is convex and increasing: it needs a convex argument",
        "what is minimised must be convex",
    )


def test_a_minus_sign_is_told():
    (diagnostic,) = found("minimize exp(-s^2)")
    assert diagnostic.label == "concave: the opposite of `^2` of the affine `s`"


def test_every_constraint_has_its_own_diagnostic_and_one_cause_has_one():
    diagnostics = found("minimize s*t\nsubject to\n  a1: s*t <= 1\n  a2: max(x) >= c")
    assert [d.code for d in diagnostics] == ["D103", "D103", "D101"]
    (single,) = convexity_errors(parse("var s : R\nvar t : R\nlet p = s*t\nminimize p\nsubject to\n  cap: p <= 1"))
    assert single.code == "D103"


def test_remarks_are_the_same_findings():
    problem = parse(DECLARATIONS + "minimize s*t")
    (remark,) = convexity_errors(problem, Severity.REMARK)
    assert remark.severity is Severity.REMARK and remark.code == "D103"


def test_two_thousand_terms_are_classified():
    terms = " + ".join(f"abs(s - {k})" for k in range(2_000))
    assert classify(parse(DECLARATIONS + f"minimize {terms}")).text == "linear program"


def test_a_deep_nest_is_judged_without_recursion():
    body = "minimize " + "exp(" * 60 + "-s^2" + ")" * 60
    (diagnostic,) = found(body)
    assert diagnostic.span is not None and diagnostic.span.text == "-s^2"


def test_names_of_a_definition_are_told_by_the_call():
    text = """dim n
param x : R^n
param d : R, pos
def psi(r : R) : R = sqrt(1 + r^2 - r)
def phi(z : R, d : R) : R = d^2*(psi(z/d) - 1)
var y : R
minimize sum(phi(y - x[i], d) for i in n)
subject to
  near: phi(2*y, 1) + phi(y, 2) <= 1
"""
    (diagnostic,) = convexity_errors(parse(text))
    assert diagnostic.notes[:2] == ("with r = z/d, from line 5", "with z = y - x[i], from line 7")


def test_names_that_stand_for_different_things_are_not_told():
    text = "var y : R\ndef phi(z : R) : R = sqrt(1 + z^2 - z)\nminimize phi(y) + phi(2*y)"
    (diagnostic,) = convexity_errors(parse(text))
    assert not any(note.startswith("with") for note in diagnostic.notes)
