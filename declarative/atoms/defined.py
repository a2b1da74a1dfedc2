"""Functions that others define: spreads, mixed norms, products, sums of least eigenvalues, perspectives."""

from __future__ import annotations

import math

from declarative.atoms.along import along, new_indices, part
from declarative.atoms.homogenise import perspective
from declarative.atoms.literals import written_out
from declarative.atoms.record import Definition, ShapeMismatch
from declarative.atoms.shapes import need_equal, need_rank
from declarative.ir.expr import Constant, Expr, Reduce, Stack
from declarative.ir.size import Size, count


def _less(apply, x: Expr, y: Expr) -> Expr:
    return apply("add", x, apply("neg", y))


def _variance(apply, x: Expr) -> Expr:
    return apply("div", apply("sumsq", _less(apply, x, apply("mean", x))), written_out(apply, count(x.shape)))


def _deviation(apply, x: Expr) -> Expr:
    centred = _less(apply, x, apply("mean", x))
    flat = apply("vec", centred) if len(x.shape) > 1 else centred
    return apply("div", apply("norm", flat), apply("sqrt", written_out(apply, count(x.shape))))


def _mixed_norm(apply, x: Expr, p: float = 2.0, q: float = 1.0) -> Expr:
    rows = along(x, 1, lambda row: apply("norm", row, p=p))
    return apply("norm", rows, p=q)


def _scalene(apply, x: Expr, above: Expr, below: Expr) -> Expr:
    return apply("add", apply("mul", above, apply("pos", x)), apply("mul", below, apply("negpart", x)))


def _least_eigenvalues(apply, x: Expr, **options) -> Expr:
    return apply("neg", apply("lambda_sum_largest", apply("neg", x), **options))


def _cross(apply, x: Expr, y: Expr) -> Expr:
    for e in (x, y):
        need_equal("the vectors of `cross`", need_rank("`cross`", e.shape, 1)[0], Size.of(3), (x.shape, y.shape))
    a, b = ([part(e, (Constant(float(k)),)) for k in range(3)] for e in (x, y))
    terms = [(apply("mul", a[i], b[j]), apply("mul", a[j], b[i])) for i, j in ((1, 2), (2, 0), (0, 1))]
    return apply("concat", *(_less(apply, *pair) for pair in terms))


def _det(apply, X: Expr) -> Expr:
    m, n = need_rank("`det`", X.shape, 2)
    need_equal("the sides of the matrix in `det`", m, n, (X.shape,))
    if n.constant is None or n.constant > LARGEST_DET:
        hints = ("the logarithm of the determinant of a positive definite matrix is `log_det(X)`",)
        raise ShapeMismatch(f"`det` is written out for sizes 1 to {LARGEST_DET} that are numbers", 0, hints)
    return _minor(apply, X, 0, tuple(range(n.constant)))


LARGEST_DET = 4  # of which the determinant has 24 products


def _minor(apply, X: Expr, row: int, columns: tuple[int, ...]) -> Expr:
    """Of the rows from this one on and these columns, along its first row."""
    entries = [part(X, (Constant(float(row)), Constant(float(k)))) for k in columns]
    if len(columns) == 1:
        return entries[0]
    rest = [_minor(apply, X, row + 1, (*columns[:k], *columns[k + 1 :])) for k in range(len(columns))]
    terms = [apply("mul", entry, minor) for entry, minor in zip(entries, rest, strict=True)]
    return apply("add", *(apply("neg", term) if k % 2 else term for k, term in enumerate(terms)))


def _prod(apply, x: Expr) -> Expr:
    if not x.shape:
        return x
    indices = new_indices("ijkl"[: len(x.shape)], x.shape, x)
    return Reduce("prod", part(x, tuple(b.index for b in indices)), indices)


def _powers(apply, A: Expr, x: Expr) -> Expr:
    """prod(x[j]^A[i,j] for j) for each i, and for each column of a matrix x."""
    m, n = need_rank("`gmatmul`", A.shape, 2)
    need_rank("`gmatmul`", x.shape[:1] if len(x.shape) == 2 else x.shape, 1, 1)
    need_equal("the powers and the factors in `gmatmul`", n, x.shape[0], (A.shape, x.shape))
    i, j, *k = new_indices("ijk"[: 1 + len(x.shape)], (m, n, *x.shape[1:]), A, x)
    power = apply("pow", part(x, (j.index, *(b.index for b in k))), part(A, (i.index, j.index)))
    return Stack(Reduce("prod", power, (j,)), (i, *k))


def _difference(apply, x: Expr, y: Expr) -> Expr:
    return apply("mul", x, apply("one_minus_pos", apply("div", y, x)))


