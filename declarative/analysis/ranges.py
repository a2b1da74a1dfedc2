"""Expressions to the intervals that hold their entries, as far as numbers tell: 1 - q for q in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isnan, log

from declarative.ir.expr import Call, Constant, Expr, Index, Parameter, Stack, Variable
from declarative.ir.facts import Sign


@dataclass(frozen=True)
class Range:
    """Entries lie in [lo, hi]; either side may be infinite."""

    lo: float = -inf
    hi: float = inf

    @property
    def sign(self) -> Sign:
        """The signs of the numbers in the interval."""
        if self is EVERYTHING:
            return Sign.ANY
        below = Sign.NEG if self.lo < 0 else Sign(0)
        above = Sign.POS if self.hi > 0 else Sign(0)
        return below | above | (Sign.ZERO if self.lo <= 0 <= self.hi else Sign(0))

    def __neg__(self) -> Range:
        return Range(-self.hi, -self.lo)

    def __add__(self, other: Range) -> Range:
        return Range(self.lo + other.lo, self.hi + other.hi)

    def __mul__(self, other: Range) -> Range:
        """The hull of the products of the ends; 0 * inf stands for the products near it, which say nothing."""
        ends = [a * b for a in (self.lo, self.hi) for b in (other.lo, other.hi)]
        return Range() if any(map(isnan, ends)) else Range(min(ends), max(ends))


EVERYTHING = Range()
_UNIT = Range(0.0, 1.0)
_ATTRIBUTES = {"nonneg": Range(0.0), "pos": Range(0.0), "simplex": _UNIT, "binary": _UNIT}


def range_of(node: Expr, look: Callable[[Expr], Range]) -> Range:
    """The interval of a node from those of its parts."""
    match node:
        case Call():
            return _call_range(node, look)
        case Constant(value):
            return Range(value, value)
        case Parameter() | Variable():
            return _symbol_range(node)
        case Index(base=inner) | Stack(body=inner):
            return look(inner)
        case _:
            return EVERYTHING


def _call_range(node: Call, look: Callable[[Expr], Range]) -> Range:
    match node.atom, node.args:
        case "add", args:
            terms = [look(arg) for arg in args]
            return EVERYTHING if EVERYTHING in terms else sum(terms, Range(0.0, 0.0))
        case "neg", (inner,):
            return -look(inner)
        case "mul", (left, right):
            x, y = look(left), look(right)
            return EVERYTHING if x is EVERYTHING or y is EVERYTHING else x * y
        case "div", (left, Constant(value)) if value:
            return look(left) * Range(1 / value, 1 / value)
        case "log", (inner,) if look(inner).hi > 0:
            x = look(inner)
            return EVERYTHING if x is EVERYTHING else Range(log(x.lo) if x.lo > 0 else -inf, log(x.hi))
        case _:
            return EVERYTHING


def _symbol_range(symbol: Parameter | Variable) -> Range:
    if not symbol.attributes:
        return EVERYTHING
    lo, hi = -inf, inf
    for attribute in symbol.attributes:
        known = _ATTRIBUTES.get(attribute.name, EVERYTHING)
        if attribute.name == "between":
            ends = [bound.value if isinstance(bound, Constant) else None for bound in attribute.args]
            known = Range(-inf if ends[0] is None else ends[0], inf if ends[1] is None else ends[1])
        lo, hi = max(lo, known.lo), min(hi, known.hi)
    return Range(lo, hi) if lo <= hi else EVERYTHING
