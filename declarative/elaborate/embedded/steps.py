"""`for i in n` in Python: iterating a dim yields one symbolic index, and then stops."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from declarative.elaborate.embedded.declared import Declared
from declarative.elaborate.embedded.place import here
from declarative.elaborate.embedded.walk import Loop, current
from declarative.ir.expr import Binder, IndexSymbol
from declarative.ir.size import Size

_numbers = count(-1, -1)  # below zero until a problem numbers its indices by depth


@dataclass(eq=False)
class Steps(Iterator[Any]):
    """The iterator over lo..hi-1. `handle` wraps the index."""

    lo: Size
    hi: Size
    declared: frozenset[Declared]
    handle: Callable[[IndexSymbol, frozenset[Declared]], Any]
    loop: Loop | None = field(default=None, init=False)

    def __next__(self) -> Any:
        if self.loop is not None:
            self.loop.closed = here()
            raise StopIteration
        symbol = IndexSymbol(next(_numbers), _loop_name(), origin=here().span)
        self.loop = Loop(Binder(symbol, self.lo, self.hi), self.declared)
        walk = current.get()
        if walk is not None:
            walk.open(self.loop)
        return self.handle(self.loop.binder.index, self.declared)

    def again(self) -> Steps:
        """The same range, from its start."""
        return Steps(self.lo, self.hi, self.declared, self.handle)


def _loop_name() -> str:
    """What the loop that runs now calls its index: the name that the next instruction stores to."""
    frame = sys._getframe(2)
    for instruction in dis.get_instructions(frame.f_code):
        if instruction.offset > frame.f_lasti and instruction.opname.startswith("STORE"):
            name = instruction.argval
            return str(name[0] if isinstance(name, tuple) else name)
    return "i"
