"""An expression to its terms that are added and those that are subtracted: `2*x - y*z + 1` to 2*x, 1 and y*z."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from declarative.atoms.apply import apply
from declarative.ir.expr import Call, Constant, Expr
from declarative.ir.problem import Comparison, Relation
from declarative.ir.walk import fold


@dataclass(frozen=True)
class Signomial:
    """The sum of the terms in `plus` less the sum of those in `minus`."""

    plus: tuple[Expr, ...]
    minus: tuple[Expr, ...]

    def __neg__(self) -> Signomial:
        return Signomial(self.minus, self.plus)

    def __sub__(self, other: Signomial) -> Signomial:
        return Signomial(self.plus + other.minus, self.minus + other.plus)


def signomial(e: Expr) -> Signomial:
    """By the signs that are written; nothing is multiplied out."""
    found: dict[int, list[Expr]] = {1: [], -1: []}
    pending = [(1, e)]
    while pending:
        sign, node = pending.pop()
        match node:
            case Call("add", args):
                pending.extend((sign, arg) for arg in reversed(args))
            case Call("neg", (inner,)):
                pending.append((-sign, inner))
            case Constant(0.0):
                pass
            case _:
                own, term = _unsigned(node)
                found[sign * own].append(term)
    return Signomial(tuple(found[1]), tuple(found[-1]))


def _unsigned(e: Expr) -> tuple[int, Expr]:
    """A term without the minus signs that are written before its factors, and their product: -2*x to -1 and 2*x."""

    def step(node: Expr, parts: tuple[tuple[int, Expr], ...]) -> tuple[int, Expr]:
        match node:
            case Call("neg"):
                return -parts[0][0], parts[0][1]
            case Constant(value) if value < 0:
                return -1, Constant(-value, origin=node.origin)
            case Call("mul" | "div" as name) if any(sign < 0 for sign, _ in parts) or _changed(node, parts):
                return prod(sign for sign, _ in parts), apply(name, *(part for _, part in parts), origin=node.origin)
            case _:
                return 1, node

    return fold(e, step)


def _changed(node: Call, parts: tuple[tuple[int, Expr], ...]) -> bool:
    return any(part is not arg for (_, part), arg in zip(parts, node.args, strict=True))


def excess(row: Comparison) -> Signomial:
    """What is at most 0 in an inequality, and 0 in an equation; the dual of the row multiplies it."""
    left, right = signomial(row.left), signomial(row.right)
    found = right - left if row.relation is Relation.GE else left - right
    numbers = [[t.value for t in terms if isinstance(t, Constant)] for terms in (found.plus, found.minus)]
    return _with_one_number(found, sum(numbers[0]) - sum(numbers[1])) if all(numbers) else found


def _with_one_number(found: Signomial, number: float) -> Signomial:
    """Numbers on both sides as one: `x*y + 3 >= 4` is `x*y >= 1`."""
    plus, minus = (tuple(t for t in terms if not isinstance(t, Constant)) for terms in (found.plus, found.minus))
    rest = (Constant(abs(number)),) if number else ()
    return Signomial(plus + rest if number > 0 else plus, minus + rest if number < 0 else minus)
