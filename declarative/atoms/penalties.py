"""Absolute values, hinges and Huber's functions, entry by entry."""

from __future__ import annotations

from functools import reduce

from declarative.atoms.algebra import at_least, at_most, minus, negative, plus, square, times
from declarative.atoms.elementwise import Elementwise, inside
from declarative.atoms.latex import between, named
from declarative.atoms.record import Atom, Facts, Form, Fresh, Graph, Options
from declarative.atoms.rules import (
    CONCAVE,
    CONVEX,
    DECREASING,
    INCREASING,
    NEITHER,
    NONNEG,
    along,
    away_from_zero,
    sign_of_any,
)
from declarative.atoms.shapes import broadcast
from declarative.ir.expr import Expr
from declarative.ir.facts import Cone, Curvature, Domain, Monotonicity, Sign, Smoothness


def abs_graph(fresh: Fresh, x: Expr) -> Graph:
    t = fresh(x.shape)
    return Graph(t, (at_least(t, x), at_least(t, negative(x))))


ABS = Elementwise(
    name="abs",
    doc="The absolute value of each entry.",
    signature="abs(x), entry by entry",
    torch=lambda xp, form, x: xp.abs(x),
    cvxpy=lambda cp, form, x: cp.abs(x),
    sign=NONNEG,
    curvature=CONVEX,
    monotonicity=away_from_zero,
    smoothness=Smoothness.KINKED,
    graph=abs_graph,
    latex=between("|", "|"),
)


def pos_sign(facts: tuple[Facts, ...], options: Options) -> Sign:
    """The negative part of the line goes to 0."""
    sign = facts[0].sign
    return (sign & Sign.NONNEG) | (Sign.ZERO if Sign.NEG & sign else Sign(0))


def negpart_sign(facts: tuple[Facts, ...], options: Options) -> Sign:
    sign = -facts[0].sign
    return (sign & Sign.NONNEG) | (Sign.ZERO if Sign.NEG & sign else Sign(0))


def pos_graph(fresh: Fresh, x: Expr) -> Graph:
    t = fresh(x.shape)
    return Graph(t, (at_least(t, x), at_least(t, 0)))


def pos_torch(xp, form: Form, x):
    """At the kink the derivative is 1/2, as at the kink of max(x, 0) with two arguments."""
    return xp.maximum(x, xp.zeros_like(x))


POS = Elementwise(
    name="pos",
    doc="The positive part max(x, 0) of each entry.",
    signature="pos(x), entry by entry",
    torch=pos_torch,
    cvxpy=lambda cp, form, x: cp.pos(x),
    sign=pos_sign,
    curvature=CONVEX,
    monotonicity=INCREASING,
    smoothness=Smoothness.KINKED,
    graph=pos_graph,
    latex=between("\\left(", "\\right)_+"),
)


def negpart_graph(fresh: Fresh, x: Expr) -> Graph:
    return pos_graph(fresh, negative(x))


NEGPART = Elementwise(
    name="negpart",
    doc="The negative part max(-x, 0) of each entry (CVXPY calls it `neg`).",
    signature="negpart(x), entry by entry",
    torch=lambda xp, form, x: pos_torch(xp, form, -x),
    cvxpy=lambda cp, form, x: cp.neg(x),
    sign=negpart_sign,
    curvature=CONVEX,
    monotonicity=DECREASING,
    smoothness=Smoothness.KINKED,
    graph=negpart_graph,
    latex=between("\\left(", "\\right)_-"),
)


def _broadcast_shape(args: tuple[Expr, ...]):
    return broadcast("`maximum`")(tuple(x.shape for x in args), {})


def maximum_graph(fresh: Fresh, *args: Expr) -> Graph:
    t = fresh(_broadcast_shape(args))
    return Graph(t, tuple(at_least(t, x) for x in args))


def minimum_graph(fresh: Fresh, *args: Expr) -> Graph:
    t = fresh(_broadcast_shape(args))
    return Graph(t, tuple(at_most(t, x) for x in args))


def maximum_sign(facts: tuple[Facts, ...], options: Options) -> Sign:
    """One nonnegative argument makes the value nonnegative, one positive argument makes it positive."""
    value = sign_of_any(facts, options)
    for f in facts:
        value &= Sign.POS if f.sign is Sign.POS else Sign.NONNEG if f.sign.nonneg else Sign.ANY
    return value


def minimum_sign(facts: tuple[Facts, ...], options: Options) -> Sign:
    value = sign_of_any(facts, options)
    for f in facts:
        value &= Sign.NEG if f.sign is Sign.NEG else Sign.NONPOS if f.sign.nonpos else Sign.ANY
    return value


