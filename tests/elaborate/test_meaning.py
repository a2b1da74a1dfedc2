"""A program is understood by its meaning: other ways to write it give an equal problem, other meanings do not."""

import time
from pathlib import Path

import pytest
from language.runner import GOOD

from declarative import Problem, check, parse

HEAD = "dim n, m\nparam a : R^n\nparam A : R^(m,n)\nparam S : S^n\nparam c : R\nvar x : R^n\nvar y : R^n\n"

SAME = {
    "order of declarations": (
        "dim n\nparam a : R^n\nvar x : R^n\nlet r = x - a\nminimize sumsq(r)",
        "let r = x - a\nvar x : R^n\nparam a : R^n\ndim n\nminimize sumsq(r)",
    ),
    "let": (HEAD + "let r = x - a\nminimize sumsq(r) + sum(r)", HEAD + "minimize sumsq(x - a) + sum(x - a)"),
    "indexed let": (
        HEAD + "let r[i] = x[i] - a[i] for i in n\nminimize sum(r[k]^2 for k in n)",
        HEAD + "minimize sum((x[i] - a[i])^2 for i in n)",
    ),
    "def": (
        HEAD + "def f(u : R^k, v : R^k) : R = u'*v/k\nminimize f(x, a)",
        HEAD + "minimize x'*a/n",
    ),
    "def in def": (
        HEAD + "def f(u : R) : R = u^2\ndef g(u : R^k) : R = sum(f(u[i]) for i in k)\nminimize g(x)",
        HEAD + "minimize sum(x[j]^2 for j in n)",
    ),
    "index names": (
        HEAD + "minimize sum(sum(A[i,j]*x[j] for j in n) for i in m)",
        HEAD + "minimize sum(sum(A[j,i]*x[i] for i in n) for j in m)",
    ),
    "index ends": (HEAD + "minimize sum(x[i+2-1] for i in 0..n-2)", HEAD + "minimize sum(x[1+i] for i in 0..n-1-1)"),
    "spacing and brackets": (HEAD + "minimize (sumsq((x) - a))", HEAD + "minimize sumsq(x-a)"),
    "a sum of squares": (HEAD + "minimize x'*x + (x - a)'*(x - a)", HEAD + "minimize sumsq(x) + sumsq(x - a)"),
    "a quadratic form": (HEAD + "minimize c/2*x'*S*x", HEAD + "minimize c/2*quad(x, S)"),
    "a factor first": (HEAD + "minimize sumsq(c*A*x)", HEAD + "minimize sumsq(c*(A*x))"),
    "transposes": (HEAD + "minimize sum((A')'*x) + sum(x''*a')", HEAD + "minimize sum(A*x) + sum(x*a')"),
    "symmetric transpose": (HEAD + "minimize sum(S'*x)", HEAD + "minimize sum(S*x)"),
    "descending chain": (
        HEAD + "minimize sum(x)\nsubject to\n  box: 1 >= x >= 0",
        HEAD + "minimize sum(x)\nsubject to\n  box: 0 <= x <= 1",
    ),
    "numbers": (HEAD + "minimize 1/2*c + 0.50*x[0]", HEAD + "minimize 0.5*c + .5*x[0]"),
    "whole slices": (HEAD + "minimize sum(A[0,:]) + sum(x[:])", HEAD + "minimize sum(A[0,0:n]) + sum(x)"),
    "one subscript after another": (
        "dim n, m\nvar u[n] : R^m\nminimize sum(u[i][0] for i in n)",
        "dim n, m\nvar u[n] : R^m\nminimize sum(u[i,0] for i in n)",
    ),
    "norms": (
        HEAD + "minimize norm(x, 1) + norm(x, inf) + norm(x, 2)",
        HEAD + "minimize norm1(x) + norminf(x) + norm(x)",
    ),
    "several in max": (HEAD + "minimize max(x[0], x[1], c)", HEAD + "minimize maximum(x[0], x[1], c)"),
    "a starting point for a member": (
        "dim T, n\nparam a : R^n\nvar u[0..T] : R^n, start(a)\nlet s[t] = a for t in 0..T\nminimize sum(u)",
        "dim T, n\nparam a : R^n\nlet s[t] = a for t in 0..T\nvar u[0..T] : R^n, start(s)\nminimize sum(u)",
    ),
}

DIFFERENT = {
    "order of variables": ("var x : R\nvar y : R\nminimize x + y", "var y : R\nvar x : R\nminimize x + y"),
    "rows and columns": (
        "dim n\nvar X : R^(n,n)\nminimize sum(X[i,0]*i for i in n)",
        "dim n\nvar X : R^(n,n)\nminimize sum(X[0,i]*i for i in n)",
    ),
    "outer binders": (
        "dim n\nvar X : R^(n,n)\nminimize sum(sum(X[i,j]*i for j in n) for i in n)",
        "dim n\nvar X : R^(n,n)\nminimize sum(sum(X[i,j]*j for j in n) for i in n)",
    ),
    "names of constraints": (
        "var x : R\nminimize x\nsubject to\n  a: x >= 0",
        "var x : R\nminimize x\nsubject to\n  b: x >= 0",
    ),
    "sense": ("var x : R\nminimize -x", "var x : R\nmaximize x"),
}


