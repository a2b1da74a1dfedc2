"""Names that a file declares and nothing in it uses: a term was forgotten, or the line can go."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from declarative.elaborate.report import Report
from declarative.ir.problem import Problem
from declarative.source.span import Span
from declarative.syntax import tree

UNUSED = "W207"
_MEANING = {"var": ": any value of it will do", "param": ": nothing depends on it", "learn": ": nothing depends on it"}
_WORDS = re.compile(r'#.*|"(?:[^"\\\n]|\\[^\n])*"|\w+')  # a comment or a doc string is one


def warn_of_unused(report: Report, file: tree.File, imports: Mapping[str, Problem | None]) -> None:
    """For names that stand in the text once. What only an unused name uses is used, and so is what shares its name.

    It goes by the text since of a long one the tree may hold a part, with other statements like it left out. Imports
    that could not be read stay silent.
    """
    counts = Counter(_WORDS.findall(file.span.source.text))
    for name, span, kind in _declared(file):
        if counts[name] == 1 and imports.get(name, True) is not None:
            hints = ["remove the line, if no term was forgotten"]
            report.warn(UNUSED, span, f"`{name}` is not used{_MEANING.get(kind, '')}", hints=hints)


def _declared(file: tree.File) -> Iterator[tuple[str, Span, str]]:
    for s in file.statements:
        match s:
            case tree.Dim():
                yield from ((item.name, item.span, "dim") for item in s.items)
            case tree.Declaration():
                yield s.name, s.span, s.kind
            case tree.Let() | tree.Def() | tree.Extern() | tree.Import():
                yield s.name, s.span, ""
