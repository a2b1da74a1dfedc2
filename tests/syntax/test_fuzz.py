"""No text makes the parser raise, and it always says something about a text that it does not take."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from language.runner import BAD, EXAMPLES, GOOD

from declarative.source.diagnostic import Diagnostic
from declarative.source.render import render, to_json
from declarative.source.span import Source
from declarative.syntax import parse_tree, print_tree
from declarative.syntax.tokens.lexer import TABLES, WORDS
from declarative.syntax.tree import File

PROGRAMS = [path.read_bytes().decode() for path in [*GOOD, *BAD, *EXAMPLES]]
PIECES = [name for name, _ in TABLES["tokens"] if not name.isalpha()]
PIECES += [*WORDS, "subject to", "solve by", "x", "y", "2", ".5", '"doc"', '"', "\n", ";", "# c\n", "@", "||", "ᵀ"]


def check(text: str) -> tuple[File, list[Diagnostic]]:
    file, diagnostics = parse_tree(Source("fuzz", text))
    assert render(diagnostics).count("error[") >= len(diagnostics)
    for row in to_json(diagnostics):
        assert (row["line"], row["column"]) <= (row["end_line"], row["end_column"])
    assert all(0 <= d.span.start <= d.span.end <= len(text) for d in diagnostics if d.span)
    if not diagnostics:
        again, more = parse_tree(Source("fuzz", print_tree(file)))
        assert (again, more) == (file, [])
    return file, diagnostics


@given(st.text())
def test_any_text(text: str) -> None:
    check(text)


@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_any_row_of_tokens(pieces: list[str]) -> None:
    check(" ".join(pieces))


@given(st.lists(st.sampled_from([*"()[]{}|,:='", "for", "in", "if", "x", "sum", "-"]), max_size=20))
def test_any_brackets(pieces: list[str]) -> None:
    check(" ".join(pieces))


def test_an_array_whose_brackets_are_crossed() -> None:
    check("[x for { ]")


@pytest.mark.parametrize("text", PROGRAMS)
def test_programs_with_a_piece_missing_doubled_or_put_elsewhere(text: str) -> None:
    dice = random.Random(len(text))
    for _ in range(20):
        i, j = sorted(dice.choices(range(len(text) + 1), k=2))
        piece = dice.choice(PIECES)
        check(text[:i] + text[min(j, i + 5) :])
        check(text[:i] + piece + text[i:])
        check(text[:i] + text[j:] + text[i:j])


@given(st.sampled_from(PROGRAMS), st.integers(0, 2000))
def test_programs_cut_short(text: str, length: int) -> None:
    check(text[:length])
