"""Declarations without their `:` or `,`, and sizes without brackets."""

from declarative.source.diagnostic import error
from declarative.syntax.lexer import Token
from declarative.syntax.mistakes.trouble import Mistake, Trouble

_KINDS = ("param", "const", "learn", "var", "extern")


def size_without_brackets(t: Trouble) -> Mistake | None:
    """`R^n+1` for `R^(n+1)`; `R^-1`."""
    if t.token.type not in ("+", "-", "*", "/") or t.index < 3 or t.tokens[t.index - 2].type != "^" or t.wants("*"):
        return None
    size = t.tokens[t.index - 1].text + t.token.text + (t.following.text if t.following else "")
    space = t.tokens[t.index - 3].text
    span = t.span(t.before, t.following or t.token)
    return Mistake(error("E127", span, "a computed size stands in brackets", hints=[f"write `{space}^({size})`"]))


def missing_colon(t: Trouble) -> Mistake | None:
    """`param x R^n`, `var x in R^n`, `param x = 3`."""
    if t.kind not in _KINDS or not t.wants(":") or t.wants_operand or any(x.type == ":" for x in t.tokens[: t.index]):
        return None
    place = f"before `{t.token.text}`" if t.token.text else f"after `{t.tokens[-1].text}`"
    hints = [f"`{t.kind} {t.tokens[1].text} : R`, with the space that it lives in after a `:`"]
    diagnostic = error("E113", t.span(), f"`:` is missing {place}", hints=hints)
    colon = Token(":", ":", t.token.start, t.token.start)
    if t.token.type == "NAME":
        return Mistake(diagnostic, t.with_tokens(colon, instead_of=0))
    return Mistake(diagnostic, t.with_tokens(colon) if t.token.type in ("in", "∈") else ())


def missing_comma(t: Trouble) -> Mistake | None:
    """`param x : R^n pos`: attributes are separated by commas."""
    if t.kind not in _KINDS or t.token.type != "NAME" or not t.wants(",") or t.wants("*"):
        return None
    comma = Token(",", ",", t.token.start, t.token.start)
    hints = [f"write `, {t.token.text}`"]
    diagnostic = error("E113", t.span(), f"`,` is missing before `{t.token.text}`", hints=hints)
    return Mistake(diagnostic, t.with_tokens(comma, instead_of=0))


def argument_without_space(t: Trouble) -> Mistake | None:
    """`def f(x) = ...`."""
    if t.kind != "def" or t.opening != "(" or not t.wants(":") or not t.before:
        return None
    hints = [f"write `{t.before.text} : R`, or another space"]
    return Mistake(error("E113", t.span(t.before), f"`{t.before.text}` needs its space after a `:`", hints=hints))
