"""Warnings at the user's own line: the nearest one that is neither in this package nor in torch."""

import sys
import warnings
from collections.abc import Iterable
from itertools import count

from declarative.source.diagnostic import Diagnostic, Severity
from declarative.source.render import render

OTHERS = "declarative", "torch"


class ProblemWarning(UserWarning):
    """A problem is right by the rules, and probably not what was meant."""


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    frame = sys._getframe(1)
    for level in count(2):
        if not _of_others(frame.f_globals.get("__name__")) or frame.f_back is None:
            return warnings.warn(text, category, stacklevel=level)
        frame = frame.f_back


def tell_warnings(found: Iterable[Diagnostic]) -> None:
    """The warnings among the findings about a problem, each as one of Python's."""
    for diagnostic in found:
        if diagnostic.severity is Severity.WARNING:
            warn("\n" + render([diagnostic]), ProblemWarning)


def _of_others(module: str | None) -> bool:
    return module is not None and module.partition(".")[0] in OTHERS
