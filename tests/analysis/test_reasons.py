"""The tree of curvature: each subexpression with the rule that gives its curvature; long and deep ones summarised."""

import json

import pytest

import declarative
from declarative import parse
from declarative.analysis.classify import classify
from declarative.analysis.curvature import fits
from declarative.analysis.facts import facts_of
from declarative.analysis.reasons import DEEPEST, accounts
from declarative.analysis.tell import to_data, to_lines

HEAD = """dim n
param c : R
param a : R, pos
param P : S^n
param F : R^(n,n)
var x : R^n
var s : R
var t : R, pos
"""


def lines(body):
    return to_lines(accounts(classify(parse(HEAD + body))))


def test_the_tree_of_a_portfolio():
    text = "let risk = sumsq(F*x)\nmaximize c*s - a*risk\nsubject to\n  budget: sum(x) + s == 1\n  box: 0 <= x <= 0.2"
    assert lines(text) == [
        "objective: concave, as it must be",
        "  `c*s - a*risk`: concave; a sum of affine and concave terms",
        "    `c*s`: affine; in `s`",
        "    `-a*risk`: concave, <= 0; the opposite of a convex expression",
        "      `a*risk`: convex, >= 0; `a` > 0 times a convex expression",
        "        `sumsq(F*x)`: convex, >= 0; `sumsq` is convex, of the affine `F*x`",
        "affine: `budget`, `box.lower`, `box.upper`",
    ]


@pytest.mark.parametrize(
    "body, rule",
    [
        ("c*abs(s)", "no curvature; the sign of `c` is not known, so the product has no curvature"),
        ("s*t", "no curvature; a product of `s` and `t`, two expressions of the variables"),
        ("s/t", "no curvature; divides by `t`, an expression of the variables"),
        ("x'*P*x", "no curvature; nothing says that `P` is semidefinite"),
        ("s^3", "no curvature; `^3` is neither convex nor concave here"),
        ("1/t", "convex, > 0; `/` is convex and decreasing, of the affine `t`"),
        ("abs(s)/a", "convex, >= 0; a convex expression over `a` > 0"),
        ("-log(t)", "convex; the opposite of a concave expression"),
        ("max(abs(x[i]) for i in n)", "convex, >= 0; `max` over `i` is convex and increasing, of convex terms"),
        ("sum(abs(x))", "convex, >= 0; `sum` of convex terms"),
        ("sum(abs(x[i]) for i in n)", "convex, >= 0; a sum over `i` of convex terms"),
        ("max(s, abs(t))", "convex, >= 0; `maximum` is convex and increasing, of affine and convex arguments"),
        (
            "sqrt(1 + s^2)",
            "no curvature, >= 0; `sqrt` is concave and increasing: it needs a concave argument, this one is convex",
        ),
        (
            "exp(s*t)",
            "no curvature, > 0; `exp` is convex and increasing: it needs a convex argument, this one has none",
        ),
        ("abs(s) - abs(t + s)", "no curvature; a sum of convex and concave terms"),
        ("abs(s) + s*t", "no curvature; a sum of convex terms and ones without curvature"),
    ],
)
def test_the_rule_of_each_kind_of_node(body, rule):
    assert lines(f"minimize {body}")[1] == f"  `{body}`: {rule}"


def test_the_side_that_fails_is_told():
    told = lines("minimize s\nsubject to\n  top: max(x) >= c\n  cap: s*t <= 1\n  fine: abs(s) <= 1")
    assert [line for line in told if not line.startswith(" ")] == [
        "`top`, left side: must be concave, is convex",
        "`cap`, left side: must be convex, not known to be",
        "`fine`, left side: convex, as it must be",
        "affine: objective",
    ]


def test_a_side_that_is_affine_is_named_apart_from_the_other():
    told = lines("minimize s\nsubject to\n  half: s == sin(t)\n  both: s == t\n  fine: abs(s) <= t")
    assert told[0] == "`half`, right side: must be affine, not known to be"
    assert told[-1] == "affine: objective, the left side of `half`, `both`, the right side of `fine`"


