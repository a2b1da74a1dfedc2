"""Powers, roots, exponentials and logarithms, entry by entry."""

from __future__ import annotations

import math
from functools import partial

from declarative.atoms.latex import between, named
from declarative.atoms.record import Atom
from declarative.atoms.rules import (
    ANY,
    CONCAVE,
    CONVEX,
    DECREASING,
    INCREASING,
    NONNEG,
    POS,
    away_from_zero,
    doubled,
    sign_of_first,
)
from declarative.atoms.shapes import same
from declarative.ir.facts import Cone, Domain, Sign

Elementwise = partial(Atom, shape=same, elementwise=True)


def inside(xp, domain, value):
    """The value where this is true: data outside a function's domain must not yield a number of another sign."""
    return xp.where(domain, value, math.nan)


SQUARE = Elementwise(
    name="square",
    doc="The square of each entry, x .^ 2.",
    signature="square(x), entry by entry",
    torch=lambda xp, form, x: x * x,
    cvxpy=lambda cp, form, x: cp.square(x),
    sign=NONNEG,
    curvature=CONVEX,
    monotonicity=away_from_zero,
    degree=doubled,
    latex=between("{", "}^2"),
)

SQRT = Elementwise(
    name="sqrt",
    doc="The square root of each entry, for x >= 0.",
    signature="sqrt(x), entry by entry",
    torch=lambda xp, form, x: xp.sqrt(x),
    cvxpy=lambda cp, form, x: cp.sqrt(x),
    sign=NONNEG,
    curvature=CONCAVE,
    monotonicity=INCREASING,
    cone=Cone.SECOND_ORDER,
    domains=lambda options: (Domain.NONNEG,),
    latex=between("\\sqrt{", "}"),
)

INV_POS = Elementwise(
    name="inv_pos",
    doc="1/x of each entry, for x > 0.",
    signature="inv_pos(x), entry by entry",
    torch=lambda xp, form, x: inside(xp, x > 0, 1 / x),
    cvxpy=lambda cp, form, x: cp.inv_pos(x),
    sign=POS,
    curvature=CONVEX,
    monotonicity=DECREASING,
    cone=Cone.SECOND_ORDER,
    domains=lambda options: (Domain.POS,),
    latex=between("{", "}^{-1}"),
)

EXP = Elementwise(
    name="exp",
    doc="The exponential of each entry.",
    signature="exp(x), entry by entry",
    torch=lambda xp, form, x: xp.exp(x),
    cvxpy=lambda cp, form, x: cp.exp(x),
    sign=POS,
    curvature=CONVEX,
    monotonicity=INCREASING,
    cone=Cone.EXPONENTIAL,
    latex=between("e^{", "}"),
)

EXP2 = Elementwise(
    name="exp2",
    doc="2^x of each entry.",
    signature="exp2(x), entry by entry",
    torch=lambda xp, form, x: xp.exp2(x),
    cvxpy=lambda cp, form, x: cp.exp(math.log(2) * x),
    sign=POS,
    curvature=CONVEX,
    monotonicity=INCREASING,
    cone=Cone.EXPONENTIAL,
    latex=between("2^{", "}"),
)

LOG = Elementwise(
    name="log",
    doc="The natural logarithm of each entry, for x > 0.",
    signature="log(x), entry by entry",
    torch=lambda xp, form, x: xp.log(x),
    cvxpy=lambda cp, form, x: cp.log(x),
    sign=ANY,
    curvature=CONCAVE,
    monotonicity=INCREASING,
    cone=Cone.EXPONENTIAL,
    domains=lambda options: (Domain.POS,),
    latex=named("\\log"),
)

LOG10 = Elementwise(
    name="log10",
    doc="The logarithm to base 10 of each entry, for x > 0.",
    signature="log10(x), entry by entry",
    torch=lambda xp, form, x: xp.log10(x),
    cvxpy=lambda cp, form, x: cp.log(x) / math.log(10),
    sign=ANY,
    curvature=CONCAVE,
    monotonicity=INCREASING,
    cone=Cone.EXPONENTIAL,
    domains=lambda options: (Domain.POS,),
    latex=named("\\log_{10}"),
)

LOG1P = Elementwise(
    name="log1p",
    doc="log(1 + x) of each entry, exact near 0, for x > -1.",
    signature="log1p(x), entry by entry",
    torch=lambda xp, form, x: xp.log1p(x),
    cvxpy=lambda cp, form, x: cp.log1p(x),
    sign=sign_of_first,
    curvature=CONCAVE,
    monotonicity=INCREASING,
    cone=Cone.EXPONENTIAL,
    domains=lambda options: (Domain.ABOVE_MINUS_ONE,),
    latex=between("\\log(1 + ", ")"),
)


def log1mexp(xp, x):
    """1 - exp(x) is rounded to 1 for x far below 0, and expm1(x) to -1; near 0 it loses digits (Maechler, 2012).

    Each formula sees its own side only, so that no derivative of the other is infinite.
    """
    middle = -math.log(2)
    far = x < middle
    below = xp.log1p(-xp.exp(xp.where(far, x, middle)))
    return xp.where(far, below, xp.log(-xp.expm1(xp.where(far, middle, x))))


LOG1MEXP = Elementwise(
    name="log1mexp",
    doc="log(1 - exp(x)) of each entry, exact near 0 and far below, for x < 0.",
    signature="log1mexp(x), entry by entry",
    torch=lambda xp, form, x: log1mexp(xp, x),
    cvxpy=lambda cp, form, x: cp.log(1 - cp.exp(x)),
    sign=lambda facts, options: Sign.NEG,
    curvature=CONCAVE,
    monotonicity=DECREASING,
    cone=Cone.EXPONENTIAL,
    domains=lambda options: (Domain.NEG,),
    latex=between("\\log(1 - e^{", "})"),
)
