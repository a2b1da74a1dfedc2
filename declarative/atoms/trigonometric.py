"""Circular and hyperbolic functions and their inverses, entry by entry."""

from __future__ import annotations

from declarative.atoms.elementwise import Elementwise
from declarative.atoms.latex import named
from declarative.atoms.rules import (
    ANY,
    CONCAVE_THEN_CONVEX,
    CONVEX,
    CONVEX_THEN_CONCAVE,
    DECREASING,
    INCREASING,
    NEITHER_WAY,
    NONNEG,
    POS,
    UNKNOWN,
    away_from_zero,
    sign_of_first,
)
from declarative.ir.facts import Cone, Domain

SIN = Elementwise(
    name="sin",
    doc="The sine of each entry, in radians.",
    signature="sin(x), entry by entry",
    torch=lambda xp, form, x: xp.sin(x),
    cvxpy=None,
    sign=ANY,
    curvature=UNKNOWN,
    monotonicity=NEITHER_WAY,
    latex=named("\\sin"),
)

COS = Elementwise(
    name="cos",
    doc="The cosine of each entry, in radians.",
    signature="cos(x), entry by entry",
    torch=lambda xp, form, x: xp.cos(x),
    cvxpy=None,
    sign=ANY,
    curvature=UNKNOWN,
    monotonicity=NEITHER_WAY,
    latex=named("\\cos"),
)

TAN = Elementwise(
    name="tan",
    doc="The tangent of each entry, in radians; it has poles at the odd multiples of pi/2.",
    signature="tan(x), entry by entry",
    torch=lambda xp, form, x: xp.tan(x),
    cvxpy=None,
    sign=ANY,
    curvature=UNKNOWN,
    monotonicity=NEITHER_WAY,
    latex=named("\\tan"),
)

ASIN = Elementwise(
    name="asin",
    doc="The angle in [-pi/2, pi/2] whose sine is x, for -1 <= x <= 1.",
    signature="asin(x), entry by entry",
    torch=lambda xp, form, x: xp.asin(x),
    cvxpy=None,
    sign=sign_of_first,
    curvature=CONCAVE_THEN_CONVEX,
    monotonicity=INCREASING,
    domains=lambda options: (Domain.UNIT,),
    latex=named("\\arcsin"),
)

ACOS = Elementwise(
    name="acos",
    doc="The angle in [0, pi] whose cosine is x, for -1 <= x <= 1.",
    signature="acos(x), entry by entry",
    torch=lambda xp, form, x: xp.acos(x),
    cvxpy=None,
    sign=NONNEG,
    curvature=CONVEX_THEN_CONCAVE,
    monotonicity=DECREASING,
    domains=lambda options: (Domain.UNIT,),
    latex=named("\\arccos"),
)

ATAN = Elementwise(
    name="atan",
    doc="The angle in (-pi/2, pi/2) whose tangent is x.",
    signature="atan(x), entry by entry",
    torch=lambda xp, form, x: xp.atan(x),
    cvxpy=None,
    sign=sign_of_first,
    curvature=CONVEX_THEN_CONCAVE,
    monotonicity=INCREASING,
    latex=named("\\arctan"),
)

SINH = Elementwise(
    name="sinh",
    doc="The hyperbolic sine of each entry.",
    signature="sinh(x), entry by entry",
    torch=lambda xp, form, x: xp.sinh(x),
    cvxpy=None,
    sign=sign_of_first,
    curvature=CONCAVE_THEN_CONVEX,
    monotonicity=INCREASING,
    latex=named("\\sinh"),
)

COSH = Elementwise(
    name="cosh",
    doc="The hyperbolic cosine of each entry.",
    signature="cosh(x), entry by entry",
    torch=lambda xp, form, x: xp.cosh(x),
    cvxpy=lambda cp, form, x: (cp.exp(x) + cp.exp(-x)) / 2,
    sign=POS,
    curvature=CONVEX,
    monotonicity=away_from_zero,
    cone=Cone.EXPONENTIAL,
    latex=named("\\cosh"),
)
