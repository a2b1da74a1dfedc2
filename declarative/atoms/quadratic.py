"""Sums of squares and quadratic forms."""

from __future__ import annotations

from declarative.atoms.elementwise import inside
from declarative.atoms.norms import safe_root
from declarative.atoms.record import Atom, Facts, Form, Options
from declarative.atoms.rules import CONVEX, NEITHER, NONNEG, along, away_from_zero, doubled
from declarative.atoms.shapes import need_equal, need_rank, need_square, to_scalar
from declarative.ir.facts import Cone, Curvature, Domain, Monotonicity, Sign, Smoothness
from declarative.ir.size import SCALAR, Shape

SUMSQ = Atom(
    name="sumsq",
    doc="The sum of the squares of all entries.",
    signature="sumsq(x) : R",
    shape=to_scalar,
    torch=lambda xp, form, x: (x * x).sum(tuple(range(-len(form.shapes[0]), 0))) if form.shapes[0] else x * x,
    cvxpy=lambda cp, form, x: cp.sum_squares(x),
    sign=NONNEG,
    curvature=CONVEX,
    monotonicity=away_from_zero,
    degree=doubled,
    latex=lambda x: f"\\|{x}\\|_2^2",
)


def quad_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    (length,) = need_rank("the first argument of `quad`", shapes[0], 1)
    side = need_square("the second argument of `quad`", shapes[1], 1)
    need_equal("`quad(x, A)` needs a matrix as wide as the vector is long", length, side, shapes)
    return SCALAR


def quad_sign(facts: tuple[Facts, ...], options: Options) -> Sign:
    """x may be 0, so a definite form is only semidefinite here."""
    x, A = facts
    by_form = A.form | Sign.ZERO
    by_entries = Sign.NONNEG if x.sign.nonneg and A.sign.nonneg else Sign.ANY
    return by_form & by_entries


def quad_curvature(facts: tuple[Facts, ...], options: Options) -> Curvature:
    """Convex in x for a semidefinite A; linear in A for a fixed x."""
    x, A = facts
    if x.curvature is Curvature.CONSTANT:
        return Curvature.AFFINE
    if A.curvature is not Curvature.CONSTANT:
        return Curvature.UNKNOWN
    return Curvature.CONVEX if A.form.nonneg else Curvature.CONCAVE if A.form.nonpos else Curvature.UNKNOWN


def quad_monotonicity(facts: tuple[Facts, ...], options: Options) -> tuple[Monotonicity, ...]:
    """The gradient (A + A')x has a sign where A and x have."""
    x, A = facts
    return (along(x.sign * A.sign) if A.sign.nonneg or A.sign.nonpos else NEITHER, along(x.sign.squared))


def quad_torch(xp, form: Form, x, A):
    return (x * (A @ x.unsqueeze(-1)).squeeze(-1)).sum(-1)


def quad_cvxpy(cp, form: Form, x, A):
    """CVXPY takes symmetric numbers only; x'Ax sees no other part of A."""
    x, A = cp.Expression.cast_to_const(x), cp.Expression.cast_to_const(A)
    if x.is_constant():
        return cp.sum(cp.multiply(cp.outer(x, x), A))
    return cp.quad_form(x, (A.value + A.value.T) / 2)


QUAD = Atom(
    name="quad",
    doc="The quadratic form x'*A*x; convex where A is declared `psd` or is known to be.",
    signature="quad(x : R^n, A : R^(n,n)) : R",
    shape=quad_shape,
    torch=quad_torch,
    cvxpy=quad_cvxpy,
    sign=quad_sign,
    curvature=quad_curvature,
    monotonicity=quad_monotonicity,
    degree=doubled,
    arity=(2, 2),
    latex=lambda x, A: f"{x}^\\top {A} {x}",
)


def root_curvature(facts: tuple[Facts, ...], options: Options) -> Curvature:
    """A norm of x for a semidefinite A; the root of what is linear in A for a fixed x."""
    x, A = facts
    if x.curvature is Curvature.CONSTANT:
        return Curvature.CONCAVE
    known = A.curvature is Curvature.CONSTANT and A.form.nonneg
    return Curvature.CONVEX if known else Curvature.UNKNOWN


QUAD_ROOT = Atom(
    name="quad_root",
    doc="sqrt(x'*A*x), the norm that a positive semidefinite A makes: a standard deviation, where A is a covariance.",
    signature="quad_root(x : R^n, A : R^(n,n)) : R",
    shape=quad_shape,
    torch=lambda xp, form, x, A: safe_root(xp, quad_torch(xp, form, x, A).clamp(min=0)),
    cvxpy=None,
    sign=NONNEG,
    curvature=root_curvature,
    monotonicity=quad_monotonicity,
    smoothness=Smoothness.KINKED,
    cone=Cone.SECOND_ORDER,
    arity=(2, 2),
    latex=lambda x, A: f"\\sqrt{{{x}^\\top {A} {x}}}",
)


def over_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    need_rank("the second argument of `quad_over_lin`", shapes[1], 0, 1)
    return SCALAR


def over_monotonicity(facts: tuple[Facts, ...], options: Options) -> tuple[Monotonicity, ...]:
    return (along(facts[0].sign), Monotonicity.DECREASING)


def over_degree(degrees: tuple[int | None, ...], options: Options) -> int | None:
    above, below = degrees
    return 2 * above if above is not None and below == 0 else None


def over_torch(xp, form: Form, x, y):
    return inside(xp, y > 0, SUMSQ.torch(xp, form, x) / y)


QUAD_OVER_LIN = Atom(
    name="quad_over_lin",
    doc="The sum of the squares of all entries of x over a scalar y > 0; convex in both.",
    signature="quad_over_lin(x, y : R) : R",
    shape=over_shape,
    torch=over_torch,
    cvxpy=lambda cp, form, x, y: cp.quad_over_lin(x, y),
    sign=NONNEG,
    curvature=CONVEX,
    monotonicity=over_monotonicity,
    cone=Cone.SECOND_ORDER,
    degree=over_degree,
    domains=lambda options: (Domain.ALL, Domain.POS),
    arity=(2, 2),
    latex=lambda x, y: f"\\frac{{\\|{x}\\|_2^2}}{{{y}}}",
)
