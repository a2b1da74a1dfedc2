"""Diagonals, traces, and functions of a positive definite matrix."""

from __future__ import annotations

from math import isqrt

from declarative.atoms.elementwise import inside
from declarative.atoms.latex import named
from declarative.atoms.quadratic import quad_shape
from declarative.atoms.record import Atom, Facts, Form, Options, ShapeMismatch
from declarative.atoms.rules import (
    AFFINE,
    ANY,
    CONCAVE,
    CONVEX,
    INCREASING,
    NEITHER_WAY,
    NONNEG,
    POS,
    greatest,
    sign_of_first,
)
from declarative.atoms.shapes import need_rank, need_square, square_to, vector_to
from declarative.ir.facts import Cone, Domain, Sign
from declarative.ir.size import SCALAR, Shape, Size


def to_entries(facts: tuple[Facts, ...], options: Options) -> Sign:
    """Diagonal entries are values e'Ae of the form as well as entries."""
    return facts[0].sign & facts[0].form


DIAG = Atom(
    name="diag",
    doc="The diagonal of a square matrix; of a vector, the diagonal matrix.",
    signature="diag(A : R^(n,n)) : R^n",
    shape=square_to("`diag`", lambda n: (n,)),
    torch=lambda xp, form, x: x.diagonal(dim1=-2, dim2=-1),
    cvxpy=lambda cp, form, x: cp.diag(x),
    sign=to_entries,
    curvature=AFFINE,
    monotonicity=INCREASING,
    degree=greatest,
    latex=named("diag"),
)

DIAG_MATRIX = Atom(
    name="diag_matrix",
    doc="The diagonal matrix of a vector; written diag(x).",
    signature="diag(x : R^n) : R^(n,n)",
    shape=vector_to("`diag`", lambda n, options: (n, n)),
    torch=lambda xp, form, x: xp.diag_embed(x),
    cvxpy=lambda cp, form, x: cp.diag(x),
    sign=lambda facts, options: facts[0].sign | Sign.ZERO,
    curvature=AFFINE,
    monotonicity=INCREASING,
    degree=greatest,
    python=False,
    latex=named("diag"),
)


