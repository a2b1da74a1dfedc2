"""Exit statuses: what a command says to the program that started it."""

from enum import IntEnum


class Exit(IntEnum):
    FINE = 0
    DIAGNOSTICS = 1  # the text, or the data for it, cannot be taken as it is
    USAGE = 2
    UNSOLVED = 3  # infeasible, unbounded, or no answer was found
    MISMATCH = 4  # a gradient differs from finite differences, or none could be compared
    INTERNAL = 70  # our own mistake
    INTERRUPTED = 130
