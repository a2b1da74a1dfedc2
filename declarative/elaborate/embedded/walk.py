"""One run through a generator: the indices that its loops open and the conditions that its `if`s ask."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

from declarative.elaborate.embedded.declared import Declared
from declarative.elaborate.embedded.place import Place, fail, here
from declarative.ir.condition import Condition
from declarative.ir.expr import Binder


@dataclass(eq=False)
class Loop:
    """One `for i in n` of a generator. `closed` is where it was asked for a second index."""

    binder: Binder
    declared: frozenset[Declared]
    closed: Place | None = None


@dataclass(frozen=True)
class Question:
    """A condition as an `if` asked it."""

    condition: Condition
    declared: frozenset[Declared]


@dataclass
class Walk:
    """`answers` are given to the first conditions that are asked; the later ones are answered True.

    `earlier` are the loops of a former run through the same generator: the same indices are given again.
    """

    answers: tuple[bool, ...] = ()
    earlier: tuple[Loop, ...] = ()
    loops: list[Loop] = field(default_factory=list)
    asked: list[Question] = field(default_factory=list)

    def open(self, loop: Loop) -> Binder:
        position = len(self.loops)
        if position < len(self.earlier):
            loop.binder = self.earlier[position].binder
        self.loops.append(loop)
        return loop.binder

    def answer(self, question: Question) -> bool:
        self.asked.append(question)
        position = len(self.asked) - 1
        return self.answers[position] if position < len(self.answers) else True


current: ContextVar[Walk | None] = ContextVar("current", default=None)


def ask(question: Question) -> bool:
    """The truth of a symbolic condition: what the present run through a generator supposes.

    Raises DiagnosticError outside a generator that `sum`, `forall` or a constraint runs.
    """
    walk = current.get()
    if walk is None:
        place = here()
        raise fail(
            "E401",
            "this is symbolic: it is neither true nor false before the problem is solved",
            place,
            hints=(
                "a condition may stand after `if` in a generator: dc.sum(x[i] for i in n if E[i])",
                "write `~a`, `a & b`, `a | b` for not, and, or",
            ),
        )
    return walk.answer(question)
