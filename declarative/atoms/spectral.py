"""Functions of eigenvalues and singular values."""

from __future__ import annotations

from declarative.atoms.latex import named, norm
from declarative.atoms.record import Atom, Facts, Form, Options
from declarative.atoms.reductions import need_count
from declarative.atoms.rules import ANY, CONCAVE, CONVEX, NEITHER_WAY, NONNEG
from declarative.atoms.shapes import matrix_to_scalar, need_square, square_to
from declarative.ir.facts import Cone, Domain, Sign, Smoothness
from declarative.ir.size import SCALAR, Shape


def eigenvalues(xp, X):
    """Of the symmetric part, in rising order."""
    return xp.linalg.eigvalsh((X + X.transpose(-1, -2)) / 2)


def form_sign(facts: tuple[Facts, ...], options: Options) -> Sign:
    """An eigenvalue is a value of the form on the unit sphere."""
    return facts[0].form


LAMBDA_MAX = Atom(
    name="lambda_max",
    doc="The greatest eigenvalue of a symmetric matrix.",
    signature="lambda_max(X : S^n) : R",
    shape=square_to("`lambda_max`", lambda n: SCALAR),
    torch=lambda xp, form, x: eigenvalues(xp, x)[..., -1],
    cvxpy=lambda cp, form, x: cp.lambda_max(x),
    sign=form_sign,
    curvature=CONVEX,
    monotonicity=NEITHER_WAY,
    cone=Cone.SEMIDEFINITE,
    smoothness=Smoothness.KINKED,
    latex=named("\\lambda_{\\max}"),
)

LAMBDA_MIN = Atom(
    name="lambda_min",
    doc="The least eigenvalue of a symmetric matrix.",
    signature="lambda_min(X : S^n) : R",
    shape=square_to("`lambda_min`", lambda n: SCALAR),
    torch=lambda xp, form, x: eigenvalues(xp, x)[..., 0],
    cvxpy=lambda cp, form, x: cp.lambda_min(x),
    sign=form_sign,
    curvature=CONCAVE,
    monotonicity=NEITHER_WAY,
    cone=Cone.SEMIDEFINITE,
    smoothness=Smoothness.KINKED,
    latex=named("\\lambda_{\\min}"),
)


def lambda_sum_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    need_square("`lambda_sum_largest`", shapes[0])
    need_count("lambda_sum_largest", options)
    return SCALAR


def lambda_sum_torch(xp, form: Form, x):
    return eigenvalues(xp, x)[..., form.shapes[0][0] - int(form.options["k"]) :].sum(-1)


LAMBDA_SUM_LARGEST = Atom(
    name="lambda_sum_largest",
    doc="The sum of the k greatest eigenvalues of a symmetric matrix.",
    signature="lambda_sum_largest(X : S^n, k) : R",
    shape=lambda_sum_shape,
    torch=lambda_sum_torch,
    cvxpy=lambda cp, form, x: cp.lambda_sum_largest(x, int(form.options["k"])),
    sign=lambda facts, options: facts[0].form + facts[0].form,
    curvature=CONVEX,
    monotonicity=NEITHER_WAY,
    cone=Cone.SEMIDEFINITE,
    smoothness=Smoothness.KINKED,
    option_names=("k",),
    latex=lambda x, k: f"\\sum_{{i \\le {k}}} \\lambda_i({x})",
)

SIGMA_MAX = Atom(
    name="sigma_max",
    doc="The greatest singular value of a matrix; another name of `normspec`.",
    signature="sigma_max(A : R^(m,n)) : R",
    shape=matrix_to_scalar("`sigma_max`"),
    torch=lambda xp, form, x: xp.linalg.svdvals(x)[..., 0],
    cvxpy=lambda cp, form, x: cp.sigma_max(x),
    sign=NONNEG,
    curvature=CONVEX,
    monotonicity=NEITHER_WAY,
    cone=Cone.SEMIDEFINITE,
    smoothness=Smoothness.KINKED,
    latex=named("\\sigma_{\\max}"),
)

NORMSPEC = Atom(
    name="normspec",
    doc="The spectral norm of a matrix: its greatest singular value.",
    signature="normspec(A : R^(m,n)) : R",
    shape=matrix_to_scalar("`normspec`"),
    torch=SIGMA_MAX.torch,
    cvxpy=SIGMA_MAX.cvxpy,
    sign=NONNEG,
    curvature=CONVEX,
    monotonicity=NEITHER_WAY,
    cone=Cone.SEMIDEFINITE,
    smoothness=Smoothness.KINKED,
    latex=norm("2"),
)

NORMNUC = Atom(
    name="normnuc",
    doc="The nuclear norm of a matrix: the sum of its singular values.",
    signature="normnuc(A : R^(m,n)) : R",
    shape=matrix_to_scalar("`normnuc`"),
    torch=lambda xp, form, x: xp.linalg.svdvals(x).sum(-1),
    cvxpy=lambda cp, form, x: cp.normNuc(x),
    sign=NONNEG,
    curvature=CONVEX,
    monotonicity=NEITHER_WAY,
    cone=Cone.SEMIDEFINITE,
    smoothness=Smoothness.KINKED,
    latex=norm("*"),
)

VON_NEUMANN_ENTR = Atom(
    name="von_neumann_entr",
    doc="-trace(X*log(X)) of a positive semidefinite matrix: the entropy of its eigenvalues.",
    signature="von_neumann_entr(X : S^n) : R",
    shape=square_to("`von_neumann_entr`", lambda n: SCALAR),
    torch=lambda xp, form, x: xp.special.entr(eigenvalues(xp, x)).sum(-1),
    cvxpy=lambda cp, form, x: cp.von_neumann_entr(cp.symmetric_wrap((x + x.T) / 2)),
    sign=ANY,
    curvature=CONCAVE,
    monotonicity=NEITHER_WAY,
    cone=Cone.SEMIDEFINITE,
    domains=lambda options: (Domain.PSD,),
    latex=named("S"),
)
