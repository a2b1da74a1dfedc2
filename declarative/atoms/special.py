"""Special functions, entry by entry: the logarithms of the gamma function and of the normal distribution, x*exp(x)."""

from __future__ import annotations

from declarative.atoms.elementwise import Elementwise
from declarative.atoms.latex import named
from declarative.atoms.record import Facts, Options
from declarative.atoms.rules import (
    ANY,
    CONCAVE,
    CONVEX,
    INCREASING,
    NEITHER,
    NEITHER_WAY,
    UP,
    by_side,
    sign_of_first,
)
from declarative.ir.facts import Cone, Curvature, Domain, Monotonicity, Sign


def up_above_zero(facts: tuple[Facts, ...], options: Options) -> tuple[Monotonicity, ...]:
    return (UP if facts[0].sign.nonneg else NEITHER,)


LOGGAMMA = Elementwise(
    name="loggamma",
    doc="The logarithm of the gamma function of each entry, for x > 0.",
    signature="loggamma(x), entry by entry",
    torch=lambda xp, form, x: xp.lgamma(x),
    cvxpy=None,
    sign=ANY,
    curvature=CONVEX,
    monotonicity=NEITHER_WAY,
    domains=lambda options: (Domain.POS,),
    latex=named("\\log\\Gamma"),
)

LOG_NORMCDF = Elementwise(
    name="log_normcdf",
    doc="The logarithm of the cumulative distribution function of the standard normal, of each entry.",
    signature="log_normcdf(x), entry by entry",
    torch=lambda xp, form, x: xp.special.log_ndtr(x),
    cvxpy=None,
    sign=lambda facts, options: Sign.NEG,
    curvature=CONCAVE,
    monotonicity=INCREASING,
    latex=named("\\log\\Phi"),
)

XEXP = Elementwise(
    name="xexp",
    doc="x*exp(x) of each entry; convex for x >= 0.",
    signature="xexp(x), entry by entry",
    torch=lambda xp, form, x: x * xp.exp(x),
    cvxpy=lambda cp, form, x: cp.xexp(x if x.is_constant() else cp.pos(x)),  # convex where the argument is known >= 0
    sign=sign_of_first,
    curvature=by_side(Curvature.CONVEX, Curvature.UNKNOWN),
    monotonicity=up_above_zero,
    cone=Cone.EXPONENTIAL,
    latex=lambda x: f"{x} e^{{{x}}}",
)
