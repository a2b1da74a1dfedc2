"""The table of codes: every code in use is in it, and its examples earn it, or do not."""

import re
from pathlib import Path

import pytest
from language.runner import diagnostics_of

from declarative.source.codes import CODES
from declarative.source.codes.convexity import CONVEXITY
from declarative.source.codes.embedded import EMBEDDED
from declarative.source.codes.meaning import MEANING
from declarative.source.codes.running import RUNNING
from declarative.source.codes.syntax import SYNTAX
from declarative.source.codes.warnings import WARNINGS

PACKAGE = Path(__file__).resolve().parent.parent.parent / "declarative"
PARTS = {"E1": SYNTAX, "E2": MEANING, "D1": CONVEXITY, "E3": RUNNING, "E4": EMBEDDED, "W": WARNINGS}
_LITERAL = re.compile(r"""["']((?:E[1234]|D1|W\d)\d\d)["']""")


def in_use() -> set[str]:
    files = [path for path in PACKAGE.rglob("*.py") if path.parent.name != "codes"]
    return {code for path in files for code in _LITERAL.findall(path.read_text(encoding="utf-8"))}


def test_every_code_in_use_is_explained_and_every_code_explained_is_in_use() -> None:
    assert in_use() == set(CODES)


def test_codes_are_unique_and_stand_in_their_part_in_order() -> None:
    assert len(CODES) == sum(len(part) for part in PARTS.values())
    for start, part in PARTS.items():
        codes = [code.code for code in part]
        assert all(code.startswith(start) for code in codes)
        assert codes == sorted(codes)


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.code)
def test_every_code_is_explained(code) -> None:
    assert code.title and code.title == code.title.rstrip(".")
    assert code.explanation.endswith(".")
    assert code.wrong != code.right and code.wrong.strip() and code.right.strip()


@pytest.mark.parametrize(
    "code", [code for code in SYNTAX if code.code not in ("E125", "E129")], ids=lambda code: code.code
)
def test_the_examples_of_syntax_codes_earn_them_and_them_alone(code) -> None:
    assert {diagnostic.code for diagnostic in diagnostics_of(code.wrong)} == {code.code}
    assert diagnostics_of(code.right) == []
