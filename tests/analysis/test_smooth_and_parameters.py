"""Kinks and whether linear rows can stand for them; what is made of params alone; what CVXPY's DPP rules refuse."""

import pytest

from declarative import parse
from declarative.analysis.classify import classify
from declarative.analysis.parameters import dependence, dpp_remarks, parameter_only, roots

HEAD = """dim n
param c : R
param a : R, pos
param w : R^n, nonneg
const D : R^(n,n)
param F : R^(n,n)
var x : R^n
var s : R
"""


def texts(nodes):
    return [node.origin.text for node in nodes]


@pytest.mark.parametrize(
    "body, kinks",
    [
        ("minimize sumsq(x)", []),
        ("minimize abs(c) + sumsq(x)", []),
        ("minimize norm1(x)", [("norm1(x)", True, True)]),
        ("minimize w'*abs(x)", [("abs(x)", True, True)]),
        ("minimize c*abs(s)", [("abs(s)", True, False)]),
        ("minimize -abs(s)", [("abs(s)", True, False)]),
        ("maximize min(x)", [("min(x)", True, True)]),
        ("maximize -sum(abs(x[i]) for i in n)", [("abs(x[i])", True, True)]),
        ("minimize max(abs(x[i]) for i in n)", [("max(abs(x[i]) for i in n)", True, True), ("abs(x[i])", True, True)]),
        ("minimize norm(x)", [("norm(x)", False, True)]),
        ("minimize s\nsubject to\n  r: 1 - abs(s) >= 0", [("abs(s)", True, True)]),
        ("minimize s\nsubject to\n  r: abs(s) >= 1", [("abs(s)", True, False)]),
        ("minimize s\nsubject to\n  r: abs(s) == 1", [("abs(s)", True, False)]),
        ("minimize s\nsubject to\n  r: max(x[i], s) <= 1 for i in n", [("max(x[i], s)", True, True)]),
        ("minimize exp(abs(s)) + sin(s)", [("abs(s)", True, True)]),
        ("minimize sin(abs(s))", [("abs(s)", True, False)]),
        ("minimize square(abs(s) + 1)", [("abs(s)", True, True)]),
    ],
)
def test_kinks_and_whether_the_problem_presses_on_them(body, kinks):
    found = [kink for v in classify(parse(HEAD + body)).verdicts for kink in v.kinks]
    assert [(kink.node.origin.text, kink.linear, kink.tight) for kink in found if kink.node.origin] == kinks


@pytest.mark.parametrize(
    "body, expected",
    [
        ("minimize exp(c)*abs(s)", ["exp(c)"]),
        ("minimize (c + 1)*s + sum(w)*s", ["c + 1", "sum(w)"]),
        ("minimize sum((w[i] + c)*x[i] for i in n)", ["w[i] + c"]),
        ("minimize c*s + sum(w[i]*x[i] for i in n)", []),
        ("minimize s/n", []),
        ("minimize sumsq(F*x)", []),
    ],
)
def test_what_is_made_of_params_alone(body, expected):
    problem = parse(HEAD + body)
    assert [text for root in roots(problem) for text in texts(parameter_only(root))] == expected


@pytest.mark.parametrize(
    "body, refused",
    [
        ("minimize a*sumsq(F*x)", ["a*sumsq(F*x)"]),
        ("minimize a*sumsq(D*x)", []),
        ("minimize sumsq(F*x) + c*s", []),
        ("minimize quad(x, F'*F)", ["quad(x, F'*F)"]),
        ("minimize quad(x, D)", []),
        ("minimize s\nsubject to\n  r: c*(F*x) <= 1", ["c*(F*x)"]),
    ],
)
def test_what_dpp_refuses(body, refused):
    remarks = dpp_remarks(parse(HEAD + body))
    assert [remark.span.text for remark in remarks if remark.span is not None] == refused


def test_lines_for_explain():
    assert dependence(parse(HEAD + "minimize exp(c)*abs(s) + a*sumsq(F*x)")) == [
        "computed from the data before solving: `exp(c)`",
        "`a*sumsq(F*x)` is a product of params with more of them, which is not DPP in CVXPY; here it is taken",
    ]
    assert dependence(parse(HEAD + "minimize sumsq(x)")) == []
