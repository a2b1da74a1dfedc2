"""A Python generator over dims to binders, a condition and a body: `x[i, j] for i in n for j in m if E[i, j]`.

A symbolic `if` is answered both ways, by running the generator once for every course that it can take; what it says
is the condition under which it yields. So `not`, `and`, `or` mean what Python says, and `a if c else b`, which would
need two bodies, is refused.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import CellType, CodeType, FunctionType, GeneratorType
from typing import Any, TypeAlias

from declarative.elaborate.embedded.declared import NOTHING, Declared
from declarative.elaborate.embedded.place import Place, fail
from declarative.elaborate.embedded.steps import Steps
from declarative.elaborate.embedded.walk import Loop, Question, Walk, current
from declarative.ir.condition import Condition, Connective, Negation
from declarative.ir.expr import Binder

MOST_QUESTIONS = 12  # conditions on one course through a generator

Body: TypeAlias = Any
Generator: TypeAlias = "GeneratorType[Any, Any, Any]"
Same: TypeAlias = Callable[[Body, Body], bool]


@dataclass(frozen=True)
class Family:
    """`body for binders if condition`."""

    body: Body
    binders: tuple[Binder, ...]
    condition: Condition | None
    declared: frozenset[Declared]


@dataclass(frozen=True)
class _Course:
    """One run: what it asked and what it yielded (`bodies`: all of them, where no dim was run over)."""

    asked: tuple[Question, ...]
    loops: tuple[Loop, ...]
    bodies: tuple[Body, ...]


def gather(generator: Generator, place: Place, same: Same) -> Family | list[Body]:
    """What a generator says; a plain list where it runs over no dim. `same`: are two bodies equal?

    Raises DiagnosticError for what has no symbolic meaning.
    """
    if inspect.getgeneratorstate(generator) != inspect.GEN_CREATED:
        hints = ["dc.forall(...) makes a constraint that may be used again"]
        raise fail("E404", "this generator has been run through before; Python keeps nothing", place, hints=hints)
    restart = _restart(generator)
    first = _run(generator, Walk(), place)
    if not first.loops and not first.asked:
        return list(first.bodies)
    if not first.asked:
        return _family(first, None, NOTHING)
    if restart is None or not first.loops:
        hints = ["use a generator expression over a dim: dc.sum(x[i] for i in n if E[i])"]
        raise fail(
            "E404", "a symbolic condition may stand only in a generator expression over dims", place, hints=hints
        )
    decided = _Decided(restart, first.loops, place, same)
    condition = decided.condition((), first)
    if decided.body is None:
        raise fail("E404", "this generator yields nothing, whatever its condition says", place)
    return _family(decided.body, None if condition is True else condition, decided.declared)


def _family(course: _Course, condition: Condition | bool | None, declared: frozenset[Declared]) -> Family:
    assert not isinstance(condition, bool)
    declared = declared.union(*(loop.declared for loop in course.loops))
    return Family(course.bodies[0], tuple(loop.binder for loop in course.loops), condition, declared)


def _run(generator: Generator, walk: Walk, place: Place) -> _Course:
    token = current.set(walk)
    try:
        bodies = []
        for body in generator:
            bodies.append(body)
            _check_alive(walk)
            if walk.loops and len(bodies) > 1:
                raise _mixed(place)
            if not walk.loops:
                continue
            alive = len(walk.loops)
            extra = next(generator, None)
            if extra is not None or len(walk.loops) > alive:
                raise _mixed(place)
            break
    finally:
        current.reset(token)
    return _Course(tuple(walk.asked), tuple(walk.loops), tuple(bodies))


def _check_alive(walk: Walk) -> None:
    """An index belongs to the generator that yields; one that has run out was swallowed by a list or Python's `sum`."""
    for loop in walk.loops:
        if loop.closed is not None:
            hints = ["inside a problem use dc.sum, dc.max, dc.min, dc.prod, which keep the index"]
            message = "this runs through a dim at once, and the index means nothing outside"
            raise fail("E404", message, loop.closed, hints=hints)


