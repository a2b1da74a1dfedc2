"""Data from outside (JSON, .npz, `name=value`) to named arrays, and results back to JSON."""

import io
import json
import math
import re
import sys
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

Values = dict[str, np.ndarray]
WORDS = {"inf": math.inf, "+inf": math.inf, "-inf": -math.inf, "nan": math.nan}
BARE = re.compile(r'(?<![\w"+-])([+-]?inf|nan)(?![\w"])')


_ZIP, _NPY = b"PK", b"\x93NUMPY"  # how files begin that numpy.savez and numpy.save write
_KINDS = "data are read from JSON, and from arrays that numpy wrote to .npz"


def read_values(path: str) -> Values:
    """The arrays of a .npz file, or of a JSON object from names to numbers and nested lists (`-`: standard input).

    In JSON null is NaN, and "inf" and "-inf" are numbers. Raises click.BadParameter for what is neither.
    """
    try:
        return _read_npz(path) if path.lower().endswith(".npz") else _read_json(path)
    except (OSError, ValueError, RecursionError) as mistake:
        reason = mistake.strerror if isinstance(mistake, OSError) and mistake.strerror else mistake
        raise click.BadParameter(f"cannot read data from {path}: {reason}") from None


def _read_npz(path: str) -> Values:
    content = Path(path).read_bytes()
    if not content.startswith(_ZIP):
        raise ValueError("it is no .npz file, which numpy.savez writes")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            held = {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, EOFError, zlib.error):
        raise ValueError("the .npz file is damaged") from None
    return {name: _array(name, value) for name, value in held.items()}


def _read_json(path: str) -> Values:
    content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    if content.startswith(_NPY):
        raise ValueError("it holds one array, without a name; numpy.savez writes arrays with their names to .npz")
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError(f"it is no text; {_KINDS}") from None
    except json.JSONDecodeError as mistake:
        raise ValueError(f"{mistake}; {_KINDS}") from None
    if not isinstance(found, dict):
        raise ValueError('expected an object, as in {"mu": [0.1, 0.2], "gamma": 1}')
    return {name: _array(name, value) for name, value in found.items()}


def read_words(words: Iterable[str]) -> Values:
    """`name=value` words; a value is JSON, in which inf and nan need no quotes.

    Raises click.BadParameter for any other word.
    """
    wanted = "NAME=VALUE with a number or nested lists, as in gamma=0.5"
    try:
        return {name: _array(name, value) for name, value in (_assignment(word, wanted) for word in words)}
    except ValueError as mistake:
        raise click.BadParameter(str(mistake)) from None


def read_sizes(words: Iterable[str]) -> dict[str, int]:
    """`name=size` words. Raises click.BadParameter for a size that is not a whole number of 0 or more."""
    sizes = {}
    for name, value in (_assignment(word, "NAME=SIZE, as in n=5") for word in words):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise click.BadParameter(f"the size of `{name}` must be a whole number, not {value!r}")
        sizes[name] = value
    return sizes


def _assignment(word: str, wanted: str) -> tuple[str, Any]:
    name, equals, value = word.partition("=")
    name, value = name.strip(), value.strip()
    try:
        if equals and name:
            number = re.fullmatch(r"[+-]?(\d+\.\d*|\.\d+|\d+)(e[+-]?\d+)?", value, re.IGNORECASE | re.ASCII)
            whole = number is None or value.lstrip("-").isdigit()
            return name, json.loads(BARE.sub(r'"\1"', value)) if whole else float(value)
    except (json.JSONDecodeError, RecursionError):
        pass
    raise click.BadParameter(f"expected {wanted}; found {word!r}")


def _array(name: str, value: Any) -> np.ndarray:
    """A float64 array. Raises ValueError where rows have different lengths or an entry is no real number."""
    wanted = f"`{name}` must be a number or nested lists of numbers, with rows of one length"
    if isinstance(value, np.ndarray) and np.iscomplexobj(value):
        raise ValueError(f"`{name}` is complex; numbers here are real")
    try:
        return np.asarray(_numbers(value), dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(wanted) from None


def _numbers(value: Any) -> Any:
    match value:
        case list():
            return [_numbers(item) for item in value]
        case None:
            return math.nan
        case str() if value in WORDS:
            return WORDS[value]
        case _:
            return value


def to_json(value: Any) -> Any:
    """Arrays to nested lists; NaN becomes null and an infinity "inf" or "-inf", which JSON has no numbers for."""
    match value:
        case float() if math.isnan(value):
            return None
        case float() if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        case Mapping():
            return {name: to_json(item) for name, item in value.items()}
        case list() | tuple():
            return [to_json(item) for item in value]
        case np.ndarray():
            return to_json(value.tolist())
        case _:
            return value
