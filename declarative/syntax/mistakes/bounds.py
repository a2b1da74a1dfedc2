"""Bounds in a declaration to the attribute that says so: `var x : R^n, 0 <= x <= 1`, `var x >= 0, <= 1`."""

from __future__ import annotations

from itertools import pairwise
from typing import TypeAlias

from declarative.source.diagnostic import error
from declarative.syntax.mistakes.comparing import COMPARING, DECLARING
from declarative.syntax.mistakes.trouble import Mistake, Trouble, closing_of
from declarative.syntax.tokens.lexer import Token

Tokens: TypeAlias = tuple[Token, ...]
_BELOW, _ABOVE = ("<=", "≤", "<"), (">=", "≥", ">")


_LOWER, _UPPER = ("lb", "lower", "lo", "min", "lowbound"), ("ub", "upper", "hi", "max", "upbound")


def interval(t: Trouble) -> Mistake | None:
    """`var x : R^n, [0, 1]`, `var x : R^n in [0, 1]`, `var x : R^n, lb = 0, ub = 1`."""
    if t.kind not in DECLARING or ":" not in [token.type for token in t.tokens[: t.index]] or t.opening:
        return None
    place = t.index + (t.token.type in ("in", "∈"))
    if t.tokens[place : place + 1] and t.tokens[place].type == "[" and (t.after(",") or place > t.index):
        closing = closing_of(t.tokens, place)
        ends = _parts(t.tokens[place + 1 : closing]) if closing else []
        said = f", between({', '.join(_said(end) for end in ends)})"
        if len(ends) == 2 and closing:
            message = "an interval does not fit into a declaration"
            hints = [f"an attribute says so: `{said}`"]
            return Mistake(error("E113", t.span(t.token, t.tokens[closing]), message, hints=hints))
    return _named_ends(t) if t.token.type == "," else None


def _named_ends(t: Trouble) -> Mistake | None:
    named = {part[0].text: part for part in _parts(t.tokens[2:])[1:] if [x.type for x in part[1:2]] == ["="]}
    lo = next((part[2:] for name, part in named.items() if name in _LOWER), None)
    hi = next((part[2:] for name, part in named.items() if name in _UPPER), None)
    if not lo or not hi:
        return None
    first = min(part[0].start for part in named.values())
    token = next(token for token in t.tokens if token.start == first)
    hints = [f"an attribute says so: `, between({_said(lo)}, {_said(hi)})`"]
    return Mistake(error("E113", t.span(token, t.tokens[-1]), "bounds have no names here", hints=hints))


def _said(tokens: Tokens) -> str:
    return "".join(token.text for token in tokens)


def bounds(t: Trouble) -> Mistake | None:
    if t.kind not in DECLARING or len(t.tokens) < 4 or not _compares(t):
        return None
    text, named = t.tokens[-1].type == "STRING", t.tokens[1].type == "NAME"
    start = _behind_family(t.tokens) if named else 1
    doc, parts = t.tokens[len(t.tokens) - text :], _parts(t.tokens[start : len(t.tokens) - text])
    name = t.tokens[1] if named else next((side[0] for side in _sides(parts[0]) if _is_name(side)), t.token)
    head = _space(parts[0])
    lo, hi = _ends((parts[0][len(head) :], *parts[1:]), name.text)
    message, hints = "a comparison does not fit into a declaration", ["an attribute says so: `, between(lo, hi)`"]
    if lo is None and hi is None:
        return Mistake(error("E113", t.span(), message, hints=hints))
    attribute = _attribute(t, lo, hi)
    said = "".join(", " if token.text == "," else token.text for token in attribute)
    if not head:
        family = "".join(token.text for token in t.tokens[2:start])
        hints = [f"`{t.kind} {name.text}{family} : R, {said}`"]
        if not named:
            return Mistake(error("E113", t.span(t.token, parts[0][-1]), message, hints=hints))
        return Mistake(error("E113", t.span(), f"`:` is missing before `{t.token.text}`", hints=hints))
    kept = [part for part in parts[1:] if not any(token.type in COMPARING for token in part)]
    comma = Token(",", ",", t.token.start, t.token.start)
    rest = [token for part in (*kept, attribute) for token in (comma, *part)]
    repaired = t.with_tokens(*t.tokens[:start], *head, *rest, *doc, instead_of=len(t.tokens), at=0)
    hints = [f"an attribute says so: `, {said}`"]
    return Mistake(error("E113", t.span(*_place(t)), message, hints=hints), repaired)


def _compares(t: Trouble) -> bool:
    """The trouble is a comparison, or the first token of one behind a comma."""
    if t.opening or t.wants("*"):
        return False
    part = _parts(t.tokens[t.index :])[0]
    first = t.after(",") or t.index == 1
    return t.token.type in COMPARING or (first and any(token.type in COMPARING for token in part))


def _place(t: Trouble) -> tuple[Token, Token]:
    """The comparison's first sign where the space stands before it; all of it behind a comma."""
    if not t.after(","):
        return t.token, t.token
    return t.token, _parts(t.tokens[t.index :])[0][-1]


def _behind_family(tokens: Tokens) -> int:
    """The place after the name, and after its square brackets."""
    closing = closing_of(tokens, 2) if tokens[2].type == "[" else None
    return 2 if closing is None else closing + 1


def _parts(tokens: Tokens) -> list[Tokens]:
    """Cut at the commas outside brackets."""
    parts, depth, start = [], 0, 0
    for place, token in enumerate(tokens):
        depth += (token.type in ("(", "[")) - (token.type in (")", "]"))
        if token.type == "," and depth == 0:
            parts.append(tokens[start:place])
            start = place + 1
    return [*parts, tokens[start:]]


def _space(part: Tokens) -> Tokens:
    """The colon and the space before a comparison; nothing, where there is no colon."""
    end = next((k for k, token in enumerate(part) if token.type in COMPARING), len(part))
    return part[:end] if ":" in [token.type for token in part[:end]] else ()


def _ends(parts: tuple[Tokens, ...], name: str) -> tuple[Tokens | None, Tokens | None]:
    """What stands below and above the variable, in all the comparisons."""
    lo = hi = None
    for part in parts:
        signs = [token.type for token in part if token.type in COMPARING]
        for sign, (left, right) in zip(signs, pairwise(_sides(part)), strict=True):
            less, more = sign in _BELOW, sign in _ABOVE
            own = [not side or side[0].text == name for side in (left, right)]
            if own[1] and not own[0]:
                lo, hi = (left if less else lo), (left if more else hi)
            elif own[0] and not own[1]:
                lo, hi = (right if more else lo), (right if less else hi)
            else:
                return None, None
    return lo, hi


def _sides(part: Tokens) -> list[Tokens]:
    cuts = [-1, *(k for k, token in enumerate(part) if token.type in COMPARING), len(part)]
    return [part[a + 1 : b] for a, b in pairwise(cuts)]


def _is_name(side: Tokens) -> bool:
    return [token.type for token in side] == ["NAME"]


def _attribute(t: Trouble, lo: Tokens | None, hi: Tokens | None) -> Tokens:
    at = t.token.start

    def word(kind: str, text: str) -> Token:
        return Token(kind, text, at, t.token.end if kind == "NAME" else at)

    if hi is None and lo is not None and [token.text for token in lo] == ["0"]:
        return (word("NAME", "nonneg"),)
    below = lo or (word("-", "-"), word("inf", "inf"))
    above = hi or (word("inf", "inf"),)
    return (word("NAME", "between"), word("(", "("), *below, word(",", ","), *above, word(")", ")"))