def _mixed(place: Place) -> Exception:
    hints = ["nest two: dc.sum(dc.sum(x[k, i] for i in n) for k in range(3))"]
    return fail("E404", "one generator runs over dims or over Python's own values, not over both", place, hints=hints)


# --- conditions --------------------------------------------------------------------------------


@dataclass
class _Decided:
    """The courses that a generator can take, as a condition under which it yields its one body."""

    restart: Callable[[], Generator]
    loops: tuple[Loop, ...]
    place: Place
    same: Same
    body: _Course | None = None
    declared: frozenset[Declared] = NOTHING

    def condition(self, answers: tuple[bool, ...], course: _Course) -> Condition | bool:
        """When it yields, after these answers; True and False: always and never."""
        position = len(answers)
        if position == len(course.asked):
            return self._yields(course)
        if position >= MOST_QUESTIONS:
            raise fail("E404", f"more than {MOST_QUESTIONS} conditions in one generator", self.place)
        question = course.asked[position]
        self.declared |= question.declared
        yes = self.condition((*answers, True), course)
        no = self.condition((*answers, False), self._course((*answers, False)))
        return _choice(question.condition, yes, no)

    def _course(self, answers: tuple[bool, ...]) -> _Course:
        course = _run(self.restart(), Walk(answers, self.loops), self.place)
        self.loops = max(self.loops, course.loops, key=len)
        return course

    def _yields(self, course: _Course) -> bool:
        if not course.bodies:
            return False
        if self.body is None:
            self.body = course
        if not self.same(course.bodies[0], self.body.bodies[0]):
            hints = ["split it in two with `if` at the end, or multiply by the condition's 0/1 data"]
            raise fail("E404", "what is yielded depends on a symbolic condition", self.place, hints=hints)
        return True


def _choice(asked: Condition, yes: Condition | bool, no: Condition | bool) -> Condition | bool:
    """(asked and yes) or (not asked and no), in its shortest form."""
    match yes, no:
        case _ if yes == no:
            return yes
        case True, False:
            return asked
        case False, True:
            return Negation(asked)
        case _, False:
            return _joined("and", asked, yes)
        case True, _:
            return _joined("or", asked, no)
        case False, _:
            return _joined("and", Negation(asked), no)
        case _, True:
            return _joined("or", Negation(asked), yes)
        case Connective("or"), _ if rest := _without(yes, no):
            return _joined("or", _joined("and", asked, rest), no)
        case _, Connective("and") if rest := _without(no, yes):
            return _joined("and", _joined("or", asked, rest), yes)
        case _:
            return _joined("or", _joined("and", asked, yes), _joined("and", Negation(asked), no))


def _without(longer: Connective, end: Condition | bool) -> Condition | None:
    """What stands before `end` in `... and end` or `... or end`; None where it does not end so."""
    last = end.items if isinstance(end, Connective) and end.op == longer.op else (end,)
    rest = longer.items[: -len(last)]
    if not rest or (*rest, *last) != longer.items:
        return None
    return rest[0] if len(rest) == 1 else Connective(longer.op, rest)


def _joined(op, left: Condition, right: Condition | bool) -> Condition:
    assert not isinstance(right, bool)
    flat = right.items if isinstance(right, Connective) and right.op == op else (right,)
    return Connective(op, (left, *flat))


def _restart(generator: Generator) -> Callable[[], Generator] | None:
    """How to run a generator expression again from its start; None for other generators."""
    code: CodeType = generator.gi_code
    frame = generator.gi_frame
    if frame is None or code.co_name != "<genexpr>":
        return None
    values = dict(frame.f_locals)
    iterator, scope = values.get(".0"), frame.f_globals
    if not isinstance(iterator, Steps):
        return None
    cells = tuple(CellType(values[name]) if name in values else CellType() for name in code.co_freevars)
    function = FunctionType(code, scope, closure=cells)
    return lambda: function(iterator.again())
