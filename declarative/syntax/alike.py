"""The statements of a long text to fewer and shorter ones, which say what it is as well.

Of many terms of a sum, arguments of a maximum or a norm, or constraints, that differ only in numbers and in names that
are declared alike, some stay: those that come first, and those with the least and the greatest number at each place.
Whether the others may be left out is for `analysis.alike` to say, which sees what became of the numbers.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias

from declarative.syntax.tokens.layout import CLOSING, OPENING, Layout, Line
from declarative.syntax.tokens.lexer import STATEMENT_WORDS, Token

MANY = 32  # terms or constraints that are alike
FIRST = 60  # constraints that stay; more than messages are shown
MOST_TERMS = 100_000  # in one sum; more of them are a matter of their own
COMPARING = frozenset("<= ≤ >= ≥ == != < > in ∈".split())  # noqa: SIM905
POWERS = frozenset(("^", ".^", "**"))
SIGNS = frozenset("+-")
DECLARING = frozenset(("param", "const", "learn", "var"))
ELSEWHERE = frozenset(("in", "=", "(", ":"))  # before these a name is an index, an option, an argument of a `def`
WHOLE = frozenset("max min sum mean norm norm1 norm2 norminf sumsq logsumexp".split())  # of arrays of any length  # noqa: SIM905
ENDING = COMPARING | frozenset(", ; : = .. and or not if".split())  # a sum ends before these  # noqa: SIM905


@dataclass(frozen=True)
class Shortened:
    """The statements that stay.

    `numbers`: where the numbers end that stand for others too, equal ones of a term together. `constraints` are left
    out: `rows` holds, for each kind of them, where those stand that are like them, and how many there are.
    """

    layout: Layout
    numbers: tuple[tuple[int, ...], ...]
    constraints: int
    rows: tuple[tuple[tuple[int, ...], int], ...]


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


def shorten(tokens: list[Token], layout: Layout) -> Shortened | None:
    """Of a text that is cut into tokens and statements; None where nothing can be left out."""
    if layout.diagnostics:
        return None
    forms = _Forms(tokens, layout.lines)
    cut = _Cut()
    rows = tuple(cut.take(_alike_rows(layout.lines, forms), FIRST))
    lines = [line for line in layout.lines if line.start not in cut.dropped]
    constraints = sum(_constraints_in(line) for line in layout.lines if line.start in cut.dropped)
    for line in lines:
        if len(line.tokens) > MANY:
            cut.take(_alike_parts(line.tokens, forms), 2)
    if not cut.dropped:
        return None
    short = replace(layout, lines=[cut.short(line) for line in lines])
    return Shortened(short, tuple(cut.numbers), constraints, rows)


# --- what is alike ------------------------------------------------------------------------------


def _alike_rows(lines: Sequence[Line], forms: _Forms) -> _Groups:
    """Constraints that nothing else speaks of, by their form."""
    found: _Groups = defaultdict(list)
    below = seeking = False
    for line in lines:
        tokens = line.tokens
        first = tokens[0].type
        below |= first == "SUBJECT_TO"
        seeking |= first == "find"  # whose class depends on which variable stands where
        if not below or first == "SUBJECT_TO" or first in STATEMENT_WORDS or first.endswith("_BY"):
            continue
        label = tokens[0].text if len(tokens) > 2 and tokens[1].type == ":" else ""
        if label and (forms.uses[label] > 1 or not label.isascii()):
            continue
        relation = tokens[2:] if label else tokens
        named = seeking or forms.may_bound(relation)
        key, member = forms.member(relation, line.start, line.end, named)
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


def _alike_parts(tokens: Sequence[Token], forms: _Forms) -> _Groups:
    """The parts of long lists, by the list and by their form; the first of a list is not among them."""
    found: _Groups = defaultdict(list)
    for starts, end in _lists(tokens):
        for start, stop in zip(starts[1:], [*starts[2:], end], strict=True):
            key, member = forms.member(tokens[start + 1 : stop], tokens[start].start, tokens[stop - 1].end)
            found[starts[0], end, tokens[start].text, key].append(member)
    return found


def _lists(tokens: Sequence[Token]) -> Iterator[tuple[list[int], int]]:
    """Where the terms of each long sum start, at their signs, and where it ends; the same for arguments, at commas."""
    open_lists: list[tuple[list[int], list[int]]] = [([0], [])]
    before = ""
    for i, token in enumerate(tokens):
        kind = token.type
        terms, parts = open_lists[-1]
        if kind in CLOSING:
            open_lists.append(([i + 1], [i + 1] if _opens_parts(tokens, i) else []))
        elif kind in OPENING and len(open_lists) > 1:
            open_lists.pop()
            yield from _if_long(terms, i)
            if kind == ")" or (i + 1 < len(tokens) and tokens[i + 1].type in (")", ",")):  # the array is all of it
                yield from _if_long(parts, i)
        elif kind in SIGNS and _ends_operand(before):
            terms.append(i)
        elif kind in ENDING or kind == "for":
            yield from _if_long(terms, i)
            terms[:] = [i + 1]
            parts[:] = [*parts, i] if kind == "," and parts else []
        before = kind
    yield from _if_long(open_lists[-1][0], len(tokens))


def _if_long(starts: list[int], end: int) -> Iterator[tuple[list[int], int]]:
    if MANY <= len(starts) <= MOST_TERMS:
        yield starts.copy(), end


def _opens_parts(tokens: Sequence[Token], i: int) -> bool:
    """Does a bracket open the arguments of `max`, or the array in `norm([...])`?"""
    if tokens[i].type == "[":
        return i > 1 and tokens[i - 1].type == "(" and tokens[i - 2].text in WHOLE
    return i > 0 and tokens[i - 1].text in ("max", "min")


def _ends_operand(kind: str) -> bool:
    return kind in ("NAME", "NUMBER", "inf", "'") or kind in OPENING


class _Forms:
    """The forms of the parts of one text; `uses` counts the names in it."""

    def __init__(self, tokens: Sequence[Token], lines: Sequence[Line]):
        self.uses = Counter([token.text for token in tokens if token.type == "NAME"])
        self.declared = {name: form for name, form in _declarations(lines) if self.uses[name] > 1}
        for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
            elsewhere = before.type == "." or (after.type in ELSEWHERE and before.type not in DECLARING)
            if elsewhere and token.text in self.declared:
                del self.declared[token.text]

    def member(self, tokens: Sequence[Token], start: int, end: int, named: bool = False) -> tuple[object, _Member]:
        """The form holds everything but the numbers and names that may differ, and of these what any rule may ask:
        the classes of numbers, the declarations of names (or where they are `named` these), and which are equal.
        """
        forms = self.declared if not named else {}
        kinds = tuple(["" if token[0] == "NUMBER" else forms.get(token[1], token[1]) for token in tokens])
        free, fixed = _places(kinds)
        values = tuple([float(tokens[i][1]) for i in free])
        names = [token[1] for token in tokens if token[1] in forms]
        key = kinds, tuple([tokens[i][1] for i in fixed]), tuple(map(_class, values)), _equal(values), _equal(names)
        return key, _Member(start, end, values, tuple([tokens[i][3] for i in free]))

    def may_bound(self, tokens: Sequence[Token]) -> bool:
        """May they say that a variable is positive? It stands alone on its side, and data on the other."""
        sides: list[list[Token]] = [[]]
        depth = 0
        for token in tokens:
            depth += (token.type in CLOSING) - (token.type in OPENING)
            if token.type == "for" and not depth:
                break
            if token.type in COMPARING and not depth:
                sides.append([])
            else:
                sides[-1].append(token)
        moving = [side for side in sides if any(map(self._is_variable, side))]
        return len(moving) == 1 and self._is_variable(moving[0][0]) and _is_operand(moving[0])

    def _is_variable(self, token: Token) -> bool:
        return self.declared.get(token.text, "").startswith("var ")


def _is_operand(side: Sequence[Token]) -> bool:
    """A name, or parts of what it names: are all further tokens in brackets?"""
    depth = 0
    for token in side[1:]:
        depth += token.type in CLOSING
        if not depth:
            return False
        depth -= token.type in OPENING
    return True


def _declarations(lines: Sequence[Line]) -> Iterator[tuple[str, str]]:
    """Names with all that is said of them but their defaults."""
    for line in lines:
        if line.tokens[0].type in DECLARING and len(line.tokens) > 1:
            words = [token.text for token in line.tokens if token.type != "STRING"]
            end = words.index("=") if "=" in words else len(words)
            yield words[1], " ".join((words[0], *words[2:end]))


def _equal(items: Sequence[object]) -> tuple[int, ...]:
    """Which of them are equal; nothing where none are."""
    return () if len(set(items)) == len(items) else tuple([items.index(item) for item in items])


def _class(value: float) -> float | tuple[bool, bool]:
    """The few numbers that have rules of their own stand for themselves."""
    return value if value in (0, 1, 2) or not math.isfinite(value) else (value < 1, value.is_integer())


@cache
def _places(kinds: tuple[str, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Which numbers may differ, and which may not: exponents, and what stands behind a `for`."""
    free, fixed = [], []
    literal = [False]  # of each bracket that is open
    for i, kind in enumerate(kinds):
        before = kinds[i - 1] if i else "+"
        exponent = before in POWERS or (before in SIGNS and i > 1 and kinds[i - 2] in POWERS)
        if kind in CLOSING:
            literal.append(literal[-1] or exponent)
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

    def take(self, groups: _Groups, first: int) -> list[tuple[tuple[int, ...], int]]:
        """Of each group, where those start that stay, and how many do not."""
        found = []
        for members in groups.values():
            if len(members) >= MANY:
                kept = set(_kept(members, first))
                self.dropped |= {m.start: m.end for i, m in enumerate(members) if i not in kept}
                self.numbers += [ends for i in kept for ends in members[i].numbers]
                found.append((tuple([members[i].start for i in kept]), len(members) - len(kept)))
        return found

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


def _kept(members: Sequence[_Member], first: int) -> Iterable[int]:
    yield from range(min(first, len(members)))
    for place in range(len(members[0].values)):
        by_value = [(m.values[place], i) for i, m in enumerate(members)]
        yield from (min(by_value)[1], max(by_value)[1])
