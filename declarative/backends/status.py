"""What a solver's answer for one item is worth, as a small integer that fits an int8 tensor."""

from enum import IntEnum


class Status(IntEnum):
    """`SOLVED` is said only after our own check; `INACCURATE` keeps its numbers; the rest have none."""

    SOLVED = 0
    INACCURATE = 1
    INFEASIBLE = 2
    UNBOUNDED = 3
    FAILED = 4
