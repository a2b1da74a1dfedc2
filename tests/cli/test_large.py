"""Long sums and deep nests: an answer or a refusal, and no traceback. Times: benchmarks/bench_check.py."""

import re
from time import process_time

import pytest

TERMS = 10_000
DEEP = 2_000
HEAD = "dim n\nparam a : R^n\nvar x : R^n\nvar t : R\n"


def head(term: str) -> str:
    """The lines of HEAD that a text with this term and t needs."""
    dims = "dim n\n" if re.search(r"[ax]\[|\bx\b", term) else ""
    data = "param a : R^n\n" if "a[" in term else ""
    return dims + data + ("var x : R^n\n" if "x" in term.replace("exp", "") else "") + "var t : R\n"


def summed(term: str, between: str = " + ", terms: int = TERMS) -> str:
    """A sum of terms with a number in each."""
    return f"{head(term)}minimize t^2 + {between.join(term.format(k) for k in range(terms))}\n"


LONG = {
    "one line": (summed("{0}*t"), "convex quadratic program"),
    "a line a term": (summed("(x[0] - {0})^2", " +\n  "), "convex quadratic program"),
    "kinks": (summed("abs(x[1] - {0})", terms=DEEP), "convex quadratic program"),
    "data": (summed("a[0]*x[0] - {0}", " - ", terms=DEEP), "convex quadratic program"),
    "not convex": (summed("{0}*x[0]^3", terms=DEEP), "smooth program, not known to be convex"),
    "a sum in each term": (summed("sum(({0}*x[i] - a[i])^2 for i in n)", terms=DEEP), "convex quadratic program"),
    "roots": (
        summed("sqrt({0} + t^2)", terms=DEEP),
        "second-order cone program, convex after `sqrt(0 + t^2)` is written as `norm` and others",
    ),
    "beyond repair": (summed("({0} + t)*x[0]", terms=DEEP), "quadratic program, not known to be convex"),
    "constraints": (
        f"{head('x[0]')}minimize t\nsubject to\n" + "".join(f"  c{k}: t >= {k}*x[0] - {k}\n" for k in range(DEEP)),
        "linear program",
    ),
    "lets": (
        f"{head('t')}let y0 = t^2\n"
        + "".join(f"let y{k + 1} = y{k} + exp(t)\n" for k in range(DEEP))
        + f"minimize y{DEEP}",
        "exponential cone program",
    ),
}


@pytest.mark.parametrize("name", LONG)
def test_a_long_problem_is_judged(run, name):
    text, kind = LONG[name]
    done = run("check", "-", input=text)
    assert done.exit_code == 0 and done.stderr == ""
    assert done.stdout.startswith(f"-: {kind}; ")


def test_mistakes_in_a_long_sum_are_found(run):
    done = run("check", "-", "--format", "concise", input=summed("{0}*t", " +\n  ").replace("  777*t", "  y*t"))
    assert done.exit_code == 1
    assert done.stderr.startswith("<stdin>:779:3: error[E201]: `y` is not declared")


NESTS = {
    "parentheses": ("(", ")"),
    "sums": ("(1 + ", ")"),
    "calls": ("exp(", ")"),
    "kinks": ("abs(", ")"),
    "minus": ("-", ""),
    "minus and parentheses": ("-(", ")"),
    "arrays": ("[", "]"),
    "powers": ("", "^1"),
    "transposes": ("", "'"),
    "open": ("(", ""),
}


@pytest.mark.parametrize("name", NESTS)
def test_a_deep_nest_is_refused(run, name):
    opening, closing = NESTS[name]
    done = run("check", "-", "--format", "concise", input=f"{HEAD}minimize {opening * DEEP}t{closing * DEEP}\n")
    assert done.exit_code == 1 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    code, words = ("E103", "never closed") if name == "open" else ("E121", "nested too deeply")
    assert line.startswith("<stdin>:5:") and code in line and words in line


