"""A member of a family of expressions reads what it would read if it were written out, and is the same problem."""

import pytest

import declarative as dc

HEAD = "dim n\nparam M : R^(n,n)\nparam a : R^n\nvar x : R^n\n"


@pytest.mark.parametrize(
    ("body", "at", "written"),
    [
        ("a[k]", "n-1-k", "a[n-1-k]"),
        ("a[n-1-k]", "n-1-k", "a[k]"),
        ("a[n-1-k]*a[k]", "n-1-k", "a[k]*a[n-1-k]"),
        ("M[k,n-1-k]", "n-1-k", "M[n-1-k,k]"),
        ("sum(M[k,j]*x[n-1-j] for j in n)", "n-1-k", "sum(M[n-1-k,j]*x[n-1-j] for j in n)"),
        ("a[n-1-k]", "0", "a[n-1]"),
        ("a[n-1-k]", "n-1", "a[0]"),
        ("k + 1", "0", "1"),
        ("-k", "0", "-0"),
        ("2*k + 3", "0", "3"),
        ("(k + 1)*a[k]", "0", "1*a[0]"),
        ("M[k,:]'*x", "0", "M[0,:]'*x"),
        ("(k - a[k])^2/(k + 2)", "0", "(0 - a[0])^2/2"),
    ],
)
def test_reading_a_member_is_writing_it_out(body: str, at: str, written: str):
    named = f"{HEAD}let y[k] = {body} for k in n\nminimize sumsq(x) + sum(x[k]*y[{at}] for k in n)\n"
    plain = f"{HEAD}minimize sumsq(x) + sum(x[k]*({written}) for k in n)\n"
    first = dc.parse(named)
    assert first.objective == dc.parse(plain).objective
    assert dc.parse(str(first)) == first
