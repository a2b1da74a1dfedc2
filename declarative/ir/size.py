"""Symbolic sizes: integer polynomials of declared names, kept in normal form, so equal sizes are equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod
from typing import TypeAlias

Monomial: TypeAlias = tuple[str, ...]  # sorted names with repetition: n*n is ("n", "n"), 1 is ()


@dataclass(frozen=True)
class Size:
    """A sum of integer multiples of monomials, sorted, without zero terms."""

    terms: tuple[tuple[Monomial, int], ...]

    @staticmethod
    def of(value: int | str | Size) -> Size:
        """A number, a declared name, or a size as it is."""
        return value if isinstance(value, Size) else _size(value)

    @property
    def constant(self) -> int | None:
        """The value of a size without names, else None."""
        if not self.terms:
            return 0
        return self.terms[0][1] if len(self.terms) == 1 and self.terms[0][0] == () else None

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(name for monomial, _ in self.terms for name in monomial)

    def evaluate(self, values: Mapping[str, int]) -> int:
        """The number that this size is, with `values` for its names. Raises KeyError for a name without one."""
        return sum(factor * prod(values[name] for name in monomial) for monomial, factor in self.terms)

    def substitute(self, values: Mapping[str, Size]) -> Size:
        total = Size.of(0)
        for monomial, factor in self.terms:
            term = Size.of(factor)
            for name in monomial:
                term = term * values.get(name, Size.of(name))
            total = total + term
        return total

    def __add__(self, other: Size | int) -> Size:
        return _sum(self, Size.of(other), 1)

    def __neg__(self) -> Size:
        return _sum(ZERO, self, -1)

    def __sub__(self, other: Size | int) -> Size:
        return _sum(self, Size.of(other), -1)

    def __mul__(self, other: Size | int) -> Size:
        terms: dict[Monomial, int] = {}
        for left, a in self.terms:
            for right, b in Size.of(other).terms:
                monomial = tuple(sorted(left + right))
                terms[monomial] = terms.get(monomial, 0) + a * b
        return _normal(terms)

    def is_nonnegative(self) -> bool:
        """True where the size is at least 0 for all names at least 1; False where that cannot be told."""
        return self._least is not None and self._least >= 0

    @cached_property
    def _least(self) -> int | None:
        """The value with every name at 1, where all factors of names are positive (then it is the least)."""
        if any(factor < 0 for monomial, factor in self.terms if monomial):
            return None
        return sum(factor for _, factor in self.terms)

    def __str__(self) -> str:
        if not self.terms:
            return "0"
        text = ""
        for monomial, factor in self.terms:
            sign = "-" if factor < 0 else ("+" if text else "")
            names = "*".join(monomial)
            number = str(abs(factor)) if abs(factor) != 1 or not names else ""
            text += sign + number + ("*" if number and names else "") + names
        return text


@lru_cache(maxsize=10_000)
def _size(value: int | str) -> Size:
    return _normal({(): value} if isinstance(value, int) else {(value,): 1})


@lru_cache(maxsize=10_000)  # the ranges of many subscripts are compared with the same few lengths
def _sum(left: Size, right: Size, sign: int) -> Size:
    terms = dict(left.terms)
    for monomial, factor in right.terms:
        terms[monomial] = terms.get(monomial, 0) + sign * factor
    return _normal(terms)


def _normal(terms: Mapping[Monomial, int]) -> Size:
    kept = [(monomial, factor) for monomial, factor in terms.items() if factor]
    return Size(tuple(sorted(kept, key=lambda term: (-len(term[0]), term[0]))))


ZERO, ONE = Size.of(0), Size.of(1)
Shape: TypeAlias = tuple[Size, ...]
SCALAR: Shape = ()


def shape_text(shape: Shape) -> str:
    """A shape as people write it: `R`, `R^n`, `R^(m,n)`."""
    match shape:
        case ():
            return "R"
        case (size,):
            text = str(size)
            return f"R^{text}" if text.isalnum() else f"R^({text})"
        case _:
            return f"R^({','.join(map(str, shape))})"


def count(shape: Shape) -> Size:
    """How many scalars a shape holds."""
    total = Size.of(1)
    for size in shape:
        total = total * size
    return total