def upper_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    """n(n-1)/2 is no polynomial with whole factors, so the side must be a number."""
    side = need_square("`upper_tri`", shapes[0]).constant
    if side is None:
        hints = ("sum over pairs of indices instead: sum(A[i,j] for i in n, j in n if i < j)",)
        raise ShapeMismatch("`upper_tri` needs a matrix whose side is a number", 0, hints)
    return (Size.of(side * (side - 1) // 2),)


def upper_torch(xp, form: Form, x):
    rows, columns = xp.triu_indices(*form.shapes[0], offset=1, device=x.device)
    return x[..., rows, columns]


UPPER_TRI = Atom(
    name="upper_tri",
    doc="The entries above the diagonal of a square matrix as one vector, row by row.",
    signature="upper_tri(A : R^(n,n)) : R^(n*(n-1)/2)",
    shape=upper_shape,
    torch=upper_torch,
    cvxpy=lambda cp, form, x: cp.upper_tri(x),
    sign=sign_of_first,
    curvature=AFFINE,
    monotonicity=INCREASING,
    degree=greatest,
    latex=named("upper\\_tri"),
)


def from_upper_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    """The side n with n(n+1)/2 entries, or n(n-1)/2 without the diagonal."""
    length, strict = need_rank("`vec_to_upper_tri`", shapes[0], 1)[0].constant, options.get("strict", 0)
    if length is None or strict not in (0, 1):
        hints = ("its form is vec_to_upper_tri(x), or vec_to_upper_tri(x, strict = 1) with 0 on the diagonal",)
        raise ShapeMismatch("`vec_to_upper_tri` needs a vector whose length is a number", 0, hints)
    root = isqrt(8 * length + 1)
    if root * root != 8 * length + 1:
        raise ShapeMismatch(f"no triangle has {length} entries: there are 1, 3, 6, 10, ...", 0)
    side = Size.of((root + 1 if strict else root - 1) // 2)
    return (side, side)


def from_upper_torch(xp, form: Form, x):
    """Each entry from its place in x, or from a 0 that is put behind it."""
    side = form.shape[0]
    place = xp.full(form.shape, x.shape[-1], device=x.device)
    rows, columns = xp.triu_indices(side, side, offset=int(form.options.get("strict", 0)), device=x.device)
    place[rows, columns] = xp.arange(x.shape[-1], device=x.device)
    return xp.cat([x, xp.zeros_like(x[..., :1])], -1)[..., place]


VEC_TO_UPPER_TRI = Atom(
    name="vec_to_upper_tri",
    doc="The upper triangular matrix with these entries, row by row; with `strict = 1` its diagonal is 0.",
    signature="vec_to_upper_tri(x : R^(n*(n+1)/2), strict = 0) : R^(n,n)",
    shape=from_upper_shape,
    torch=from_upper_torch,
    cvxpy=lambda cp, form, x: cp.vec_to_upper_tri(x, bool(form.options.get("strict", 0))),
    sign=lambda facts, options: facts[0].sign | Sign.ZERO,
    curvature=AFFINE,
    monotonicity=INCREASING,
    degree=greatest,
    option_names=("strict",),
    latex=lambda x, strict=0: f"\\mathrm{{triu}}_{{{strict:g}}}({x})",
)

TRACE = Atom(
    name="trace",
    doc="The sum of the diagonal of a square matrix.",
    signature="trace(A : R^(n,n)) : R",
    shape=square_to("`trace`", lambda n: SCALAR),
    torch=lambda xp, form, x: x.diagonal(dim1=-2, dim2=-1).sum(-1),
    cvxpy=lambda cp, form, x: cp.trace(x),
    sign=lambda facts, options: to_entries(facts, options) + to_entries(facts, options),
    curvature=AFFINE,
    monotonicity=INCREASING,
    degree=greatest,
    latex=named("tr"),
)


def log_det_torch(xp, form: Form, x):
    """By Cholesky: where x is not positive definite the value is not a number.

    (In torch 2.13 the forward derivatives of `slogdet` and `solve` are wrong under two nested vmaps; those of
    `cholesky_ex` and `inv_ex` are right.)
    """
    L = xp.linalg.cholesky_ex((x + x.transpose(-1, -2)) / 2).L
    return 2 * xp.log(L.diagonal(dim1=-2, dim2=-1)).sum(-1)


def inverse(xp, x):
    return xp.linalg.inv_ex(x).inverse


def inside_definite(xp, x, value):
    """The value where x is positive definite."""
    x = x.detach()
    return inside(xp, xp.linalg.cholesky_ex((x + x.transpose(-1, -2)) / 2).info == 0, value)


LOG_DET = Atom(
    name="log_det",
    doc="The logarithm of the determinant of a positive definite matrix.",
    signature="log_det(X : S^n) : R",
    shape=square_to("`log_det`", lambda n: SCALAR),
    torch=log_det_torch,
    cvxpy=lambda cp, form, x: cp.log_det(x),
    sign=ANY,
    curvature=CONCAVE,
    monotonicity=NEITHER_WAY,
    cone=Cone.SEMIDEFINITE,
    domains=lambda options: (Domain.PD,),
    latex=named("\\log\\det"),
)

TR_INV = Atom(
    name="tr_inv",
    doc="The trace of the inverse of a positive definite matrix.",
    signature="tr_inv(X : S^n) : R",
    shape=square_to("`tr_inv`", lambda n: SCALAR),
    torch=lambda xp, form, x: inside_definite(xp, x, inverse(xp, x).diagonal(dim1=-2, dim2=-1).sum(-1)),
    cvxpy=lambda cp, form, x: cp.tr_inv(x),
    sign=POS,
    curvature=CONVEX,
    monotonicity=NEITHER_WAY,
    cone=Cone.SEMIDEFINITE,
    domains=lambda options: (Domain.PD,),
    latex=lambda x: f"\\mathrm{{tr}}({x}^{{-1}})",
)

MATRIX_FRAC = Atom(
    name="matrix_frac",
    doc="x'*P^-1*x of a vector and a positive definite matrix, convex in both.",
    signature="matrix_frac(x : R^n, P : S^n) : R",
    shape=quad_shape,
    torch=lambda xp, form, x, P: inside_definite(xp, P, (x * (inverse(xp, P) @ x.unsqueeze(-1)).squeeze(-1)).sum(-1)),
    cvxpy=lambda cp, form, x, P: cp.matrix_frac(x, P),
    sign=NONNEG,
    curvature=CONVEX,
    monotonicity=NEITHER_WAY,
    cone=Cone.SEMIDEFINITE,
    domains=lambda options: (Domain.ALL, Domain.PD),
    arity=(2, 2),
    latex=lambda x, P: f"{x}^\\top {P}^{{-1}} {x}",
)
