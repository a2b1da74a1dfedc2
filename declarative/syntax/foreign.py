"""A text that is no problem at all: `.opt` is also how other programs call their files of options."""

import re

from declarative.source.diagnostic import Diagnostic, error
from declarative.source.span import Source, Span
from declarative.syntax.tokens.lexer import STATEMENT_WORDS

_REMARK = re.compile(r"\s*([#;*!%]|//).*")
_OPTION = re.compile(
    r"\s*(--?[A-Za-z][\w-]*([\s=].*)?|\[[^\[\]]*\]|[\w.-]+\s*=(?!=).*"
    r"|[A-Za-z_]\w*\s+([\d.+-]\S*|yes|no|on|off|true|false))\s*"
)


def foreign_file(source: Source) -> Diagnostic | None:
    """What to say of a file of options: every line is `key = value`, `--option`, `[section]` or `key value`."""
    lines = [line for line in source.text.split("\n") if line.strip() and not _REMARK.fullmatch(line)]
    if not lines or not all(_OPTION.fullmatch(line) for line in lines):
        return None
    if any(line.split()[0] in STATEMENT_WORDS for line in lines):
        return None
    hints = ["a problem here has a line that begins with `minimize`, `maximize` or `find`"]
    span = Span(source, (start := source.text.find(lines[0])), start + len(lines[0]))
    return error("E124", span, "this reads like a file of options for another program, not like a problem", hints=hints)