def test_families_are_told_once_and_without_their_numbers():
    told = lines("minimize s\nsubject to\n  caps: abs(x[i]) <= 1 + i for i in n")
    assert told[1:] == ["  `abs(x[i])`: convex, >= 0; `abs` is convex, of the affine `x[i]`", "affine: objective"]


def test_like_terms_are_counted_and_deep_nests_cut():
    told = lines("minimize " + " + ".join(f"abs(s - {k})" for k in range(1000)))
    assert len(told) == 6 and told[-1] == "    and 997 more of these kinds"
    told = lines("minimize " + "exp(" * 50 + "s^2" + ")" * 50)
    assert len(told) == DEEPEST + 2 and told[-1].strip() == "and so on, further in"


def test_the_tree_agrees_with_the_facts():
    """Whatever is told of a root is what the facts say, and `holds` is what was wanted."""
    problem = parse(HEAD + "minimize abs(s) + s*t + exp(-t)\nsubject to\n  top: max(x) >= c\n  low: log(t) >= s")
    found = classify(problem)
    roots = [v.piece for v in found.verdicts if v.facts.curvature.value != "constant"]
    for account, piece in zip(accounts(found), roots, strict=True):
        facts = facts_of(piece.root, piece.binders)
        assert (account.reason.curvature, account.reason.sign) == (facts.curvature, facts.sign)
        assert account.holds == fits(facts.curvature, account.wanted)


def test_the_same_as_data():
    (found,) = to_data(accounts(classify(parse(HEAD + "minimize a*sumsq(F*x)"))))
    assert json.loads(json.dumps(found)) == {
        "of": "objective",
        "wanted": "convex",
        "holds": True,
        "tree": {
            "text": "a*sumsq(F*x)",
            "curvature": "convex",
            "sign": ">= 0",
            "rule": "`a` > 0 times a convex expression",
            "parts": [
                {
                    "text": "sumsq(F*x)",
                    "curvature": "convex",
                    "sign": ">= 0",
                    "rule": "`sumsq` is convex, of the affine `F*x`",
                }
            ],
        },
    }


def test_a_problem_in_python_has_the_same_tree():
    s = declarative.var("s")
    problem = declarative.problem(declarative.minimize(declarative.exp(s) + declarative.abs(s)))
    told = to_lines(accounts(classify(problem)))
    assert told[0] == "objective: convex, as it must be"
    assert [line.split("; ")[1] for line in told[2:]] == [
        "`exp` is convex and increasing, of the affine `s`",
        "`abs` is convex, of the affine `s`",
    ]


def test_explain_tells_it_between_the_class_and_the_backends():
    told = declarative.compile(parse(HEAD + "minimize sumsq(x - 1)")).explain().splitlines()
    start = told.index("by the rules of convexity:")
    assert told[start + 1 : start + 4] == [
        "  objective: convex, as it must be",
        "    `sumsq(x - 1)`: convex, >= 0; `sumsq` is convex, of the affine `x - 1`",
        "kkt: takes it (chosen)",
    ]


def test_explain_of_a_long_sum_stays_short():
    told = declarative.compile(parse(HEAD + "minimize " + " + ".join(f"abs(s - {k})" for k in range(300)))).explain()
    assert len(told.splitlines()) < 70
    assert "  and 280 more" in told.splitlines()


@pytest.mark.parametrize(
    ("objective", "solve", "told"),
    [("cos(x)", "newton", True), ("cos(x)", "newton(starts = 8)", False), ("x^2", "auto", False)],
)
def test_explain_says_where_a_minimum_may_not_be_the_lowest(objective, solve, told):
    layer = declarative.compile(declarative.parse(f"var x : R; minimize {objective}", name="wave"), solve=solve)
    assert ("maybe not the lowest; `solve by newton(starts = 8)` tries several starts" in layer.explain()) == told
