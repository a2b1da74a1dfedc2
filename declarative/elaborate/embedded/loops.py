"""`dc.range(lo, hi)`: whole numbers and dims to a range that an index runs over."""

from __future__ import annotations

from dataclasses import dataclass

from declarative.elaborate.embedded.declared import Declared
from declarative.elaborate.embedded.handle import Handle, lift
from declarative.elaborate.embedded.place import fail
from declarative.elaborate.embedded.steps import Steps
from declarative.ir.size import Size


@dataclass(frozen=True, eq=False)
class Range:
    """Like Python's range, hi excluded."""

    lo: Size
    hi: Size
    declared: frozenset[Declared]

    def __iter__(self) -> Steps:
        return Steps(self.lo, self.hi, self.declared, Handle)


def range_of(*ends: object) -> Range:
    """`range(n)` is 0..n-1 and `range(lo, hi)` is lo..hi-1; the ends are whole numbers and dims."""
    if len(ends) not in (1, 2):
        raise fail("E205", "`range` takes one or two ends: dc.range(n) or dc.range(lo, hi)")
    handles = [lift(end) for end in ends]
    known = [handle.size for handle in handles if handle.size is not None]
    if len(known) < len(handles):
        raise fail("E222", "the ends of a range are whole numbers and dims")
    lo, hi = known if len(known) == 2 else (Size.of(0), *known)
    return Range(lo, hi, frozenset().union(*(handle.declared for handle in handles)))
