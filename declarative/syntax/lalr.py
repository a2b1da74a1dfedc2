"""Tokens of one statement to whatever `build` makes of them: the LALR(1) automaton of `tables.json`.

Nothing here recurses, so that a sum of ten thousand terms is read like a short one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from declarative.source.span import Source, Span
from declarative.syntax.build import BUILDERS
from declarative.syntax.tokens.lexer import TABLES, Token
from declarative.syntax.tree import Node

ACTIONS: list[dict[str, int]] = TABLES["actions"]
GOTOS: list[dict[str, int]] = TABLES["gotos"]
RULES: list[tuple[str, int, str, bool, list[int | None]]] = TABLES["rules"]
START: int = TABLES["start"]
END: int = TABLES["end"]
_RENAMING = {
    i for i, (_, length, _, one_child, parts) in enumerate(RULES) if (length, one_child, parts) == (1, True, [0])
}
DEEPEST = 200  # nodes within nodes; every later pass may recurse this far


@dataclass(frozen=True)
class Stuck:
    """No statement begins with the tokens up to `index`; `expected` are the tokens that would do there."""

    index: int
    expected: frozenset[str]


@dataclass(frozen=True)
class TooDeep:
    span: Span


# What stands on the stack for one symbol: its value, its start, its end, and how deep its nodes nest. (Plain tuples:
# a term of a sum makes a few dozen of them.)
_Entry: TypeAlias = tuple[Any, int, int, int]


def read_statement(source: Source, tokens: Sequence[Token]) -> Node | Stuck | TooDeep:
    """One statement, without its comments."""
    states = [START]
    entries: list[_Entry] = []
    for index, token in enumerate([*tokens, Token("$END", "", 0, 0)]):
        while (action := ACTIONS[states[-1]].get(token.type)) is None or action < 0:
            if action is None:
                return Stuck(index, _expected(tokens[:index]))
            if ~action in _RENAMING:
                states[-1] = _renamed(states[-2], states[-1], token.type)
            else:
                entries.append(_reduce(source, states, entries, ~action))
                _, start, end, depth = entries[-1]
                if depth > DEEPEST:
                    return TooDeep(Span(source, start, end))
                states.append(GOTOS[states[-1]][RULES[~action][0]])
            if states[-1] == END and token.type == "$END":
                return entries[-1][0]
        states.append(action)
        entries.append((token, token.start, token.end, 0))
    raise AssertionError("the automaton neither accepted nor refused; please report this")


@cache  # of the pairs of states, which are few; an operand passes through a dozen of these rules
def _renamed(below: int, state: int, kind: str) -> int:
    """The state after all the rules in a row that only give the last symbol another name, before a token."""
    while (action := ACTIONS[state].get(kind)) is not None and action < 0 and ~action in _RENAMING:
        state = GOTOS[below][RULES[~action][0]]
    return state


def _reduce(source: Source, states: list[int], entries: list[_Entry], number: int) -> _Entry:
    """Take the symbols of a rule off the stack and make one entry of them."""
    _, length, node, one_child, parts = RULES[number]
    if length == 0:
        end = entries[-1][2] if entries else 0
        return BUILDERS[node](Span(source, end, end)), end, end, 0
    taken = entries[-length:]
    del entries[-length:], states[-length:]
    start, end = taken[0][1], taken[-1][2]
    depth = taken[0][3] if length == 1 else max([entry[3] for entry in taken])
    children = _children(taken, parts)
    if not node:
        return children, start, end, depth
    if one_child and len(children) == 1:
        return children[0], start, end, depth
    value = BUILDERS[node](Span(source, start, end), *children)
    return value, start, end, depth + isinstance(value, Node)


def _children(taken: list[_Entry], parts: list[int | None]) -> list[Any]:
    """Spliced lists grow in place, so that a long list costs no more than its length."""
    first = parts[0] if parts else None
    children: list[Any] = taken[~first][0] if first is not None and first < 0 else []
    for part in parts[1:] if children else parts:
        if part is None:
            children.append(None)
        elif part < 0:
            children.extend(taken[~part][0])
        else:
            children.append(taken[part][0])
    return children


def _expected(tokens: Sequence[Token]) -> frozenset[str]:
    """The tokens that may follow these. The row of a state is not enough: LALR states share their lookaheads."""
    states = [START]
    for token in tokens:
        _go(states, token.type)
    return frozenset(kind for kind in ACTIONS[states[-1]] if _go(states.copy(), kind))


def _go(states: list[int], kind: str) -> bool:
    """Move the states alone over one token; false where it does not fit."""
    while (action := ACTIONS[states[-1]].get(kind)) is not None and action < 0:
        left, length = RULES[~action][:2]
        del states[len(states) - length :]
        states.append(GOTOS[states[-1]][left])
        if states[-1] == END and kind == "$END":
            return True
    if action is not None:
        states.append(action)
    return action is not None
