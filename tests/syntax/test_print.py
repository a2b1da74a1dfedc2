"""The law of the formatter, parse(print(t)) == t, for trees of every kind; and what its text looks like."""

import pytest
from hypothesis import given
from syntax_trees import expressions, files

from declarative.source.span import Source
from declarative.syntax import parenthesise, parse_tree, print_expression, print_tree
from declarative.syntax.fold import WIDTH
from declarative.syntax.tree import Assume, Expression, File, Let


def read(text: str) -> File:
    file, diagnostics = parse_tree(Source("printed", text))
    assert diagnostics == [], text
    return file


def body(text: str) -> Expression:
    statement = read(f"let f = {text}\nfind z").statements[0]
    assert isinstance(statement, Let)
    return statement.body


def condition(text: str) -> Expression:
    """Anything that may stand after `if`."""
    statement = read(f"assume x == 0 for i in n if {text}\nfind z").statements[0]
    assert isinstance(statement, Assume) and statement.fors and statement.fors.condition
    return statement.fors.condition


@given(expressions)
def test_a_printed_expression_is_read_back(expression: Expression) -> None:
    assert condition(print_expression(expression)) == parenthesise(expression)


@given(expressions)
def test_brackets_are_added_once(expression: Expression) -> None:
    once = parenthesise(expression)
    assert parenthesise(once) == once


@given(files())
def test_a_printed_file_is_read_back_with_its_comments(file: File) -> None:
    assert read(print_tree(file)) == parenthesise(file)


@given(files())
def test_the_formatter_has_nothing_to_do_twice(file: File) -> None:
    text = print_tree(file)
    assert print_tree(read(text)) == text


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("a+b - c", "a + b - c"),
        ("a * b/c .*d", "a*b/c .* d"),
        ("- x ^ - 2", "-x^-2"),
        ("x [ i + 1 , : ]", "x[i+1,:]"),
        ("x[ a : b+1 ]", "x[a:b+1]"),
        ("sum( x[i]for i in 0 .. n - 1 if i!=j )", "sum(x[i] for i in 0..n-1 if i != j)"),
        ("[ a,b ; c ,d ]", "[a, b; c, d]"),
        ("f( a,k=3 )", "f(a, k = 3)"),
        ("x.T*xᵀ*x '", "x'*x'*x'"),
        ("2**3", "2^3"),
    ],
)
def test_canonical_spacing(written: str, printed: str) -> None:
    assert print_tree(read(f"minimize {written}")) == f"minimize {printed}\n"


def test_docs_stand_in_a_column_and_blank_lines_are_single() -> None:
    text = '\n\nparam x:R "short"\n\n\n\nparam longer : R^n, between(0, 1) = 0.5 "long"\nfind x\n\n'
    assert print_tree(read(text)) == (
        'param x : R                  "short"\n\nparam longer : R^n, between(0, 1) = 0.5 "long"\nfind x\n'
    )


def test_long_lines_are_broken_after_operators_of_the_outermost_level() -> None:
    terms = " + ".join(f"coefficient{i}*variable{i}" for i in range(12))
    text = print_tree(read(f"minimize {terms}\nsubject to\nlabel: sum({terms}) <= 1"))
    assert all(len(line) <= WIDTH for line in text.split("\n"))
    lines = text.split("\n")
    assert lines[0].endswith(" +") and lines[1].startswith("  coefficient")
    assert lines[5].startswith("  label: sum(") and lines[6].startswith("         coefficient")
    assert print_tree(read(text)) == text


def test_brackets_follow_from_precedence() -> None:
    inner = body("a + b")
    for text in ("(a + b)*c", "-(a + b)", "(a + b)^2", "2^(a + b)", "(a + b)'", "(a + b)[0]", "c - (a + b)"):
        assert print_expression(body(text)) == text
    assert print_expression(inner) == "a + b"
