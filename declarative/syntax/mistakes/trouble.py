"""The place where a statement stops making sense, with what its neighbourhood is asked for."""

from dataclasses import dataclass
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
