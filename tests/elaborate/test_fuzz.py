"""No program gives a traceback: tokens of valid programs dropped, doubled, swapped and replaced."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from language.runner import BAD, EXAMPLES

import declarative
from declarative.source.diagnostic import Severity
from declarative.source.render import render
from declarative.syntax.tokens.lexer import lex

PROGRAMS = {path.stem: path.read_text("utf-8") for path in [*EXAMPLES, *BAD]}
TOKENS = sorted({token.text for text in PROGRAMS.values() for token in lex(text) if token.text.strip()})


def check(text: str) -> None:
    """Either a problem comes out or at least one error; every place lies within its text."""
    problem, found = declarative.check(text, path="examples/program.opt")
    errors = [d for d in found if d.severity is Severity.ERROR]
    assert (problem is None) == bool(errors)
    assert render(found).count("[") >= len(found)
    assert all(0 <= d.span.start <= d.span.end <= len(d.span.source.text) for d in found if d.span)


def pieces(text: str) -> list[str]:
    """The tokens, and what stands between them, so that joined they are the text."""
    result, end = [], 0
    for token in lex(text):
        result += [text[end : token.start], text[token.start : token.end]]
        end = token.end
    return [*result, text[end:]]


def mutated(text: str, dice: random.Random) -> str:
    parts = pieces(text)
    for _ in range(dice.randint(1, 3)):
        i, j = (2 * dice.randrange(len(parts) // 2) + 1 for _ in range(2))
        match dice.choice(["drop", "double", "swap", "replace", "copy"]):
            case "drop":
                parts[i] = ""
            case "double":
                parts[i] += " " + parts[i]
            case "swap":
                parts[i], parts[j] = parts[j], parts[i]
            case "copy":
                parts[i] = parts[j]
            case _:
                parts[i] = dice.choice(TOKENS)
    return "".join(parts)


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_with_tokens_changed(name: str) -> None:
    dice = random.Random(name)
    for _ in range(10):
        check(mutated(PROGRAMS[name], dice))


@given(st.randoms(use_true_random=False), st.sampled_from(sorted(PROGRAMS)), st.sampled_from(sorted(PROGRAMS)))
def test_programs_mixed(dice: random.Random, first: str, second: str) -> None:
    """Lines of two programs shuffled together, so that names meet that were never meant to."""
    lines = PROGRAMS[first].split("\n") + PROGRAMS[second].split("\n")
    check("\n".join(dice.sample(lines, len(lines))))
    check("\n".join(sorted(dice.sample(lines, len(lines) // 2), key=lines.index)))
