"""A file's bytes to a `Source`."""

from pathlib import Path

from declarative.source.diagnostic import DiagnosticError, error
from declarative.source.span import Source, Span


def read(path: str | Path) -> Source:
    """The text of a file, with `\\n` at the ends of its lines.

    Raises `DiagnosticError` where the file cannot be read or is not UTF-8, and says where it stops being UTF-8.
    """
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as failure:  # ValueError: a name with a zero byte
        reason = (getattr(failure, "strerror", None) or "it cannot be read").lower()
        raise DiagnosticError([error("E125", None, f"cannot read `{path}`: {reason}")]) from None
    return decode(data, str(path))


def decode(data: bytes, name: str) -> Source:
    """The same for bytes already read, those of standard input for one."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        before = data[: failure.start].decode("utf-8-sig", errors="replace")
        source = Source(name, before + "\ufffd")
        span = Span(source, len(before), len(before) + 1)
        message = f"this file is not UTF-8: byte {data[failure.start]:#04x} begins no character"
        hints = ["save it as UTF-8; every editor can"]
        raise DiagnosticError([error("E125", span, message, hints=hints)]) from None
    return Source(name, text.replace("\r\n", "\n").replace("\r", "\n"))
