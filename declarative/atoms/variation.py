"""Total variation of signals and images."""

from __future__ import annotations

from declarative.atoms.algebra import at_least, negative, total
from declarative.atoms.build import call
from declarative.atoms.latex import named
from declarative.atoms.norms import safe_root
from declarative.atoms.record import Atom, Form, Fresh, Graph
from declarative.atoms.rules import CONVEX, NEITHER_WAY, NONNEG
from declarative.atoms.shapes import matrix_to_scalar, vector_to_scalar
from declarative.atoms.shaping import DIFF
from declarative.ir.expr import Expr
from declarative.ir.facts import Cone, Smoothness


def tv_graph(fresh: Fresh, x: Expr) -> Graph:
    steps = call(DIFF, x)
    t = fresh(steps.shape)
    return Graph(total(t), (at_least(t, steps), at_least(t, negative(steps))))


TV = Atom(
    name="tv",
    doc="The total variation of a vector, the sum of |x[i+1] - x[i]|; of a matrix, the sum of the lengths of its "
    "discrete gradients.",
    signature="tv(x : R^n) : R",
    shape=vector_to_scalar("`tv`"),
    torch=lambda xp, form, x: xp.abs(x[..., 1:] - x[..., :-1]).sum(-1),
    cvxpy=lambda cp, form, x: cp.sum(cp.abs(x[1:] - x[:-1])),
    sign=NONNEG,
    curvature=CONVEX,
    monotonicity=NEITHER_WAY,
    smoothness=Smoothness.KINKED,
    graph=tv_graph,
    latex=named("TV"),
)


def tv_image_torch(xp, form: Form, x):
    corner = x[..., :-1, :-1]
    down, right = x[..., 1:, :-1] - corner, x[..., :-1, 1:] - corner
    return safe_root(xp, down * down + right * right).sum((-2, -1))


TV_IMAGE = Atom(
    name="tv_image",
    doc="The total variation of a matrix: the sum over i, j of the norm of (x[i+1,j] - x[i,j], x[i,j+1] - x[i,j]); "
    "written tv(X).",
    signature="tv(X : R^(m,n)) : R",
    shape=matrix_to_scalar("`tv`"),
    torch=tv_image_torch,
    cvxpy=lambda cp, form, x: cp.tv(x),
    sign=NONNEG,
    curvature=CONVEX,
    monotonicity=NEITHER_WAY,
    cone=Cone.SECOND_ORDER,
    smoothness=Smoothness.KINKED,
    python=False,
    latex=named("TV"),
)
