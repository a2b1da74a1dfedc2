"""The first words of a statement to the statement word that was meant: `minimise`, `parm`, `s.t.`, `Subject To`."""

import re
from difflib import get_close_matches

from declarative.syntax.tokens.layout import TWO_WORDS
from declarative.syntax.tokens.lexer import STATEMENT_WORDS, Token

_ALSO = {
    "minimize": "minimise min minimum argmin",
    "maximize": "maximise max maximum argmax",
    "param": "parameter parameters params given input inputs data known",
    "var": "variable variables vars unknown unknowns",
    "const": "constant constants",
    "dim": "dimension dimensions dims size sizes set sets",
    "def": "define function func fn",
    "learn": "learnable learned",
    "extern": "external",
    "assume": "assuming suppose",
    "import": "include",
    "problem": "model program",
    "return": "returns output outputs",
    "subject to": "st suchthat subject subjectto subjecto where constraints",
    "solve by": "solve solveby solvewith solveusing solver",
    "differentiate by": "differentiate differentiateby differentiatewith",
}
_UNDER = re.compile(r"^((?:arg)?(?:min|max))_\w+$")  # min_x
MEANT = {text: word for word, texts in _ALSO.items() for text in texts.split()}
_TOKEN_TYPES = {" ".join(words): kind for words, kind in TWO_WORDS.items()}
_WORDS = {word.replace(" ", ""): word for word in [*STATEMENT_WORDS, *_TOKEN_TYPES]}


def meant(tokens: tuple[Token, ...]) -> tuple[Token, int] | None:
    """The token that was meant, and how many tokens it replaces; None where no statement word is near.

    `subject to` stands alone on its line, every other word has something after it. The longest run of leading
    words counts, so that `such that` is not read as a misspelt `such`.
    """
    if len(tokens) > 1 and tokens[1].type in (":", "="):
        return None
    run = _leading(tokens)
    for count in range(len(run), 0, -1):
        text = "".join(token.text for token in run[:count]).replace(".", "").lower()
        word = _near(_UNDER.sub(r"\1", text).replace("_", ""))
        if not word or (word == "subject to") != (count == len(tokens)) or (count > 1 and " " not in word):
            continue
        return Token(_TOKEN_TYPES.get(word, word), word, run[0].start, run[count - 1].end), count
    return None


def meant_word(text: str) -> str | None:
    """The statement word that is near a single word, if there is one."""
    return _near(text.lower().replace("_", ""))


def _leading(tokens: tuple[Token, ...]) -> list[Token]:
    """The names, statement words and dots at the start, four tokens at most (`s.t.`)."""
    run: list[Token] = []
    for token in tokens[:4]:
        if token.type not in ("NAME", "."):
            break
        run.append(token)
    return run


def _near(text: str) -> str | None:
    word = MEANT.get(text) or _WORDS.get(text)
    if not word and len(text) >= 3:
        close = get_close_matches(text, _WORDS, n=1, cutoff=0.8)
        word = _WORDS[close[0]] if close else None
    return word
