"""Functions of entries in their order of size, or of place: running extremes, sorted products, expected shortfalls."""

from __future__ import annotations

from declarative.atoms.algebra import at_least, filled, minus, plus, times, total
from declarative.atoms.arithmetic import DIV
from declarative.atoms.build import call
from declarative.atoms.latex import named
from declarative.atoms.products import OUTER
from declarative.atoms.record import Atom, Facts, Form, Fresh, Graph, Options, ShapeMismatch
from declarative.atoms.rules import CONVEX, INCREASING, NEITHER, along, sign_of_dot, sign_of_first
from declarative.atoms.shapes import need_equal, need_rank, to_scalar, vector_to
from declarative.ir.expr import Expr, Index, SizeValue, Slice
from declarative.ir.facts import Curvature, Monotonicity, Smoothness
from declarative.ir.size import SCALAR, Shape, Size, count


def cummax_graph(fresh: Fresh, x: Expr) -> Graph:
    """Each entry is at least the entry of x, and at least the one before it."""
    t = fresh(x.shape)
    (length,) = x.shape
    zero, one = Size.of(0), Size.of(1)
    later, earlier = (Index(t, (Slice(lo, hi),), (length - 1,)) for lo, hi in ((one, length), (zero, length - 1)))
    return Graph(t, (at_least(t, x), at_least(later, earlier)))


CUMMAX = Atom(
    name="cummax",
    doc="The running greatest entry of a vector: entry k is the greatest of x[0], ..., x[k].",
    signature="cummax(x : R^n) : R^n",
    shape=vector_to("`cummax`", lambda length, options: (length,)),
    torch=lambda xp, form, x: xp.cummax(x, -1).values,
    cvxpy=lambda cp, form, x: cp.cummax(x),
    sign=sign_of_first,
    curvature=CONVEX,
    monotonicity=INCREASING,
    smoothness=Smoothness.KINKED,
    graph=cummax_graph,
    latex=named("cummax"),
)


def dotsort_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    for position, shape in enumerate(shapes):
        need_rank("`dotsort`", shape, 1, position)
    need_equal("the lengths in `dotsort`", shapes[0][0], shapes[1][0], shapes)
    return SCALAR


def dotsort_curvature(facts: tuple[Facts, ...], options: Options) -> Curvature:
    """The greatest of w'Px over the permutations P: convex in x for fixed weights."""
    return Curvature.CONVEX if facts[1].curvature is Curvature.CONSTANT else Curvature.UNKNOWN


def dotsort_monotonicity(facts: tuple[Facts, ...], options: Options) -> tuple[Monotonicity, ...]:
    return (along(facts[1].sign), NEITHER)


def dotsort_graph(fresh: Fresh, x: Expr, w: Expr) -> Graph:
    """By duality of the assignment problem: the least sum(s) + sum(t) with s[i] + t[j] >= x[i]*w[j]."""
    s, t, ones = fresh(x.shape), fresh(x.shape), filled(1.0, x.shape)
    sides = plus(call(OUTER, s, ones), call(OUTER, ones, t))
    return Graph(plus(total(s), total(t)), (at_least(sides, call(OUTER, x, w)),))


DOTSORT = Atom(
    name="dotsort",
    doc="The inner product of the entries of x in rising order with those of the weights w in rising order.",
    signature="dotsort(x : R^n, w : R^n) : R",
    shape=dotsort_shape,
    torch=lambda xp, form, x, w: (xp.sort(x, -1).values * xp.sort(w, -1).values).sum(-1),
    cvxpy=lambda cp, form, x, w: cp.dotsort(x, w),
    sign=sign_of_dot,
    curvature=dotsort_curvature,
    monotonicity=dotsort_monotonicity,
    smoothness=Smoothness.KINKED,
    graph=dotsort_graph,
    arity=(2, 2),
    latex=lambda x, w: f"\\sum_i {w}_{{[i]}} {x}_{{[i]}}",
)


def cvar_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    beta = options.get("beta")
    if not isinstance(beta, int | float) or not 0 <= beta < 1:
        raise ShapeMismatch("`cvar` needs its level, a number from 0 to below 1", hints=("write cvar(x, 0.9)",))
    return to_scalar(shapes, options)


def cvar_torch(xp, form: Form, x):
    """The mean of the greatest k = (1 - beta) n entries, the last of which may count in part."""
    flat = x.reshape(*x.shape[: x.ndim - len(form.shapes[0])], -1) if form.shapes[0] else x.unsqueeze(-1)
    n = flat.shape[-1]
    k = (1 - form.options["beta"]) * n
    shares = (k - xp.arange(n, dtype=x.dtype, device=x.device)).clamp(0, 1)
    return (xp.sort(flat, -1, descending=True).values * shares).sum(-1) / k


def cvar_graph(fresh: Fresh, x: Expr, **options) -> Graph:
    """The least of q + sum (x - q)_+ / ((1 - beta) n) over the threshold q (Rockafellar and Uryasev 2000)."""
    q, t = fresh(SCALAR), fresh(x.shape)
    share = call(DIV, total(t), times(1 - options["beta"], SizeValue(count(x.shape))))
    return Graph(plus(q, share), (at_least(t, minus(x, q)), at_least(t, 0)))


CVAR = Atom(
    name="cvar",
    doc="The conditional value at risk: the mean of the greatest (1 - beta)*n entries of x, the last of them in part.",
    signature="cvar(x, beta) : R",
    shape=cvar_shape,
    torch=cvar_torch,
    cvxpy=lambda cp, form, x: cp.cvar(cp.vec(x, order="C"), form.options["beta"]),
    sign=sign_of_first,
    curvature=CONVEX,
    monotonicity=INCREASING,
    smoothness=Smoothness.KINKED,
    graph=cvar_graph,
    option_names=("beta",),
    latex=lambda x, beta: f"\\mathrm{{CVaR}}_{{{beta:g}}}({x})",
)
