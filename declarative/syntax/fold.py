"""A statement on one line to several short ones, broken where the language lets a line go on."""

from itertools import pairwise

from declarative.syntax.tokens.layout import CLOSING, CONTINUING, OPENING
from declarative.syntax.tokens.lexer import lex

WIDTH = 100
_ENDING = frozenset(["+", "-", "<=", ">=", "==", ",", "and", "or"])  # where a line ends well


def fold(text: str, hanging: int) -> str:
    """The same tokens on lines of at most 100 characters where possible, all but the first indented by `hanging`.

    A line is broken at the outermost brackets that allow it, as late as they allow it.
    """
    lines: list[str] = []
    places = _places(text) if len(text) > WIDTH else []
    start, indent = 0, 0
    while indent + len(text) - start > WIDTH:
        cut = _cut([place for place in places if place[0] > start], start, WIDTH - indent)
        if cut is None:
            break
        lines.append(" " * indent + text[start:cut].rstrip())
        start, indent = cut, hanging
    return "\n".join([*lines, " " * indent + text[start:]])


def _places(text: str) -> list[tuple[int, int]]:
    """Where a line may end: the start of the next token, and how bad it is to end there (brackets count most)."""
    places = []
    depth = 0
    for token, following in pairwise(lex(text)):
        depth += (token.type in CLOSING) - (token.type in OPENING)
        if token.end < following.start and (depth or token.type in CONTINUING):
            places.append((following.start, 2 * depth + (token.type not in _ENDING)))
    return places


def _cut(places: list[tuple[int, int]], start: int, room: int) -> int | None:
    """The best place: within the room and past its first quarter if there is one, else the first one there is."""
    within = [(place, cost) for place, cost in places if place - start <= room + 1]
    late = [(place, cost) for place, cost in within if place - start > room // 4]
    if chosen := late or within:
        return min(chosen, key=lambda place: (place[1], -place[0]))[0]
    return places[0][0] if places else None
