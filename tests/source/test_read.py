"""Files to sources: line ends, a byte order mark, and what cannot be read."""

from pathlib import Path

import pytest

from declarative.source.diagnostic import DiagnosticError
from declarative.source.read import decode, read
from declarative.source.render import render


def test_line_ends_and_a_byte_order_mark_are_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "a.opt"
    path.write_bytes(b"\xef\xbb\xbfa\r\nb\rc\n")
    assert read(path).text == "a\nb\nc\n"
    assert read(path).name == str(path)


def test_bytes_that_are_not_utf_8_are_shown_with_their_place() -> None:
    with pytest.raises(DiagnosticError) as caught:
        decode("dim n\nparam é".encode() + b"\xe9 : R\n", "old.opt")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E125" and diagnostic.span
    assert (diagnostic.span.line, diagnostic.span.column) == (2, 8)
    assert "0xe9" in diagnostic.message
    assert "old.opt:2:8" in render([diagnostic])


@pytest.mark.parametrize("name", ["missing.opt", "."])
def test_a_file_that_cannot_be_opened(tmp_path: Path, name: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        read(tmp_path / name)
    assert [d.code for d in caught.value.diagnostics] == ["E125"]
    assert str(tmp_path / name) in caught.value.diagnostics[0].message
