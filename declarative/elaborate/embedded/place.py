"""The running call stack to a `Span`: the line and columns of the user's Python file that called us."""

import ast
import linecache
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType

from declarative.source.diagnostic import Diagnostic, DiagnosticError, Label, error
from declarative.source.span import Source, Span

PACKAGE = str(Path(__file__).parents[2]) + os.sep


@dataclass(frozen=True)
class Place:
    """Where the user's code stands. `span` is None where its text cannot be had (`exec`, a bare prompt)."""

    file: str
    line: int
    span: Span | None

    @property
    def text(self) -> str:
        return self.span.text if self.span else ""

    def syntax(self) -> ast.expr | None:
        """The Python expression that stands here; None where there is no text."""
        return _parsed(self.text)

    def part(self, node: ast.expr | None) -> "Place":
        """The place of a part of `syntax()`."""
        if self.span is None or node is None or node.end_lineno is None or node.end_col_offset is None:
            return self
        inner = Source("", f"({self.text})")
        ends = _offset(inner, node.lineno, node.col_offset), _offset(inner, node.end_lineno, node.end_col_offset)
        start = self.span.start - 1  # of the bracket that `syntax` puts before the text
        span = Span(self.span.source, start + ends[0], start + ends[1])
        return Place(self.file, span.line, span)

    def argument(self, position: int | None) -> "Place":
        """The place of one operand or argument; the whole where it cannot be told."""
        match self.syntax(), position:
            case _, None:
                return self
            case ast.BinOp(left=left, right=right), _:
                return self.part(right if position else left)
            case ast.Compare(left=left, comparators=[right]), _:
                return self.part(right if position else left)
            case ast.UnaryOp(operand=operand), _:
                return self.part(operand)
            case ast.Call(args=args), _ if position < len(args):
                return self.part(args[position])
            case _:
                return self

    def keyword(self, name: str) -> "Place":
        """The place of the argument that a call gives by this name."""
        node = self.syntax()
        keywords = node.keywords if isinstance(node, ast.Call) else []
        return next((self.part(k.value) for k in keywords if k.arg == name), self)


def here(beyond: str = "") -> Place:
    """The innermost place outside this package, and outside the module `beyond`, that is being executed."""
    outer = getattr(sys.modules.get(beyond), "__file__", None)
    skipped = (PACKAGE, str(Path(outer).parent) + os.sep) if outer else PACKAGE
    frame: FrameType = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(skipped):
        frame = frame.f_back
    return _place(frame.f_code, frame.f_code.co_filename, frame.f_lasti)


def fail(
    code: str,
    message: str,
    place: Place | None = None,
    *,
    label: str = "",
    labels: Iterable[Label] = (),
    hints: Iterable[str] = (),
) -> DiagnosticError:
    """The error to raise for one mistake; without a place, where the user's code stands now."""
    place = place or here()
    notes = () if place.span else (f"in {place.file}, line {place.line}",)
    return DiagnosticError((error(code, place.span, message, label=label, labels=labels, notes=notes, hints=hints),))


def located(found: Iterable[Diagnostic], place: Place) -> DiagnosticError:
    """Findings of the rules that the text has too; where there is no text to show, with the file and line."""
    notes = () if place.span else (f"in {place.file}, line {place.line}",)
    return DiagnosticError(d if d.span else replace(d, notes=d.notes + notes) for d in found)


@lru_cache(maxsize=65536)
def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(f"({text})", mode="eval").body
    except (SyntaxError, ValueError):
        return None


@lru_cache(maxsize=65536)
def _place(code: CodeType, file: str, instruction: int) -> Place:
    first, last, start, end = next(islice(code.co_positions(), instruction // 2, None), (None, None, None, None))
    text = "".join(linecache.getlines(file))
    line = first or code.co_firstlineno
    if not text or first is None:
        return Place(file, line, None)
    return Place(file, line, _span(_source(file, text), first, last, start, end))


@lru_cache(maxsize=256)
def _source(file: str, text: str) -> Source:
    return Source(file, text, python=True)


def _span(source: Source, first: int, last: int | None, start: int | None, end: int | None) -> Span | None:
    """Lines from 1 and columns in UTF-8 bytes to characters; the whole line where Python kept no columns."""
    if max(first, last or first) > len(source.line_starts):
        return None
    if last is None or start is None or end is None:
        line = source.line(first)
        begin = source.line_starts[first - 1]
        return Span(source, begin + len(line) - len(line.lstrip()), begin + len(line.rstrip()))
    return Span(source, _offset(source, first, start), _offset(source, last, end))


def _offset(source: Source, line: int, column: int) -> int:
    characters = source.line(line).encode()[:column].decode(errors="ignore")
    return source.line_starts[line - 1] + len(characters)
