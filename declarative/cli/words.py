"""Hints in the words of Python -> the same in those of the command line."""

import re
from collections.abc import Iterable
from dataclasses import replace

from declarative.source.diagnostic import Diagnostic

NAMES = re.compile(r'"(\w+)": \.\.\.')
GIVEN = re.compile(r"(dims|consts|learn)=\{([^{}]*)\}")
IN_PYTHON = (  # what only `declarative.compile` takes
    (re.compile(r'[;,] (?:so does|or|a Python function is given by) compile\(\.\.\., \w+=[\w"]+\)'), ""),
    (
        re.compile(r"give it when compiling: (extern=\{.*\})"),
        r"functions are given in Python: declarative.compile(..., \1)",
    ),
    (re.compile(r"( when compiling|give it when compiling: )(?=$|`)"), ""),
)
MISSING = re.compile(r"no value for ((?:`\w+`(?:, )?)+)")


def in_words_of_the_command(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    return [replace(d, hints=(*map(_option, d.hints), *_missing(d))) for d in diagnostics]


def _option(hint: str) -> str:
    hint = GIVEN.sub(lambda found: _words(found[1], NAMES.findall(found[2])), hint)
    for pattern, words in IN_PYTHON:
        hint = pattern.sub(words, hint)
    return f"give {hint}, or a file of data" if hint.startswith("`-p ") else hint


def _words(argument: str, names: list[str]) -> str:
    option = "--dims" if argument == "dims" else "-p"
    return f"`{' '.join(f'{option} {name}=...' for name in names)}`"


def _missing(d: Diagnostic) -> list[str]:
    """Of data that a call lacks, which in Python are its arguments."""
    found = MISSING.match(d.message)
    names = re.findall(r"\w+", found[1]) if found else []
    return [_option(_words("params", names))] if names else []