@pytest.mark.parametrize("name", ["parentheses", "sums", "minus and parentheses", "powers"])
def test_a_nest_that_people_write_is_taken(run, name):
    opening, closing = NESTS[name]
    done = run("check", "-", input=f"{HEAD}minimize {opening * 20}t{closing * 20}^2\n")
    assert done.exit_code == 0, done.stderr


MISTAKEN = {
    "names": (summed("z{0}*t", " +\n  "), "E201"),
    "names on one line": (summed("z{0}*t"), "E201"),
    "names beside many": (HEAD + "".join(f"let y{k} = exp({k}*z{k})\n" for k in range(TERMS)) + "minimize t\n", "E201"),
    "functions": (summed("foo{0}(t)", " +\n  "), "E204"),
    "shapes": (summed("sum(x + [1, {0}])", " +\n  "), "E203"),
    "statements": (f"{HEAD}minimize t\nsubject to\n" + "".join(f"  2t <= {k}\n" for k in range(TERMS)), "E105"),
}


@pytest.mark.parametrize("name", MISTAKEN)
def test_of_very_many_mistakes_some_are_shown_and_the_first_line_says_so(run, name):
    text, code = MISTAKEN[name]
    done = run("check", "-", input=text)
    assert done.exit_code == 1 and done.stdout == ""
    first, *others, last = done.stderr.rstrip().split("\n\n")
    assert first == "error[E129]: more than 1,000 mistakes; the others are not looked for"
    assert len(others) == 49 and all(other.startswith(f"error[{code}]") for other in others)
    assert last == "... and 952 more"
    assert max(map(len, done.stderr.splitlines())) < 200


def test_one_name_that_is_nothing_is_told_of_once(run):
    done = run("check", "-", input=summed("z*t", " +\n  "))
    many, one = done.stderr.rstrip().split("\n\n")
    assert many.startswith("error[E129]: more than 1,000 mistakes") and one.startswith(
        "error[E201]: `z` is not declared"
    )
    assert "= note: 1000 more uses, on lines 3, 4, 5, 6, 7 and others" in one


def test_very_many_constraints_that_are_not_convex_are_told_of_in_short(run):
    rows = "".join(f"  c{k}: sqrt(abs(t)) >= {k}\n" for k in range(DEEP))
    done = run("check", "-", input=f"{head('t')}minimize t\nsubject to\n{rows}solve by cone\n")
    assert done.exit_code == 1
    *told, last = done.stderr.rstrip().split("\n\n")
    assert len(told) == 50 and last == "... and 1950 more"
    assert all(one.startswith("error[D102]: `sqrt` needs a concave argument here") for one in told)


def doubled(first: str, then: str, levels: int = 25) -> str:
    """Definitions of which each calls the one before twice."""
    defs = "".join(f"def f{k + 1}(z : R) : R = {then.format(f=f'f{k}')}\n" for k in range(levels))
    return f"{HEAD}def f0(z : R) : R = {first}\n{defs}minimize f{levels}(t)\n"


DOUBLED = {
    "a sum": (doubled("exp(z)", "{f}(z) + {f}(z)"), "written out, this sum has 262,144 terms"),
    "of others": (doubled("exp(z)", "{f}(z) + {f}(z + 1)"), "written out, this sum has 262,144 terms"),
    "in one another": (doubled("z^2", "{f}({f}(z))"), "written out, `f13` has 16,382 calls of definitions; 10,000 are"),
}


@pytest.mark.parametrize("name", DOUBLED)
def test_definitions_that_grow_without_bound_are_refused(run, name):
    text, message = DOUBLED[name]
    done = run("check", "-", "--format", "concise", input=text)
    assert done.exit_code == 1 and message in done.stderr and len(done.stderr.splitlines()) == 1


def test_equal_calls_within_a_definition_are_worked_out_once(run):
    done = run("check", "-", input=doubled("exp(z)", "max({f}(z), 2*{f}(z))"))
    assert done.stdout.startswith("-: exponential cone program; ")
    done = run("check", "-", input=doubled("exp(z)", "{f}(z) + {f}(z + 1)", 10))
    assert done.stdout.startswith("-: exponential cone program; ")


