"""Extremes, means and partial sums of all entries."""

from __future__ import annotations

from declarative.atoms.algebra import at_least, at_most, minus, negative, plus, times, total
from declarative.atoms.latex import named
from declarative.atoms.record import Atom, Form, Fresh, Graph, Options, ShapeMismatch
from declarative.atoms.rules import AFFINE, CONCAVE, CONVEX, INCREASING, greatest, sign_of_first
from declarative.atoms.shapes import to_scalar, vector_to_scalar
from declarative.ir.expr import Constant, Expr, SizeValue
from declarative.ir.facts import Smoothness
from declarative.ir.size import SCALAR, Shape, Size


def own_axes(form: Form) -> tuple[int, ...]:
    """The trailing axes that belong to the first argument."""
    return tuple(range(-len(form.shapes[0]), 0))


def mean_torch(xp, form: Form, x):
    return x.mean(own_axes(form)) if form.shapes[0] else x


MEAN = Atom(
    name="mean",
    doc="The mean of all entries.",
    signature="mean(x) : R",
    shape=to_scalar,
    torch=mean_torch,
    cvxpy=lambda cp, form, x: cp.sum(x) / max(1, cp.Expression.cast_to_const(x).size),
    sign=lambda facts, options: facts[0].sign + facts[0].sign,
    curvature=AFFINE,
    monotonicity=INCREASING,
    degree=greatest,
    latex=named("mean"),
)


def max_graph(fresh: Fresh, x: Expr) -> Graph:
    t = fresh(SCALAR)
    return Graph(t, (at_least(t, x),))


def min_graph(fresh: Fresh, x: Expr) -> Graph:
    t = fresh(SCALAR)
    return Graph(t, (at_most(t, x),))


MAX = Atom(
    name="max",
    doc="The greatest entry; with several arguments `maximum`, with `for` the greatest over an index.",
    signature="max(x) : R",
    shape=to_scalar,
    torch=lambda xp, form, x: xp.amax(x, own_axes(form)) if form.shapes[0] else x,
    cvxpy=lambda cp, form, x: cp.max(x),
    sign=sign_of_first,
    curvature=CONVEX,
    monotonicity=INCREASING,
    smoothness=Smoothness.KINKED,
    graph=max_graph,
    latex=named("\\max"),
)

MIN = Atom(
    name="min",
    doc="The least entry; with several arguments `minimum`, with `for` the least over an index.",
    signature="min(x) : R",
    shape=to_scalar,
    torch=lambda xp, form, x: xp.amin(x, own_axes(form)) if form.shapes[0] else x,
    cvxpy=lambda cp, form, x: cp.min(x),
    sign=sign_of_first,
    curvature=CONCAVE,
    monotonicity=INCREASING,
    smoothness=Smoothness.KINKED,
    graph=min_graph,
    latex=named("\\min"),
)


def need_count(name: str, options: Options) -> Size:
    """The option k: a number of entries, at least 1."""
    k = options.get("k")
    if k is None:
        raise ShapeMismatch(
            f"`{name}` needs its option `k`", hints=(f"write {name}(x, 3) for the sum of three entries",)
        )
    if not isinstance(k, Size) and (k < 1 or k % 1):
        raise ShapeMismatch(f"`k` of `{name}` counts entries: a whole number, at least 1; this is {k:g}")
    return k if isinstance(k, Size) else Size.of(int(k))


def count_value(options: Options) -> Expr:
    k = options["k"]
    return SizeValue(k) if isinstance(k, Size) else Constant(float(k))


def partial_shape(name: str):
    vector = vector_to_scalar(f"`{name}`")

    def rule(shapes: tuple[Shape, ...], options: Options) -> Shape:
        length, k = shapes[0][0] if shapes[0] else Size.of(1), need_count(name, options)
        if k.constant is not None and length.constant is not None and k.constant > length.constant:
            raise ShapeMismatch(f"`{name}` cannot sum {k} entries of {length}", 0)
        return vector(shapes, options)

    return rule


def sum_largest_graph(fresh: Fresh, x: Expr, **options) -> Graph:
    """The least of k q + sum (x - q)_+ over the threshold q."""
    q, t = fresh(SCALAR), fresh(x.shape)
    return Graph(plus(times(count_value(options), q), total(t)), (at_least(t, minus(x, q)), at_least(t, 0)))


def sum_smallest_graph(fresh: Fresh, x: Expr, **options) -> Graph:
    q, t = fresh(SCALAR), fresh(x.shape)
    value = plus(times(count_value(options), q), negative(total(t)))
    return Graph(value, (at_least(t, minus(q, x)), at_least(t, 0)))


SUM_LARGEST = Atom(
    name="sum_largest",
    doc="The sum of the k greatest entries of a vector.",
    signature="sum_largest(x : R^n, k) : R",
    shape=partial_shape("sum_largest"),
    torch=lambda xp, form, x: xp.topk(x, int(form.options["k"]), -1).values.sum(-1),
    cvxpy=lambda cp, form, x: cp.sum_largest(x, int(form.options["k"])),
    sign=lambda facts, options: facts[0].sign + facts[0].sign,
    curvature=CONVEX,
    monotonicity=INCREASING,
    smoothness=Smoothness.KINKED,
    graph=sum_largest_graph,
    option_names=("k",),
    latex=lambda x, k: f"\\sum_{{i \\le {k}}} {x}_{{[i]}}",
)

SUM_SMALLEST = Atom(
    name="sum_smallest",
    doc="The sum of the k least entries of a vector.",
    signature="sum_smallest(x : R^n, k) : R",
    shape=partial_shape("sum_smallest"),
    torch=lambda xp, form, x: xp.topk(x, int(form.options["k"]), -1, largest=False).values.sum(-1),
    cvxpy=lambda cp, form, x: cp.sum_smallest(x, int(form.options["k"])),
    sign=lambda facts, options: facts[0].sign + facts[0].sign,
    curvature=CONCAVE,
    monotonicity=INCREASING,
    smoothness=Smoothness.KINKED,
    graph=sum_smallest_graph,
    option_names=("k",),
    latex=lambda x, k: f"\\sum_{{i > n - {k}}} {x}_{{[i]}}",
)
