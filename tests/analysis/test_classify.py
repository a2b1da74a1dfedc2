"""The class of every language file and of variants of them, and what decides it."""

from pathlib import Path

import pytest

from declarative import load, parse
from declarative.analysis.classify import Kind, classify
from declarative.ir.facts import Cone

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
UNKNOWN = ", not known to be convex"

CLASSES = {
    "arc_path": "convex quadratic program",
    "babylonian": "fixed point",
    "box_design": "geometric program",
    "cantilever": "geometric program",
    "chebyshev": "linear program",
    "completion": "semidefinite program",
    "covering_ellipsoid": "semidefinite program",
    "curve_fit": "smooth program" + UNKNOWN,
    "entropic_ot": "exponential cone program",
    "equilibrium": "fixed point",
    "follower": "quadratic program" + UNKNOWN,
    "frontier": "convex quadratic program",
    "knapsack": "convex quadratic program",
    "lasso": "convex quadratic program",
    "logistic_regression": "exponential cone program",
    "max_cut": "semidefinite program",
    "max_entropy": "exponential cone program",
    "minimax": "linear program",
    "mpc": "convex quadratic program",
    "nearest_correlation": "semidefinite program",
    "path_flow": "convex quadratic program",
    "perron_frobenius": "geometric program",
    "pnp": "smooth program" + UNKNOWN,
    "portfolio": "convex quadratic program",
    "power_control": "geometric program",
    "procrustes": "quadratic program with quadratic constraints" + UNKNOWN,
    "ridge": "convex quadratic program",
    "robust_lp": "second-order cone program",
    "robust_pool": "smooth program" + UNKNOWN,
    "shortest_path": "convex quadratic program",
    "simplex_projection": "convex quadratic program",
    "stackelberg": "smooth program" + UNKNOWN,
    "svm": "convex quadratic program",
    "tomography": "smooth program" + UNKNOWN,
    "top_eigenvector": "quadratic program with quadratic constraints" + UNKNOWN,
    "trust_region": "quadratic program with quadratic constraints" + UNKNOWN,
    "tv_denoise": "convex quadratic program",
    "tv_image": "smooth program" + UNKNOWN,
    "water_filling": "exponential cone program",
    "welsch_pool": "smooth program" + UNKNOWN,
}


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.opt") if path.stem in CLASSES))
def test_the_class_of_each_language_file(name):
    found = classify(load(EXAMPLES / f"{name}.opt"))
    assert found.text == CLASSES[name]
    assert found.smooth == (name not in ("robust_lp", "covering_ellipsoid"))
    assert found.convex == (UNKNOWN not in found.text and found.kind not in (Kind.FIXED_POINT, Kind.GP))


HEAD = """dim n, m
param A : R^(m,n)
param b : R^m
param c : R^n
param P : S^n, psd
param H : S^n
param N : R^(n,n)
param lam : R, nonneg
var x : R^n
var s : R
var t : R, pos
"""


