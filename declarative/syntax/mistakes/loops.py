"""Loops and blocks of programs: `for t in range(T):`, `for t = 1:n`, `end`, `cvx_begin`."""

from dataclasses import replace

from declarative.source.diagnostic import error
from declarative.syntax.mistakes.trouble import Mistake, Trouble
from declarative.syntax.tokens.layout import Line
from declarative.syntax.tokens.lexer import Token

_BLOCKS = ("end", "endfor", "endif", "endwhile", "begin", "cvx_begin", "cvx_end", "cvx_clear", "pass")


def block(t: Trouble) -> Mistake | None:
    """`end`, and `cvx_begin sdp`, which say where a block of statements begins or ends."""
    first = t.tokens[0]
    if first.text.lower() not in _BLOCKS or any(token.type != "NAME" for token in t.tokens):
        return None
    span = t.span(first, t.tokens[-1])
    diagnostic = error("E110", span, f"`{span.text}` is no statement: there are no blocks", hints=["leave it out"])
    return Mistake(diagnostic, (Line(()),))


def loop_first(t: Trouble) -> Mistake | None:
    """`for i in n: x[i] <= 1`, `for t in range(T):` and `for t = 0:T-1` with the body on the lines below."""
    if t.index or t.token.type != "for" or len(t.tokens) < 4:
        return None
    counted = t.tokens[2].type == "="
    colons = [k for k, token in enumerate(t.tokens) if token.type == ":"]
    end = colons[counted] if len(colons) > counted else len(t.tokens)
    if end < 4:
        return None
    loop, body = (*t.tokens[:2], *_over(t.tokens[2:end])), t.tokens[end + 1 :]
    said = t.source.text[body[0].start : body[-1].end] if body else "..."
    hints = [f"write `{said} for {loop[1].text} in {''.join(token.text for token in loop[3:])}`"]
    diagnostic = error("E112", t.span(), "the indices stand behind what they run through", hints=hints)
    return Mistake(diagnostic, t.with_tokens(*body, *loop, instead_of=len(t.tokens)) if body else ())


def quantifier_first(t: Trouble) -> Mistake | None:
    """`forall i in n: x[i] <= 1`, read as `for i in n: x[i] <= 1`."""
    first = t.tokens[0]
    if first.text.lower() not in ("forall", "foreach", "∀") or len(t.tokens) < 4 or t.tokens[2].text not in ("in", "∈"):
        return None
    tokens = (first._replace(type="for", text="for"), *t.tokens[1:])
    return loop_first(replace(t, line=replace(t.line, tokens=tokens), index=0))


def _over(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """`in n`, from `= 1:n`, `in range(n)` and `in 1..n`; `in a..b` from `= a:b`."""
    into = tokens[0]._replace(type="in", text="in")
    over = [token._replace(type="..", text="..") if token.type == ":" else token for token in tokens[1:]]
    texts = [token.text for token in over]
    if texts[:2] == ["range", "("] and texts[-1] == ")" and "," not in texts:
        over = over[2:-1]
    elif texts[:2] == ["1", ".."] and len(over) == 3 and over[2].type == "NAME":
        over = over[2:]
    return (into, *over)
