"""May numbers of a problem stand for others? So they may where no rule reads more of them than their signs.

Signs and curvature depend on numbers by the intervals of `ranges` only, and there by their sizes only where two of
them meet: `3 - k`, or `k - x` with x in [0, 1]. Rewrites ask for signs, for equality, and whether a number is above 1.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence, Set
from math import inf
from typing import NamedTuple

from declarative.analysis.ranges import EVERYTHING, Range, range_of
from declarative.analysis.signomial import signomial
from declarative.ir.expr import Call, Constant, Expr, Index
from declarative.ir.problem import Comparison, Membership, Problem
from declarative.ir.walk import children, fold, postorder

ENDS = (0.0, inf, -inf)  # of intervals that a sign describes


class _Met(NamedTuple):
    """The interval of an expression, and how many numbers (2: or more) have made it; is one of them `free`?"""

    range: Range
    numbers: int = 0
    free: bool = False


class _Doubt(Exception):
    """The sizes of two numbers may matter."""


def may_stand_for_others(problem: Problem, numbers: Iterable[tuple[int, ...]]) -> bool:
    """`numbers`: where, in the text, the numbers in question end; equal ones of one expression together."""
    numbers = tuple(numbers)
    places = sorted(end for ends in numbers for end in ends)
    roots = list(_roots(problem))
    held = {id(e): _held(e, places) for root in roots for e in postorder(root)}
    found = {place for some in held.values() for place in some}
    if not all(any(end in found for end in ends) for ends in numbers):
        return False  # one has become something else than a number: a size, an option
    free = {node for node, some in held.items() if some}
    try:
        for root in roots:
            fold(root, lambda node, inner: _met(node, inner, free))
    except _Doubt:
        return False
    return not any(_opposed(c, free) for c in problem.constraints if isinstance(c, Comparison))


def _roots(problem: Problem) -> Iterator[Expr]:
    if problem.objective.body is not None:
        yield problem.objective.body
    for c in problem.constraints:
        yield from (*c.elements, *c.args) if isinstance(c, Membership) else (c.left, c.right)


def _held(e: Expr, places: Sequence[int]) -> Sequence[int]:
    """The numbers in question that a number is, or is made of without subtraction: `3`, `-3`, `2*3^2 + 1`."""
    if not isinstance(e, Constant) or e.origin is None:
        return ()
    held = places[bisect_right(places, e.origin.start) : bisect_right(places, e.origin.end)]
    return held if held and _has_plain_sign(e.origin.text) else ()


def _has_plain_sign(text: str) -> bool:
    """Is a number that is written so negative just where a minus leads it?"""
    body = _EXPONENT.sub("e", text.lstrip("+"))
    return "-" not in body or (body[0] == "-" and not any(sign in body[1:] for sign in "+-"))


_EXPONENT = re.compile(r"(?<=\d)[eE][+-]|(?<=\.)[eE][+-]")


def _met(node: Expr, inner: tuple[_Met, ...], free: Set[int]) -> _Met:
    """Raises _Doubt."""
    ranges = {id(child): met.range for child, met in zip(children(node), inner, strict=True)}
    own = range_of(node, lambda child: ranges[id(child)])
    if own == EVERYTHING:
        return _Met(own)
    if isinstance(node, Constant):
        plain = node.origin is None or node.origin.text.isalnum()
        return _Met(own, 1 if plain else 2, id(node) in free)
    if not inner:
        return _Met(own, int(not _of_sign(own)))
    if isinstance(node, Index):
        inner = inner[:1]  # its subscripts say which part it is
    numbers, any_free = sum(met.numbers for met in inner), any(met.free for met in inner)
    if any_free and numbers > 1 and not _same_sign(node, inner):
        raise _Doubt
    return _Met(own) if _of_sign(own) else _Met(own, min(numbers, 2), any_free)


def _of_sign(range_: Range) -> bool:
    return range_.lo in ENDS and range_.hi in ENDS


def _same_sign(node: Expr, inner: Iterable[_Met]) -> bool:
    """A sum of numbers of one sign has that sign; so has, turned, what is negated."""
    signs = [met.range.sign for met in inner if met.numbers]
    alike = all(sign.nonneg for sign in signs) or all(sign.nonpos for sign in signs)
    return isinstance(node, Call) and (node.atom == "neg" or (node.atom == "add" and alike))


def _opposed(row: Comparison, free: Set[int]) -> bool:
    """Numbers on both sides, which geometric programs make one of."""
    left, right = signomial(row.left), signomial(row.right)
    sides = left.plus + right.minus, left.minus + right.plus
    numbers = [[t for t in terms if isinstance(t, Constant)] for terms in sides]
    return all(numbers) and not free.isdisjoint(id(node) for side in (row.left, row.right) for node in postorder(side))
