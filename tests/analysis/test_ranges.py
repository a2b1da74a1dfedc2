"""Intervals of data tell signs that signs alone do not: 1 - q is not negative for q in [0, 1]."""

import math

import pytest

from declarative import parse
from declarative.analysis.facts import facts_of
from declarative.analysis.ranges import Range
from declarative.ir.facts import Sign

HEAD = """
dim n
param q : R, between(0, 1); param s : R, between(-2, inf); param w : R^n, simplex; param k : R, pos; param a : R
var x : R^n, between(0.5, 2)
minimize sum(x)
return e = """


def sign_of(text: str) -> Sign:
    return facts_of(parse(HEAD + text, name="ranges").outputs[0].body).sign


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("1 - q", Sign.NONNEG),
        ("1.5 - q", Sign.POS),
        ("q - 1", Sign.NONPOS),
        ("k*(1 - q)/2", Sign.NONNEG),
        ("1 - q*(1 - q)", Sign.NONNEG),
        ("1 - 2*q", Sign.ANY),
        ("s + 2", Sign.NONNEG),
        ("s + 1", Sign.ANY),
        ("2 - s", Sign.ANY),
        ("1 - w[0]", Sign.NONNEG),
        ("1 - w", Sign.NONNEG),
        ("1 - a", Sign.ANY),
        ("x - 0.5", Sign.NONNEG),
        ("0.4 - x", Sign.NEG),
        ("k - q", Sign.ANY),
    ],
)
def test_sums_within_their_intervals(text, sign):
    assert sign_of(text) is sign


def test_products_with_infinite_ends_say_nothing_where_nothing_is_known():
    assert Range(0.0, math.inf) * Range(0.0, math.inf) == Range()
    assert Range(1.0, math.inf) * Range(-2.0, 3.0) == Range(-math.inf, math.inf)
    assert Range(1.0, 2.0) * Range(-2.0, 3.0) == Range(-4.0, 6.0)
