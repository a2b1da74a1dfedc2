"""The operators `+ - * / ^`, entry by entry."""

from __future__ import annotations

from functools import reduce
from operator import add as plus

from declarative.atoms.record import Atom, Facts, Form, Options
from declarative.atoms.rules import (
    AFFINE,
    DOWN,
    INCREASING,
    NEITHER,
    UP,
    along,
    along_the_other,
    away_from_zero,
    bilinear,
    each,
    greatest,
    sign_of_product,
    sign_of_sum,
    total,
)
from declarative.atoms.shapes import broadcast, same
from declarative.ir.facts import Cone, Curvature, Domain, Monotonicity, Sign

ADD = Atom(
    name="add",
    doc="The sum of its arguments.",
    signature="x + y",
    shape=broadcast("`+`"),
    torch=lambda xp, form, *args: reduce(plus, args),
    cvxpy=lambda cp, form, *args: reduce(plus, args),
    sign=sign_of_sum,
    curvature=AFFINE,
    monotonicity=INCREASING,
    degree=greatest,
    operator=True,
    python=False,
    arity=(1, None),
    elementwise=True,
    latex=lambda *args: " + ".join(args),
)

NEG = Atom(
    name="neg",
    doc="The argument with its sign changed. The negative part, max(-x, 0), is `negpart`.",
    signature="-x",
    shape=same,
    torch=lambda xp, form, x: -x,
    cvxpy=lambda cp, form, x: -x,
    sign=lambda facts, options: -facts[0].sign,
    curvature=AFFINE,
    monotonicity=each(DOWN),
    degree=greatest,
    operator=True,
    python=False,
    elementwise=True,
    latex=lambda x: f"-{x}",
)

MUL = Atom(
    name="mul",
    doc="The product of a scalar with anything, or entry by entry of two equal shapes.",
    signature="x .* y, or a*x with a scalar a",
    shape=broadcast("`.*`"),
    torch=lambda xp, form, x, y: x * y,
    cvxpy=lambda cp, form, x, y: cp.multiply(x, y),
    sign=sign_of_product,
    curvature=bilinear,
    monotonicity=along_the_other,
    degree=total,
    bilinear=True,
    operator=True,
    python=False,
    arity=(2, 2),
    elementwise=True,
    latex=lambda x, y: f"{x} \\, {y}",
)


def quotient_curvature(facts: tuple[Facts, ...], options: Options) -> Curvature:
    """c/y is convex and decreasing in y > 0 for c >= 0; the rest by symmetry."""
    above, below = facts
    if below.curvature is Curvature.CONSTANT:
        return Curvature.AFFINE
    product = above.sign * below.sign
    if above.curvature is not Curvature.CONSTANT or not (below.sign.nonneg or below.sign.nonpos):
        return Curvature.UNKNOWN
    return Curvature.CONVEX if product.nonneg else Curvature.CONCAVE if product.nonpos else Curvature.UNKNOWN


def quotient_monotonicity(facts: tuple[Facts, ...], options: Options) -> tuple[Monotonicity, ...]:
    above, below = facts
    one_side = below.sign.nonneg or below.sign.nonpos
    return (along(below.sign), along(-above.sign) if one_side else NEITHER)


def quotient_cvxpy(cp, form: Form, x, y):
    constant = not isinstance(y, cp.Expression) or y.is_constant()
    if constant:
        return x / y
    return cp.multiply(x, cp.inv_pos(y)) if not y.is_nonpos() else -cp.multiply(x, cp.inv_pos(-y))


DIV = Atom(
    name="div",
    doc="The quotient, entry by entry or by a scalar.",
    signature="x / y",
    shape=broadcast("`/`"),
    torch=lambda xp, form, x, y: x / y,
    cvxpy=quotient_cvxpy,
    sign=lambda facts, options: facts[0].sign * (facts[1].sign & Sign.NONZERO),
    curvature=quotient_curvature,
    monotonicity=quotient_monotonicity,
    cone=Cone.SECOND_ORDER,
    degree=lambda degrees, options: degrees[0] if degrees[1] == 0 else None,
    domains=lambda options: (Domain.ALL, Domain.NONZERO),
    operator=True,
    python=False,
    arity=(2, 2),
    elementwise=True,
    latex=lambda x, y: f"\\frac{{{x}}}{{{y}}}",
)


def _parity(p: float) -> str:
    """`even`, `odd`, or `real`: what decides the domain and the sign of x^p."""
    return "real" if p != int(p) else "even" if p % 2 == 0 else "odd"


