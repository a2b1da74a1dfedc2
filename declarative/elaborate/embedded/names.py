"""Names given as Python strings, checked by the rules of the text."""

from __future__ import annotations

from collections.abc import Iterable

from declarative.elaborate.embedded.place import Place, fail
from declarative.elaborate.problem_tree import is_name
from declarative.source.span import Source
from declarative.syntax.names import check_names
from declarative.syntax.tokens.lexer import WORDS, lex


def checked_name(name: object, place: Place) -> str:
    """The name itself. Raises DiagnosticError for what a text could not say: `2z`, `for`, `x y`."""
    if isinstance(name, str) and name in WORDS:
        hints = [f"choose another name, such as `{name}_`"]
        raise fail("E111", f"`{name}` is a word of the language and cannot be a name", place, hints=hints)
    if not isinstance(name, str) or not is_name(name):
        hints = ["a name is made of letters, digits and `_`"]
        if not isinstance(name, str):
            hints = ['the name comes first, in quotes: dc.var("x", n)']
        elif "," in name or " " in name:
            hints = ["each has a declaration of its own"]
        raise fail("E122", f"{name!r} is not a name", place, hints=hints)
    check_alike([name], place)
    return name


def check_alike(names: Iterable[str], place: Place) -> None:
    """Raises DiagnosticError where two names look the same, or one holds a letter that names may not have."""
    text = " ".join(names)
    found = check_names(Source("", text), lex(text))
    if found:
        raise fail(found[0].code, found[0].message, place, hints=found[0].hints)
