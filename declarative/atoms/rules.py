"""Facts of arguments to facts of a value: the few rules that most records are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from declarative.atoms.record import Facts, Options
from declarative.ir.facts import Curvature, Monotonicity, Sign

FactsRule: TypeAlias = Callable[[tuple[Facts, ...], Options], Any]
DegreeRule: TypeAlias = Callable[[tuple[int | None, ...], Options], int | None]
UP, DOWN, NEITHER = Monotonicity.INCREASING, Monotonicity.DECREASING, Monotonicity.NONE


def always(value: Any) -> FactsRule:
    """The same fact whatever the arguments."""
    return lambda facts, options: value


CONVEX = always(Curvature.CONVEX)
CONCAVE = always(Curvature.CONCAVE)
AFFINE = always(Curvature.AFFINE)
UNKNOWN = always(Curvature.UNKNOWN)
NONNEG = always(Sign.NONNEG)
POS = always(Sign.POS)
ANY = always(Sign.ANY)


def each(direction: Monotonicity) -> FactsRule:
    """The same monotonicity in every argument."""
    return lambda facts, options: (direction,) * len(facts)


INCREASING, DECREASING, NEITHER_WAY = each(UP), each(DOWN), each(NEITHER)


def along(sign: Sign) -> Monotonicity:
    """How `c*x` moves with x, where c has this sign."""
    return UP if sign.nonneg else DOWN if sign.nonpos else NEITHER


def away_from_zero(facts: tuple[Facts, ...], options: Options) -> tuple[Monotonicity, ...]:
    """Increasing on the positive side and decreasing on the negative one: `abs`, `square`, the norms."""
    return tuple(along(f.sign) for f in facts)


def sign_of_first(facts: tuple[Facts, ...], options: Options) -> Sign:
    return facts[0].sign


def sign_of_any(facts: tuple[Facts, ...], options: Options) -> Sign:
    """A value taken from the entries of the arguments."""
    found = Sign(0)
    for f in facts:
        found |= f.sign
    return found


def sign_of_sum(facts: tuple[Facts, ...], options: Options) -> Sign:
    total = facts[0].sign
    for f in facts[1:]:
        total = total + f.sign
    return total


def sign_of_product(facts: tuple[Facts, ...], options: Options) -> Sign:
    return facts[0].sign * facts[1].sign


def sign_of_dot(facts: tuple[Facts, ...], options: Options) -> Sign:
    """A sum of several products: it may vanish by cancelling, but not change a shared sign."""
    product = facts[0].sign * facts[1].sign
    return product if product.nonneg or product.nonpos else Sign.ANY


def bilinear(facts: tuple[Facts, ...], options: Options) -> Curvature:
    """Affine in each argument while the other one is constant."""
    return Curvature.AFFINE if Curvature.CONSTANT in (facts[0].curvature, facts[1].curvature) else Curvature.UNKNOWN


def along_the_other(facts: tuple[Facts, ...], options: Options) -> tuple[Monotonicity, ...]:
    return (along(facts[1].sign), along(facts[0].sign))


def greatest(degrees: tuple[int | None, ...], options: Options) -> int | None:
    """The degree of a linear function of all arguments."""
    known = [d for d in degrees if d is not None]
    return max(known) if len(known) == len(degrees) else None


def total(degrees: tuple[int | None, ...], options: Options) -> int | None:
    """The degree of a product."""
    known = [d for d in degrees if d is not None]
    return sum(known) if len(known) == len(degrees) else None


def doubled(degrees: tuple[int | None, ...], options: Options) -> int | None:
    """The degree of a quadratic form of the first argument, linear in the others."""
    first, *rest = degrees
    return None if first is None else total((2 * first, *rest), options)


def by_side(above: Curvature, below: Curvature) -> FactsRule:
    """One curvature for arguments >= 0, another for arguments <= 0."""

    def rule(facts: tuple[Facts, ...], options: Options) -> Curvature:
        sign = facts[0].sign
        return above if sign.nonneg else below if sign.nonpos else Curvature.UNKNOWN

    return rule


CONVEX_THEN_CONCAVE = by_side(Curvature.CONCAVE, Curvature.CONVEX)  # tanh, sigmoid, erf
CONCAVE_THEN_CONVEX = by_side(Curvature.CONVEX, Curvature.CONCAVE)  # sinh, asin
