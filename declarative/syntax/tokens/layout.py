"""Tokens to statements: a newline ends one, except inside brackets or after an operator; so does `;` outside brackets.

Comments go with the statement that they stand before or behind; those inside a statement move before it.
"""

from bisect import bisect_left
from dataclasses import dataclass, field, replace

from declarative.source.diagnostic import Diagnostic, Label, error
from declarative.source.span import Source, Span
from declarative.syntax.tokens.lexer import STATEMENT_WORDS, Token

OPENING = {")": "(", "]": "["}
CLOSING = {"(": ")", "[": "]"}
_BRACKETS = frozenset((*OPENING, *CLOSING))
# After one of these a line goes on.
CONTINUING = frozenset("+ - * / .* ./ ^ .^ ** <= ≤ >= ≥ == != < > = , : .. -> in ∈ and or not if for".split())  # noqa: SIM905
TWO_WORDS = {
    ("subject", "to"): "SUBJECT_TO",
    ("solve", "by"): "SOLVE_BY",
    ("differentiate", "by"): "DIFFERENTIATE_BY",
}
_FIRST_WORDS = frozenset(first for first, _ in TWO_WORDS)
STARTING = STATEMENT_WORDS | set(TWO_WORDS.values())


@dataclass(frozen=True)
class Line:
    """The tokens of one statement with its comments. `broken`: its brackets are reported already."""

    tokens: tuple[Token, ...]
    comments: tuple[str, ...] = ()
    trailing: str | None = None
    broken: bool = False

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].end


@dataclass
class Layout:
    """`lines` in order, the comments after the last one, and what is wrong with the brackets."""

    lines: list[Line] = field(default_factory=list)
    comments: tuple[str, ...] = ()
    diagnostics: list[Diagnostic] = field(default_factory=list)


def lay_out(source: Source, tokens: list[Token]) -> Layout:
    """Cut the tokens of a text into statements."""
    return _Cutter(source, _join_words(tokens)).run()


def _join_words(tokens: list[Token]) -> list[Token]:
    """`subject to`, `solve by`, `differentiate by` at the start of a statement become one token each."""
    joined: list[Token] = []
    skip = False
    for i, token in enumerate(tokens):
        if skip:
            skip = False
            continue
        following = tokens[i + 1] if token.text in _FIRST_WORDS and i + 1 < len(tokens) else None
        kind = TWO_WORDS.get((token.text, following.text)) if following else None
        if kind and following and (not joined or joined[-1].type in ("NEWLINE", ";", "COMMENT")):
            token = Token(kind, f"{token.text} {following.text}", token.start, following.end)
            skip = True
        joined.append(token)
    return joined


