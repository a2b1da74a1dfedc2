"""Functions of positive numbers and matrices, for geometric programs: their logarithms are convex or concave."""

from __future__ import annotations

from declarative.atoms.algebra import equal, plus
from declarative.atoms.blocks import CONCAT
from declarative.atoms.build import call
from declarative.atoms.elementwise import Elementwise, inside
from declarative.atoms.entropy import LOGSUMEXP
from declarative.atoms.latex import between, named
from declarative.atoms.matrix import inverse
from declarative.atoms.record import Atom, Facts, Fresh, Graph, Options
from declarative.atoms.rules import ANY, CONVEX, DECREASING, INCREASING, POS, UNKNOWN
from declarative.atoms.shapes import square_to, vector_to
from declarative.atoms.special import up_above_zero
from declarative.ir.condition import Test
from declarative.ir.expr import Binder, Constant, Expr, Index, IndexSymbol, Slice
from declarative.ir.facts import Cone, Domain, Sign, Smoothness
from declarative.ir.problem import Comparison, Relation
from declarative.ir.size import SCALAR, Size


def product_sign(facts: tuple[Facts, ...], options: Options) -> Sign:
    return facts[0].sign * facts[0].sign | facts[0].sign


CUMPROD = Atom(
    name="cumprod",
    doc="The running products of a vector: entry k is x[0]*...*x[k].",
    signature="cumprod(x : R^n) : R^n",
    shape=vector_to("`cumprod`", lambda length, options: (length,)),
    torch=lambda xp, form, x: xp.cumprod(x, -1),
    cvxpy=lambda cp, form, x: cp.cumprod(x),
    sign=product_sign,
    curvature=UNKNOWN,
    monotonicity=up_above_zero,
    latex=named("cumprod"),
)

ONE_MINUS_POS = Elementwise(
    name="one_minus_pos",
    doc="1 - x of each entry, for x < 1: the difference that geometric programs know.",
    signature="one_minus_pos(x), entry by entry",
    torch=lambda xp, form, x: inside(xp, x <= 1, 1 - x),
    cvxpy=lambda cp, form, x: cp.one_minus_pos(x),
    sign=POS,
    curvature=UNKNOWN,
    monotonicity=DECREASING,
    domains=lambda options: (Domain.BELOW_ONE,),
    latex=between("(1 - ", ")"),
)

# --- the spectral radius, and the resolvent -------------------------------------------------------


ROUNDING = 1e-12  # beside the greatest entry


def nonneg_matrix(X):
    """Are all entries nonnegative, but for rounding?"""
    least, most = X.amin((-2, -1)), X.abs().amax((-2, -1))
    return least + ROUNDING * most >= 0


def at_least_zero(x):
    """What rounding put below 0 is 0, and moves with its arguments all the same."""
    return x - x.clamp(max=0).detach()


def spectral_radius(xp, X):
    """Of a matrix of nonnegative entries it is an eigenvalue, and no other has a greater real part (Perron, 1907)."""
    return inside(xp, nonneg_matrix(X), at_least_zero(xp.linalg.eigvals(X).real.amax(-1)))


PF_EIGENVALUE = Atom(
    name="pf_eigenvalue",
    doc="The greatest eigenvalue of a matrix of positive entries (Perron and Frobenius), its spectral radius.",
    signature="pf_eigenvalue(X : R^(n,n)) : R",
    shape=square_to("`pf_eigenvalue`", lambda n: SCALAR),
    torch=lambda xp, form, X: spectral_radius(xp, X),
    cvxpy=lambda cp, form, X: cp.pf_eigenvalue(X),
    sign=lambda facts, options: Sign.POS if facts[0].sign in Sign.POS else Sign.NONNEG,
    curvature=UNKNOWN,
    monotonicity=INCREASING,
    domains=lambda options: (Domain.NONNEG,),
    latex=named("\\rho"),
)


def resolvent(xp, X):
    """(I - X)^-1 = I + X + X^2 + ..., where that converges.

    For X >= 0 it does if and only if v - X v > 0 for some v >= 0. The row sums v of the inverse have v - X v = 1, and
    v >= 1 where the series converges: no rounding is near the test.
    """
    found = inverse(xp, xp.eye(X.shape[-1], dtype=X.dtype, device=X.device) - X)
    within = nonneg_matrix(X) & (found.sum(-1) > 0.5).all(-1)
    return inside(xp, within[..., None, None], at_least_zero(found))


