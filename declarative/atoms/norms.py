"""Norms of vectors and of all entries of an array."""

from __future__ import annotations

import math

from declarative.atoms.algebra import at_least, negative, total
from declarative.atoms.latex import norm as bars
from declarative.atoms.record import Atom, Form, Fresh, Graph, Options, ShapeMismatch
from declarative.atoms.reductions import own_axes
from declarative.atoms.rules import CONVEX, NONNEG, away_from_zero
from declarative.atoms.shapes import matrix_to_scalar, need_rank, to_scalar
from declarative.ir.expr import Expr
from declarative.ir.facts import Cone, Smoothness
from declarative.ir.size import SCALAR, Shape


def safe_root(xp, s):
    """The square root of s >= 0 with derivative 0 at 0, where the norm has a kink; never 0 times infinity."""
    zero = s == 0
    return xp.where(zero, xp.zeros_like(s), xp.sqrt(xp.where(zero, xp.ones_like(s), s)))


def norm1_graph(fresh: Fresh, x: Expr) -> Graph:
    t = fresh(x.shape)
    return Graph(total(t), (at_least(t, x), at_least(t, negative(x))))


def norminf_graph(fresh: Fresh, x: Expr) -> Graph:
    t = fresh(SCALAR)
    return Graph(t, (at_least(t, x), at_least(t, negative(x))))


NORM1 = Atom(
    name="norm1",
    doc="The sum of the absolute values of all entries.",
    signature="norm1(x) : R",
    shape=to_scalar,
    torch=lambda xp, form, x: xp.abs(x).sum(own_axes(form)) if form.shapes[0] else xp.abs(x),
    cvxpy=lambda cp, form, x: cp.sum(cp.abs(x)),
    sign=NONNEG,
    curvature=CONVEX,
    monotonicity=away_from_zero,
    smoothness=Smoothness.KINKED,
    graph=norm1_graph,
    latex=bars("1"),
)

NORMINF = Atom(
    name="norminf",
    doc="The greatest absolute value of all entries.",
    signature="norminf(x) : R",
    shape=to_scalar,
    torch=lambda xp, form, x: xp.amax(xp.abs(x), own_axes(form)) if form.shapes[0] else xp.abs(x),
    cvxpy=lambda cp, form, x: cp.max(cp.abs(x)),
    sign=NONNEG,
    curvature=CONVEX,
    monotonicity=away_from_zero,
    smoothness=Smoothness.KINKED,
    graph=norminf_graph,
    latex=bars("\\infty"),
)


def norm_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    if len(shapes[0]) == 2:
        hints = ("normfro(A) is the root of the sum of squares", "normspec(A) is the greatest singular value")
        raise ShapeMismatch("`norm` of a matrix is ambiguous", 0, hints)
    need_rank("`norm`", shapes[0], 1)
    return SCALAR


NORM = Atom(
    name="norm",
    doc="The Euclidean norm of a vector; norm(x, p) for the p-norm, p >= 1 or `inf`.",
    signature="norm(x : R^n) : R",
    shape=norm_shape,
    torch=lambda xp, form, x: safe_root(xp, (x * x).sum(-1)),
    cvxpy=lambda cp, form, x: cp.norm(x, 2),
    sign=NONNEG,
    curvature=CONVEX,
    monotonicity=away_from_zero,
    cone=Cone.SECOND_ORDER,
    smoothness=Smoothness.KINKED,
    latex=bars("2"),
)


def pnorm_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    p = options.get("p")
    if p is None:
        raise ShapeMismatch("a p-norm needs its p", hints=("its form is norm(x, p), where p may be `inf`",))
    if not 1 <= p < math.inf:
        raise ShapeMismatch(f"norm(x, p) needs p >= 1, this is {p:g}", 1)
    return norm_shape(shapes, options)


def pnorm_torch(xp, form: Form, x):
    p = form.options["p"]
    s = (xp.abs(x) ** p).sum(-1)
    zero = s == 0
    return xp.where(zero, xp.zeros_like(s), xp.where(zero, xp.ones_like(s), s) ** (1 / p))


PNORM = Atom(
    name="pnorm",
    doc="The p-norm of a vector, p >= 1; written norm(x, p).",
    signature="norm(x : R^n, p) : R",
    shape=pnorm_shape,
    torch=pnorm_torch,
    cvxpy=lambda cp, form, x: cp.pnorm(x, form.options["p"], approx=False),
    sign=NONNEG,
    curvature=CONVEX,
    monotonicity=away_from_zero,
    cone=Cone.POWER,
    smoothness=Smoothness.KINKED,
    python=False,
    option_names=("p",),
    latex=lambda x, p: f"\\|{x}\\|_{{{p:g}}}",
)

NORMFRO = Atom(
    name="normfro",
    doc="The Frobenius norm of a matrix: the root of the sum of the squares of its entries.",
    signature="normfro(A : R^(m,n)) : R",
    shape=matrix_to_scalar("`normfro`"),
    torch=lambda xp, form, x: safe_root(xp, (x * x).sum((-2, -1))),
    cvxpy=lambda cp, form, x: cp.norm(x, "fro"),
    sign=NONNEG,
    curvature=CONVEX,
    monotonicity=away_from_zero,
    cone=Cone.SECOND_ORDER,
    smoothness=Smoothness.KINKED,
    latex=bars("F"),
)