def test_a_call_is_checked_for_the_range_of_its_own_indices(run):
    text = (
        "param y : R^9\nvar v : R^9\ndef g(z : R) : R = (z - 1)^2\n"
        "def f(z : R) : R = sum(g(v[i]*z) for i in 0..{0}) + sum(g(v[i]*z) for i in 0..{1})\nminimize f(2)\n"
    )
    assert run("check", "-", input=text.format(3, 8)).exit_code == 0
    done = run("check", "-", "--format", "concise", input=text.format(3, 9))
    assert done.exit_code == 1 and "error[E211]" in done.stderr


REPEATED = {
    "declarations": (HEAD + "var v : R\n" * TERMS + "minimize t\n", "`v` is already a variable"),
    "labels": (f"{HEAD}minimize t\nsubject to\n" + "  c: t >= 1\n" * TERMS, "`c` is already a constraint"),
}


@pytest.mark.parametrize("name", REPEATED)
def test_a_name_that_is_declared_very_often_is_told_of(run, name):
    text, message = REPEATED[name]
    done = run("check", "-", input=text)
    assert done.exit_code == 1 and message in done.stderr
    assert done.stderr.startswith("error[E129]: more than 1,000 mistakes")


STEPS = {"once more": "y{p} + y{p}*c", "the two before": "y{q} + y{p}*c"}


@pytest.mark.parametrize("name", STEPS)
def test_sums_that_use_sums_are_refused_where_they_grow_without_bound(run, name):
    """y_k has k terms or more, so that n lines have n^2/2 in all."""

    def text(n: int) -> str:
        lets = "".join(f"let y{k} = {STEPS[name].format(p=k - 1, q=k - 2)}\n" for k in range(2, n))
        return f"{HEAD}param c : R\nlet y0 = t\nlet y1 = 2*t\n{lets}minimize y{n - 1}\n"

    done = run("check", "-", "--format", "concise", input=text(4000))
    assert done.exit_code == 1 and len(done.stderr.splitlines()) == 1
    assert "written out, the sums that use sums have" in done.stderr and "1,000,000 are the most" in done.stderr
    assert run("check", "-", input=text(200)).exit_code == 0


def test_a_constraint_for_each_of_many_sums_that_use_sums_is_refused_at_once(run):
    """y1 is no sum of sums; those from y2 to y3999 have 3, 4, ... 4000 terms."""
    lets = "".join(f"let y{k} = y{k - 1} + {k}*t\n" for k in range(1, 4000))
    rows = "".join(f"  y{k} <= {k}\n" for k in range(4000))
    done = run("check", "-", "--format", "concise", input=f"{HEAD}let y0 = t\n{lets}minimize t\nsubject to\n{rows}")
    assert done.exit_code == 1 and "have 8,001,997 terms; 1,000,000 are the most" in done.stderr


NESTED = {"cones": "exp(y{0})", "domains": "log(2 + y{0})", "kinks": "max(y{0}, {0})", "roots": "sqrt(1 + y{0}^2)"}


@pytest.mark.parametrize("name", NESTED)
def test_a_deep_nest_of_lets_is_explained(run, name):
    """Expressions nest as deeply as definitions do, and what rewrites them keeps no call on Python's stack."""
    lets = "".join(f"let y{k + 1} = {NESTED[name].format(k)}\n" for k in range(DEEP))
    done = run("explain", "-", input=f"var x : R\nlet y0 = x\n{lets}minimize y{DEEP} + x^2\n")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "takes it (chosen)" in done.stdout


def test_a_long_chain_of_families_is_checked_in_time(run):
    lets = "".join(f"let y{k + 1}[i] = y{k}[i] + {k}*x[i] for i in n\n" for k in range(DEEP))
    start = process_time()
    done = run("check", "-", input=f"{HEAD}let y0[i] = x[i] for i in n\n{lets}minimize sum(y{DEEP}[i]^2 for i in n)\n")
    assert done.exit_code == 0 and "convex quadratic program" in done.stdout
    assert process_time() - start < 10  # a second, where the square of their number would take a minute