def power_domains(options: Options) -> tuple[Domain, ...]:
    p = options["p"]
    match _parity(p), p < 0:
        case "real", False:
            return (Domain.NONNEG,)
        case "real", True:
            return (Domain.POS,)
        case _, False:
            return (Domain.ALL,)
        case _:
            return (Domain.NONZERO,)


def power_sign(facts: tuple[Facts, ...], options: Options) -> Sign:
    p, sign = options["p"], facts[0].sign
    if p == 0:
        return Sign.POS
    if p < 0:
        sign = sign & Sign.NONZERO
    match _parity(p):
        case "odd":
            return sign
        case "even":
            return sign.squared
        case _:
            return sign & (Sign.NONNEG if p > 0 else Sign.POS) or Sign.NONNEG


def power_curvature(facts: tuple[Facts, ...], options: Options) -> Curvature:
    """p (p-1) x^(p-2) has one sign on each side of 0; on both sides the same for even p > 0 only."""
    p, sign = options["p"], facts[0].sign
    match _parity(p):
        case _ if p in (0, 1):
            return Curvature.CONSTANT if p == 0 else Curvature.AFFINE
        case "real":
            return Curvature.CONCAVE if 0 < p < 1 else Curvature.CONVEX
        case "even":
            return Curvature.CONVEX if p > 0 or sign.nonneg or sign.nonpos else Curvature.UNKNOWN
        case _:
            return Curvature.CONVEX if sign.nonneg else Curvature.CONCAVE if sign.nonpos else Curvature.UNKNOWN


def power_monotonicity(facts: tuple[Facts, ...], options: Options) -> tuple[Monotonicity, ...]:
    p, sign = options["p"], facts[0].sign
    match _parity(p):
        case "even" if p >= 0:
            return away_from_zero(facts, options)
        case "even":
            return (along(-sign),)
        case "odd" if p > 0:
            return (UP,)
        case "odd":
            return (DOWN if sign.nonneg or sign.nonpos else NEITHER,)
        case _:
            return (UP if p > 0 else DOWN,)


def power_degree(degrees: tuple[int | None, ...], options: Options) -> int | None:
    p, degree = options["p"], degrees[0]
    if degree == 0:
        return 0
    return None if degree is None or p < 0 or p != int(p) else degree * int(p)


def power_torch(xp, form: Form, x):
    """Exact at the exponents where a general power has no derivative at 0."""
    match form.options["p"]:
        case 1.0:
            return x
        case 2.0:
            return x * x
        case 0.5:
            return xp.sqrt(x)
        case -1.0:
            return 1 / x
        case p:
            return xp.pow(x, p)


POWER = Atom(
    name="power",
    doc="The power with a number as its exponent; entry by entry for arrays (`.^`).",
    signature="x^p, x .^ p",
    shape=same,
    torch=power_torch,
    cvxpy=lambda cp, form, x: cp.power(x, form.options["p"], approx=form.options["p"] in (-1.0, 0.5, 2.0)),
    sign=power_sign,
    curvature=power_curvature,
    monotonicity=power_monotonicity,
    cone=Cone.POWER,
    degree=power_degree,
    domains=power_domains,
    operator=True,
    elementwise=True,
    option_names=("p",),
    latex=lambda x, p: f"{{{x}}}^{{{p:g}}}",
)


def exponential_sign(facts: tuple[Facts, ...], options: Options) -> Sign:
    """Of data any sign: (-1)^i. Where something varies, the base is kept positive, or the power is not a number."""
    base, exponent = facts
    if not base.curvature == exponent.curvature == Curvature.CONSTANT:
        return Sign.POS
    return base.sign if base.sign.nonneg else Sign.ANY


def exponential_curvature(facts: tuple[Facts, ...], options: Options) -> Curvature:
    """a^y = exp(y log a) is convex in y for a constant a > 0."""
    return Curvature.CONVEX if facts[0].curvature is Curvature.CONSTANT else Curvature.UNKNOWN


POW = Atom(
    name="pow",
    doc="The power with an expression as its exponent; its base is positive.",
    signature="x^y, x .^ y",
    shape=broadcast("`.^`"),
    torch=lambda xp, form, x, y: xp.pow(x, y),
    cvxpy=lambda cp, form, x, y: cp.exp(cp.multiply(cp.log(x), y)),
    sign=exponential_sign,
    curvature=exponential_curvature,
    monotonicity=each(NEITHER),
    cone=Cone.EXPONENTIAL,
    degree=lambda degrees, options: 0 if degrees == (0, 0) else None,
    domains=lambda options: (Domain.POS, Domain.ALL),
    operator=True,
    arity=(2, 2),
    elementwise=True,
    latex=lambda x, y: f"{{{x}}}^{{{y}}}",
)
