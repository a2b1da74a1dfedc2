"""Diagnostics as text and as data: what a person sees under tabs, wide letters, several marks, and at the end."""

import json

import pytest

from declarative.source.diagnostic import Diagnostic, DiagnosticError, Label, Severity, error
from declarative.source.render import render, to_json
from declarative.source.span import Source, Span

TEXT = "dim n\ndef phi(z : R, d : R) : R = d^2*(sqrt(1 + (z/d)^2) - 1)\n\tx = 数数 + y\nlast"
SOURCE = Source("a.opt", TEXT)


def at(text: str, source: Source = SOURCE) -> Span:
    start = source.text.index(text)
    return Span(source, start, start + len(text))


def lines(*diagnostics: Diagnostic) -> list[str]:
    return render(diagnostics).split("\n")


def test_a_full_message() -> None:
    diagnostic = error(
        "D102",
        at("1 + (z/d)^2"),
        "`sqrt` needs a concave argument here, this one is convex",
        label="convex",
        labels=[Label(at("sqrt"), "concave and increasing"), Label(at("dim"), "here")],
        notes=["first", "second\nwith two lines"],
        hints=["write it otherwise"],
    )
    assert lines(diagnostic) == [
        "error[D102]: `sqrt` needs a concave argument here, this one is convex",
        " --> a.opt:2:39",
        "  |",
        "1 | dim n",
        "  | --- here",
        "2 | def phi(z : R, d : R) : R = d^2*(sqrt(1 + (z/d)^2) - 1)",
        "  |                                  ---- ^^^^^^^^^^^ convex",
        "  |                                  concave and increasing",
        "  = note: first",
        "  = note: second",
        "          with two lines",
        "  = help: write it otherwise",
    ]


def test_three_marks_on_one_line_have_a_row_each() -> None:
    source = Source("b.opt", "a + b + c")
    labels = [Label(at("a", source), "first"), Label(at("b", source), "second")]
    assert lines(error("E1", at("c", source), "three", label="third", labels=labels))[3:] == [
        "1 | a + b + c",
        "  | -   -   ^ third",
        "  | |   second",
        "  | first",
    ]


def test_tabs_and_wide_letters_take_their_columns() -> None:
    assert lines(error("E1", at("y"), "wide", label="here"))[3:] == [
        "3 |     x = 数数 + y",
        "  |                ^ here",
    ]


@pytest.mark.parametrize(
    ("source", "start", "end", "picture"),
    [
        (SOURCE, len(TEXT), len(TEXT), ["4 | last", "  |     ^"]),
        (Source("e", ""), 0, 0, ["1 |", "  | ^"]),
        (Source("e", "a\n"), 2, 2, ["2 |", "  | ^"]),
        (Source("e", "a b\nc"), 2, 5, ["1 | a b", "  |   ^"]),
        (Source("e", "a\r\nb"), 0, 1, ["1 | a", "  | ^"]),
        (Source("e", "\x1b[2J x"), 5, 6, ["1 | ·[2J x", "  |      ^"]),
        (Source("e", "e\u0301x"), 2, 3, ["1 | e\u0301x", "  |  ^"]),
    ],
)
def test_odd_places(source: Source, start: int, end: int, picture: list[str]) -> None:
    assert lines(error("E1", Span(source, start, end), "odd"))[3:] == picture


def test_line_numbers_are_aligned_and_gaps_are_shown() -> None:
    source = Source("long.opt", "\n".join(f"line{i}" for i in range(1, 13)))
    diagnostic = error("E1", at("line11", source), "far", labels=[Label(at("line2", source), "near")])
    assert lines(diagnostic) == [
        "error[E1]: far",
        "  --> long.opt:11:1",
        "   |",
        " 2 | line2",
        "   | ----- near",
        "...",
        "11 | line11",
        "   | ^^^^^^",
    ]


def test_marks_in_two_files() -> None:
    other = Source("other.opt", "xyz")
    shown = lines(error("E1", at("dim"), "two files", labels=[Label(at("y", other), "there")]))
    assert shown[1] == " --> a.opt:1:1"
    assert shown[5:] == [" ::: other.opt:1:2", "  |", "1 | xyz", "  |  - there"]


def test_without_a_place() -> None:
    assert lines(error("E1", None, "nowhere", hints=["go on"])) == ["error[E1]: nowhere", " = help: go on"]


def test_concise() -> None:
    diagnostics = [error("E1", at("sqrt"), "one"), Diagnostic("W1", Severity.WARNING, None, "two")]
    assert render(diagnostics, "concise") == "a.opt:2:34: error[E1]: one\nwarning[W1]: two"


def test_color_marks_the_same_text() -> None:
    diagnostic = error("E1", at("sqrt"), "one", label="two")
    colored = render([diagnostic], color=True)
    assert "\033[1;31m^^^^\033[0m two" in colored
    for paint in ("\033[1;31m", "\033[1m", "\033[0m"):
        colored = colored.replace(paint, "")
    assert colored == render([diagnostic])


def test_json_holds_every_part() -> None:
    diagnostic = error("E1", at("sqrt"), "m", label="l", labels=[Label(at("dim"), "d")], notes=["n"], hints=["h"])
    (row,) = json.loads(json.dumps(to_json([diagnostic])))
    place = {"file": "a.opt", "line": 1, "column": 1, "end_line": 1, "end_column": 4}
    assert row == {
        "code": "E1",
        "severity": "error",
        "file": "a.opt",
        "line": 2,
        "column": 34,
        "end_line": 2,
        "end_column": 38,
        "message": "m",
        "label": "l",
        "labels": [place | {"text": "d"}],
        "notes": ["n"],
        "hints": ["h"],
    }
    assert to_json([error("E1", None, "m")])[0]["line"] is None


def test_the_exception_shows_its_diagnostics() -> None:
    failure = DiagnosticError([error("E1", at("dim"), "first"), error("E2", None, "second")])
    assert [d.code for d in failure.diagnostics] == ["E1", "E2"]
    assert "error[E1]: first\n --> a.opt:1:1" in str(failure) and "error[E2]: second" in str(failure)


def test_a_long_line_is_cut_around_its_marks() -> None:
    text = " + ".join(f"t{k}" for k in range(1_000))
    source = Source("long.opt", text)
    told = lines(error("E1", at("t500", source), "far", label="here", labels=[Label(at("t0", source), "first")]))
    assert told == [
        "error[E1]: far",
        f" --> long.opt:1:{text.index('t500') + 1}",
        "  |",
        f"1 | {text[:160]}...",
        "  | -- first",
        f"1 | ...{text[text.index('t500') - 60 : text.index('t500') + 100]}...",
        "  | " + " " * 63 + "^^^^ here",
    ]
    assert lines(error("E1", Span(source, 0, len(text)), "all"))[-1] == "  | " + "^" * 163
