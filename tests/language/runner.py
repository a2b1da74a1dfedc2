"""Programs with their expected diagnostics beside the line: `# error[E103] 4-9: this `(` is never closed`.

Columns count from 1, and both belong to the place. A comment on a line of its own that begins so speaks of the
last line before it that is not such a comment; several may stand there.
"""

import re
from pathlib import Path
from typing import NamedTuple

import declarative
from declarative.source.diagnostic import Diagnostic

HERE = Path(__file__).parent
GOOD = sorted((HERE / "good").glob("*.opt"))
BAD = sorted((HERE / "bad").glob("*.opt"))
NONCONVEX = sorted((HERE / "nonconvex").glob("*.opt"))  # what the cone backend cannot take
EXAMPLES = sorted((HERE.parent.parent / "examples").glob("*.opt"))

_EXPECTED = re.compile(r"# (error|warning|remark)\[(\w+)\] (\d+)-(\d+): (.*?)\s*(?=# (?:error|warning|remark)\[|$)")


class Finding(NamedTuple):
    line: int
    start: int
    end: int
    severity: str
    code: str
    message: str


def diagnostics_of(text: str, path: Path | None = None) -> list[Diagnostic]:
    """Everything that is found in a text, warnings included; `path` says where its imports are looked for."""
    return declarative.check(text, name="program", path=path)[1]


def found(diagnostics: list[Diagnostic]) -> list[Finding]:
    """Diagnostics as the comments of a program would state them."""
    return sorted(_finding(diagnostic) for diagnostic in diagnostics)


def expected(text: str) -> list[Finding]:
    """What the comments of a program state."""
    findings = []
    line = 0
    for number, content in enumerate(text.split("\n"), 1):
        if not _EXPECTED.match(content.strip()):
            line = number
        for severity, code, start, end, message in _EXPECTED.findall(content):
            findings.append(Finding(line, int(start), int(end), severity, code, message))
    return sorted(findings)


def _finding(diagnostic: Diagnostic) -> Finding:
    span = diagnostic.span
    assert span is not None
    last = min(span.end - span.start, len(span.source.line(span.line).rstrip()) - span.column + 1)
    end = span.column + max(last, 1) - 1
    return Finding(span.line, span.column, end, diagnostic.severity.value, diagnostic.code, diagnostic.message)
