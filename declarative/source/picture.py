"""Places in texts to a picture: the lines they stand on, with carets and a few words under them."""

from typing import NamedTuple, TypeAlias
from unicodedata import combining, east_asian_width

from declarative.source.span import Source, Span

TAB = 4
WIDE = 160  # characters of a longer line are shown around its marks alone
BEFORE = 60  # of them, at most, before the first mark
GAP = "..."  # where a line is cut
_RESET = "\033[0m"

# A place, the words beside it, and whether it is the one that the message is about.
Mark: TypeAlias = tuple[Span, str, bool]


class _Stroke(NamedTuple):
    """One mark on one line: columns of the screen, counted from 0, the second excluded."""

    start: int
    end: int
    text: str
    primary: bool


def picture(marks: list[Mark], color: str = "") -> tuple[int, list[str]]:
    """The width of the line numbers, and the lines of the picture; the first mark's source comes first."""
    width = max(len(str(span.line)) for span, _, _ in marks)
    lines: list[str] = []
    for source in dict.fromkeys(span.source for span, _, _ in marks):
        here = [mark for mark in marks if mark[0].source is source]
        arrow = "-->" if not lines else ":::"
        lines += [f"{' ' * width}{arrow} {source.name}:{here[0][0].line}:{here[0][0].column}", f"{' ' * width} |"]
        lines += _excerpt(source, here, width, color)
    return width, lines


def _excerpt(source: Source, marks: list[Mark], width: int, color: str) -> list[str]:
    """The marked lines in order, `...` between two that are not neighbours."""
    lines: list[str] = []
    numbers = sorted({span.line for span, _, _ in marks})
    for number, previous in zip(numbers, [numbers[0] - 1, *numbers], strict=False):
        if number > previous + 1:
            lines.append("...")
        text = source.line(number)
        for cut, first, near in _cuts(text, [mark for mark in marks if mark[0].line == number]):
            lines.append(f"{number:>{width}} | {_shown(cut)}".rstrip())
            lines += [f"{' ' * width} | {row}" for row in _rows([_stroke(cut, first, mark) for mark in near], color)]
    return lines


def _cuts(text: str, marks: list[Mark]) -> list[tuple[str, int, list[Mark]]]:
    """What is shown of a line: all of it, or of a long one the part around each group of marks; the number of the
    character that would stand at the part's margin; its marks."""
    if len(text) <= WIDE:
        return [(text, 0, marks)]
    groups: list[list[Mark]] = []
    for mark in sorted(marks, key=lambda mark: mark[0].start):
        if groups and mark[0].start - groups[-1][0][0].start < WIDE // 2:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return [(*_part(text, group[0][0].column - 1), group) for group in groups]


def _part(text: str, first: int) -> tuple[str, int]:
    """The part of a long line around the character of this number, and what would stand at its margin."""
    start = max(first - BEFORE, 0)
    part = text[start : start + WIDE] + (GAP if start + WIDE < len(text) else "")
    return (GAP + part, start - len(GAP)) if start else (part, 0)


def _stroke(text: str, margin: int, mark: Mark) -> _Stroke:
    """Where a mark stands on the screen: at least one column wide, and cut at the end of its first line."""
    span, words, primary = mark
    first = span.column - 1 - margin
    last = min(first + span.end - span.start, len(text.rstrip()))
    start = _columns(text[:first])
    return _Stroke(start, max(start + 1, _columns(text[:last])), words, primary)


def _rows(strokes: list[_Stroke], color: str) -> list[str]:
    """The row of carets, with the words of the rightmost mark beside it; then a row for each other's words."""
    strokes = sorted(strokes, key=lambda stroke: (stroke.start, stroke.end))
    row = [" "] * max(stroke.end for stroke in strokes)
    for stroke in sorted(strokes, key=lambda stroke: stroke.primary):
        row[stroke.start : stroke.end] = ("^" if stroke.primary else "-") * (stroke.end - stroke.start)
    beside = strokes[-1] if strokes[-1].end == len(row) else None
    rows = [_painted("".join(row), color) + (f" {beside.text}" if beside and beside.text else "")]
    waiting = [stroke for stroke in strokes if stroke is not beside and stroke.text]
    while waiting:
        stroke = waiting.pop()
        bars = "".join("|" if column in [s.start for s in waiting] else " " for column in range(stroke.start))
        rows.append(bars + stroke.text)
    return rows


def _painted(row: str, color: str) -> str:
    if not color or "^" not in row:
        return row
    first, last = row.index("^"), row.rindex("^") + 1
    return f"{row[:first]}{color}{row[first:last]}{_RESET}{row[last:]}"


def _width(character: str) -> int:
    """Columns of the screen for one character other than a tab."""
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def _columns(text: str) -> int:
    """Columns of the screen before the end of a text that starts at the margin."""
    columns = 0
    for character in text:
        columns += TAB - columns % TAB if character == "\t" else _width(character)
    return columns


def _shown(text: str) -> str:
    """The text as the screen shows it: tabs as spaces, and a dot for what has no picture."""
    shown = ""
    columns = 0
    for character in text.rstrip():
        step = TAB - columns % TAB if character == "\t" else _width(character)
        columns += step
        if character == "\t":
            shown += " " * step
        else:
            shown += character if character.isprintable() or combining(character) else "·"
    return shown
