"""Data from outside (JSON, .npz, `name=value`) to named arrays, and results back to JSON."""

import json
import math
import re
import sys
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

Values = dict[str, np.ndarray]
WORDS = {"inf": math.inf, "+inf": math.inf, "-inf": -math.inf, "nan": math.nan}
BARE = re.compile(r'(?<![\w"+-])([+-]?inf|nan)(?![\w"])')


def read_values(path: str) -> Values:
    """The arrays of a .npz file, or of a JSON object from names to numbers and nested lists (`-`: standard input).

    In JSON null is NaN, and "inf" and "-inf" are numbers. Raises click.BadParameter for what is neither.
    """
    try:
        return _read_npz(path) if path.lower().endswith(".npz") else _read_json(path)
    except (OSError, ValueError, zipfile.BadZipFile, RecursionError) as mistake:
        reason = mistake.strerror if isinstance(mistake, OSError) and mistake.strerror else mistake
        raise click.BadParameter(f"cannot read data from {path}: {reason}") from None


def _read_npz(path: str) -> Values:
    with np.load(path, allow_pickle=False) as archive:
        return {name: _array(name, archive[name]) for name in archive.files}


def _read_json(path: str) -> Values:
    text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    try:
        found = json.loads(text)
    except json.JSONDecodeError as mistake:
        raise ValueError(f"{mistake}; data are read from JSON, and from arrays that numpy wrote to .npz") from None
    if not isinstance(found, dict):
        raise ValueError('expected an object, as in {"mu": [0.1, 0.2], "gamma": 1}')
    return {name: _array(name, value) for name, value in found.items()}


def read_words(words: Iterable[str]) -> Values:
    """`name=value` words; a value is JSON, in which inf and nan need no quotes.

    Raises click.BadParameter for any other word.
    """
    wanted = "NAME=VALUE with a number or nested lists, as in gamma=0.5"
    return {name: _array(name, value) for name, value in (_assignment(word, wanted) for word in words)}


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
    """A float64 array. Raises click.BadParameter where rows have different lengths or an entry is no number."""
    try:
        return np.asarray(_numbers(value), dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        wanted = "a number or nested lists of numbers, with rows of one length"
        raise click.BadParameter(f"`{name}` must be {wanted}") from None


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
