"""The statements of a long text to fewer and shorter ones, which say what it is as well.

Of many terms of a sum, or constraints, that differ only in numbers some stay: those that come first, and those with the
least and the greatest number at each place. Whether the others may be left out is for `analysis.alike` to say, which
sees what became of the numbers.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias

from declarative.source.span import Source
from declarative.syntax.tokens.layout import CLOSING, OPENING, Layout, Line, lay_out
from declarative.syntax.tokens.lexer import STATEMENT_WORDS, WORDS, Token, lex

LONG = 20_000  # characters; a shorter text is read as it is
MANY = 32  # terms or constraints that are alike
MOST_TERMS = 100_000  # in one sum; more of them are a matter of their own
COMPARING = frozenset("<= ≤ >= ≥ == != < > in ∈".split())  # noqa: SIM905
POWERS = frozenset(("^", ".^", "**"))
SIGNS = frozenset("+-")
ENDING = COMPARING | frozenset(", ; : = .. and or not if".split())  # a sum ends before these  # noqa: SIM905


@dataclass(frozen=True)
class Shortened:
    """All tokens, and the statements of those that stay.

    `numbers`: where the numbers end that stand for others too, equal ones of a term together. `constraints` are left
    out.
    """

    tokens: list[Token]
    layout: Layout
    numbers: tuple[tuple[int, ...], ...]
    constraints: int


@dataclass(frozen=True)
class _Member:
    """One of many that are alike, from `start` to `end`, with the numbers in which they differ and where these end."""

    start: int
    end: int
    values: tuple[float, ...]
    ends: tuple[int, ...]

    @property
    def numbers(self) -> Iterator[tuple[int, ...]]:
        """The ends of equal numbers together."""
        for value in dict.fromkeys(self.values):
            yield tuple([end for end, other in zip(self.ends, self.values, strict=True) if other == value])


_Groups: TypeAlias = dict[object, list[_Member]]


def shorten(source: Source) -> Shortened | None:
    """None where nothing can be left out."""
    if len(source.text) < LONG:
        return None
    tokens = lex(source.text)
    layout = lay_out(source, tokens)
    if layout.diagnostics:
        return None
    names = Counter([token.text for token in tokens if token.type == "NAME"])
    cut = _Cut()
    cut.take(_alike_rows(layout.lines, names))
    lines = [line for line in layout.lines if line.start not in cut.dropped]
    constraints = sum(_constraints_in(line) for line in layout.lines if line.start in cut.dropped)
    for line in lines:
        if len(line.tokens) > MANY:
            cut.take(_alike_terms(line.tokens))
    if not cut.dropped:
        return None
    short = replace(layout, lines=[cut.short(line) for line in lines])
    return Shortened(tokens, short, tuple(cut.numbers), constraints)


# --- what is alike ------------------------------------------------------------------------------


def _alike_rows(lines: Sequence[Line], names: Counter[str]) -> _Groups:
    """Constraints that nothing else speaks of, by their form."""
    found: _Groups = defaultdict(list)
    below = False
    for line in lines:
        tokens = line.tokens
        first = tokens[0].type
        below |= first == "SUBJECT_TO"
        if not below or first == "SUBJECT_TO" or first in STATEMENT_WORDS or first.endswith("_BY"):
            continue
        label = tokens[0].text if len(tokens) > 2 and tokens[1].type == ":" else ""
        if label and (names[label] > 1 or not label.isascii()):
            continue
        key, member = _member(tokens[2:] if label else tokens, line.start, line.end)
        found[label.rstrip("0123456789"), key].append(member)
    return found


def _constraints_in(line: Line) -> int:
    """One, or where it has no name one for each part of a chain."""
    if len(line.tokens) > 1 and line.tokens[1].type == ":":
        return 1
    count = depth = 0
    for token in line.tokens:
        depth += (token.type in CLOSING) - (token.type in OPENING)
        if not depth:
            if token.type == "for":
                break
            count += token.type in COMPARING
    return count


def _alike_terms(tokens: Sequence[Token]) -> _Groups:
    """The terms of long sums, by the sum and by their form; the first of a sum is not among them."""
    found: _Groups = defaultdict(list)
    for starts, end in _sums(tokens):
        for start, stop in zip(starts[1:], [*starts[2:], end], strict=True):
            key, member = _member(tokens[start + 1 : stop], tokens[start].start, tokens[stop - 1].end)
            found[end, tokens[start].text, key].append(member)
    return found


def _sums(tokens: Sequence[Token]) -> Iterator[tuple[list[int], int]]:
    """Where the terms of each long sum start, at their signs, and where the sum ends."""
    open_sums = [[0]]
    before = ""
    for i, token in enumerate(tokens):
        kind = token.type
        if kind in CLOSING:
            open_sums.append([i + 1])
        elif kind in OPENING and len(open_sums) > 1:
            yield from _if_long(open_sums.pop(), i)
        elif kind in SIGNS and _ends_operand(before):
            open_sums[-1].append(i)
        elif kind in ENDING or kind == "for":
            yield from _if_long(open_sums[-1], i)
            open_sums[-1] = [i + 1]
        before = kind
    yield from _if_long(open_sums[-1], len(tokens))


def _if_long(starts: list[int], end: int) -> Iterator[tuple[list[int], int]]:
    if MANY <= len(starts) <= MOST_TERMS:
        yield starts, end


def _ends_operand(kind: str) -> bool:
    return kind in ("NAME", "NUMBER", "inf", "'") or kind in OPENING


_Form: TypeAlias = tuple[tuple[str, ...], tuple[str, ...], tuple[float | tuple, ...], tuple[int, ...]]


def _member(tokens: Sequence[Token], start: int, end: int) -> tuple[_Form, _Member]:
    """The form holds everything but the numbers that may differ, and of these what any rule may ask: their classes,
    and which of them are equal."""
    kinds = tuple([token[1] if token[0] != "NUMBER" else "" for token in tokens])
    free, fixed = _places(kinds)
    values = tuple([float(tokens[i][1]) for i in free])
    classes = tuple([_class(value) for value in values])
    equal = () if len(set(values)) == len(values) else tuple([values.index(value) for value in values])
    form = kinds, tuple([tokens[i][1] for i in fixed]), classes, equal
    return form, _Member(start, end, values, tuple([tokens[i][3] for i in free]))


def _class(value: float) -> float | tuple[bool, bool]:
    """The few numbers that have rules of their own stand for themselves."""
    return value if value in (0, 1, 2) or not math.isfinite(value) else (value < 1, value.is_integer())


@cache
def _places(kinds: tuple[str, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Which numbers may differ, and which may not: exponents, subscripts, and what stands behind a `for`."""
    free, fixed = [], []
    literal = [False]  # of each bracket that is open
    for i, kind in enumerate(kinds):
        before = kinds[i - 1] if i else "+"
        exponent = before in POWERS or (before in SIGNS and i > 1 and kinds[i - 2] in POWERS)
        if kind in CLOSING:
            subscript = kind == "[" and (before in (")", "]", "'") or (before.isidentifier() and before not in WORDS))
            literal.append(literal[-1] or exponent or subscript)
        elif kind in OPENING and len(literal) > 1:
            literal.pop()
        elif kind == "for":
            literal[-1] = True
        elif not kind:
            (fixed if literal[-1] or exponent else free).append(i)
    return tuple(free), tuple(fixed)


# --- what is left out -----------------------------------------------------------------------------


class _Cut:
    """What is left out of a text, from start to end, and the numbers of what stays for it."""

    def __init__(self) -> None:
        self.dropped: dict[int, int] = {}
        self.numbers: list[tuple[int, ...]] = []

    def take(self, groups: _Groups) -> None:
        for members in groups.values():
            if len(members) >= MANY:
                kept = set(_kept(members))
                self.dropped |= {m.start: m.end for i, m in enumerate(members) if i not in kept}
                self.numbers += [ends for i in kept for ends in members[i].numbers]

    def short(self, line: Line) -> Line:
        if len(line.tokens) <= MANY:
            return line
        stay, end = [], 0
        for token in line.tokens:
            if token.start >= end:
                end = self.dropped.get(token.start, end)
            if token.start >= end:
                stay.append(token)
        return replace(line, tokens=tuple(stay))


def _kept(members: Sequence[_Member]) -> Iterable[int]:
    yield from (0, 1)
    for place in range(len(members[0].values)):
        by_value = [(m.values[place], i) for i, m in enumerate(members)]
        yield from (min(by_value)[1], max(by_value)[1])
