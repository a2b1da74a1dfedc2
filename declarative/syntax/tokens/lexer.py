"""Text to tokens: one regular expression, made of the grammar's tokens; whatever it cannot read is a STRAY token."""

import json
import re
from pathlib import Path
from typing import NamedTuple

TABLES: dict = json.loads((Path(__file__).parent.parent / "tables.json").read_text(encoding="utf-8"))


class Token(NamedTuple):
    """`type` is a word or sign itself (`"param"`, `"<="`), else NAME, NUMBER, STRING, COMMENT, NEWLINE or STRAY."""

    type: str
    text: str
    start: int
    end: int


WORDS = frozenset(TABLES["words"])
STATEMENT_WORDS = WORDS - {"for", "in", "if", "not", "and", "or", "inf"}
_PATTERN = re.compile("|".join(f"(?P<t{i}>{pattern})" for i, (_, pattern) in enumerate(TABLES["tokens"])))
_TYPE_OF_GROUP = {f"t{i}": name for i, (name, _) in enumerate(TABLES["tokens"])}

# What no token matches: a string without its end runs to the end of its line, a sign may be doubled.
_STRAY = re.compile(r'"[^\n]*|(.)\1*', re.DOTALL)

# Read as their plain forms: the raised T is a transposition, and spaces of any kind are spaces. One character
# stands for one, so that places in the text stay what they are.
_PLAIN = {ord("ᵀ"): "'", **{ord(space): " " for space in "\u00a0\u2002\u2003\u2009\u202f\u3000"}}


def lex(text: str) -> list[Token]:
    """The tokens of a text with their places, without its spaces. Every text is accepted."""
    plain = text.translate(_PLAIN)
    tokens: list[Token] = []
    position = 0
    read, length = _PATTERN.match, len(text)
    while position < length:
        if plain[position] == " ":  # every third character of most texts
            position += 1
            continue
        match = read(plain, position)
        kind = _TYPE_OF_GROUP[match.lastgroup or ""] if match else "STRAY"
        match = match or _STRAY.match(plain, position)
        assert match is not None
        end = match.end()
        if kind != "SPACE":
            word = plain[position:end]
            tokens.append(Token(word if word in WORDS else kind, text[position:end], position, end))
        position = end
    return tokens