def _resolvent(apply, X: Expr, s: Expr) -> Expr:
    return apply("div", apply("eye_minus_inv", apply("div", X, s)), s)


def _p(value: float) -> float | str:
    return "inf" if value == math.inf else value


_ALL = (
    Definition(
        "norm2",
        "The Euclidean norm of a vector; another name of `norm`.",
        "norm2(x : R^n) : R",
        lambda apply, x: apply("norm", x),
        lambda cp, form, x: cp.norm2(x),
    ),
    Definition(
        "mixed_norm",
        "The q-norm of the p-norms of the rows of a matrix; p is 2 and q is 1 if not given.",
        "mixed_norm(X : R^(m,n), p, q) : R",
        _mixed_norm,
        lambda cp, form, x: cp.mixed_norm(x, _p(form.options.get("p", 2.0)), _p(form.options.get("q", 1.0))),
        option_names=("p", "q"),
    ),
    Definition(
        "variance",
        "The variance of all entries: the mean of the squares of their differences from the mean.",
        "variance(x) : R",
        _variance,
        lambda cp, form, x: cp.var(x),
    ),
    Definition(
        "std",
        "The standard deviation of all entries, the root of `variance`.",
        "std(x) : R",
        _deviation,
        lambda cp, form, x: cp.std(x),
    ),
    Definition(
        "ptp",
        "The greatest entry minus the least.",
        "ptp(x) : R",
        lambda apply, x: _less(apply, apply("max", x), apply("min", x)),
        lambda cp, form, x: cp.ptp(x),
    ),
    Definition(
        "scalene",
        "a*max(x, 0) + b*max(-x, 0) of each entry, for data a and b of at least 0: the pinball loss of quantiles.",
        "scalene(x, a, b), entry by entry",
        _scalene,
        lambda cp, form, x, a, b: cp.scalene(x, a, b),
        arity=(3, 3),
    ),
    Definition(
        "prod",
        "The product of all entries; `prod(e for i in n)` runs over an index.",
        "prod(x) : R",
        _prod,
        lambda cp, form, x: cp.prod(x),
    ),
    Definition(
        "cross",
        "The cross product of two vectors of three entries; affine in each of them.",
        "cross(x : R^3, y : R^3) : R^3",
        _cross,
        None,
        arity=(2, 2),
    ),
    Definition(
        "det",
        "The determinant of a square matrix of a size up to 4 that is a number. Beside `orthonormal`, where it is 1 or "
        "-1, `det(R) >= 0` says that R is a rotation; `det(R) == 1` would say part of it twice.",
        "det(X : R^(3,3)) : R",
        _det,
        None,
    ),
    Definition(
        "gmatmul",
        "Products of powers of positive entries, x[0]^A[i,0]*x[1]^A[i,1]*... for each row i of data A.",
        "gmatmul(A : R^(m,n), x : R^n) : R^m",
        _powers,
        lambda cp, form, A, x: cp.gmatmul(A, x),
        arity=(2, 2),
    ),
    Definition(
        "diff_pos",
        "x - y of each pair of entries, for x > y > 0: the difference that geometric programs know.",
        "diff_pos(x, y), entry by entry",
        _difference,
        lambda cp, form, x, y: cp.diff_pos(x, y),
        arity=(2, 2),
    ),
    Definition(
        "resolvent",
        "(s*I - X)^-1 of a matrix of positive entries, for a scalar s above its spectral radius.",
        "resolvent(X : R^(n,n), s : R) : R^(n,n)",
        _resolvent,
        lambda cp, form, X, s: cp.resolvent(X, s),
        arity=(2, 2),
    ),
    Definition(
        "inv_prod",
        "1/(x[0]*x[1]*...) of the entries of a positive array.",
        "inv_prod(x) : R",
        lambda apply, x: apply("exp", apply("neg", apply("sum", apply("log", x)))),
        lambda cp, form, x: cp.inv_prod(x),
    ),
    Definition(
        "perspective",
        "t*e(x/t) of an expression e of the variables x, for t > 0: convex in x and t where e is convex in x.",
        "perspective(e, t : R)",
        perspective,
        None,
        arity=(2, 2),
    ),
    Definition(
        "lambda_sum_smallest",
        "The sum of the k least eigenvalues of a symmetric matrix.",
        "lambda_sum_smallest(X : S^n, k) : R",
        _least_eigenvalues,
        lambda cp, form, x: cp.lambda_sum_smallest(x, int(form.options["k"])),
        option_names=("k",),
    ),
)
DEFINITIONS = {definition.name: definition for definition in _ALL}
