"""What the answer for one item is worth and who gave it, as small integers that fit an int8 tensor."""

from enum import IntEnum


class Status(IntEnum):
    """`SOLVED` is said only after our own check; `INACCURATE` keeps its numbers; the rest have none."""

    SOLVED = 0
    INACCURATE = 1
    INFEASIBLE = 2
    UNBOUNDED = 3
    FAILED = 4


class AnsweredBy(IntEnum):
    """The backend that an item's status and numbers come from; `NONE` where broken data were found before solving."""

    NONE = -1
    KKT = 0
    CONE = 1


STALLED = "the solver made no more progress before the tolerance was met; try another start, or rescale"
NOTHING = "the solver found neither a solution nor a proof that there is none; rescaling the data may help"
BROKEN = "the data of this item are not finite, or outside the domain of a function of them"
GENERAL = (STALLED, NOTHING)  # words for `FAILED` where nothing better is known
