"""What the tables of other languages' functions offer is there, and reads; no call of a function is a crash."""

import pytest

import declarative as dc
from declarative import check
from declarative.elaborate.calls import function_names, is_function
from declarative.elaborate.elsewhere import ADVICE, RENAMED, WRITTEN
from declarative.elaborate.familiar import function_hints

SCALARS = "dim n; param p : R; param lo : R; param hi : R; var x : R; var y : R; "
VECTORS = (
    "dim n; const p : R^n; var q : R^n; var x : R^n; var y : R^n; var a : R^n; var b : R^n; param lo : R; "
    "param hi : R; "
    "var X : R^(n,n); var A : R^(n,n); var B : R^(n,n); var C : R^(n,n); var D : R^(n,n); "
)


def test_what_is_renamed_is_there():
    assert not [ours for ours in RENAMED.values() if not is_function(ours)]
    assert not [theirs for theirs in (*RENAMED, *WRITTEN, *ADVICE) if is_function(theirs)]
    assert not set(RENAMED) & set(WRITTEN) | set(RENAMED) & set(ADVICE) | set(WRITTEN) & set(ADVICE)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_otherwise_reads(name: str):
    text = WRITTEN[name][0].replace("[k]", "[0]").replace("B[j,k] for j in n", "B[j,0] for j in n, i in n")
    wrong = [
        [d for d in check(f"{head}let r = {text}\nminimize sum({of})")[1] if d.severity.value == "error"]
        for head, of in ((SCALARS, "x"), (VECTORS, "x"))
    ]
    assert [] in wrong, wrong[-1]


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_otherwise_reads_in_python(name: str):
    n = dc.dim("n")
    scope = {f: getattr(dc, f) for f in dc.elaborate.embedded.names()} | {"n": n, "k": 0, "lo": 0, "hi": 1}
    vectors = {v: dc.var(v, n) for v in "pqxyab"} | {M: dc.var(M, n, n) for M in "XABCD"}
    scalars = {v: dc.var(v) for v in "pqxyab"}
    text = WRITTEN[name][1].replace("B[j, k] for j in n", "B[j, 0] for j in n for i in n")
    wrong = []
    for values in (scalars, vectors):
        try:
            eval(text, scope | values)
        except (dc.DiagnosticError, TypeError, NameError) as mistake:
            wrong.append(mistake)
    assert len(wrong) < 2, wrong


def test_a_function_that_is_nowhere_has_no_hint():
    assert function_hints("sumsquares") == ("`sumsq` may be what you want",)
    assert function_hints("softmax") == ("it is written `exp(x)/sum(exp(x))`",)
    assert function_hints("sum_i") == ("indices stand behind: `sum(... for i in n)`",)
    assert function_hints("frobnicate") == ()


ARGUMENTS = (
    *("", "x", "X", "S", "s", "x, y", "x, 2", "X, 2", "s, s", "x, inf", "X, inf", "x, 1.5", "x, -1", "X, x", "x, X"),
    *("x, S", "x, s", "s, x", "X, 0, 1", "x, y, 2", "x, y, s", "x, axis = 0", "X, axis = 2", "X, axis = s"),
    *("X, axis = inf", "x, p = 2", "x, k = 2", "x, k = inf", "x, foo = 1", "2", "2, 3", "x, x, x, x", "[1, 2]", "S, S"),
)


@pytest.mark.parametrize("function", function_names())
def test_any_arguments_are_an_answer(function: str):
    head = "dim n; var x : R^n; var y : R^n; var X : R^(n,n); var S : S^n; var s : R; minimize "
    for arguments in ARGUMENTS:
        for found in check(f"{head}sum({function}({arguments}))")[1]:
            assert found.span is not None and found.code != "E000"
