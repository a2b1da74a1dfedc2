"""The place where a statement stops making sense, with what its neighbourhood is asked for."""

import re
from dataclasses import dataclass, replace
from functools import cached_property

from declarative.source.diagnostic import Diagnostic
from declarative.source.span import Source, Span
from declarative.syntax.tokens.layout import Line
from declarative.syntax.tokens.lexer import Token


@dataclass(frozen=True)
class Mistake:
    """What to say; and the statement, or the two statements, that were meant, where that is beyond doubt."""

    diagnostic: Diagnostic
    repaired: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Trouble:
    """`index` is the first token that does not fit (the number of tokens, at the end); `expected` would fit."""

    source: Source
    line: Line
    index: int
    expected: frozenset[str]

    @property
    def tokens(self) -> tuple[Token, ...]:
        return self.line.tokens

    @cached_property
    def token(self) -> Token:
        """The token that does not fit; one of type $END, of no width, at the end of the statement."""
        if self.index < len(self.tokens):
            return self.tokens[self.index]
        return Token("$END", "", self.line.end, self.line.end)

    @property
    def before(self) -> Token | None:
        return self.tokens[self.index - 1] if self.index else None

    @property
    def following(self) -> Token | None:
        return self.tokens[self.index + 1] if self.index + 1 < len(self.tokens) else None

    @property
    def kind(self) -> str:
        return self.tokens[0].type

    def after(self, token_type: str) -> bool:
        return self.before is not None and self.before.type == token_type

    def wants(self, *token_types: str) -> bool:
        return all(kind in self.expected for kind in token_types)

    @property
    def wants_operand(self) -> bool:
        return self.wants("NAME", "NUMBER")

    def span(self, first: Token | None = None, last: Token | None = None) -> Span:
        """The place of the token that does not fit, or from one token to another."""
        first = first or self.token
        return Span(self.source, first.start, (last or first).end)

    def at(self, index: int) -> "Trouble":
        """The same statement, looked at from another place."""
        return replace(self, index=index)

    @property
    def before_objective(self) -> bool:
        """Does the statement stand above the objective, as far as can be seen?"""
        return not self.objective_above and bool(_OBJECTIVE.search(self.source.text, self.tokens[0].start))

    @property
    def objective_above(self) -> bool:
        """Does an objective stand above the statement, as far as can be seen?"""
        return bool(_OBJECTIVE.search(self.source.text, 0, self.tokens[0].start))

    def declares(self, name: str) -> bool:
        """Does the text seem to declare this name somewhere?"""
        return bool(re.search(rf"\b(?:{'|'.join(_DECLARING)})\b[^\n;]*\b{re.escape(name)}\b", self.source.text))

    @property
    def operand_before(self) -> str:
        """The text of the operand that ends before the place: `2`, `1/2`, `x'`, `f(x)`; a long one as `(...)`."""
        first = _first_of_operand(self.tokens, self.index - 1)
        if self.tokens[first].type == "NUMBER" and first > 1 and self.tokens[first - 1].type == "/":
            first -= 2 * (self.tokens[first - 2].type == "NUMBER")
        return _brief(self.span(self.tokens[first], self.before).text)

    @property
    def operand_here(self) -> str:
        """The text of the operand that begins at the place, as far as it is one token or one bracket."""
        if self.token.type not in ("(", "["):
            return self.token.text
        last = closing_of(self.tokens, self.index)
        return self.token.text if last is None else _brief(self.span(self.token, self.tokens[last]).text)

    @cached_property
    def opening(self) -> str:
        """The bracket around the place, or nothing."""
        brackets: list[str] = []
        for token in self.tokens[: self.index]:
            if token.type in ("(", "["):
                brackets.append(token.type)
            elif token.type in (")", "]") and brackets:
                brackets.pop()
        return brackets[-1] if brackets else ""

    def with_tokens(self, *tokens: Token, instead_of: int = 1, at: int | None = None) -> tuple[Line, ...]:
        """The statement with some tokens replaced, at the place of the trouble unless told otherwise."""
        at = self.index if at is None else at
        new = (*self.tokens[:at], *tokens, *self.tokens[at + instead_of :])
        return (Line(new, self.line.comments, self.line.trailing),)

    def split(self, leaving_out: int = 0) -> tuple[Line, ...]:
        """Two statements, the second beginning here, or so many tokens later."""
        first, second = self.tokens[: self.index], self.tokens[self.index + leaving_out :]
        return Line(first, self.line.comments), Line(second, (), self.line.trailing)


_DECLARING = ("dim", "param", "const", "learn", "var", "let")
_OBJECTIVE = re.compile(r"(?:^|;)[ \t]*(?:minimi[sz]e|maximi[sz]e|min|max|find)\b", re.MULTILINE)
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_LONGEST = 30  # characters of an operand in a hint


def closing_of(tokens: tuple[Token, ...], opening: int) -> int | None:
    """The place of the bracket that closes the one at this place."""
    depth = 0
    for place in range(opening, len(tokens)):
        depth += (tokens[place].text in _PAIRS) - (tokens[place].text in _PAIRS.values())
        if depth == 0:
            return place
    return None


def _first_of_operand(tokens: tuple[Token, ...], last: int) -> int:
    """Where the operand begins that ends here: behind are primes, subscripts and arguments."""
    first = last
    while first > 0 and tokens[first].type == "'":
        first -= 1
    while tokens[first].type in (")", "]"):
        opening = next((k for k in range(first, -1, -1) if closing_of(tokens, k) == first), first)
        called = opening > 0 and tokens[opening - 1].type in ("NAME", ")", "]")
        first = opening - called
        if not called:
            break
    if first > 1 and tokens[first - 1].type in ("^", "**", ".^"):
        return _first_of_operand(tokens, first - 2)
    return first


def _brief(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[0]}...{text[-1]}" if text[0] in _PAIRS else f"... {text[-10:]}"