EYE_MINUS_INV = Atom(
    name="eye_minus_inv",
    doc="(I - X)^-1 = I + X + X^2 + ... of a matrix of positive entries, where its spectral radius is below 1.",
    signature="eye_minus_inv(X : R^(n,n)) : R^(n,n)",
    shape=square_to("`eye_minus_inv`", lambda n: (n, n)),
    torch=lambda xp, form, X: resolvent(xp, X),
    cvxpy=lambda cp, form, X: cp.eye_minus_inv(X),
    sign=lambda facts, options: Sign.POS if facts[0].sign in Sign.POS else Sign.NONNEG,
    curvature=UNKNOWN,
    monotonicity=INCREASING,
    domains=lambda options: (Domain.CONTRACTING,),
    latex=lambda X: f"(I - {X})^{{-1}}",
)

# --- their logarithms, in the logarithms of the entries -------------------------------------------

_NUMBERS = (10_001, 10_002)  # of indices, which no front end gives


def _indices(length: Size) -> tuple[Binder, ...]:
    return tuple(Binder(IndexSymbol(n, name), Size.of(0), length) for n, name in zip(_NUMBERS, "ij", strict=True))


def _row(A: Expr, i: Binder) -> Expr:
    return Index(A, (i.index,), A.shape[1:])


def _column(A: Expr, j: Binder) -> Expr:
    return Index(A, (Slice(Size.of(0), A.shape[0]), j.index), A.shape[:1])


def pf_graph(fresh: Fresh, U: Expr) -> Graph:
    """X v <= r v for positive X and v says that the spectral radius is at most r (Collatz, 1942); here all in logs.

    A multiple of v does as well as v, which is why its first entry is fixed.
    """
    n = U.shape[0]
    r, v = fresh(SCALAR), fresh((n,))
    i, _ = _indices(n)
    entry = Index(v, (i.index,), SCALAR)
    row = Comparison(None, Relation.LE, call(LOGSUMEXP, plus(_row(U, i), v)), plus(r, entry), (i,))
    return Graph(r, (row, equal(Index(v, (Constant(0.0),), SCALAR), Constant(0.0))))


LOG_PF_EIGENVALUE = Atom(
    name="log_pf_eigenvalue",
    doc="The logarithm of the spectral radius of the matrix of exp(U[i,j]).",
    signature="log_pf_eigenvalue(U : R^(n,n)) : R",
    shape=square_to("`log_pf_eigenvalue`", lambda n: SCALAR),
    torch=lambda xp, form, U: xp.log(spectral_radius(xp, xp.exp(U))),
    cvxpy=None,
    sign=ANY,
    curvature=CONVEX,
    monotonicity=INCREASING,
    smoothness=Smoothness.KINKED,
    cone=Cone.EXPONENTIAL,
    graph=pf_graph,
    latex=lambda U: f"\\log\\rho(e^{{{U}}})",
)


def resolvent_graph(fresh: Fresh, U: Expr) -> Graph:
    """Y >= I + Y X for positive X and Y says that Y is at least I + X + X^2 + ...; here all in logs."""
    n = U.shape[0]
    V = fresh((n, n))
    i, j = _indices(n)
    apart = call(LOGSUMEXP, plus(_row(V, i), _column(U, j)))
    on = call(LOGSUMEXP, call(CONCAT, Constant(0.0), plus(_row(V, i), _column(U, i))))
    entry, diagonal = (Index(V, (i.index, at.index), SCALAR) for at in (j, i))
    rows = (
        Comparison(None, Relation.LE, apart, entry, (i, j), Test("!=", i.index, j.index)),
        Comparison(None, Relation.LE, on, diagonal, (i,)),
    )
    return Graph(V, rows)


LOG_EYE_MINUS_INV = Atom(
    name="log_eye_minus_inv",
    doc="The logarithms of the entries of (I - X)^-1 for the matrix X of exp(U[i,j]), of spectral radius below 1.",
    signature="log_eye_minus_inv(U : R^(n,n)) : R^(n,n)",
    shape=square_to("`log_eye_minus_inv`", lambda n: (n, n)),
    torch=lambda xp, form, U: xp.log(resolvent(xp, xp.exp(U))),
    cvxpy=None,
    sign=ANY,
    curvature=CONVEX,
    monotonicity=INCREASING,
    smoothness=Smoothness.KINKED,
    cone=Cone.EXPONENTIAL,
    graph=resolvent_graph,
    latex=lambda U: f"\\log((I - e^{{{U}}})^{{-1}})",
)
