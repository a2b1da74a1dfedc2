"""Means of nonnegative entries: geometric, with and without weights, harmonic, and the p-norms with p below 1."""

from __future__ import annotations

from declarative.atoms.elementwise import inside
from declarative.atoms.latex import named
from declarative.atoms.record import Atom, Facts, Form, Options
from declarative.atoms.rules import CONCAVE, INCREASING, NEITHER, NONNEG, UP
from declarative.atoms.shapes import need_equal, need_rank, vector_to_scalar
from declarative.ir.facts import Cone, Curvature, Domain, Monotonicity
from declarative.ir.size import SCALAR, Shape

GEO_MEAN = Atom(
    name="geo_mean",
    doc="The geometric mean of a vector of nonnegative entries; `geo_mean(x, w)` with weights.",
    signature="geo_mean(x : R^n) : R",
    shape=vector_to_scalar("`geo_mean`"),
    torch=lambda xp, form, x: xp.exp(xp.log(x).mean(-1)),
    cvxpy=lambda cp, form, x: cp.geo_mean(x),
    sign=NONNEG,
    curvature=CONCAVE,
    monotonicity=INCREASING,
    cone=Cone.POWER,
    domains=lambda options: (Domain.NONNEG,),
    latex=named("gmean"),
)

HARMONIC_MEAN = Atom(
    name="harmonic_mean",
    doc="The harmonic mean n/(1/x[0] + 1/x[1] + ...) of a vector of positive entries.",
    signature="harmonic_mean(x : R^n) : R",
    shape=vector_to_scalar("`harmonic_mean`"),
    torch=lambda xp, form, x: inside(xp, (x >= 0).all(-1), 1 / (1 / x).mean(-1)),
    cvxpy=lambda cp, form, x: cp.harmonic_mean(x),
    sign=NONNEG,
    curvature=CONCAVE,
    monotonicity=INCREASING,
    cone=Cone.SECOND_ORDER,
    domains=lambda options: (Domain.POS,),
    latex=named("hmean"),
)


def weighted_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    for position, shape in enumerate(shapes):
        need_rank("`geo_mean`", shape, 1, position)
    need_equal("`geo_mean` needs a weight for each entry", shapes[0][0], shapes[1][0], shapes)
    return SCALAR


def weighted_torch(xp, form: Form, x, w):
    mean = xp.exp(xp.special.xlogy(w, x).sum(-1) / w.sum(-1))
    return inside(xp, (w >= 0).all(-1), mean)


def weighted_curvature(facts: tuple[Facts, ...], options: Options) -> Curvature:
    return Curvature.CONCAVE if facts[1].curvature is Curvature.CONSTANT else Curvature.UNKNOWN


def weighted_monotonicity(facts: tuple[Facts, ...], options: Options) -> tuple[Monotonicity, ...]:
    return (UP, NEITHER)


def weighted_cvxpy(cp, form: Form, x, w):
    """Entry by entry, so that each step is a power cone of three rows: m^(a/b) x^(c/b) with b = a + c."""
    weights = cp.Expression.cast_to_const(w).value
    mean, weight = x[0], weights[0]
    for entry, own in zip(x[1:], weights[1:], strict=True):
        shares = [weight / (weight + own), own / (weight + own)] if own else [1.0, 0.0]
        if all(shares):
            mean = cp.geo_mean(cp.hstack([mean, entry]), shares, approx=False)
        else:
            mean = mean if shares[0] else entry
        weight += own
    return mean


GEO_MEAN_WEIGHTED = Atom(
    name="geo_mean_weighted",
    doc="The geometric mean with data w >= 0 as weights, exp(w'*log(x)/sum(w)); written geo_mean(x, w).",
    signature="geo_mean(x : R^n, w : R^n) : R",
    shape=weighted_shape,
    torch=weighted_torch,
    cvxpy=weighted_cvxpy,
    sign=NONNEG,
    curvature=weighted_curvature,
    monotonicity=weighted_monotonicity,
    cone=Cone.POWER,
    domains=lambda options: (Domain.NONNEG, Domain.NONNEG),
    arity=(2, 2),
    python=False,
    latex=lambda x, w: f"\\left(\\prod_i {x}_i^{{{w}_i}}\\right)^{{1/\\sum_i {w}_i}}",
)


def norm_below_one(xp, form: Form, x):
    p = form.options["p"]
    return inside(xp, (x >= 0).all(-1), xp.pow(xp.pow(x, p).sum(-1), 1 / p))


NORM_BELOW_ONE = Atom(
    name="norm_below_one",
    doc="The p-norm of a vector of nonnegative entries with p < 1, p != 0: concave; written norm(x, p).",
    signature="norm(x : R^n, p) : R",
    shape=vector_to_scalar("`norm`"),
    torch=norm_below_one,
    cvxpy=lambda cp, form, x: cp.pnorm(x, form.options["p"], approx=False),
    sign=NONNEG,
    curvature=CONCAVE,
    monotonicity=INCREASING,
    cone=Cone.POWER,
    domains=lambda options: (Domain.NONNEG if options.get("p", 0.5) > 0 else Domain.POS,),
    python=False,
    option_names=("p",),
    latex=lambda x, p: f"\\|{x}\\|_{{{p:g}}}",
)
