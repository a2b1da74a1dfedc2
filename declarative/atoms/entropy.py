"""Entropies and divergences, entry by entry, and the smooth maximum."""

from __future__ import annotations

from declarative.atoms.latex import named
from declarative.atoms.record import Atom, Facts, Options
from declarative.atoms.rules import ANY, CONCAVE, CONVEX, DOWN, INCREASING, NEITHER, NEITHER_WAY, NONNEG
from declarative.atoms.shapes import broadcast, same, to_scalar
from declarative.ir.facts import Cone, Domain, Monotonicity, Sign

ENTR = Atom(
    name="entr",
    doc="-x*log(x) of each entry, 0 at 0, for x >= 0.",
    signature="entr(x), entry by entry",
    shape=same,
    torch=lambda xp, form, x: xp.special.entr(x),
    cvxpy=lambda cp, form, x: cp.entr(x),
    sign=ANY,
    curvature=CONCAVE,
    monotonicity=NEITHER_WAY,
    cone=Cone.EXPONENTIAL,
    domains=lambda options: (Domain.POS,),
    elementwise=True,
    latex=named("entr"),
)

XLOGX = Atom(
    name="xlogx",
    doc="x*log(x) of each entry, 0 at 0, for x >= 0.",
    signature="xlogx(x), entry by entry",
    shape=same,
    torch=lambda xp, form, x: -xp.special.entr(x),
    cvxpy=lambda cp, form, x: -cp.entr(x),
    sign=ANY,
    curvature=CONVEX,
    monotonicity=NEITHER_WAY,
    cone=Cone.EXPONENTIAL,
    domains=lambda options: (Domain.POS,),
    elementwise=True,
    latex=lambda x: f"{x} \\log {x}",
)


def down_in_second(facts: tuple[Facts, ...], options: Options) -> tuple[Monotonicity, ...]:
    return (NEITHER, DOWN)


REL_ENTR = Atom(
    name="rel_entr",
    doc="x*log(x/y) of each pair of entries, for x >= 0 and y > 0.",
    signature="rel_entr(x, y), entry by entry",
    shape=broadcast("`rel_entr`"),
    torch=lambda xp, form, x, y: -xp.special.entr(x) - xp.special.xlogy(x, y),
    cvxpy=lambda cp, form, x, y: cp.rel_entr(x, y),
    sign=ANY,
    curvature=CONVEX,
    monotonicity=down_in_second,
    cone=Cone.EXPONENTIAL,
    domains=lambda options: (Domain.POS, Domain.POS),
    arity=(2, 2),
    elementwise=True,
    latex=lambda x, y: f"{x} \\log \\frac{{{x}}}{{{y}}}",
)

KL_DIV = Atom(
    name="kl_div",
    doc="x*log(x/y) - x + y of each pair of entries, for x >= 0 and y > 0; 0 where they are equal.",
    signature="kl_div(x, y), entry by entry",
    shape=broadcast("`kl_div`"),
    torch=lambda xp, form, x, y: -xp.special.entr(x) - xp.special.xlogy(x, y) - x + y,
    cvxpy=lambda cp, form, x, y: cp.kl_div(x, y),
    sign=NONNEG,
    curvature=CONVEX,
    monotonicity=NEITHER_WAY,
    cone=Cone.EXPONENTIAL,
    domains=lambda options: (Domain.POS, Domain.POS),
    arity=(2, 2),
    elementwise=True,
    latex=named("kl"),
)


def at_least_the_greatest(facts: tuple[Facts, ...], options: Options) -> Sign:
    return facts[0].sign if facts[0].sign.nonneg else Sign.ANY


LOGSUMEXP = Atom(
    name="logsumexp",
    doc="log of the sum of exp of all entries, without overflow: a smooth maximum.",
    signature="logsumexp(x) : R",
    shape=to_scalar,
    torch=lambda xp, form, x: xp.logsumexp(x, tuple(range(-len(form.shapes[0]), 0))) if form.shapes[0] else x,
    cvxpy=lambda cp, form, x: cp.log_sum_exp(x),
    sign=at_least_the_greatest,
    curvature=CONVEX,
    monotonicity=INCREASING,
    cone=Cone.EXPONENTIAL,
    latex=named("logsumexp"),
)
