"""Text to tokens: one regular expression, made of the grammar's tokens; whatever it cannot read is a STRAY token."""

import json
import re
from pathlib import Path
from typing import NamedTuple

TABLES: dict = json.loads((Path(__file__).parent.parent / "tables.json").read_text(encoding="utf-8"))


class Token(NamedTuple):
    """`type` is a word or sign itself (`"param"`, `"<="`), else NAME, NUMBER, STRING, COMMENT, NEWLINE, STRAY, or
    QUOTED: a string of Python in three quotes.
    """

    type: str
    text: str
    start: int
    end: int


WORDS = frozenset(TABLES["words"])
STATEMENT_WORDS = WORDS - {"for", "in", "if", "not", "and", "or", "inf"}
# A sign is its own kind. What no token matches is a STRAY: a string without its end, or one character, again and again.
_SIGNS = "|".join(pattern for name, pattern in TABLES["tokens"] if re.escape(name) == pattern)
_KINDS = {name: pattern for name, pattern in TABLES["tokens"] if re.escape(name) != pattern}
_QUOTED = r'"""(?s:.*?)"""|(?<![\w)\]\'])\'\'\'(?s:.*?)\'\'\''
_KINDS = {"QUOTED": _QUOTED} | _KINDS
_KINDS |= {"SIGN": _SIGNS, "STRAY": r'"[^\n]*|(?P<again>(?s:.))(?P=again)*'}
# Plain spaces are every third character of most texts, and go with the token that they stand before.
_PATTERN = re.compile(" *(?:" + "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _KINDS.items()) + ")")
_KIND_OF_GROUP = {_PATTERN.groupindex[kind]: kind for kind in _KINDS}

# Read as their plain forms: the raised T is a transposition, and spaces of any kind are spaces. One character
# stands for one, so that places in the text stay what they are.
_PLAIN = {ord("ᵀ"): "'", **{ord(space): " " for space in "\u00a0\u2002\u2003\u2009\u202f\u3000"}}


def lex(text: str) -> list[Token]:
    """The tokens of a text with their places, without its spaces. Every text is accepted."""
    plain = text if text.isascii() else text.translate(_PLAIN)
    tokens: list[Token] = []
    for match in _PATTERN.finditer(plain):
        group = match.lastindex or 0
        kind = _KIND_OF_GROUP[group]
        if kind == "SPACE":
            continue
        start, end = match.span(group)
        word = plain[start:end]
        if kind == "SIGN" or word in WORDS:
            kind = word
        tokens.append(tuple.__new__(Token, (kind, text[start:end], start, end)))  # in half the time of a call
    return tokens
