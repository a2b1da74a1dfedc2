"""What can be known of an expression without its numbers: sign, curvature, monotonicity, smoothness."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum, Flag


class Sign(Flag):
    """The set of signs that entries may have: a subset of {negative, zero, positive}."""

    NEG = 1  # entries < 0 only
    ZERO = 2
    POS = 4  # entries > 0 only
    NONPOS = 3
    NONNEG = 6
    NONZERO = 5
    ANY = 7

    # Asked for at every node, so by tables of the 8 sets; Python's own operators of flags take microseconds.

    def __contains__(self, other: Sign) -> bool:
        return not other._value_ & ~self._value_

    def __and__(self, other: Sign) -> Sign:
        return _SETS[self._value_ & other._value_]

    def __or__(self, other: Sign) -> Sign:
        return _SETS[self._value_ | other._value_]

    @property
    def nonneg(self) -> bool:
        return not self._value_ & 1

    @property
    def nonpos(self) -> bool:
        return not self._value_ & 4

    def __neg__(self) -> Sign:
        return _SETS[(self._value_ & 2) | (self._value_ & 1) << 2 | (self._value_ & 4) >> 2]

    def __add__(self, other: Sign) -> Sign:
        """The signs that a sum of two may have."""
        return _SUMS[self._value_][other._value_]

    def __mul__(self, other: Sign) -> Sign:
        """The signs that a product of two may have."""
        return _PRODUCTS[self._value_][other._value_]

    @property
    def squared(self) -> Sign:
        """The signs that the square of one number may have."""
        zero = self & Sign.ZERO
        return zero | Sign.POS if self & Sign.NONZERO else zero


_SETS = tuple(Sign(value) for value in range(8))


def _pairwise(rule: Callable[[Sign, Sign], Sign]) -> tuple[tuple[Sign, ...], ...]:
    """The table of what a rule for single signs says of sets of them."""
    return tuple(tuple(_union(rule(a, b) for a in left for b in right) for right in _SETS) for left in _SETS)


def _union(signs: Iterable[Sign]) -> Sign:
    result = Sign(0)
    for sign in signs:
        result |= sign
    return result


def _add(a: Sign, b: Sign) -> Sign:
    if a is Sign.ZERO:
        return b
    if b is Sign.ZERO or a is b:
        return a
    return Sign.ANY


def _multiply(a: Sign, b: Sign) -> Sign:
    if Sign.ZERO in (a, b):
        return Sign.ZERO
    return Sign.POS if a is b else Sign.NEG


_SUMS, _PRODUCTS = _pairwise(_add), _pairwise(_multiply)


class Curvature(Enum):
    """Curvature in the variables; CONSTANT holds no variable (parameters it may hold)."""

    CONSTANT = "constant"
    AFFINE = "affine"
    CONVEX = "convex"
    CONCAVE = "concave"
    UNKNOWN = "unknown"

    @property
    def convex(self) -> bool:
        return self in (Curvature.CONSTANT, Curvature.AFFINE, Curvature.CONVEX)

    @property
    def concave(self) -> bool:
        return self in (Curvature.CONSTANT, Curvature.AFFINE, Curvature.CONCAVE)

    @property
    def affine(self) -> bool:
        return self in (Curvature.CONSTANT, Curvature.AFFINE)

    def __neg__(self) -> Curvature:
        flipped = {Curvature.CONVEX: Curvature.CONCAVE, Curvature.CONCAVE: Curvature.CONVEX}
        return flipped.get(self, self)

    def __add__(self, other: Curvature) -> Curvature:
        if self is Curvature.CONSTANT:
            return other
        if other is Curvature.CONSTANT:
            return self
        if self.convex and other.convex:
            return Curvature.AFFINE if self.affine and other.affine else Curvature.CONVEX
        if self.concave and other.concave:
            return Curvature.CONCAVE
        return Curvature.UNKNOWN


class Monotonicity(Enum):
    """How a function moves with one argument, all entries, over the signs that the argument may have."""

    INCREASING = "increasing"
    DECREASING = "decreasing"
    NONE = "neither increasing nor decreasing"


class Smoothness(Enum):
    """SMOOTH: twice differentiable inside its domain. KINKED: not everywhere."""

    SMOOTH = "smooth"
    KINKED = "kinked"


class Domain(Enum):
    """Where an argument must lie for the function to be finite and, inside, differentiable."""

    ALL = "all reals"
    NONNEG = "e >= 0"  # closed: sqrt, x^1.5
    POS = "e > 0"  # open, with a barrier: log, entr, 1/x for convexity
    NONZERO = "e != 0"
    ABOVE_MINUS_ONE = "e > -1"  # open: log1p
    BELOW_ONE = "e < 1"  # open: one_minus_pos
    NEG = "e < 0"  # open: log1mexp
    UNIT = "-1 <= e <= 1"
    PSD = "positive semidefinite"
    PD = "positive definite"
    CONTRACTING = "entries >= 0, and a spectral radius below 1"


class Cone(Enum):
    """The cone that the epigraph of a function needs beyond linear and quadratic rows."""

    SECOND_ORDER = "second-order"
    POWER = "power"
    EXPONENTIAL = "exponential"
    SEMIDEFINITE = "semidefinite"