@pytest.mark.parametrize(
    "body, kind, convex",
    [
        ("minimize c'*x\nsubject to\n  r: A*x <= b", Kind.LP, True),
        ("minimize norm1(A*x - b) + lam*norminf(x)", Kind.LP, True),
        ("minimize max(A*x - b) - min(x) + pos(s) + sum_largest(x, 2)", Kind.LP, True),
        ("maximize sum(min(x[i], s) for i in n) - tv(x)", Kind.LP, True),
        ("minimize sum(abs(x[i+1] - x[i]) for i in 0..n-2)", Kind.LP, True),
        ("minimize max(abs(x[i]) for i in n)", Kind.LP, True),
        ("minimize quad(x, P) + lam*norm1(x)", Kind.QP, True),
        ("minimize x'*A'*A*x + c'*x", Kind.QP, True),
        ("minimize quad(x, A'*A + P)", Kind.QP, True),
        ("minimize quad(x, N'*P*N)", Kind.QP, True),
        ("maximize c'*x - x'*P*x", Kind.QP, True),
        ("minimize sum(huber(A*x - b))", Kind.QP, True),
        ("minimize s*s + sumsq(x)", Kind.QP, True),
        ("minimize square(max(x))", Kind.NONSMOOTH, False),
        ("minimize square(pos(max(x)))", Kind.QP, True),
        ("minimize square(norm1(x))", Kind.QP, True),
        ("minimize quad(x, H)", Kind.QP, False),
        ("minimize s*t", Kind.QP, False),
        ("minimize c'*x\nsubject to\n  ball: x'*x <= 1", Kind.QCQP, True),
        ("minimize c'*x\nsubject to\n  ball: x'*x == 1", Kind.QCQP, False),
        ("minimize max(sumsq(x), s^2)", Kind.QCQP, True),
        ("minimize norm(A*x - b)", Kind.SOCP, True),
        ("minimize s\nsubject to\n  k: (s, x) in SOC", Kind.SOCP, True),
        ("minimize quad_over_lin(x, t)", Kind.SOCP, True),
        ("maximize sum(sqrt(x))", Kind.SOCP, True),
        ("maximize geo_mean(x)", Kind.POWER, True),
        ("minimize norm(x, 3)", Kind.POWER, True),
        ("minimize sum(logistic(A*x)) + lam*norm1(x)", Kind.EXP, True),
        ("minimize logsumexp(A*x - b)", Kind.EXP, True),
        ("maximize sum(log(x))", Kind.EXP, True),
        ("minimize norm(x) + exp(s)", Kind.EXP, True),
        ("minimize norm(x) + sum(loggamma(x))", Kind.NLP, True),
        ("maximize sum(log_normcdf(x)) + tanh(t)", Kind.NLP, True),
        ("minimize c'*x\nsubject to\n  ball: x in Ball(2)", Kind.QCQP, True),
        ("minimize c'*x\nsubject to\n  box: x in Box(0, 1)", Kind.LP, True),
        ("minimize perspective(exp(s), t) + cvar(x, 0.5)", Kind.EXP, True),
        ("minimize sum(max(outer(x, c), axis = 0))", Kind.LP, True),
        ("minimize sum(sin(x))", Kind.NLP, False),
        ("minimize sum(sin(x)) + norm1(x)", Kind.NLP, False),
        ("minimize -norm1(x)", Kind.NONSMOOTH, False),
        ("minimize sumsq(x)\nsubject to\n  e: abs(s) == 1", Kind.NONSMOOTH, False),
        ("minimize abs(s^3 - 1)", Kind.NLP, False),
    ],
)
def test_the_class_follows_from_the_meaning(body, kind, convex):
    found = classify(parse(HEAD + body))
    assert (found.kind, found.convex) == (kind, convex)


@pytest.mark.parametrize(
    "body, kind",
    [
        ("param a : R\nvar z : R\nfind z\nsubject to\n  eq: z^2 == a", Kind.ROOT),
        ("param a : R\nvar z : R\nfind z\nsubject to\n  eq: z == cos(z)*a", Kind.FIXED_POINT),
        ("param a : R\nvar z : R\nfind z\nsubject to\n  eq: z == a\n  ge: z >= 0", Kind.PROJECTION),
    ],
)
def test_find(body, kind):
    assert classify(parse(body)).kind is kind


def test_attributes_of_variables_count():
    assert classify(parse("dim n\nparam C : S^n\nvar X : S^n, psd\nminimize sumsq(X - C)")).cones == {Cone.SEMIDEFINITE}
    assert not classify(parse("dim n\nparam c : R^n\nvar x : R^n, unit\nminimize c'*x")).convex
    assert classify(parse("dim n\nparam c : R^n\nvar x : R^n, simplex\nminimize c'*x")).text == "linear program"


def test_each_piece_has_a_verdict_with_its_reason():
    found = classify(parse(HEAD + "minimize s\nsubject to\n  top: max(x) >= 1\n  low: x >= 0"))
    assert [(v.piece.number, v.holds) for v in found.verdicts] == [
        (0, True),
        (1, False),
        (1, True),
        (2, True),
        (2, True),
    ]
    blame = found.verdicts[1].blame
    assert blame is not None and blame.culprit.origin is not None and blame.culprit.origin.text == "max(x)"