MAXIMUM = Atom(
    name="maximum",
    doc="The greatest of several arguments, entry by entry; `max(x, y)` means it too.",
    signature="maximum(x, y, ...), entry by entry",
    shape=broadcast("`maximum`"),
    torch=lambda xp, form, *args: reduce(xp.maximum, args),
    cvxpy=lambda cp, form, *args: cp.maximum(*args),
    sign=maximum_sign,
    curvature=CONVEX,
    monotonicity=INCREASING,
    smoothness=Smoothness.KINKED,
    graph=maximum_graph,
    arity=(2, None),
    elementwise=True,
    latex=named("\\max"),
)

MINIMUM = Atom(
    name="minimum",
    doc="The least of several arguments, entry by entry; `min(x, y)` means it too.",
    signature="minimum(x, y, ...), entry by entry",
    shape=broadcast("`minimum`"),
    torch=lambda xp, form, *args: reduce(xp.minimum, args),
    cvxpy=lambda cp, form, *args: cp.minimum(*args),
    sign=minimum_sign,
    curvature=CONCAVE,
    monotonicity=INCREASING,
    smoothness=Smoothness.KINKED,
    graph=minimum_graph,
    arity=(2, None),
    elementwise=True,
    latex=named("\\min"),
)


def threshold_curvature(facts: tuple[Facts, ...], options: Options) -> Curvature:
    return Curvature.CONVEX if facts[1].curvature is Curvature.CONSTANT else Curvature.UNKNOWN


def threshold_monotonicity(facts: tuple[Facts, ...], options: Options) -> tuple[Monotonicity, ...]:
    return (along(facts[0].sign), NEITHER)


def huber_torch(xp, form: Form, x, M):
    """With c = x clamped to [-M, M] the value is c(2x - c); both branches and their derivatives follow."""
    c = xp.clamp(x, -M, M)
    return inside(xp, M >= 0, c * (2 * x - c))


def huber_graph(fresh: Fresh, x: Expr, M: Expr) -> Graph:
    """The least of u^2 + 2M|x - u| over u."""
    shape = broadcast("`huber`")((x.shape, M.shape), {})
    u, t = fresh(shape), fresh(shape)
    rest = minus(x, u)
    value = plus(square(u), times(2.0, times(M, t)))
    return Graph(value, (at_least(t, rest), at_least(t, negative(rest))))


HUBER = Atom(
    name="huber",
    doc="x^2 where |x| <= M, and 2*M*|x| - M^2 beyond, for each entry; M > 0 is 1 if not given.",
    signature="huber(x, M), entry by entry",
    shape=broadcast("`huber`"),
    torch=huber_torch,
    cvxpy=lambda cp, form, x, M: cp.huber(x, M),
    sign=NONNEG,
    curvature=threshold_curvature,
    monotonicity=threshold_monotonicity,
    smoothness=Smoothness.KINKED,
    domains=lambda options: (Domain.ALL, Domain.POS),
    graph=huber_graph,
    arity=(2, 2),
    elementwise=True,
    latex=named("huber"),
)


def pseudo_huber_torch(xp, form: Form, x, d):
    """d^2 (r - 1) with r^2 = 1 + (x/d)^2 is x^2/(1 + r), without cancellation."""
    r = xp.sqrt(1 + (x / d) ** 2)
    return inside(xp, d > 0, x * x / (1 + r))


def pseudo_huber_cvxpy(cp, form: Form, x, d):
    """d sqrt(d^2 + x^2) - d^2, entry by entry a norm of the pair (d, x)."""
    full = [y if y.shape == form.shape else cp.promote(y, form.shape) for y in map(cp.Expression.cast_to_const, (x, d))]
    pairs = cp.vstack([cp.vec(y, order="C") for y in full])
    roots = cp.reshape(cp.norm(pairs, 2, axis=0), form.shape, order="C")
    return cp.multiply(d, roots) - cp.square(d)


PSEUDO_HUBER = Atom(
    name="pseudo_huber",
    doc="d^2*(sqrt(1 + (x/d)^2) - 1) of each entry: smooth, about x^2/2 near 0 and d*|x| far away; d > 0 is 1 if "
    "not given.",
    signature="pseudo_huber(x, d), entry by entry",
    shape=broadcast("`pseudo_huber`"),
    torch=pseudo_huber_torch,
    cvxpy=pseudo_huber_cvxpy,
    sign=NONNEG,
    curvature=threshold_curvature,
    monotonicity=threshold_monotonicity,
    cone=Cone.SECOND_ORDER,
    domains=lambda options: (Domain.ALL, Domain.POS),
    arity=(2, 2),
    elementwise=True,
    latex=named("pseudo\\_huber"),
)
