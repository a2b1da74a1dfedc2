"""Programs of the language: the good ones are read and printed back, the bad ones say what their comments expect."""

from pathlib import Path

import pytest
from language.runner import BAD, EXAMPLES, GOOD, diagnostics_of, expected, found

from declarative.source.span import Source
from declarative.syntax import parenthesise, parse_tree, print_tree
from declarative.syntax.tree import File


def tree(text: str) -> File:
    file, diagnostics = parse_tree(Source("program", text))
    assert diagnostics == []
    return file


@pytest.mark.parametrize("path", [*GOOD, *EXAMPLES], ids=lambda path: path.stem)
def test_a_program_is_printed_back_as_the_same_tree(path: Path) -> None:
    text = path.read_bytes().decode()
    file = tree(text)
    assert tree(print_tree(file)) == file
    assert parenthesise(file) == file


@pytest.mark.parametrize("path", [*GOOD, *EXAMPLES], ids=lambda path: path.stem)
def test_the_formatter_keeps_every_comment_and_every_doc(path: Path) -> None:
    text = path.read_bytes().decode()
    printed = print_tree(tree(text))
    for line in text.split("\n"):
        if "#" in line:
            assert line[line.index("#") :].rstrip() in printed
    assert printed.count('"') == text.count('"')


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_program_says_what_is_expected(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert expected(text), "this program states no diagnostic"
    assert found(diagnostics_of(text, path)) == expected(text)


def test_there_are_programs() -> None:
    assert len(EXAMPLES) >= 29
    assert len(GOOD) >= 5
    assert len(BAD) >= 40