class _Cutter:
    """One walk over the tokens, with the open brackets and the comments that wait for their statement."""

    def __init__(self, source: Source, tokens: list[Token]):
        self.source = source
        self.tokens = tokens
        self.telling = [i for i, token in enumerate(tokens) if token.type not in ("NEWLINE", "COMMENT")]
        self.result = Layout()
        self.current: list[Token] = []
        self.open: list[Token] = []
        self.waiting: list[str] = []  # comments and blank lines before the next statement
        self.inside: list[Token] = []  # comments since the current statement began
        self.broken = False

    def run(self) -> Layout:
        fresh = True  # nothing stands on the current line of text yet
        for i, token in enumerate(self.tokens):
            match token.type:
                case "NEWLINE":
                    if self.current:
                        self._line_end(i)
                    elif fresh:
                        self._blank()
                    fresh = True
                    continue
                case "COMMENT":
                    self._comment(token, fresh)
                case ";" if not self.open:
                    self._finish(None)
                case kind:
                    if kind in _BRACKETS:
                        self._bracket(token)
                    self.current.append(token)
            fresh = False
        self._unclosed()
        self._finish(len(self.tokens))
        while self.waiting and not self.waiting[-1]:
            self.waiting.pop()
        self.result.comments = tuple(self.waiting)
        return self.result

    def _blank(self) -> None:
        if self.waiting[-1:] != [""] and (self.waiting or self.result.lines):
            self.waiting.append("")

    def _comment(self, token: Token, fresh: bool) -> None:
        if self.current:
            self.inside.append(token)
        elif fresh or not self.result.lines:
            self.waiting.append(token.text.rstrip())
        else:  # behind a statement that `;` ended
            self.result.lines[-1] = replace(self.result.lines[-1], trailing=token.text.rstrip())

    def _line_end(self, i: int) -> None:
        """A newline inside a statement: does the statement go on?"""
        following = self._peek(i + 1)
        if self.open:
            if following and (following[0].type in STARTING or self._labelled(following)):
                self._unclosed()
                self._finish(i)
        elif not self._goes_on(following):
            self._finish(i)

    def _goes_on(self, following: list[Token]) -> bool:
        """Outside brackets: after an operator, unless the next line can only be a statement of its own."""
        kinds = [token.type for token in following]
        ended = self.current[-1].type not in CONTINUING or self.current[0].type == "SUBJECT_TO"
        return bool(kinds) and not ended and kinds[0] not in STARTING and kinds != ["NAME", ":"]

    def _labelled(self, following: list[Token]) -> bool:
        """Does the next line begin with `name:`, which no line inside round brackets does except in a `def`?"""
        kinds = [token.type for token in following]
        return kinds == ["NAME", ":"] and self.open[-1].type == "(" and self.current[0].type != "def"

    def _peek(self, i: int) -> list[Token]:
        """The next two tokens that are neither comments nor newlines."""
        first = bisect_left(self.telling, i)
        return [self.tokens[k] for k in self.telling[first : first + 2]]

    def _bracket(self, token: Token) -> None:
        if token.type in CLOSING:
            self.open.append(token)
        elif token.type in OPENING:
            if self.open and self.open[-1].type == OPENING[token.type]:
                self.open.pop()
            else:
                self._mismatched(token)

    def _mismatched(self, token: Token) -> None:
        """A closing bracket that does not fit the innermost open one: that one, or this one, is the mistake."""
        opening = OPENING[token.type]
        here = self._span(token)
        if opening in [bracket.type for bracket in self.open]:
            inner = self.open[-1]
            label = Label(here, f"`{token.text}` comes first")
            self._report(_never_closed(self._span(inner), inner, [label]))
            while self.open.pop().type != opening:
                pass
        elif self.open:
            inner = self.open.pop()
            label = Label(self._span(inner), f"`{inner.text}` opens here")
            hint = f"write `{CLOSING[inner.type]}` here"
            message = f"`{inner.text}` is closed by `{token.text}`"
            self._report(error("E104", here, message, labels=[label], hints=[hint]))
        elif not self.broken:
            hint = f"remove it, or write the `{opening}` that it closes"
            self._report(error("E104", here, f"this `{token.text}` closes nothing", hints=[hint]))

    def _unclosed(self) -> None:
        if self.open:
            self._report(_never_closed(self._span(self.open[-1]), self.open[-1]))
            self.open.clear()

    def _span(self, token: Token) -> Span:
        return Span(self.source, token.start, token.end)

    def _report(self, diagnostic: Diagnostic) -> None:
        self.result.diagnostics.append(diagnostic)
        self.broken = True

    def _finish(self, newline: int | None) -> None:
        """The current statement ends, at the newline of this number or elsewhere."""
        if not self.current:
            return
        trailing = None
        if newline is not None and self.inside and self.inside[-1] is self.tokens[newline - 1]:
            trailing = self.inside.pop().text.rstrip()
        comments = [*self.waiting, *(token.text.rstrip() for token in self.inside)]
        self.result.lines.append(Line(tuple(self.current), tuple(comments), trailing, self.broken))
        self.current, self.waiting, self.inside, self.broken = [], [], [], False


def _never_closed(span: Span, opening: Token, labels: list[Label] | None = None) -> Diagnostic:
    hint = f"write `{CLOSING[opening.type]}` where it should end"
    return error("E103", span, f"this `{opening.text}` is never closed", labels=labels or [], hints=[hint])
