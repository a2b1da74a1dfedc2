"""Smooth steps and ramps, and the error function, entry by entry."""

from __future__ import annotations

from dataclasses import replace

from declarative.atoms.elementwise import Elementwise
from declarative.atoms.latex import named
from declarative.atoms.rules import CONVEX, CONVEX_THEN_CONCAVE, INCREASING, POS, sign_of_first
from declarative.ir.facts import Cone

LOGISTIC = Elementwise(
    name="logistic",
    doc="log(1 + exp(x)) of each entry, without overflow.",
    signature="logistic(x), entry by entry",
    torch=lambda xp, form, x: -xp.nn.functional.logsigmoid(-x),
    cvxpy=lambda cp, form, x: cp.logistic(x),
    sign=POS,
    curvature=CONVEX,
    monotonicity=INCREASING,
    cone=Cone.EXPONENTIAL,
    latex=named("logistic"),
)

SOFTPLUS = replace(
    LOGISTIC,
    name="softplus",
    doc="log(1 + exp(x)) of each entry; another name of `logistic`.",
    signature="softplus(x), entry by entry",
    latex=named("softplus"),
)

SIGMOID = Elementwise(
    name="sigmoid",
    doc="1/(1 + exp(-x)) of each entry.",
    signature="sigmoid(x), entry by entry",
    torch=lambda xp, form, x: xp.sigmoid(x),
    cvxpy=None,
    sign=POS,
    curvature=CONVEX_THEN_CONCAVE,
    monotonicity=INCREASING,
    latex=named("\\sigma"),
)

TANH = Elementwise(
    name="tanh",
    doc="The hyperbolic tangent of each entry.",
    signature="tanh(x), entry by entry",
    torch=lambda xp, form, x: xp.tanh(x),
    cvxpy=None,
    sign=sign_of_first,
    curvature=CONVEX_THEN_CONCAVE,
    monotonicity=INCREASING,
    latex=named("\\tanh"),
)

ERF = Elementwise(
    name="erf",
    doc="The error function of each entry, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x.",
    signature="erf(x), entry by entry",
    torch=lambda xp, form, x: xp.erf(x),
    cvxpy=None,
    sign=sign_of_first,
    curvature=CONVEX_THEN_CONCAVE,
    monotonicity=INCREASING,
    latex=named("erf"),
)