def meaning(text: str) -> Problem:
    return parse(text, name="p")


@pytest.mark.parametrize("name", SAME)
def test_same_meaning(name: str):
    one, other = SAME[name]
    first, second = meaning(one), meaning(other)
    if name == "order of declarations":
        assert first.objective == second.objective
    else:
        assert first == second


@pytest.mark.parametrize("name", DIFFERENT)
def test_different_meaning(name: str):
    one, other = DIFFERENT[name]
    assert meaning(one) != meaning(other)


MEANT = [path for path in GOOD if path.stem not in ("everything", "shortest")]  # those show the syntax alone


@pytest.mark.parametrize("path", MEANT, ids=lambda path: path.stem)
def test_good_programs(path: Path):
    problem, found = check(path.read_text("utf-8"))
    assert found == []
    assert problem is not None
    assert parse(str(problem)) == problem


@pytest.mark.parametrize(
    "text",
    [
        "var x : R^10000\nminimize " + " + ".join(f"x[{i}]^2" for i in range(10000)),
        "dim n\nvar x : R^n\nminimize sum(x)\nsubject to\n" + "\n".join(f"  c{i}: x[{i}] >= {i}" for i in range(1000)),
        "var x : R\nlet x0 = x\n" + "\n".join(f"let x{i + 1} = x{i}*x{i}" for i in range(1000)) + "\nminimize x1000",
        "dim n\nvar x : R^n\nminimize sumsq([" + ", ".join(["x"] * 5000) + "])",
    ],
)
def test_large_programs_take_little_time(text: str):
    begin = time.process_time()
    assert check(text)[0] is not None
    assert time.process_time() - begin < 5  # about 2 s on a quiet machine, most of it parsing


@pytest.mark.parametrize(
    "opening, closing", [("(", ")"), ("-(", ")"), ("exp(1 + 2*", ")"), ("[", "][0]"), ("sum(", ")")]
)
def test_deep_programs_are_taken_or_refused(opening: str, closing: str):
    for depth in range(10, 200, 15):
        problem, found = check("var x : R\nminimize " + opening * depth + "x" + closing * depth)
        assert (problem is None) == bool(found)
        assert {d.code for d in found} <= {"E121"}
    assert check("var x : R\nminimize " + opening * 25 + "x" + closing * 25)[0] is not None


def test_definitions_in_one_another():
    chain = "def f0(z : R) : R = z\n" + "\n".join(f"def f{i + 1}(z : R) : R = f{i}(z)" for i in range(400))
    assert {d.code for d in check(chain + "\nvar x : R\nminimize f400(x)")[1]} == {"E121"}
    lets = "\n".join(f"let a{i} = a{i + 1} + 1" for i in range(400)) + "\nlet a400 = x"
    assert {d.code for d in check("var x : R\n" + lets + "\nminimize a0")[1]} == {"E121"}


LETS = {
    "a chain": "let y0[{i}] = x[{i}] for {i} in n; let y1[{j}] = y0[{j}] + a[{j}] for {j} in n; "
    "minimize sum(y1[k]^2 for k in n)",
    "a whole family beside its members": "let y[{i}] = x[{i}]^2 for {i} in n; let c = sum(y); "
    "let z[{j}] = y[{j}]*c for {j} in n; minimize sum(z[k]^2 for k in n) + z[2]",
    "a sum over a family within another": "let y[{i}] = x[{i}]^2 for {i} in n; "
    "let z[{j}] = y[{j}] + sum(y[{l}]*a[{l}] for {l} in n) for {j} in n; minimize sum(z[k] for k in n) + z[1]",
    "indices that change places": "let M[{i},{k}] = x[{i}]*a[{k}]^2 for {i} in n, {k} in n; "
    "let N[{j},{l}] = M[{l},{j}] + M[{j},{l}] for {j} in n, {l} in n; minimize sum(N[p,q]*N[q,p] for p in n, q in n)",
    "a family of another range": "let y[{i}] = x[{i}] for {i} in n; let z[{j}] = y[{j}+1] - y[{j}] for {j} in 0..n-2; "
    "let w[{l}] = z[{l}] + y[{l}] for {l} in 0..n-2; minimize sumsq(w) + sumsq(z)",
    "stacks": "let y[{i}] = sumsq(stack(x[{i}]*x[{k}] for {k} in n)) for {i} in n; "
    "let z[{j}] = y[{j}]*sum(y) for {j} in n; minimize sum(z) + z[0]",
}


@pytest.mark.parametrize("name", LETS)
def test_indices_of_lets_may_have_the_same_names(name: str):
    """Whatever names they have, where each has its own it is beyond doubt what is meant."""
    text = "dim n; param a : R^n; var x : R^n; " + LETS[name]
    apart = parse(text.format(i="i1", j="i2", k="i3", l="i4"), name="p")
    assert parse(text.format(i="i", j="i", k="j", l="j"), name="p") == apart
    assert parse(text.format(i="i", j="i", k="j", l="r"), name="p") == apart


def test_a_message_about_an_index_of_a_let_points_to_its_own_for():
    text = "dim n\nvar x : R^n\nlet z[i] = y[i] + x[i+1] for i in n\nlet y[i] = x[i] for i in n\nminimize sum(z)"
    (told,) = check(text)[1]
    assert told.labels[0].span.line == 3
