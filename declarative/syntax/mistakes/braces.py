"""Braces: `x in {0, 1}`, `var x : {0,1}^n`, `R^{m x n}`, `c^{T}`, `x{i}`, `sum{i in n} ...`."""

from declarative.source.diagnostic import error
from declarative.syntax.mistakes.operands import SIGNS
from declarative.syntax.mistakes.trouble import Mistake, Trouble
from declarative.syntax.tokens.layout import Line
from declarative.syntax.tokens.lexer import Token

CONTINUOUS = "only continuous variables are solved for"
_DECLARING = ("var", "param", "const", "learn")


def brace(t: Trouble) -> Mistake | None:
    if t.token.text == "}" and len(t.tokens) == 1:
        return Mistake(error("E101", t.span(), "braces are not part of the language", hints=["leave it out"]))
    if t.token.text != "{" or not t.before:
        return None
    if t.after("SUBJECT_TO") and t.index == 1:
        hints = ["leave it out: constraints stand below `subject to`, without brackets"]
        lines = t.split(leaving_out=1) if t.following else (Line(t.tokens[:1], t.line.comments, t.line.trailing),)
        return Mistake(error("E101", t.span(), "braces are not part of the language", hints=hints), lines)
    closing = next((k for k in range(t.index, len(t.tokens)) if t.tokens[k].text == "}"), None)
    if closing is None:
        return None
    inside = t.tokens[t.index + 1 : closing]
    if t.after("in") or t.after("∈"):
        return _choice(t, inside, closing)
    if t.after(":") and t.kind in _DECLARING:
        return _choices(t, closing)
    if t.after("^"):
        return _raised(t, inside, closing)
    if t.after("NAME"):
        return _index(t, closing)
    return None


def _numbers(inside: tuple[Token, ...]) -> list[str]:
    return [token.text for token in inside if token.type == "NUMBER"]


def _choice(t: Trouble, inside: tuple[Token, ...], closing: int) -> Mistake | None:
    """`x in {0, 1}`."""
    numbers = _numbers(inside)
    if not numbers:
        return None
    first = next((k + 1 for k in range(t.index) if t.tokens[k].type == ":"), 0)
    written = t.span(t.tokens[first], t.tokens[t.index - 2]).text
    hints = [f"{CONTINUOUS}; relaxed it is `{numbers[0]} <= {written} <= {numbers[-1]}`"]
    return Mistake(error("E101", t.span(t.token, t.tokens[closing]), "a set of numbers is no constraint", hints=hints))


def _choices(t: Trouble, closing: int) -> Mistake:
    """`var x : {0,1}^n`."""
    hat = t.tokens[closing + 1 : closing + 3]
    power = "^" + hat[1].text if len(hat) == 2 and hat[0].type == "^" else ""
    hints = [f"{CONTINUOUS}; relaxed it is `R{power}, between(0, 1)`"]
    return Mistake(error("E101", t.span(t.token, t.tokens[closing]), "a set of numbers is no space", hints=hints))


def _raised(t: Trouble, inside: tuple[Token, ...], closing: int) -> Mistake:
    """`R^{m x n}`, `c^{T}`, `x^{2}`."""
    span, base = t.span(t.token, t.tokens[closing]), t.tokens[t.index - 2].text
    parts = [token for token in inside if token.text not in (",", "x", "×", "*", "\\", "times")]
    message = "braces are not part of the language"
    if t.kind in (*_DECLARING, "def", "extern") and 1 <= len(parts) <= 2:
        text = ",".join(token.text for token in parts)
        text = f"({text})" if len(parts) == 2 else text
        comma = Token(",", ",", t.token.start, t.token.start)
        sizes = [parts[0], comma, parts[1]] if len(parts) == 2 else parts
        return Mistake(error("E101", span, message, hints=[f"write `{base}^{text}`"]), _bracketed(t, sizes, closing))
    if "".join(token.text for token in inside) in ("T", "\\top", "\\intercal"):
        prime = Token("'", "'", t.token.start, t.token.end)
        repaired = t.with_tokens(prime, instead_of=closing - t.index + 2, at=t.index - 1)
        return Mistake(error("E101", span, message, hints=[f"the transpose is `{base}'`"]), repaired)
    hints = [f"write `^({t.source.text[t.token.end : t.tokens[closing].start]})`"]
    return Mistake(error("E101", span, message, hints=hints), _bracketed(t, list(inside), closing))


def _bracketed(t: Trouble, inside: list[Token], closing: int):
    left, right = t.token._replace(type="(", text="("), t.tokens[closing]._replace(type=")", text=")")
    return t.with_tokens(left, *inside, right, instead_of=closing - t.index + 1)


def _index(t: Trouble, closing: int) -> Mistake:
    """`sum{i in n} x[i]`, `x{i}`."""
    name = t.before.text.rstrip("_") if t.before else ""
    name = SIGNS.get(name, name)
    inside = t.source.text[t.token.end : t.tokens[closing].start].strip()
    hint = f"subscripts stand in square brackets: `{name}[{inside}]`"
    if name in ("max", "min") and t.tokens[closing - 2].type not in ("in", "∈", "=") and "," in inside:
        hint = f"arguments stand in round brackets: `{name}({inside})`"
    elif name in ("sum", "prod", "max", "min"):
        hint = f"indices stand behind: `{name}(... for i in n)`"
    return Mistake(
        error("E101", t.span(t.token, t.tokens[closing]), "braces are not part of the language", hints=[hint])
    )
