"""W207: what is declared and stands nowhere."""

import pytest

import declarative

USED = "dim n\nparam c : R^n\nvar x : R^n\nminimize sumsq(x - c)\n"


def names(text: str) -> list[str]:
    """The names that the warnings are about."""
    _, found = declarative.check(text)
    assert all(d.code == "W207" for d in found)
    return [d.message.split("`")[1] for d in found]


@pytest.mark.parametrize(
    "line",
    [
        *("dim z", "dim z = 3", "param z : R^n", "const z : R = 2", "learn z : R = 1", "var z : R", "let z = 2*x"),
        *("def z(u : R) : R = u^2", "extern z : R^n -> R", "param z[n] : R", "let z[i] = x[i] for i in n"),
    ],
)
def test_what_stands_nowhere(line):
    head, objective = USED.rsplit("\n", 2)[:2]
    assert names(f"{head}\n{line}  # z\n{objective}\n") == ["z"]


@pytest.mark.parametrize(
    ("line", "use"),
    [
        ("dim z", "subject to\n  sumsq(x[0:z]) <= 1"),
        ("dim z", "return x, w = sum(c[i] for i in n if i < z)"),
        ("param z : R", "subject to\n  sum(x) <= z"),
        ("param z : R", "return x, z"),
        ("var z : R", "return x, z"),
        ("def z(u : R) : R = u^2", "subject to\n  z(x[0]) <= 1"),
        ("extern z : R^n -> R", "subject to\n  z(x) <= 1"),
        ("const z[n] : index(n)", "subject to\n  x[z[i]] >= 0 for i in n"),
    ],
)
def test_what_stands_somewhere(line, use):
    head, objective = USED.rsplit("\n", 2)[:2]
    assert names(f"{head}\n{line}\n{objective}\n{use}\n") == []


def test_sizes_bounds_and_starts_are_uses():
    text = (
        "dim n, m\nparam lo : R\nparam hi : R\nparam s : R^n\nvar x : R^n, between(lo, hi), start(s)\nparam b : R^m\n"
    )
    assert names(f"{text}minimize sum(x) + sum(b)") == []


def test_quotes_in_a_doc_string_do_not_end_it():
    text = 'param c : R^2 "5\\" # of them"; param z : R "z, \\"z\\"" ; var x : R^2; minimize sumsq(x - c)'
    assert names(text) == ["z"]


def test_mistakes_come_first():
    _, found = declarative.check("dim n\nparam z : R\nvar x : R^n\nminimize sumsq(y)")
    assert [d.code for d in found] == ["E201"]
