"""Comparisons of handles: what a constraint says, or what a condition asks; and the connectives of conditions."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Literal, TypeAlias

from declarative.elaborate.embedded.declared import Declared
from declarative.elaborate.embedded.place import Place, fail, here
from declarative.elaborate.embedded.walk import Question, ask
from declarative.elaborate.to_text import expression_to_text
from declarative.ir.condition import Condition, Connective, Negation, Test
from declarative.ir.expr import Dual, Expr, OptimalValue, Parameter, Role, Variable
from declarative.ir.walk import postorder

Op: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">="]


class Symbolic:
    """What may stand after `if` in a generator."""

    def question(self) -> Question:
        raise NotImplementedError

    def __bool__(self) -> bool:
        return ask(self.question())

    def __invert__(self) -> Asked:
        inner = self.question()
        return Asked(Question(Negation(inner.condition), inner.declared))

    def __and__(self, other: object) -> Asked:
        return _joined("and", self, other)

    def __rand__(self, other: object) -> Asked:
        return _joined("and", other, self)

    def __or__(self, other: object) -> Asked:
        return _joined("or", self, other)

    def __ror__(self, other: object) -> Asked:
        return _joined("or", other, self)


@dataclass(frozen=True, eq=False)
class Asked(Symbolic):
    """A condition made with `~`, `&` and `|`."""

    asked: Question

    def question(self) -> Question:
        return self.asked


@dataclass(frozen=True, eq=False, repr=False)
class Relation(Symbolic):
    """`left op right`, as written in Python."""

    op: Op
    left: Expr
    right: Expr
    declared: frozenset[Declared]
    place: Place

    def __repr__(self) -> str:
        return f"{expression_to_text(self.left)} {self.op} {expression_to_text(self.right)}"

    def question(self) -> Question:
        return Question(Test(self.op, self.left, self.right), self.declared)

    def __bool__(self) -> bool:
        if is_known(self.left) and is_known(self.right):
            return super().__bool__()
        raise _no_truth(here())


@dataclass(frozen=True, eq=False, repr=False)
class Chain:
    """`lo <= body <= hi`."""

    lo: Expr
    body: Expr
    hi: Expr
    declared: frozenset[Declared]
    place: Place

    def __repr__(self) -> str:
        return " <= ".join(map(expression_to_text, (self.lo, self.body, self.hi)))

    def __bool__(self) -> bool:
        raise _no_truth(here())


@dataclass(frozen=True, eq=False, repr=False)
class Member:
    """`elements in cone`."""

    elements: tuple[Expr, ...]
    cone: str
    args: tuple[Expr, ...]
    declared: frozenset[Declared]
    place: Place

    def __repr__(self) -> str:
        return f"{', '.join(map(expression_to_text, self.elements))} in {self.cone}"

    def __bool__(self) -> bool:
        raise _no_truth(here())


def is_known(e: Expr) -> bool:
    """True for what is known before solving: consts, sizes and indices."""
    return not any(
        isinstance(node, Variable | Dual | OptimalValue)
        or (isinstance(node, Parameter) and node.role is not Role.CONST)
        for node in postorder(e)
    )


def _joined(op: Literal["and", "or"], left: object, right: object) -> Asked:
    if not isinstance(left, Symbolic) or not isinstance(right, Symbolic):
        raise fail("E401", f"`{'&' if op == 'and' else '|'}` joins two conditions", hints=("put each in brackets",))
    questions = left.question(), right.question()
    items: list[Condition] = []
    for condition in (q.condition for q in questions):
        items.extend(condition.items if isinstance(condition, Connective) and condition.op == op else (condition,))
    return Asked(Question(Connective(op, tuple(items)), questions[0].declared | questions[1].declared))


def _no_truth(place: Place) -> Exception:
    """The answer to `0 <= w <= 1`, `if x >= 0:` and `max(x, y)`."""
    match place.syntax():
        case ast.Compare(left=left, ops=ops, comparators=parts) if len(ops) > 1:
            words = [ast.unparse(part) for part in (left, *parts)]
            ascending = all(isinstance(op, ast.LtE) for op in ops)
            wanted = ", ".join(words if ascending else reversed(words))
            return fail(
                "E402",
                f"Python reads `{place.text}` as two comparisons joined by `and`, and would drop the first",
                place,
                hints=(f"write dc.chain({wanted})",),
            )
        case ast.Call(func=ast.Name(id=("max" | "min") as name)):
            hint = f"write dc.{name}(...), which stays in the problem"
            return fail("E402", f"Python's own `{name}` compares at once, and these are symbolic", place, hints=(hint,))
        case _:
            return fail(
                "E402",
                "a constraint is neither true nor false before the problem is solved",
                place,
                hints=(
                    "hand it to dc.problem(...) as it is",
                    "two bounds at once are dc.chain(0, x, 1)",
                    "the condition of a `for ... if` reads dims, consts and indices only",
                ),
            )
