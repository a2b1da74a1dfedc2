"""What is known about one code."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """`wrong` is a text (or, for what happens later, a call) that earns the code; `right` its nearest cure."""

    code: str
    title: str
    explanation: str
    wrong: str
    right: str
